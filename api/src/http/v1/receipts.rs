//! `/receipts`: bank transfers that merchants declare and the provider confirms or refuses, or confirmed by mistake.

use crate::app::money::receipt_reversal::reverse_in;
use crate::app::money::receipts::{self, DeclareReceipt, confirm_in, declare_in, on_merchant, refuse_in};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, IdempotencyKey, Json, Path, Query};
use crate::http::idempotent::{Once, once};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, Time, page_request};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{DepositId, InvoiceId, ReceiptId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::receipt::{Receipt, ReceiptFor};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/receipts", list_receipts, "Declared transfers, newest first");
    api.post("/receipts", declare_receipt, "Declare a bank transfer for an invoice or a deposit");
    api.get("/receipts/{receipt_id}", get_receipt, "One receipt");
    api.post("/receipts/{receipt_id}/confirm", confirm_receipt, "Say that the money arrived");
    api.post("/receipts/{receipt_id}/refuse", refuse_receipt, "Say that it did not, and why");
    api.post("/receipts/{receipt_id}/reverse", reverse_receipt, "Take a confirmation back, and say why");
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReceiptView {
    #[schema(value_type = String)]
    id: Id<ReceiptId>,
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    #[schema(value_type = Option<String>)]
    invoice_id: Option<Id<InvoiceId>>,
    #[schema(value_type = Option<String>)]
    deposit_id: Option<Id<DepositId>>,
    amount: Money,
    bank_reference: String,
    /// `declared`, `confirmed`, `refused` or `reversed`.
    state: String,
    /// Why it was refused, or its confirmation taken back.
    reason: Option<String>,
    #[schema(value_type = String)]
    created_at: Time,
    #[schema(value_type = Option<String>)]
    decided_at: Option<Time>,
    /// When its confirmation was taken back.
    #[schema(value_type = Option<String>)]
    reversed_at: Option<Time>,
}

impl From<Receipt> for ReceiptView {
    fn from(row: Receipt) -> Self {
        let (invoice_id, deposit_id) = match row.pays {
            ReceiptFor::Invoice(id) => (Some(Id(id)), None),
            ReceiptFor::Deposit(id) => (None, Some(Id(id))),
        };
        Self {
            id: Id(row.id),
            merchant_id: Id(row.merchant),
            invoice_id,
            deposit_id,
            amount: row.amount.into(),
            bank_reference: row.bank_reference,
            state: row.state,
            reason: row.reason,
            created_at: Time(row.created_at),
            decided_at: row.decided_at.map(Time),
            reversed_at: row.reversed_at.map(Time),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ReceiptListQuery {
    /// `declared`, `confirmed`, `refused` or `reversed`.
    state: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_receipts(
    auth: Authed<perm::BillingRead, Query<ReceiptListQuery>>,
) -> Answer<Json<Page<ReceiptView>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = receipts::list(&auth.state, &auth.grant, query.state.as_deref(), page).await?;
    Ok(Json(Page::of(found, ReceiptView::from)))
}

async fn get_receipt(auth: Authed<perm::BillingRead, Path<ReceiptId>>) -> Answer<Json<ReceiptView>> {
    Ok(Json(receipts::get(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeclareReceiptBody {
    /// The invoice it pays, in full; or else:
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    invoice_id: Option<Id<InvoiceId>>,
    /// The deposit it tops up.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    deposit_id: Option<Id<DepositId>>,
    amount: Money,
    /// The bank's reference of the transfer, unique per merchant.
    bank_reference: String,
}

impl DeclareReceiptBody {
    fn command(self) -> Answer<DeclareReceipt> {
        let pays = match (self.invoice_id, self.deposit_id) {
            (Some(id), None) => ReceiptFor::Invoice(id.0),
            (None, Some(id)) => ReceiptFor::Deposit(id.0),
            _ => {
                let (en, zh) =
                    ("either invoice_id or deposit_id", "invoice_id 与 deposit_id 须且只能填写一项");
                return Err(ApiError::field(FieldError::new("invoice_id", "one_of", en, zh)));
            }
        };
        Ok(DeclareReceipt { pays, amount: self.amount.fen("amount")?, bank_reference: self.bank_reference })
    }
}

async fn declare_receipt(
    auth: Authed<perm::MoneyMove, (IdempotencyKey, Json<DeclareReceiptBody>)>,
) -> Answer<Once<ReceiptView, 201>> {
    let Authed { call, grant, input: (key, Json(body)), .. } = auth;
    let command = body.command()?;
    once(&call, &grant, &key, async |tx| Ok(ReceiptView::from(declare_in(tx, &grant, &command).await?))).await
}

async fn confirm_receipt(
    auth: Authed<perm::ProviderMoneyMove, (Path<ReceiptId>, IdempotencyKey)>,
) -> Answer<Once<ReceiptView>> {
    let Authed { call, caller, grant, input: (Path(id), key) } = auth;
    let grant = on_merchant(&call.state, &grant, id).await?;
    let state = call.state.clone();
    once(&call, &grant, &key, async |tx| {
        Ok(ReceiptView::from(confirm_in(&state, tx, caller.tenant_name(), id).await?))
    })
    .await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefuseReceiptBody {
    /// For the merchant.
    reason: String,
}

async fn refuse_receipt(
    auth: Authed<perm::ProviderMoneyMove, (Path<ReceiptId>, IdempotencyKey, Json<RefuseReceiptBody>)>,
) -> Answer<Once<ReceiptView>> {
    let Authed { call, caller, grant, input: (Path(id), key, Json(body)) } = auth;
    let grant = on_merchant(&call.state, &grant, id).await?;
    let state = call.state.clone();
    once(&call, &grant, &key, async |tx| {
        Ok(ReceiptView::from(refuse_in(&state, tx, caller.tenant_name(), id, &body.reason).await?))
    })
    .await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReverseReceiptBody {
    /// For the merchant.
    reason: String,
}

async fn reverse_receipt(
    auth: Authed<perm::ProviderMoneyMove, (Path<ReceiptId>, IdempotencyKey, Json<ReverseReceiptBody>)>,
) -> Answer<Once<ReceiptView>> {
    let Authed { call, caller, grant, input: (Path(id), key, Json(body)) } = auth;
    let grant = on_merchant(&call.state, &grant, id).await?;
    let state = call.state.clone();
    once(&call, &grant, &key, async |tx| {
        Ok(ReceiptView::from(reverse_in(&state, tx, caller.tenant_name(), id, &body.reason).await?))
    })
    .await
}
