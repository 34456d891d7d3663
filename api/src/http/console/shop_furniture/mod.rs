//! Freight templates and addresses of a linked shop: the page with both, the form of a [`template`], the form of an
//! [`address`].

mod address;
mod template;

use crate::app::shop_desk::{addresses, freight};
use crate::error::{Answer, ApiError};
use crate::http::console::apply::may_be_mended;
use crate::http::console::goods::yuan_text;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::Flash;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Permission;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{Area, FreightCharge, FreightTemplate, FreightUnit, ShopAddress};
use qianpu_tenants::authz::{Caller, Perm, perm};
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let desk = "/console/merchant/channel_accounts/{channel_account_id}/desk";
    pages.get(desk, shop_desk_of_account_page);
    pages.post(&format!("{desk}/choose_template"), choose_template_form);
    pages.post(&format!("{desk}/choose_address"), choose_address_form);
    template::routes(pages);
    address::routes(pages);
}

fn of_account(id: ChannelAccountId) -> String {
    format!("/console/merchant/channel_accounts/{id}/desk")
}

/// Tabs of a shop's own page that lead here.
pub(super) fn account_tab(caller: &Caller, account: &ChannelAccount) -> Option<String> {
    let has = qianpu_host::find(&account.channel).is_some_and(|channel| channel.shop_desk().is_some());
    (has && caller.may(Permission::AccountRead)).then(|| of_account(account.id))
}

#[derive(Serialize)]
struct TemplateRow {
    id: String,
    name: String,
    charge: &'static str,
    unit: &'static str,
    hours: Option<u32>,
    default: bool,
    chosen: bool,
    /// Of the price for everywhere else.
    first: Option<i64>,
    first_price: String,
    more: i64,
    more_price: String,
    /// How many prices for areas, how many conditions, and how many places nothing is sent to.
    areas: usize,
    free: usize,
    not_to: usize,
    editable: bool,
}

#[derive(Serialize)]
struct AddressRow {
    id: String,
    place: String,
    person: String,
    sends: bool,
    receives: bool,
    default_send: bool,
    default_receive: bool,
    chosen: bool,
}

#[derive(Serialize)]
struct DeskView {
    id: String,
    name: String,
    at: String,
    templates: Vec<TemplateRow>,
    addresses: Vec<AddressRow>,
    template_chosen: bool,
    address_chosen: bool,
    /// What went wrong when the platform was asked.
    trouble: Option<String>,
    may_manage: bool,
}

const fn charge(one: &FreightCharge) -> &'static str {
    match one {
        FreightCharge::Free => "free",
        FreightCharge::FreeFrom => "free_from",
        FreightCharge::Charged => "charged",
        FreightCharge::Unknown(_) => "unknown",
    }
}

const fn unit(one: &FreightUnit) -> &'static str {
    match one {
        FreightUnit::Piece => "piece",
        FreightUnit::Weight => "weight",
        FreightUnit::Unknown(_) => "unknown",
    }
}

fn template_row(one: FreightTemplate, chosen: Option<&String>) -> TemplateRow {
    let rest = one.rules.iter().find(|rule| rule.areas.is_empty());
    TemplateRow {
        charge: charge(&one.charge),
        unit: unit(&one.unit),
        hours: one.ships_within_hours,
        default: one.default,
        chosen: chosen.is_some() && chosen == one.template_id.as_ref(),
        first: rest.map(|rule| rule.first),
        first_price: rest.map(|rule| yuan_text(rule.first_price)).unwrap_or_default(),
        more: rest.map_or(0, |rule| rule.more),
        more_price: rest.map(|rule| yuan_text(rule.more_price)).unwrap_or_default(),
        areas: one.rules.iter().filter(|rule| !rule.areas.is_empty()).count(),
        free: one.free_from.len(),
        not_to: one.not_to.len(),
        editable: charge(&one.charge) != "unknown" && unit(&one.unit) != "unknown",
        id: one.template_id.unwrap_or_default(),
        name: one.name,
    }
}

fn address_row(one: ShopAddress, chosen: Option<&String>) -> AddressRow {
    let place = one.place;
    AddressRow {
        place: [place.province, place.city, place.district, place.detail].join(" ").trim().to_owned(),
        person: [place.name, place.phone].join(" ").trim().to_owned(),
        sends: one.sends,
        receives: one.receives,
        default_send: one.default_send,
        default_receive: one.default_receive,
        chosen: chosen.is_some() && chosen == one.address_id.as_ref(),
        id: one.address_id.unwrap_or_default(),
    }
}

/// The words for a failure that people can do something about; anything else is passed on.
fn words<P: Perm, T>(auth: &Authed<P, T>, error: ApiError) -> Answer<String> {
    if !(409..=503).contains(&error.code().status()) {
        return Err(error);
    }
    let lang = auth.info.lang;
    let title = lang.pick(error.code().title_zh(), error.code().title_en());
    let detail = error.detail().map(|text| auth.state.pages.catalogue().text(lang, text).to_string());
    let field = error.errors().first().map(|one| lang.pick(&one.message_zh, &one.message_en).to_owned());
    Ok(match field.or(detail) {
        Some(detail) => format!("{title} · {detail}"),
        None => title.to_owned(),
    })
}

async fn shop_desk_of_account_page(auth: Authed<perm::AccountRead, Path<ChannelAccountId>>) -> PageAnswer {
    let id = auth.input.0;
    let mut trouble = None;
    let found = {
        let tx = auth.state.db.read(auth.grant.ctx()).await?;
        crate::app::shop_desk::account_of(&tx, &auth.grant, id).await?
    };
    let mut templates = Vec::new();
    let mut template_chosen = false;
    match freight::list(&auth.state, &auth.grant, id).await {
        Ok(list) => {
            template_chosen = list.chosen.is_some();
            templates = list.items.into_iter().map(|one| template_row(one, list.chosen.as_ref())).collect();
        }
        Err(error) => trouble = Some(words(&auth, error)?),
    }
    let may_manage = auth.caller.may(Permission::ShopDeskManage);
    let mut rows = Vec::new();
    let mut address_chosen = false;
    if may_manage && trouble.is_none() {
        let grant = auth.caller.grant::<perm::ShopDeskManage>()?;
        match addresses::list(&auth.state, &grant, id).await {
            Ok(list) => {
                address_chosen = list.chosen.is_some();
                rows = list.items.into_iter().map(|one| address_row(one, list.chosen.as_ref())).collect();
            }
            Err(error) => trouble = Some(words(&auth, error)?),
        }
    }
    let view = DeskView {
        id: id.to_string(),
        name: found.name,
        at: of_account(id),
        templates,
        addresses: rows,
        template_chosen,
        address_chosen,
        trouble,
        may_manage,
    };
    auth.page("shop_desk/desk", view)
}

fn wanted(fields: &Fields) -> Option<&str> {
    Some(fields.text("id")).filter(|id| !id.is_empty())
}

/// Back to the page, with what came of it.
fn after<P: Perm, T, V>(
    auth: &Authed<P, T>,
    id: ChannelAccountId,
    outcome: Answer<V>,
    done: &'static str,
) -> PageAnswer {
    let flash = match outcome {
        Ok(_) => Flash::success(done),
        Err(error) if may_be_mended(&error) || error.code().status() == 503 => {
            Flash::failure("shop_desk.failed").with("why", words(auth, error)?)
        }
        Err(error) => return Err(error),
    };
    Ok(auth.redirect_with(&flash, &of_account(id)))
}

async fn choose_template_form(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let outcome = freight::choose(&auth.state, &auth.grant, *id, wanted(fields)).await;
    after(&auth, *id, outcome, "shop_desk.template_chosen_now")
}

async fn choose_address_form(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let outcome = addresses::choose(&auth.state, &auth.grant, *id, wanted(fields)).await;
    after(&auth, *id, outcome, "shop_desk.address_chosen_now")
}

/// Areas as people type them: one a line, province, city and district parted by spaces.
fn area_text(areas: &[Area]) -> String {
    let line = |area: &Area| {
        let parts = [&area.province, &area.city, &area.district];
        parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ")
    };
    areas.iter().map(line).collect::<Vec<_>>().join("\n")
}
