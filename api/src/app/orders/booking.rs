//! An order's journals (billing and ledger specification §3, F3 and F4). Each is booked once for ever by its
//! code and the order's id, whoever reports the fact and however often.

use crate::app::money;
use crate::error::{Answer, ApiError};
use qianpu_domain::ledger::clawback::{Settled, refund_after_settlement};
use qianpu_domain::ledger::flows::{
    Debtor, claim_netted, order_paid, order_released, refund_done, refund_requested, take_rate_charged,
};
use qianpu_domain::ledger::{AccountCode, AccountRef, Journal, JournalError};
use qianpu_domain::money::{Currency, Fen};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::channel_account::ChannelAccount;
use qianpu_tenants::store::ledger::{PostError, account_balance};
use qianpu_tenants::store::order::{Order, order_refund};

/// Who holds the buyer's money of an account's orders: the platform, apart for each account.
pub fn holder(account: &ChannelAccount) -> String {
    format!("{}:{}", account.channel, account.external_id)
}

/// The order in which an order's journals follow each other when they were booked in one moment.
pub fn place(code: &str) -> usize {
    const FLOW: [&str; 6] = [
        "order.paid",
        "order.take_rate",
        "order.released",
        "claim.netted",
        "refund.requested",
        "refund.done",
    ];
    FLOW.iter().position(|known| *known == code).unwrap_or(FLOW.len())
}

fn invalid(error: JournalError) -> ApiError {
    ApiError::new(error.code()).with_internal(error)
}

async fn post(tx: &mut TenantTx, journal: Result<Journal, JournalError>) -> Answer<()> {
    match money::post(tx, &journal.map_err(invalid)?).await {
        Ok(_) => Ok(()),
        Err(PostError::Store(error)) => Err(error.into()),
        Err(refused) => Err(ApiError::new(refused.code()).with_internal(refused)),
    }
}

/// F3 a: the buyer paid. An order of nothing moves no money.
pub async fn paid(tx: &mut TenantTx, order: &Order, total: Fen, holder: &str, at: Timestamp) -> Answer<()> {
    if total == Fen::ZERO {
        return Ok(());
    }
    post(tx, order_paid(&order.id.to_string(), holder, total, at)).await
}

/// F3 c2, or F4 when the money was available already: `amount` of a paid order goes back to the buyer. `refund` is the
/// order's id for what is left of a cancelled order, else the after-sale case's. The order's row takes the amount
/// first: its version decides between two refunds at once, and its check holds that no order gives back more than was
/// paid. Answers with the order's next version.
pub async fn refunded(
    tx: &mut TenantTx,
    order: &Order,
    refund: &str,
    amount: Fen,
    holder: &str,
    at: Timestamp,
) -> Answer<i64> {
    if amount == Fen::ZERO {
        return Ok(order.version);
    }
    let version = order_refund(tx, order, amount).await?;
    let requested = match order.settled_at {
        None => refund_requested(refund, amount, at),
        Some(_) => {
            let account = AccountRef::of(AccountCode::MerchantAvailable);
            let available = account_balance(tx, Currency::Cny, &account).await?;
            let kept =
                order.facts.amounts.total.sub(order.refunded).map_err(|error| invalid(error.into()))?;
            let settled = Settled { kept, take_rate_ppm: order.take_rate_ppm, tax_ppm: order.tax_ppm };
            refund_after_settlement(refund, settled, amount, available, at)
        }
    };
    post(tx, requested).await?;
    post(tx, refund_done(refund, holder, amount, at)).await?;
    Ok(version)
}

/// F3 d, e: the after-sale window ended; the provider takes its share, the rest becomes available, less what the merchant
/// owes.
pub async fn settled(tx: &mut TenantTx, order: &Order, kept: Fen) -> Answer<()> {
    if kept == Fen::ZERO {
        return Ok(());
    }
    let (id, now) = (order.id.to_string(), tx.now());
    let fee = kept.ppm(order.take_rate_ppm).map_err(|error| invalid(error.into()))?;
    if let Some(charge) =
        take_rate_charged(&id, kept, order.take_rate_ppm, order.tax_ppm, now).map_err(invalid)?
    {
        post(tx, Ok(charge)).await?;
    }
    let rest = kept.sub(fee).map_err(|error| invalid(error.into()))?;
    if rest == Fen::ZERO {
        return Ok(());
    }
    post(tx, order_released(&id, rest, now)).await?;
    net_claim(tx, &id, rest).await
}

/// F4, F5 f: what the merchant owes is netted with what was just released, before anybody pays it out. Orders that settle
/// at once wait for each other at the available money, so that each sees what the other left of the claim.
async fn net_claim(tx: &mut TenantTx, order: &str, released: Fen) -> Answer<()> {
    let owed = account_balance(tx, Currency::Cny, &Debtor::Merchant.claim()).await?.min(released);
    if owed == Fen::ZERO {
        return Ok(());
    }
    let now = tx.now();
    post(tx, claim_netted(order, &Debtor::Merchant, owed, now)).await
}
