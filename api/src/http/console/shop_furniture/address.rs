//! The form of an address.

use super::{after, of_account};
use crate::app::shop_desk::addresses;
use crate::error::{Answer, ApiError};
use crate::http::console::apply::may_be_mended;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{NewAddress, ShopAddress};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let address = "/console/merchant/channel_accounts/{channel_account_id}/desk/address";
    pages.get(address, shop_address_page);
    pages.post(address, save_shop_address_form);
    pages.post(&format!("{address}/remove"), remove_shop_address_form);
}

#[derive(Deserialize, IntoParams)]
struct Which {
    id: Option<String>,
}

#[derive(Serialize)]
struct AddressView {
    form: FormView,
    id: Option<String>,
    /// `new` or `edit`.
    act: &'static str,
    at: String,
    back: String,
}

fn filled(one: &ShopAddress) -> FormView {
    let text = |text: &str| text.to_owned();
    let flag = |set: bool| if set { "1".to_owned() } else { String::new() };
    let place = &one.place;
    FormView::filled([
        ("name", text(&place.name)),
        ("phone", text(&place.phone)),
        ("province", text(&place.province)),
        ("city", text(&place.city)),
        ("district", text(&place.district)),
        ("detail", text(&place.detail)),
        ("sends", flag(one.sends)),
        ("receives", flag(one.receives)),
        ("default_send", flag(one.default_send)),
        ("default_receive", flag(one.default_receive)),
    ])
}

fn view(account: ChannelAccountId, id: Option<String>, form: FormView) -> AddressView {
    let back = of_account(account);
    let act = if id.is_some() { "edit" } else { "new" };
    AddressView { form, id, act, at: format!("{back}/address"), back }
}

async fn shop_address_page(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Query<Which>)>,
) -> PageAnswer {
    let (Path(account), Query(which)) = &auth.input;
    let there = addresses::list(&auth.state, &auth.grant, *account).await;
    let there = match (there, &which.id) {
        (Ok(there), _) => there.items,
        (Err(error), _) => return after::<_, _, ()>(&auth, *account, Err(error), "shop_desk.saved"),
    };
    let form = match &which.id {
        None => FormView::filled([("sends", "1".to_owned()), ("receives", "1".to_owned())]),
        Some(id) => {
            let known = there.iter().find(|one| one.address_id.as_ref() == Some(id));
            filled(known.ok_or_else(ApiError::not_found)?)
        }
    };
    auth.page("shop_desk/address", view(*account, which.id.clone(), form))
}

/// Boxes that a browser leaves out when they are not ticked.
const BOXES: [&str; 4] = ["sends", "receives", "default_send", "default_receive"];

fn typed(fields: &Fields) -> ShopAddress {
    let part = |name: &str| fields.text(name).to_owned();
    let flag = |name: &str| !fields.text(name).is_empty();
    ShopAddress {
        address_id: Some(part("id")).filter(|id| !id.is_empty()),
        place: NewAddress {
            name: part("name"),
            phone: part("phone"),
            province: part("province"),
            city: part("city"),
            district: part("district"),
            detail: part("detail"),
        },
        sends: flag("sends"),
        receives: flag("receives"),
        default_send: flag("default_send"),
        default_receive: flag("default_receive"),
    }
}

async fn save_shop_address_form(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(account), fields) = &auth.input;
    let address = typed(fields);
    let outcome: Answer<String> = addresses::save(&auth.state, &auth.grant, *account, &address).await;
    match outcome {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("shop_desk.saved"), &of_account(*account))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang).with_own(&BOXES);
            auth.refused_page("shop_desk/address", view(*account, address.address_id, form))
        }
        Err(error) => after::<_, _, ()>(&auth, *account, Err(error), "shop_desk.saved"),
    }
}

async fn remove_shop_address_form(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(account), fields) = &auth.input;
    let outcome = addresses::remove(&auth.state, &auth.grant, *account, fields.text("id")).await;
    after(&auth, *account, outcome, "shop_desk.address_removed")
}
