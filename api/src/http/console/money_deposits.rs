//! The deposits of a merchant's shops, and the transfers it declares for them.

use super::apply::may_be_mended;
use super::money::merchants_only;
use super::money_bills::{ReceiptLine, declare, receipt_line};
use crate::app::money::deposits_read::{self, DepositDetail, DepositStanding};
use crate::app::money::notices::trial_over;
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Call, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::deposit::DepositState;
use qianpu_domain::ids::DepositId;
use qianpu_domain::money::Fen;
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::category::Category;
use qianpu_tenants::store::receipt::ReceiptFor;
use serde::Serialize;

const DEPOSITS: &str = "/console/merchant/money/deposits";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(DEPOSITS, deposits_page);
    pages.post("/console/merchant/money/deposits/{deposit_id}/top_up", top_up_form);
}

/// A deposit with its trial, as both consoles show it.
#[derive(Serialize)]
pub(super) struct DepositLine {
    id: String,
    merchant: String,
    /// For a provider.
    merchant_name: String,
    shop_name: String,
    state: &'static str,
    due: i64,
    rule: String,
    /// The category that asks for it.
    category: Option<String>,
    balance: i64,
    frozen: i64,
    withdrawable: i64,
    missing: i64,
    trial: TrialLine,
}

#[derive(Serialize)]
struct TrialLine {
    runs: bool,
    rule: String,
    began_at: i64,
    ends_at: i64,
    days: i64,
    days_used: i64,
    orders: i64,
    orders_used: i64,
    turnover: i64,
    turnover_used: i64,
    /// Which limit ended it, in words.
    over: Option<String>,
    ended_at: Option<i64>,
}

pub(super) fn deposit_line(
    call: &Call,
    standing: DepositStanding,
    tree: &[Category],
    merchant_name: String,
) -> DepositLine {
    const DAY: i64 = 86_400;
    let lang = call.info.lang;
    let DepositStanding { deposit, money, used, shop_name } = standing;
    let code = deposit.rule_id.strip_prefix("deposit/category/");
    let category = code.and_then(|code| tree.iter().find(|node| node.code == code));
    let trial = deposit.trial;
    let spent = used.unwrap_or_default();
    let now = call.state.clock().now();
    let catalogue = call.state.pages.catalogue();
    DepositLine {
        id: deposit.id.to_string(),
        merchant: deposit.merchant.to_string(),
        merchant_name,
        shop_name,
        state: deposit.state.as_str(),
        due: deposit.due.get(),
        category: category.map(|node| lang.pick(&node.name_zh, &node.name_en).to_owned()),
        rule: deposit.rule_id,
        balance: money.balance.get(),
        frozen: money.frozen.get(),
        withdrawable: money.withdrawable.get(),
        missing: money.missing.get(),
        trial: TrialLine {
            runs: deposit.state == DepositState::Trial,
            rule: deposit.trial_rule_id,
            began_at: deposit.opened_at.micros(),
            ends_at: trial.ends_at.micros(),
            days: trial.ends_at.since(deposit.opened_at).as_seconds() / DAY,
            days_used: now.since(deposit.opened_at).as_seconds() / DAY,
            orders: trial.orders,
            orders_used: spent.orders,
            turnover: trial.turnover.get(),
            turnover_used: spent.turnover.get(),
            over: deposit.trial_ended.map(|(limit, _)| trial_over(catalogue, lang, &trial, limit)),
            ended_at: deposit.trial_ended.map(|(_, at)| at.micros()),
        },
    }
}

#[derive(Serialize)]
struct DepositsView {
    deposits: Vec<DepositCard>,
    may_pay: bool,
}

/// A shop's deposit with a form of its own: what is refused for one shop is no concern of the others.
#[derive(Serialize)]
struct DepositCard {
    line: DepositLine,
    form: FormView,
    receipts: Vec<ReceiptLine>,
    /// A transfer may still be declared for it.
    open: bool,
}

fn card(call: &Call, detail: DepositDetail, tree: &[Category], refused: Option<FormView>) -> DepositCard {
    // What is declared already waits for the provider; nobody is to pay it twice.
    let waiting = detail.receipts.iter().filter(|receipt| receipt.state == "declared");
    let waiting = Fen::sum(waiting.map(|receipt| receipt.amount)).unwrap_or(Fen::ZERO);
    let open = detail.standing.money.missing.sub(waiting).ok().filter(|open| *open > Fen::ZERO);
    let suggested = open.map_or_else(String::new, |open| open.to_string());
    let blank = || FormView::filled([("amount", suggested), ("bank_reference", String::new())]);
    let state = detail.standing.deposit.state;
    DepositCard {
        open: matches!(state, DepositState::Trial | DepositState::Short | DepositState::Satisfied),
        line: deposit_line(call, detail.standing, tree, String::new()),
        form: refused.unwrap_or_else(blank),
        receipts: detail.receipts.into_iter().map(|row| receipt_line(row, "")).collect(),
    }
}

async fn deposits_view<P: Perm, T>(
    auth: &Authed<P, T>,
    mut refused: Option<(DepositId, FormView)>,
) -> Answer<DepositsView> {
    let grant = auth.caller.grant::<perm::BillingRead>()?;
    let details = deposits_read::list(&auth.state, &grant).await?;
    let tree = crate::app::categories::category_tree(&auth.state.db, &grant).await?;
    let deposits = details
        .into_iter()
        .map(|detail| {
            let own = refused.take_if(|(id, _)| *id == detail.standing.deposit.id);
            card(&auth.call, detail, &tree, own.map(|(_, form)| form))
        })
        .collect();
    // A form for a deposit that is not the merchant's.
    if refused.is_some() {
        return Err(ApiError::not_found());
    }
    Ok(DepositsView { deposits, may_pay: auth.caller.may(Permission::MoneyMove) })
}

async fn deposits_page(auth: Authed<perm::BillingRead>) -> PageAnswer {
    merchants_only(&auth)?;
    let view = deposits_view(&auth, None).await?;
    auth.page("money/deposits", view)
}

async fn top_up_form(auth: Authed<perm::MoneyMove, (Path<DepositId>, Fields)>) -> PageAnswer {
    merchants_only(&auth)?;
    let (Path(id), fields) = &auth.input;
    match declare(&auth.state, &auth.grant, fields, ReceiptFor::Deposit(*id)).await {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("money.declared"), &format!("{DEPOSITS}#{id}"))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = deposits_view(&auth, Some((*id, form))).await?;
            auth.refused_page("money/deposits", view)
        }
        Err(error) => Err(error),
    }
}
