//! Addresses of a linked shop: where goods leave from and come back to. They live at the platform; here they are only on
//! their way.

use super::{RETURN, account_of, choose as note_choice, chosen, refused, unknown};
use crate::app::channels::call::AccountCall;
use crate::error::Answer;
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::FieldError;
use qianpu_domain::freight::{phone, text};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{NewAddress, ShopAddress};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde_json::json;

/// Addresses with the account they belong to.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// The account.
    pub account: ChannelAccount,
    /// Those of the platform.
    pub items: Vec<ShopAddress>,
    /// The one products are published with for goods that come back; none = the platform's own default.
    pub chosen: Option<String>,
}

/// Asks the platform for the addresses.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::ShopDeskManage>,
    id: ChannelAccountId,
) -> Answer<Addresses> {
    let account = account_of(&*state.db.read(grant.ctx()).await?, grant, id).await?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().shop_addresses(call.account_ref()).await;
    let items = call.settle(answer).await?;
    let chosen = chosen(&account, RETURN);
    Ok(Addresses { account, items, chosen })
}

fn checked(typed: &ShopAddress) -> Answer<ShopAddress> {
    let mut errors = Vec::new();
    let mut keep = |outcome: Result<String, FieldError>| {
        outcome.unwrap_or_else(|error| {
            errors.push(error);
            String::new()
        })
    };
    let place = &typed.place;
    let place = NewAddress {
        name: keep(text("name", &place.name, 20)),
        phone: keep(phone("phone", &place.phone)),
        province: keep(text("province", &place.province, 30)),
        city: keep(text("city", &place.city, 30)),
        district: keep(text("district", &place.district, 30)),
        detail: keep(text("detail", &place.detail, 100)),
    };
    if !(typed.sends || typed.receives) {
        let en = "goods leave from it, come back to it, or both";
        errors.push(FieldError::new("sends", "required", en, "请至少选择发货或收货一种用途"));
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    Ok(ShopAddress {
        place,
        default_send: typed.default_send && typed.sends,
        default_receive: typed.default_receive && typed.receives,
        ..typed.clone()
    })
}

/// Makes an address at the platform, or changes one; its id there.
pub async fn save(
    state: &AppState,
    grant: &Grant<perm::ShopDeskManage>,
    id: ChannelAccountId,
    typed: &ShopAddress,
) -> Answer<String> {
    account_of(&*state.db.read(grant.ctx()).await?, grant, id).await?;
    let address = checked(typed)?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().save_shop_address(call.account_ref(), &address).await;
    let address_id = call.settle(answer).await.map_err(refused)?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    // Nothing of the address itself: the log is kept for long.
    let detail = json!({ "address_id": address_id, "made": typed.address_id.is_none() });
    audit_append(&mut tx, AuditAction::ShopAddressSaved, "channel_account", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(address_id)
}

/// Takes an address away at the platform. One that products are published with stays: choose another first.
pub async fn remove(
    state: &AppState,
    grant: &Grant<perm::ShopDeskManage>,
    id: ChannelAccountId,
    address_id: &str,
) -> Answer<()> {
    let account = account_of(&*state.db.read(grant.ctx()).await?, grant, id).await?;
    if chosen(&account, RETURN).as_deref() == Some(address_id) {
        let en = "products are published with this address; choose another one first";
        let zh = "该地址是发布商品用的退货地址，请先改选其他地址";
        return Err(FieldError::new("address_id", "in_use", en, zh).into());
    }
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().remove_shop_address(call.account_ref(), address_id).await;
    call.settle(answer).await.map_err(refused)?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let detail = json!({ "address_id": address_id });
    audit_append(&mut tx, AuditAction::ShopAddressRemoved, "channel_account", &id.to_string(), detail)
        .await?;
    Ok(tx.commit().await?)
}

/// Says which address goods come back to; none leaves it to the platform's own default.
pub async fn choose(
    state: &AppState,
    grant: &Grant<perm::ShopDeskManage>,
    id: ChannelAccountId,
    wanted: Option<&str>,
) -> Answer<ChannelAccount> {
    if let Some(wanted) = wanted {
        let there = list(state, grant, id).await?.items;
        if !there.iter().any(|one| one.receives && one.address_id.as_deref() == Some(wanted)) {
            return Err(unknown("address_id"));
        }
    }
    note_choice(state, grant, id, RETURN, wanted).await
}
