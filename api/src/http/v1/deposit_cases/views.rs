//! Cases as they are told outside.

use crate::app::money::deposit_cases_read::CaseDetail;
use crate::http::wire::{Id, Money, Time};
use qianpu_domain::ids::{
    AftersaleId, DepositCaseId, DepositDeductionId, DepositId, MediaId, OrderId, ShopId, TenantId,
};
use qianpu_tenants::store::deposit_case::{DepositCase, Said};
use qianpu_tenants::store::deposit_case_part::{CaseFile, Deduction};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DepositCaseView {
    #[schema(value_type = String)]
    id: Id<DepositCaseId>,
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    #[schema(value_type = String)]
    deposit_id: Id<DepositId>,
    #[schema(value_type = String)]
    shop_id: Id<ShopId>,
    /// Not with the answers of commands.
    shop_name: Option<String>,
    #[schema(value_type = Option<String>)]
    order_id: Option<Id<OrderId>>,
    #[schema(value_type = Option<String>)]
    aftersale_id: Option<Id<AftersaleId>>,
    violation: &'static str,
    /// `open`, `appealed`, `decided` or `closed`.
    state: &'static str,
    facts: String,
    opened_by: String,
    opened_at: Time,
    money: DepositCaseMoneyView,
    /// Until when the merchant may appeal.
    appeal_until: Time,
    /// The rule of kind `deposit_appeal` that says so.
    appeal_rule_id: String,
    appeal: Option<DepositCaseWordsView>,
    /// `upheld` or `dismissed`.
    verdict: Option<&'static str>,
    reasons: Option<DepositCaseWordsView>,
    closed_at: Option<Time>,
    /// To be sent back with the next step.
    version: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct DepositCaseMoneyView {
    /// What was to be frozen.
    asked: Money,
    /// What was there to be frozen.
    frozen: Money,
    /// What was deducted of it.
    deducted: Money,
    /// What was released of it.
    released: Money,
    /// What is frozen still.
    left: Money,
    /// What could not be frozen and was not claimed.
    short: Money,
    /// What was deducted beyond it, as a claim against the merchant.
    claimed: Money,
}

#[derive(Debug, Serialize, ToSchema)]
struct DepositCaseWordsView {
    words: String,
    by: String,
    at: Time,
}

impl From<Said> for DepositCaseWordsView {
    fn from(said: Said) -> Self {
        Self { words: said.words, by: said.by, at: Time(said.at) }
    }
}

impl DepositCaseView {
    pub(super) fn of(case: DepositCase, shop_name: Option<String>) -> Self {
        let (verdict, reasons) = case.verdict.unzip();
        let money = case.money;
        Self {
            id: Id(case.id),
            merchant_id: Id(case.merchant),
            deposit_id: Id(case.deposit),
            shop_id: Id(case.shop),
            shop_name,
            order_id: case.order.map(Id),
            aftersale_id: case.aftersale.map(Id),
            violation: case.violation.as_str(),
            state: case.state.as_str(),
            facts: case.facts,
            opened_by: case.opened_by,
            opened_at: Time(case.opened_at),
            money: DepositCaseMoneyView {
                asked: money.asked.into(),
                frozen: money.frozen.into(),
                deducted: money.deducted.into(),
                released: money.released.into(),
                left: money.left().into(),
                short: money.short().into(),
                claimed: money.claimed.into(),
            },
            appeal_until: Time(case.appeal_until),
            appeal_rule_id: case.appeal_rule,
            appeal: case.appeal.map(Into::into),
            verdict: verdict.map(|verdict| verdict.as_str()),
            reasons: reasons.map(Into::into),
            closed_at: case.closed_at.map(Time),
            version: case.version,
        }
    }
}

/// A case with its deductions and its evidence.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DepositCaseDetailView {
    #[serde(flatten)]
    case: DepositCaseView,
    deductions: Vec<DepositDeductionView>,
    files: Vec<DepositCaseFileView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct DepositDeductionView {
    #[schema(value_type = String)]
    id: Id<DepositDeductionId>,
    /// `provider` or `buyer`.
    deducted_for: &'static str,
    amount: Money,
    /// What of it is a claim against the merchant.
    claimed: Money,
    reason: String,
    by: String,
    at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
struct DepositCaseFileView {
    #[schema(value_type = String)]
    media_id: Id<MediaId>,
    /// `provider` or `merchant`.
    side: &'static str,
    by: String,
    at: Time,
}

impl From<Deduction> for DepositDeductionView {
    fn from(row: Deduction) -> Self {
        Self {
            id: Id(row.id),
            deducted_for: row.to.as_str(),
            amount: row.amount.into(),
            claimed: row.claimed.into(),
            reason: row.reason,
            by: row.by,
            at: Time(row.at),
        }
    }
}

impl From<CaseFile> for DepositCaseFileView {
    fn from(file: CaseFile) -> Self {
        Self { media_id: Id(file.media), side: file.side.as_str(), by: file.by, at: Time(file.at) }
    }
}

impl From<CaseDetail> for DepositCaseDetailView {
    fn from(detail: CaseDetail) -> Self {
        Self {
            case: DepositCaseView::of(detail.standing.case, Some(detail.standing.shop_name)),
            deductions: detail.deductions.into_iter().map(Into::into).collect(),
            files: detail.files.into_iter().map(Into::into).collect(),
        }
    }
}
