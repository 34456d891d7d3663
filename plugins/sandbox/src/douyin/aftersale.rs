//! After-sale cases: list, detail, operate, reasons, addresses; what buyers do with them; and the step the platform makes
//! when somebody's time is over.

use super::calls::{Answer, Call, DyError, Route, error, invalid, refused};
use super::{Order, people};
use crate::clock::Now;
use crate::state::{LIMIT, State, id_of, int_of, text_of};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    ("/afterSale/List", true, list),
    ("/afterSale/Detail", true, detail),
    ("/afterSale/operate", true, operate),
    ("/afterSale/rejectReasonCodeList", true, reasons),
    ("/address/list", true, addresses),
];

const CASE_IDS: u64 = 146_500_000_000_000_000;
/// How many cases one call may work on.
const MOST_ITEMS: usize = 20;

/// Waits for the merchant, for the buyer, for the merchant again.
const ASKED: i64 = 6;
const TO_RETURN: i64 = 7;
const TO_SHIP_NEW: i64 = 8;
const RETURNED: i64 = 11;
const DONE: i64 = 12;
const NEW_ON_THE_WAY: i64 = 13;
const EXCHANGED: i64 = 14;
const REFUSED: i64 = 27;
const FAILED: i64 = 28;
const REFUSED_AGAIN: i64 = 29;

#[derive(Clone, Serialize, Deserialize)]
pub struct Case {
    pub case_id: u64,
    pub shop_id: u64,
    pub order_id: u64,
    pub sku_order_id: u64,
    pub count: i64,
    /// 0 return and refund, 1 refund of what was sent, 2 refund of what was not, 3 exchange.
    pub kind: i64,
    pub status: i64,
    /// 0 none, 1 waiting, 3 done.
    pub refund_status: i64,
    pub amount: i64,
    pub reason: String,
    pub remark: String,
    pub apply_time: u64,
    pub update_time: u64,
    pub deadline: u64,
    pub tracking_no: String,
    pub arbitrate_status: i64,
}

/// Code, words, whether pictures are asked for.
const REASONS: &[(i64, &str, &str)] = &[
    (1, "已与买家协商一致", "N"),
    (2, "商品已发出，请收货后处理", "N"),
    (3, "退回商品影响二次销售", "N"),
    (4, "买家寄回的不是本店商品", "Y"),
];

const ADDRESSES: &[(u64, &str)] = &[(70_001, "退货仓1号门"), (70_002, "门店二楼")];

fn case<'a>(call: &'a mut Call<'_>, id: Option<u64>) -> Result<&'a mut Case, DyError> {
    let shop = call.shop_id;
    let found = id.and_then(|id| call.state.douyin.cases.get_mut(&id)).filter(|case| case.shop_id == shop);
    found.ok_or_else(|| error(20_000, "isp.service-error:10000", "存在无效的售后单"))
}

fn list(call: &mut Call<'_>) -> Answer {
    let (page, size) = (call.int("page").unwrap_or(0), call.int("size").unwrap_or(10));
    if page < 0 || !(1..=100).contains(&size) {
        return Err(invalid("page或size取值不正确"));
    }
    let within = |at: u64, from: &str, to: &str| {
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        call.int(from).is_none_or(|from| from == 0 || at >= from)
            && call.int(to).is_none_or(|to| to == 0 || at <= to)
    };
    let order = call.text("order_id");
    let shop = call.shop_id;
    let mut found: Vec<&Case> = call
        .state
        .douyin
        .cases
        .values()
        .filter(|case| case.shop_id == shop)
        .filter(|case| order.is_empty() || case.order_id.to_string() == order)
        .filter(|case| within(case.apply_time, "start_time", "end_time"))
        .filter(|case| within(case.update_time, "update_start_time", "update_end_time"))
        .collect();
    let order_by = call.params.get("order_by").and_then(Value::as_array).cloned().unwrap_or_default();
    let by_update = order_by.iter().any(|one| text_of(Some(one)).starts_with("update_time"));
    let rising = order_by.iter().any(|one| text_of(Some(one)).ends_with("asc"));
    found.sort_by_key(|case| (if by_update { case.update_time } else { case.apply_time }, case.case_id));
    if !rising {
        found.reverse();
    }
    let (skip, take) = (usize::try_from(page * size).unwrap_or(0), usize::try_from(size).unwrap_or(0));
    let rows: Vec<Value> = found
        .iter()
        .skip(skip)
        .take(take)
        .map(|case| {
            json!({
                "aftersale_info": {
                    "aftersale_id": case.case_id.to_string(), "aftersale_order_type": 1, "aftersale_type": case.kind,
                    "aftersale_status": case.status, "related_id": case.sku_order_id.to_string(),
                    "apply_time": case.apply_time, "update_time": case.update_time,
                    "status_deadline": case.deadline, "refund_amount": case.amount, "refund_post_amount": 0,
                    "aftersale_num": case.count, "arbitrate_status": case.arbitrate_status,
                    "refund_status": case.refund_status,
                },
                "order_info": {"shop_order_id": case.order_id.to_string()},
            })
        })
        .collect();
    let more = skip + rows.len() < found.len();
    Ok(json!({"items": rows, "has_more": more, "total": found.len(), "page": page, "size": size}))
}

fn detail(call: &mut Call<'_>) -> Answer {
    let id = call.id("after_sale_id")?;
    let case = case(call, Some(id))?.clone();
    let order = call.state.douyin.orders.get(&case.order_id).ok_or_else(|| refused("订单不存在"))?;
    let skus: Vec<Value> = order
        .lines
        .iter()
        .filter(|line| line.sku_order_id == case.sku_order_id)
        .map(|line| {
            json!({"sku_order_id": line.sku_order_id, "product_id": line.product_id, "sku_id": line.sku_id,
                "product_name": line.title, "shop_sku_code": line.code, "item_quantity": line.count,
                "sku_pay_amount": line.price * line.count, "after_sale_item_count": case.count})
        })
        .collect();
    let returned = if case.tracking_no.is_empty() {
        Value::Null
    } else {
        json!({"tracking_no": case.tracking_no, "company_name": "顺丰快递", "company_code": "shunfeng"})
    };
    Ok(json!({
        "order_info": {"shop_order_id": case.order_id, "sku_order_infos": skus},
        "process_info": {
            "after_sale_info": {
                "after_sale_id": case.case_id, "after_sale_status": case.status, "refund_status": case.refund_status,
                "refund_total_amount": case.amount, "refund_post_amount": 0, "apply_time": case.apply_time,
                "update_time": case.update_time, "reason": case.reason, "reason_remark": case.remark,
                "after_sale_type": case.kind, "status_deadline": case.deadline,
                "after_sale_apply_count": case.count,
            },
            "arbitrate_info": {"arbitrate_id": if case.arbitrate_status == 0 { 0 } else { case.case_id },
                "arbitrate_status": case.arbitrate_status},
            "logistics_info": {"return": returned},
        },
    }))
}

/// Where an operation leads from a state; the tag that is pushed.
fn step(kind: i64, status: i64, operation: i64) -> Option<(i64, &'static str)> {
    Some(match (kind, status, operation) {
        (0, ASKED, 101) => (TO_RETURN, "202"),
        (3, ASKED, 301) => (TO_RETURN, "202"),
        (0, ASKED, 102) | (3, ASKED, 302) => (REFUSED, "204"),
        (0, RETURNED, 111) => (DONE, "206"),
        (3, RETURNED, 311) => (NEW_ON_THE_WAY, "211"),
        (0, RETURNED, 112) | (3, RETURNED, 312) => (REFUSED_AGAIN, "205"),
        (1 | 2, ASKED, 201) => (DONE, "206"),
        (1 | 2, ASKED, 202) => (REFUSED, "204"),
        _ => return None,
    })
}

fn operate(call: &mut Call<'_>) -> Answer {
    let operation = call.int("type").ok_or_else(|| invalid("type不能为空"))?;
    let items = call.params.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    if items.is_empty() || items.len() > MOST_ITEMS {
        return Err(invalid("items需要1到20条"));
    }
    let mut wanted = Vec::new();
    // One that fails makes the whole call fail.
    for item in &items {
        let id = id_of(item.get("aftersale_id"));
        let case = case(call, id)?;
        let seen = int_of(item.get("update_time")).filter(|at| *at > 0);
        if seen.is_some_and(|seen| u64::try_from(seen).ok() != Some(case.update_time)) {
            return Err(refused("售后单已变更，请刷新后重试"));
        }
        let (next, tag) = step(case.kind, case.status, operation)
            .ok_or_else(|| error(50_002, "isv.business-failed:20309541", "售后状态错误"))?;
        let logistics = item.get("logistics");
        let address = logistics.and_then(|one| id_of(one.get("receiver_address_id")));
        if matches!(operation, 101 | 301) && !ADDRESSES.iter().any(|(known, _)| Some(*known) == address) {
            return Err(invalid("收件地址id不正确"));
        }
        let parcel = logistics.map(|one| text_of(one.get("logistics_code"))).unwrap_or_default();
        if operation == 311 && parcel.is_empty() {
            return Err(invalid("物流单号不能为空"));
        }
        if operation % 10 == 2 {
            let code = int_of(item.get("reject_reason_code"));
            let known = REASONS.iter().find(|(known, ..)| Some(*known) == code);
            let (.., evidence) = known.ok_or_else(|| invalid("reject_reason_code不正确"))?;
            if text_of(item.get("reason")).is_empty() || text_of(item.get("remark")).is_empty() {
                return Err(invalid("拒绝原因和备注不能为空"));
            }
            if *evidence == "Y" && item.get("evidence").is_none() {
                return Err(invalid("请上传凭证"));
            }
        }
        wanted.push((case.case_id, next, tag));
    }
    let now = call.now;
    let mut rows = Vec::new();
    for (id, next, tag) in wanted {
        change(call.state, now, id, next, tag);
        rows.push(json!({"aftersale_id": id, "status_code": 0, "status_msg": ""}));
    }
    Ok(json!({"items": rows}))
}

fn reasons(call: &mut Call<'_>) -> Answer {
    let id = id_of(call.params.get("aftersale_id"));
    // What was decided already has nothing to choose from.
    let open = id.is_none_or(|id| {
        call.state.douyin.cases.get(&id).is_some_and(|case| matches!(case.status, ASKED | RETURNED))
    });
    let rows: Vec<Value> = REASONS
        .iter()
        .filter(|_| open)
        .map(|(code, words, evidence)| {
            json!({"reject_reason_code": code, "reason": words, "evidence_need": evidence,
                "evidence_description": "", "image": "", "order_type": 0, "pkg": 0})
        })
        .collect();
    Ok(json!({"items": rows}))
}

fn addresses(_call: &mut Call<'_>) -> Answer {
    let rows: Vec<Value> = ADDRESSES
        .iter()
        .enumerate()
        .map(|(at, (id, detail))| {
            json!({"address_id": id, "receiver_name": "售后", "mobile": "13800000000",
                "province": {"id": 33, "name": "浙江省"}, "city": {"id": 3301, "name": "杭州市"},
                "town": {"id": 330106, "name": "西湖区"}, "street": {"id": 330106109, "name": "转塘街道"},
                "detail": detail, "is_default": i32::from(at == 0)})
        })
        .collect();
    Ok(json!({"total": rows.len(), "page_no": 1, "page_size": 50, "address_list": rows}))
}

/// Moves a case on, settles the order's line with it, and tells the shop.
fn change(state: &mut State, now: Now, id: u64, status: i64, tag: &str) {
    let pause = state.settings.aftersale_seconds;
    let Some(case) = state.douyin.cases.get_mut(&id) else { return };
    case.status = status;
    // Its clock counts seconds; two changes within one still differ, since the time is the version of the case.
    case.update_time = now.seconds().max(case.update_time + 1);
    case.deadline = match status {
        ASKED | TO_RETURN | RETURNED | TO_SHIP_NEW | NEW_ON_THE_WAY => now.seconds() + pause,
        _ => 0,
    };
    if status == DONE {
        case.refund_status = 3;
    }
    let case = case.clone();
    let mut all_back = None;
    if let Some(order) = state.douyin.orders.get_mut(&case.order_id) {
        for line in order.lines.iter_mut().filter(|line| line.sku_order_id == case.sku_order_id) {
            // The order tells the state of a line, which counts whole lines: a part that went back leaves it open.
            let whole = case.count >= line.count;
            line.after_sale_type = case.kind;
            line.after_sale_status = match status {
                DONE if !whole => 0,
                EXCHANGED => 0,
                other => other,
            };
        }
        order.update_time = now.seconds();
        let back = status == DONE && order.lines.iter().all(|line| line.after_sale_status == DONE);
        if back {
            order.main_status = match order.status {
                3 | 101 => 22,
                5 => 39,
                _ => 21,
            };
            if order.status == 2 {
                order.status = 4;
            }
            all_back = Some(order.clone());
        }
    }
    state.douyin_case_pushed(now, id, tag);
    if let Some(order) = all_back {
        if order.main_status == 21 {
            people::give_stock_back(state, &order.lines);
        }
        state.douyin_order_pushed(now, order.order_id, "106");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCase {
    /// `refund`, `return` or `exchange`.
    pub kind: String,
    /// The line; the first one when left out.
    #[serde(default)]
    pub sku_order_id: Option<u64>,
    #[serde(default)]
    pub count: Option<i64>,
    #[serde(default)]
    pub amount: Option<i64>,
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub remark: String,
}

fn refunded(state: &State, order: &Order, line: u64) -> (i64, i64) {
    let of = state.douyin.cases.values().filter(|case| {
        case.order_id == order.order_id
            && case.sku_order_id == line
            && !matches!(case.status, FAILED | REFUSED | REFUSED_AGAIN | EXCHANGED)
    });
    of.fold((0, 0), |(count, amount), case| (count + case.count, amount + case.amount))
}

/// The buyer asks.
pub fn ask(state: &mut State, now: Now, order_id: u64, new: NewCase) -> Result<u64, String> {
    if state.douyin.cases.len() >= LIMIT {
        return Err("too many cases; reset the sandbox".into());
    }
    let order = state.douyin.orders.get(&order_id).ok_or("no such order")?;
    if !matches!(order.status, 2 | 3 | 5 | 101) {
        return Err(format!("the order's status {} does not allow this", order.status));
    }
    let wanted = |line: &&super::Line| new.sku_order_id.is_none_or(|id| id == line.sku_order_id);
    let line = order.lines.iter().find(wanted).ok_or("no such line")?;
    let kind = match (new.kind.as_str(), order.status) {
        ("refund", 2) => 2,
        ("refund", _) => 1,
        ("return", 3 | 5 | 101) => 0,
        ("exchange", 3 | 5 | 101) => 3,
        _ => return Err("kind must be refund, or return or exchange of what was sent".into()),
    };
    let (taken, _) = refunded(state, order, line.sku_order_id);
    let count = new.count.unwrap_or(line.count - taken);
    if count < 1 || count > line.count - taken {
        return Err("count is more than what is left of the line".into());
    }
    let most = line.price * count;
    let amount = if kind == 3 { 0 } else { new.amount.unwrap_or(most) };
    if kind != 3 && !(1..=line.price * line.count).contains(&amount) {
        return Err("amount is more than the line".into());
    }
    let (shop_id, sku_order_id) = (order.shop_id, line.sku_order_id);
    let case_id = state.new_id(CASE_IDS);
    let text = |text: &str, other: &str| {
        if text.is_empty() { other.to_owned() } else { text.chars().take(200).collect() }
    };
    let case = Case {
        case_id,
        shop_id,
        order_id,
        sku_order_id,
        count,
        kind,
        status: ASKED,
        refund_status: 0,
        amount,
        reason: text(&new.reason, "多拍/拍错/不想要"),
        remark: text(&new.remark, ""),
        apply_time: now.seconds(),
        update_time: now.seconds() - 1,
        deadline: 0,
        tracking_no: String::new(),
        arbitrate_status: 0,
    };
    state.douyin.cases.insert(case_id, case);
    change(state, now, case_id, ASKED, "200");
    Ok(case_id)
}

/// `cancel`, `return` (the goods leave), `receive` (the new goods came); `complain` after a refusal, then
/// `side_with_buyer` or `side_with_merchant`; `expire` ends the time of whoever has to act.
pub fn act(state: &mut State, now: Now, id: u64, action: &str) -> Result<(), String> {
    let case = state.douyin.cases.get_mut(&id).ok_or("no such case")?;
    let (next, tag) = match (action, case.status) {
        ("cancel", ASKED | TO_RETURN) => (FAILED, "207"),
        ("return", TO_RETURN) => {
            case.tracking_no = format!("SF{}", case.case_id % 1_000_000_000_000);
            (RETURNED, "203")
        }
        ("receive", NEW_ON_THE_WAY) => (EXCHANGED, "208"),
        ("complain", REFUSED | REFUSED_AGAIN) if case.arbitrate_status == 0 => {
            case.arbitrate_status = 4;
            case.update_time = now.seconds().max(case.update_time + 1);
            state.douyin_case_pushed(now, id, "212");
            return Ok(());
        }
        ("side_with_buyer", REFUSED | REFUSED_AGAIN) if case.arbitrate_status == 4 => {
            case.arbitrate_status = 2;
            (DONE, "213")
        }
        ("side_with_merchant", REFUSED | REFUSED_AGAIN) if case.arbitrate_status == 4 => {
            case.arbitrate_status = 3;
            case.update_time = now.seconds().max(case.update_time + 1);
            state.douyin_case_pushed(now, id, "213");
            return Ok(());
        }
        ("expire", _) if case.deadline > 0 => {
            case.deadline = 1;
            let_time_pass(state, now);
            return Ok(());
        }
        (action, status) => return Err(format!("{action} is not possible in status {status}")),
    };
    change(state, now, id, next, tag);
    Ok(())
}

/// The side that let its time pass has its step done for it.
pub fn let_time_pass(state: &mut State, now: Now) -> bool {
    let late: Vec<(u64, i64, i64)> = state
        .douyin
        .cases
        .values()
        .filter(|case| case.deadline > 0 && case.deadline <= now.seconds())
        .map(|case| (case.case_id, case.kind, case.status))
        .collect();
    for (id, kind, status) in &late {
        let (next, tag) = match (kind, status) {
            (1 | 2, &ASKED) | (0, &RETURNED) => (DONE, "206"),
            (_, &ASKED) => (TO_RETURN, "202"),
            (_, &NEW_ON_THE_WAY) => (EXCHANGED, "208"),
            _ => (FAILED, "207"),
        };
        change(state, now, *id, next, tag);
    }
    !late.is_empty()
}
