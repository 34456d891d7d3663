//! What is told about after-sale cases.

use super::supervision::{Notice, same, tell_merchant};
use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::access::Role;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::aftersale::Aftersale;

/// Who may decide about cases.
const DESK: &[Role] = &[Role::MerchantOwner, Role::MerchantManager, Role::MerchantServiceDesk];

/// A case waits for the merchant, and its time is nearly up.
pub(in crate::app) async fn aftersale_due(
    state: &AppState,
    tx: &mut TenantTx,
    case: &Aftersale,
    order_number: &str,
    due: Timestamp,
) -> Answer<()> {
    let hours = due.since(tx.now()).as_seconds() / 3600;
    let notice = Notice {
        texts: "aftersales.mail_due.",
        arguments: vec![
            ("order", same(order_number)),
            ("amount", same(&case.facts.amount.to_string())),
            ("hours", same(&hours.max(1).to_string())),
        ],
        points: Vec::new(),
        path: format!("/console/merchant/aftersales/{}", case.id),
    };
    tell_merchant(state, tx, DESK, &notice).await
}

/// The platform wants proof from the merchant in a dispute.
pub(in crate::app) async fn proof_wanted(
    state: &AppState,
    tx: &mut TenantTx,
    case: &Aftersale,
    order_number: &str,
) -> Answer<()> {
    let notice = Notice {
        texts: "aftersales.mail_proof.",
        arguments: vec![("order", same(order_number)), ("amount", same(&case.facts.amount.to_string()))],
        points: Vec::new(),
        path: format!("/console/merchant/aftersales/{}", case.id),
    };
    tell_merchant(state, tx, DESK, &notice).await
}
