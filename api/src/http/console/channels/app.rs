//! One channel app: the addresses for the platform, its health, its secrets, and the grants it received.

use super::apps::{AppCard, HOME, without_secrets};
use super::words;
use crate::app::channels::apps::{self, ChangeChannelApp};
use crate::app::channels::grants;
use crate::app::shops;
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::ids::{AppAuthorisationId, ChannelAppId, ShopId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::app_authorisation::AppAuthorisation;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/provider/channel_apps/{channel_app_id}", channel_app_page);
    pages.post("/console/provider/channel_apps/{channel_app_id}/ticket", request_ticket_form);
    pages.post("/console/provider/channel_apps/{channel_app_id}/secrets", change_secrets_form);
    pages.post("/console/provider/channel_apps/{channel_app_id}/active", switch_app_form);
    pages.post("/console/provider/app_authorisations/{app_authorisation_id}/assign", assign_grant_form);
}

#[derive(Serialize)]
struct AppView {
    app: AppCard,
    form: FormView,
    grants: Vec<GrantRow>,
    /// Where a parked grant may go; empty when the person may not see shops.
    shops: Vec<ShopChoice>,
}

#[derive(Serialize)]
struct GrantRow {
    id: String,
    external_id: String,
    name: String,
    kind: String,
    subject: String,
    state: String,
    why: Option<String>,
    assignable: bool,
    received_at: i64,
}

#[derive(Serialize)]
struct ShopChoice {
    value: String,
    label: String,
}

fn why(code: &str, lang: Lang) -> String {
    match code {
        "several_wait" => lang.pick(
            "多个商家正在等待关联，无法判断归属",
            "Several merchants wait; it is not clear whose it is",
        ),
        "nobody_waits" => lang.pick("没有商家在等待关联", "No merchant waits for an account"),
        other => return words::code(other, lang),
    }
    .to_owned()
}

fn grant_row(row: AppAuthorisation, lang: Lang) -> GrantRow {
    let text = |name: &str| row.profile[name].as_str().unwrap_or_default().to_owned();
    GrantRow {
        id: row.id.to_string(),
        name: text("name"),
        subject: text("subject"),
        external_id: row.external_id,
        kind: row.kind.as_deref().map(|kind| words::kind(kind, lang)).unwrap_or_default(),
        why: row.outcome.as_deref().map(|code| why(code, lang)),
        assignable: matches!(row.state.as_str(), "unmatched" | "refused"),
        state: row.state,
        received_at: row.received_at.micros(),
    }
}

async fn view<T>(
    auth: &Authed<perm::ChannelAppManage, T>,
    id: ChannelAppId,
    form: FormView,
) -> Answer<AppView> {
    let lang = auth.info.lang;
    let app = AppCard::of(apps::get(&auth.state, &auth.grant, id).await?, lang);
    let grants = grants::list(&auth.state, &auth.grant, None, PageRequest::first(50)).await?;
    let grants =
        grants.items.into_iter().filter(|row| row.app == id).map(|row| grant_row(row, lang)).collect();
    let mut choices = Vec::new();
    if let Ok(grant) = auth.caller.grant::<perm::ShopRead>() {
        let found = shops::list(&auth.state, &grant, None, PageRequest::first(100)).await?;
        choices.extend(
            found
                .items
                .into_iter()
                .map(|shop| ShopChoice { value: format!("{}/{}", shop.tenant, shop.id), label: shop.name }),
        );
    }
    Ok(AppView { app, form, grants, shops: choices })
}

async fn channel_app_page(auth: Authed<perm::ChannelAppManage, Path<ChannelAppId>>) -> PageAnswer {
    let view = view(&auth, auth.input.0, FormView::default()).await?;
    auth.page("channels/app", view)
}

fn address(id: ChannelAppId) -> String {
    format!("{HOME}/{id}")
}

async fn request_ticket_form(
    auth: Authed<perm::ChannelAppManage, (Path<ChannelAppId>, Fields)>,
) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let flash = match apps::request_ticket(&auth.state, &auth.grant, *id).await {
        Ok(()) => Flash::success("channels.ticket_requested"),
        Err(error) if error.code().status() != 404 => Flash::failure("channels.ticket_refused")
            .with("why", auth.info.lang.pick(error.code().title_zh(), error.code().title_en())),
        Err(error) => return Err(error),
    };
    Ok(auth.redirect_with(&flash, &address(*id)))
}

async fn change_secrets_form(
    auth: Authed<perm::ChannelAppManage, (Path<ChannelAppId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let given = |name: &str| {
        let text = fields.text(name);
        (!text.is_empty()).then(|| Plain::from(text.to_owned()))
    };
    let command = ChangeChannelApp {
        secret: given("secret"),
        token: given("token"),
        encoding_aes_key: given("encoding_aes_key"),
        active: None,
    };
    match apps::change(&auth.state, &auth.grant, *id, None, &command).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("channels.app_changed"), &address(*id))),
        Err(error) if error.code().status() == 422 => {
            let form = FormView::refused_by(&without_secrets(fields), &error, auth.info.lang);
            let view = view(&auth, *id, form).await?;
            auth.refused_page("channels/app", view)
        }
        Err(error) => Err(error),
    }
}

async fn switch_app_form(auth: Authed<perm::ChannelAppManage, (Path<ChannelAppId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let command = ChangeChannelApp { active: Some(fields.ticked("active")), ..ChangeChannelApp::default() };
    apps::change(&auth.state, &auth.grant, *id, None, &command).await?;
    Ok(auth.redirect_with(&Flash::success("channels.app_changed"), &address(*id)))
}

async fn assign_grant_form(
    auth: Authed<perm::ChannelAppManage, (Path<AppAuthorisationId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let target = fields.text("shop").split_once('/');
    let target = target.and_then(|(merchant, shop)| {
        Some((merchant.parse::<TenantId>().ok()?, shop.parse::<ShopId>().ok()?))
    });
    let (merchant, shop) = target.ok_or_else(crate::error::ApiError::not_found)?;
    let lang = auth.info.lang;
    let flash = match grants::assign(&auth.state, &auth.grant, *id, merchant, shop).await {
        Ok(_) => Flash::success("channels.grant_assigned"),
        Err(error) if error.code().status() != 404 && error.code().status() < 500 => {
            let why = lang.pick(error.code().title_zh(), error.code().title_en());
            Flash::failure("channels.grant_refused").with("why", why)
        }
        Err(error) => return Err(error),
    };
    // The form says from which app's page it came; anything else goes to the list.
    let app = fields.text("app").parse::<ChannelAppId>();
    let to = app.map_or_else(|_| HOME.to_owned(), address);
    Ok(auth.redirect_with(&flash, &to))
}
