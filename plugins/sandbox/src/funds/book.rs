//! What moved a store's money, told from its orders, cases and withdrawals.

use crate::aftersale;
use crate::state::{Order, State};
use crate::store_order::{DONE, PART_SHIPPED, SHIPPED, TO_SHIP};
use serde_json::{Value, json};

/// A movement.
pub struct Flow {
    pub id: String,
    pub at: u64,
    pub kind: i64,
    pub income: bool,
    pub amount: i64,
    pub balance: i64,
    pub related: Value,
    pub transaction_id: String,
    pub remark: &'static str,
}

fn refunds<'a>(state: &'a State, order: &'a Order) -> impl Iterator<Item = &'a crate::state::AfterSale> {
    order
        .aftersale_ids
        .iter()
        .filter_map(|id| state.aftersales.get(id))
        .filter(|sale| aftersale::REFUNDED_STATES.contains(&sale.status.as_str()))
}

/// The movements of a store, the newest first.
pub fn flows(state: &State, appid: &str) -> Vec<Flow> {
    let mut found = Vec::new();
    let mut add = |id: String, at: u64, kind: i64, income: bool, amount: i64, related: Value, remark| {
        found.push(Flow {
            id,
            at,
            kind,
            income,
            amount,
            balance: 0,
            transaction_id: String::new(),
            related,
            remark,
        });
    };
    for order in state.orders.values().filter(|order| order.appid == appid) {
        let Some(settled) = order.settle_time else { continue };
        let number = order.order_id.to_string();
        let of = json!({"related_type": 1, "order_id": number, "transaction_id": order.transaction_id});
        add(format!("1{number}"), settled, 1, true, order.total(), of, "订单结算");
        for sale in refunds(state, order) {
            let of =
                json!({"related_type": 2, "order_id": number, "aftersale_id": sale.aftersale_id.to_string()});
            let at = sale.update_time.max(settled);
            add(format!("3{}", sale.aftersale_id), at, 3, false, sale.amount, of, "售后退款");
        }
    }
    let Some(account) = state.accounts.get(appid) else { return found };
    for (index, (amount, at)) in account.funds.shares.iter().enumerate() {
        add(format!("9{index}"), *at, 99, true, *amount, json!({}), "分账");
    }
    for one in &account.funds.withdrawals {
        let of = json!({"related_type": 3, "withdraw_id": one.id.to_string()});
        if let Some(left) = one.left {
            add(format!("4{}", one.id), left, 4, false, one.amount, of.clone(), "提现");
        }
        if let Some(back) = one.back {
            add(format!("5{}", one.id), back, 5, true, one.amount, of, "提现失败退票");
        }
    }
    balanced(&mut found);
    found.reverse();
    found
}

/// Puts movements into the order they were booked in and tells the balance after each. Within a second what came in is
/// booked before what left: nothing leaves that is not there.
fn balanced(found: &mut [Flow]) {
    found.sort_by(|one, other| (one.at, !one.income, &one.id).cmp(&(other.at, !other.income, &other.id)));
    let mut balance = 0;
    for flow in found {
        balance += if flow.income { flow.amount } else { -flow.amount };
        flow.balance = balance;
        flow.transaction_id = flow.related["transaction_id"].as_str().unwrap_or_default().to_owned();
    }
}

/// What can be taken out.
pub fn available(state: &State, appid: &str) -> i64 {
    flows(state, appid).first().map_or(0, |flow| flow.balance)
}

/// What paid orders bring when they are settled.
pub fn pending(state: &State, appid: &str) -> i64 {
    let waits = |order: &&Order| {
        order.appid == appid
            && order.settle_time.is_none()
            && [TO_SHIP, PART_SHIPPED, SHIPPED, DONE].contains(&order.status)
    };
    let left = |order: &Order| order.total() - refunds(state, order).map(|sale| sale.amount).sum::<i64>();
    state.orders.values().filter(waits).map(left).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_before_it_came_in() {
        let flow = |id: &str, at, income, amount| Flow {
            id: id.to_owned(),
            at,
            kind: 0,
            income,
            amount,
            balance: 0,
            related: json!({}),
            transaction_id: String::new(),
            remark: "",
        };
        let mut found = [
            flow("41", 7, false, 1_200),
            flow("51", 9, true, 300),
            flow("42", 8, false, 300),
            flow("90", 7, true, 2_000),
        ];
        balanced(&mut found);
        let told: Vec<(&str, i64)> = found.iter().map(|flow| (flow.id.as_str(), flow.balance)).collect();
        assert_eq!(told, [("90", 2_000), ("41", 800), ("42", 500), ("51", 800)]);
    }
}
