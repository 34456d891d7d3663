//! `/channel_accounts/{id}/funds` and `/funds_withdrawals`: money of linked shops at their platforms.

use crate::app::channel_funds::{self as funds, FundsRow, WantedFlows, follow, withdraw};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, IdempotencyKey, Json, Path, Query};
use crate::http::idempotent::{Once, once};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, Time, page_request};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, FundsWithdrawalId};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{FlowKind, FundsFlow};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::funds_withdrawal::FundsWithdrawal;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let funds = "/channel_accounts/{channel_account_id}/funds";
    api.get(funds, get_channel_funds, "What a linked shop has at its platform, as it was read last");
    api.post(&format!("{funds}/read"), read_channel_funds, "Ask the platform what the shop has");
    api.get(&format!("{funds}/flows"), list_channel_funds_flows, "What moved the shop's money, newest first");
    let withdrawals = "/channel_accounts/{channel_account_id}/withdrawals";
    api.get(withdrawals, list_funds_withdrawals, "Withdrawals of a linked shop, newest first");
    api.post(
        withdrawals,
        ask_funds_withdrawal,
        "Ask for a withdrawal, once; it waits until an administrator of the shop scans its code",
    );
    let one = "/funds_withdrawals/{funds_withdrawal_id}";
    api.get(one, get_funds_withdrawal, "One withdrawal");
    api.post(&format!("{one}/look"), look_at_funds_withdrawal, "Ask the platform how a withdrawal is");
    api.get(
        &format!("{one}/code"),
        get_funds_withdrawal_code,
        "The picture of the code, while it can be scanned",
    );
}

#[derive(Debug, Serialize, ToSchema)]
struct ChannelFundsView {
    /// Null before the balance was read.
    available: Option<Money>,
    /// Of orders that are not settled yet.
    pending: Option<Money>,
    /// The shop's number at the payment service.
    sub_merchant: Option<String>,
    bank: Option<FundsBankView>,
    #[schema(value_type = Option<String>)]
    read_at: Option<Time>,
}

/// Where withdrawals go, masked.
#[derive(Debug, Serialize, ToSchema)]
struct FundsBankView {
    bank: String,
    holder: Option<String>,
    /// The last digits of the number.
    tail: Option<String>,
}

fn view(row: FundsRow) -> ChannelFundsView {
    let Some(funds) = row.funds else {
        return ChannelFundsView {
            available: None,
            pending: None,
            sub_merchant: None,
            bank: None,
            read_at: None,
        };
    };
    let (holder, tail) = (funds.bank_holder, funds.bank_tail);
    ChannelFundsView {
        available: Some(funds.available.into()),
        pending: Some(funds.pending.into()),
        sub_merchant: funds.sub_merchant,
        bank: funds.bank.map(|bank| FundsBankView { bank, holder, tail }),
        read_at: Some(Time(funds.read_at)),
    }
}

async fn get_channel_funds(
    auth: Authed<perm::FundsRead, Path<ChannelAccountId>>,
) -> Answer<Json<ChannelFundsView>> {
    Ok(Json(view(funds::get(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn read_channel_funds(
    auth: Authed<perm::FundsRead, Path<ChannelAccountId>>,
) -> Answer<Json<ChannelFundsView>> {
    Ok(Json(view(funds::read_back(&auth.state, &auth.grant, auth.input.0).await?)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct FlowListQuery {
    /// From this moment, RFC 3339; 30 days before the end unless said.
    from: Option<String>,
    /// Until this moment; now unless said. At most 93 days.
    to: Option<String>,
    /// `in` or `out`.
    direction: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct FundsFlowView {
    /// The platform's id.
    flow_id: String,
    /// `order_income`, `order_fee`, `refund`, `withdrawal`, `withdrawal_returned`, `guide_share`, `alliance_share`,
    /// `freight_insurance`, `alliance_platform_fee`, `alliance_commission`, `platform_commission`,
    /// `leader_commission`, `popularity_card`, `fast_refund_advance`, `fast_refund_repaid`, `sharing` or `unknown`.
    kind: &'static str,
    /// The platform's number of a kind that is not known.
    native_kind: Option<String>,
    /// `in` or `out`.
    direction: &'static str,
    amount: Money,
    /// What there was afterwards.
    balance: Option<Money>,
    #[schema(value_type = Option<String>)]
    booked_at: Option<Time>,
    /// The platform's id of the order.
    external_order_id: Option<String>,
    /// The platform's id of the after-sale case.
    external_case_id: Option<String>,
    /// The platform's id of the withdrawal.
    external_withdrawal_id: Option<String>,
    remark: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct FundsFlowsView {
    items: Vec<FundsFlowView>,
    next_cursor: Option<String>,
}

fn flow(one: FundsFlow) -> FundsFlowView {
    FundsFlowView {
        kind: one.kind.as_str(),
        native_kind: match one.kind {
            FlowKind::Unknown(number) => Some(number),
            _ => None,
        },
        flow_id: one.flow_id,
        direction: if one.income { "in" } else { "out" },
        amount: one.amount.into(),
        balance: one.balance.map(Into::into),
        booked_at: one.booked_at.map(Time),
        external_order_id: one.order_id,
        external_case_id: one.case_id,
        external_withdrawal_id: one.withdrawal_id,
        remark: one.remark,
    }
}

fn moment(field: &'static str, text: Option<&String>) -> Answer<Option<Timestamp>> {
    let Some(text) = text else { return Ok(None) };
    let read = text.parse::<jiff::Timestamp>().ok().map(|at| Timestamp::from_micros(at.as_microsecond()));
    read.map(Some).ok_or_else(|| {
        ApiError::field(FieldError::new(field, "invalid", "a moment in RFC 3339", "应为 RFC 3339 格式的时间"))
    })
}

pub(in crate::http) fn direction(text: Option<&str>) -> Answer<Option<bool>> {
    match text {
        None | Some("") => Ok(None),
        Some("in") => Ok(Some(true)),
        Some("out") => Ok(Some(false)),
        Some(_) => Err(FieldError::new("direction", "unknown", "in or out", "应为 in 或 out").into()),
    }
}

async fn list_channel_funds_flows(
    auth: Authed<perm::FundsRead, (Path<ChannelAccountId>, Query<FlowListQuery>)>,
) -> Answer<Json<FundsFlowsView>> {
    let (Path(id), Query(query)) = &auth.input;
    let wanted = WantedFlows {
        from: moment("from", query.from.as_ref())?,
        to: moment("to", query.to.as_ref())?,
        income: direction(query.direction.as_deref())?,
        cursor: query.cursor.clone(),
    };
    let found = funds::flows(&auth.state, &auth.grant, *id, wanted).await?;
    Ok(Json(FundsFlowsView {
        items: found.items.into_iter().map(flow).collect(),
        next_cursor: found.next_cursor,
    }))
}

#[derive(Debug, Serialize, ToSchema)]
struct FundsWithdrawalView {
    #[schema(value_type = String)]
    id: Id<FundsWithdrawalId>,
    #[schema(value_type = String)]
    channel_account_id: Id<ChannelAccountId>,
    amount: Money,
    /// `asking`, `waiting` for the code, `accepted`, `paid`, `failed`, `returned`, `closed`, `refused`, or `not_made`: the
    /// platform never got it.
    state: &'static str,
    /// The platform's raw state.
    native_state: String,
    /// How far the code is: `fresh`, `scanned`, `confirmed`, `cancelled`, `expired`, `unknown`.
    code_state: Option<&'static str>,
    /// Who scanned it: `administrator`, `second_administrator`, `other`.
    scanned_by: Option<String>,
    /// What the platform says against the scan.
    problem: Option<String>,
    /// The platform's id.
    external_id: Option<String>,
    note: String,
    bank_memo: String,
    bank: Option<String>,
    bank_tail: Option<String>,
    /// Why it failed or was refused; `account_unusable:` and the account's state when it could not be
    /// told.
    reason: Option<String>,
    /// Null for one that was asked for at the platform itself.
    asked_by: Option<String>,
    #[schema(value_type = String)]
    created_at: Time,
    #[schema(value_type = String)]
    updated_at: Time,
}

impl From<FundsWithdrawal> for FundsWithdrawalView {
    fn from(one: FundsWithdrawal) -> Self {
        Self {
            id: Id(one.id),
            channel_account_id: Id(one.account),
            amount: one.amount.into(),
            state: one.state.as_str(),
            native_state: one.native_state,
            code_state: one.code.map(|code| code.as_str()),
            scanned_by: one.scanned_by,
            problem: one.problem,
            external_id: one.external_id,
            note: one.note,
            bank_memo: one.bank_memo,
            bank: one.bank,
            bank_tail: one.bank_tail,
            reason: one.reason,
            asked_by: one.asked_by,
            created_at: Time(one.created_at),
            updated_at: Time(one.updated_at),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct WithdrawalListQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_funds_withdrawals(
    auth: Authed<perm::FundsRead, (Path<ChannelAccountId>, Query<WithdrawalListQuery>)>,
) -> Answer<Json<Page<FundsWithdrawalView>>> {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = funds::withdrawals(&auth.state, &auth.grant, *id, page).await?;
    Ok(Json(Page::of(found, FundsWithdrawalView::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskWithdrawalBody {
    amount: Money,
    /// For yourselves; up to 200 characters.
    #[serde(default)]
    note: String,
    /// What stands on the bank's statement; up to 32 characters.
    #[serde(default)]
    bank_memo: String,
}

async fn ask_funds_withdrawal(
    auth: Authed<perm::FundsWithdraw, (Path<ChannelAccountId>, IdempotencyKey, Json<AskWithdrawalBody>)>,
) -> Answer<Once<FundsWithdrawalView, 201>> {
    let Authed { call, grant, input: (Path(id), key, Json(body)), .. } = auth;
    let typed = withdraw::AskWithdrawal {
        amount: body.amount.fen("amount")?,
        note: body.note,
        bank_memo: body.bank_memo,
    };
    once(&call, &grant, &key, async |tx| {
        Ok(FundsWithdrawalView::from(withdraw::ask(tx, &grant, id, &typed).await?))
    })
    .await
}

async fn get_funds_withdrawal(
    auth: Authed<perm::FundsRead, Path<FundsWithdrawalId>>,
) -> Answer<Json<FundsWithdrawalView>> {
    Ok(Json(funds::withdrawal(&auth.state, &auth.grant, auth.input.0).await?.1.into()))
}

async fn look_at_funds_withdrawal(
    auth: Authed<perm::FundsRead, Path<FundsWithdrawalId>>,
) -> Answer<Json<FundsWithdrawalView>> {
    Ok(Json(follow::look_now(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

#[derive(Debug, Serialize, ToSchema)]
struct FundsCodeView {
    /// The picture in base64, as the platform gives it.
    picture_base64: String,
}

async fn get_funds_withdrawal_code(
    auth: Authed<perm::FundsWithdraw, Path<FundsWithdrawalId>>,
) -> Answer<Json<FundsCodeView>> {
    let picture_base64 = withdraw::code(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Json(FundsCodeView { picture_base64 }))
}
