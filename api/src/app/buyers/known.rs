//! Whose an order is: the channel tells an open id, and the shop's buyer with that id is found or made.

use crate::error::Answer;
use qianpu_domain::ids::BuyerId;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::store::buyer::{
    ChannelIdentity, buyer_by_channel, buyer_get, buyer_insert, channel_insert,
};
use qianpu_tenants::store::channel_account::ChannelAccount;

/// The buyer that a channel account's order names; none when it names nobody.
pub async fn buyer_of_order(
    tx: &mut TenantTx,
    account: &ChannelAccount,
    open_id: Option<&str>,
    union_id: Option<&str>,
) -> Answer<Option<BuyerId>> {
    let Some(open_id) = open_id.filter(|id| !id.is_empty()) else { return Ok(None) };
    let known = ChannelIdentity {
        channel: &account.channel,
        account: account.id,
        open_id,
        union_id: union_id.filter(|id| !id.is_empty()),
    };
    let buyer = match buyer_by_channel(tx, account.shop, &known).await? {
        Some(found) => buyer_get(tx, found).await?,
        None => buyer_insert(tx, account.shop, "", "zh").await?,
    };
    // Known by the union id only, or new: next time the open id alone finds them.
    if !channel_insert(tx, &buyer, &known, false).await? {
        let found = buyer_by_channel(tx, account.shop, &known).await?;
        return match found {
            Some(found) => Ok(Some(found)),
            None => Err(StoreError::Busy("a buyer was made meanwhile".to_owned()).into()),
        };
    }
    Ok(Some(buyer.id))
}
