//! The operator's pages: its providers, one provider, stopping and closing it.

use super::apply::may_be_mended;
use crate::app::tenancy::providers::{self, CreateProvider, Provider};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::ids::TenantId;
use qianpu_domain::tenancy::TenantState;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const HOME: &str = "/console/operator/providers";

type Manages<T = ()> = Authed<perm::ProviderManage, T>;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, providers_page);
    pages.post(HOME, create_form);
    pages.get("/console/operator/providers/new", new_page);
    pages.get("/console/operator/providers/{provider_id}", provider_page);
    pages.post("/console/operator/providers/{provider_id}/send_link", send_link_form);
    pages.post("/console/operator/providers/{provider_id}/suspend", suspend_form);
    pages.post("/console/operator/providers/{provider_id}/resume", resume_form);
    pages.post("/console/operator/providers/{provider_id}/close", close_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct ProviderItem {
    href: String,
    id: String,
    name: String,
    slug: String,
    state: &'static str,
    reason: String,
    since: Option<i64>,
    stops_merchants: bool,
    merchants: i64,
    applying: i64,
    trading_shops: i64,
    shops: i64,
    created_at: i64,
}

fn item(provider: Provider) -> ProviderItem {
    let row = provider.row;
    ProviderItem {
        href: format!("{HOME}/{}", row.id),
        id: row.id.to_string(),
        name: row.name,
        slug: provider.slug.unwrap_or_default(),
        state: row.state.as_str(),
        reason: row.state_reason.unwrap_or_default(),
        since: row.state_at.map(|at| at.micros()),
        stops_merchants: row.stops_merchants,
        merchants: provider.merchants,
        applying: provider.applying,
        trading_shops: provider.trading_shops,
        shops: provider.shops,
        created_at: row.created_at.micros(),
    }
}

async fn providers_page(auth: Manages<Query<PageQuery>>) -> PageAnswer {
    #[derive(Serialize)]
    struct ProvidersView {
        rows: Vec<ProviderItem>,
        next_page: Option<String>,
    }
    let page = page_request(Some(20), auth.input.0.cursor.as_deref())?;
    let found = providers::list(&auth.state, &auth.grant, page).await?;
    let next_page = found.next.map(|next| format!("{HOME}?cursor={}", cursor_text(&next)));
    let rows = found.items.into_iter().map(item).collect();
    auth.page("providers/list", ProvidersView { rows, next_page })
}

#[derive(Serialize)]
struct Choice {
    value: &'static str,
    label: &'static str,
}

#[derive(Serialize)]
struct NewView {
    form: FormView,
    languages: Vec<Choice>,
    base: String,
}

fn new_view<T>(auth: &Manages<T>, form: FormView) -> NewView {
    let languages = vec![Choice { value: "zh", label: "中文" }, Choice { value: "en", label: "English" }];
    let base = auth.state.config.app.public_url.trim_end_matches('/').to_owned();
    NewView { form, languages, base }
}

async fn new_page(auth: Manages) -> PageAnswer {
    let form = FormView::filled([("locale", auth.info.lang.code().to_owned())]);
    auth.page("providers/new", new_view(&auth, form))
}

async fn create_form(auth: Manages<Fields>) -> PageAnswer {
    let fields = &auth.input;
    let command = CreateProvider {
        name: fields.text("name").to_owned(),
        slug: fields.text("slug").to_owned(),
        owner_name: fields.text("owner_name").to_owned(),
        owner_email: fields.text("owner_email").to_owned(),
        lang: Lang::parse(fields.text("locale")).unwrap_or(auth.info.lang),
    };
    match providers::create(&auth.state, &auth.grant, &command).await {
        Ok(made) => {
            let flash = Flash::success("tenancy.created").with("email", fields.text("owner_email"));
            Ok(auth.redirect_with(&flash, &format!("{HOME}/{}", made.row.id)))
        }
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            auth.refused_page("providers/new", new_view(&auth, form))
        }
        Err(error) => Err(error),
    }
}

#[derive(Serialize)]
struct EventItem {
    at: i64,
    actor: String,
    action: String,
}

#[derive(Serialize)]
struct ProviderView {
    form: FormView,
    provider: ProviderItem,
    apply_link: String,
    may_suspend: bool,
    may_visit: bool,
    may_resume: bool,
    may_close: bool,
    is_closed: bool,
    events: Vec<EventItem>,
}

async fn view<T>(auth: &Manages<T>, id: TenantId, form: FormView) -> Answer<ProviderView> {
    let found = providers::get(&auth.state, &auth.grant, id).await?;
    let events = providers::history(&auth.state, &auth.grant, id).await?;
    let base = auth.state.config.app.public_url.trim_end_matches('/');
    let state = found.row.state;
    Ok(ProviderView {
        form,
        apply_link: found.slug.as_ref().map_or_else(String::new, |slug| format!("{base}/apply/{slug}")),
        may_visit: auth.caller.may(Permission::Impersonate),
        may_suspend: state == TenantState::Active,
        may_resume: state == TenantState::Suspended,
        may_close: state != TenantState::Closed && found.merchants == 0,
        is_closed: state == TenantState::Closed,
        provider: item(found),
        events: events
            .into_iter()
            .map(|entry| EventItem { at: entry.at.micros(), actor: entry.actor_name, action: entry.action })
            .collect(),
    })
}

async fn provider_page(auth: Manages<Path<TenantId>>) -> PageAnswer {
    let view = view(&auth, auth.input.0, FormView::default()).await?;
    auth.page("providers/provider", view)
}

/// Back to the provider's page, or the page again with what was refused.
async fn answer<T>(
    auth: &Manages<T>,
    id: TenantId,
    fields: &Fields,
    done: Answer<()>,
    told: &'static str,
) -> PageAnswer {
    let error: ApiError = match done {
        Ok(()) => return Ok(auth.redirect_with(&Flash::success(told), &format!("{HOME}/{id}"))),
        Err(error) => error,
    };
    if !may_be_mended(&error) {
        return Err(error);
    }
    let form = FormView::refused_by(fields, &error, auth.info.lang);
    let view = view(auth, id, form).await?;
    auth.refused_page("providers/provider", view)
}

async fn send_link_form(auth: Manages<(Path<TenantId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = providers::send_link(&auth.state, &auth.grant, *id).await.map(drop);
    answer(&auth, *id, fields, done, "tenancy.link_sent").await
}

async fn suspend_form(auth: Manages<(Path<TenantId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let stops = !fields.text("stops_merchants").is_empty();
    let done = providers::suspend(&auth.state, &auth.grant, *id, fields.text("reason"), stops).await;
    answer(&auth, *id, fields, done.map(drop), "tenancy.was_suspended").await
}

async fn resume_form(auth: Manages<(Path<TenantId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = providers::resume(&auth.state, &auth.grant, *id).await.map(drop);
    answer(&auth, *id, fields, done, "tenancy.was_resumed").await
}

async fn close_form(auth: Manages<(Path<TenantId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = providers::close(&auth.state, &auth.grant, *id, fields.text("reason")).await.map(drop);
    answer(&auth, *id, fields, done, "tenancy.was_closed").await
}
