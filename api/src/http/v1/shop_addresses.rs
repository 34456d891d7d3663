//! `/channel_accounts/{id}/shop_addresses`: addresses of a linked shop, at the platform.

use crate::app::shop_desk::{self, addresses};
use crate::error::Answer;
use crate::http::describe::NoContent;
use crate::http::extract::{Authed, Json, Path};
use crate::http::route::Api;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{NewAddress, ShopAddress};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    let addresses = "/channel_accounts/{channel_account_id}/shop_addresses";
    api.get(addresses, list_shop_addresses, "Addresses of a linked shop, asked of the platform");
    api.post(addresses, save_shop_address, "Make an address at the platform, or change one");
    api.post(&format!("{addresses}/remove"), remove_shop_address, "Take an address away at the platform");
    api.post(
        &format!("{addresses}/choose"),
        choose_shop_address,
        "Say which address products are published with for goods that come back",
    );
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ShopAddressBody {
    /// The platform's id; null for a new one.
    #[serde(default)]
    address_id: Option<String>,
    /// Who is there.
    name: String,
    phone: String,
    province: String,
    city: String,
    district: String,
    detail: String,
    /// Goods leave from here.
    sends: bool,
    /// Goods come back to here.
    receives: bool,
    #[serde(default)]
    default_send: bool,
    #[serde(default)]
    default_receive: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct ShopAddressesView {
    items: Vec<ShopAddressBody>,
    /// The one products are published with for goods that come back; null leaves it to the platform's own default.
    chosen: Option<String>,
}

fn view(one: ShopAddress) -> ShopAddressBody {
    let place = one.place;
    ShopAddressBody {
        address_id: one.address_id,
        name: place.name,
        phone: place.phone,
        province: place.province,
        city: place.city,
        district: place.district,
        detail: place.detail,
        sends: one.sends,
        receives: one.receives,
        default_send: one.default_send,
        default_receive: one.default_receive,
    }
}

async fn list_shop_addresses(
    auth: Authed<perm::ShopDeskManage, Path<ChannelAccountId>>,
) -> Answer<Json<ShopAddressesView>> {
    let found = addresses::list(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Json(ShopAddressesView { items: found.items.into_iter().map(view).collect(), chosen: found.chosen }))
}

#[derive(Debug, Serialize, ToSchema)]
struct SavedShopAddressView {
    address_id: String,
}

async fn save_shop_address(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Json<ShopAddressBody>)>,
) -> Answer<Json<SavedShopAddressView>> {
    let Authed { call, grant, input: (Path(id), Json(body)), .. } = auth;
    let typed = ShopAddress {
        address_id: body.address_id,
        place: NewAddress {
            name: body.name,
            phone: body.phone,
            province: body.province,
            city: body.city,
            district: body.district,
            detail: body.detail,
        },
        sends: body.sends,
        receives: body.receives,
        default_send: body.default_send,
        default_receive: body.default_receive,
    };
    let address_id = addresses::save(&call.state, &grant, id, &typed).await?;
    Ok(Json(SavedShopAddressView { address_id }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RemoveShopAddressBody {
    /// The platform's id.
    address_id: String,
}

async fn remove_shop_address(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Json<RemoveShopAddressBody>)>,
) -> Answer<NoContent> {
    let (Path(id), Json(body)) = &auth.input;
    addresses::remove(&auth.state, &auth.grant, *id, &body.address_id).await?;
    Ok(NoContent)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChooseShopAddressBody {
    /// One of the list that goods come back to; null leaves it to the platform's own default.
    address_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ChosenShopAddressView {
    chosen: Option<String>,
}

async fn choose_shop_address(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Json<ChooseShopAddressBody>)>,
) -> Answer<Json<ChosenShopAddressView>> {
    let (Path(id), Json(body)) = &auth.input;
    let account = addresses::choose(&auth.state, &auth.grant, *id, body.address_id.as_deref()).await?;
    Ok(Json(ChosenShopAddressView { chosen: shop_desk::chosen(&account, shop_desk::RETURN) }))
}
