//! The provider's merchants and invitations.

use super::apply::may_be_mended;
use crate::app::invitations::{self, Invite};
use crate::app::tenancy::merchants as life;
use crate::app::{merchants, requirements};
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::ids::{InvitationId, TenantId};
use qianpu_domain::tenancy::TenantState;
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::tenant::TenantRow;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const HOME: &str = "/console/provider/merchants";
const INVITATIONS: &str = "/console/provider/invitations";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, merchants_page);
    pages.get("/console/provider/merchants/{merchant_id}", merchant_page);
    pages.post("/console/provider/merchants/{merchant_id}/brands", allow_brand_form);
    pages.post("/console/provider/merchants/{merchant_id}/suspend", suspend_form);
    pages.post("/console/provider/merchants/{merchant_id}/resume", resume_form);
    pages.post("/console/provider/merchants/{merchant_id}/close", close_form);
    pages.get(INVITATIONS, invitations_page);
    pages.post(INVITATIONS, invite_form);
    pages.post("/console/provider/invitations/{invitation_id}/revoke", revoke_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct MerchantRow {
    id: String,
    name: String,
    kind: String,
    state: &'static str,
    created_at: i64,
}

async fn merchants_page(auth: Authed<perm::MerchantRead, Query<PageQuery>>) -> PageAnswer {
    #[derive(Serialize)]
    struct MerchantsView {
        rows: Vec<MerchantRow>,
        next_page: Option<String>,
        may_invite: bool,
    }
    let page = page_request(Some(20), auth.input.0.cursor.as_deref())?;
    let found = merchants::list(&auth.state, &auth.grant, page).await?;
    let next_page = found.next.map(|next| format!("{HOME}?cursor={}", cursor_text(&next)));
    let rows = found
        .items
        .into_iter()
        .map(|row| MerchantRow {
            id: row.id.to_string(),
            name: row.name,
            kind: row.subject_kind.unwrap_or_default(),
            state: row.state.as_str(),
            created_at: row.created_at.micros(),
        })
        .collect();
    let may_invite = auth.caller.may(Permission::MerchantInvite);
    auth.page("merchants/list", MerchantsView { rows, next_page, may_invite })
}

#[derive(Serialize)]
struct ShopRow {
    id: String,
    name: String,
    slug: String,
    state: &'static str,
    opened_at: i64,
    trading_at: Option<i64>,
}

#[derive(Serialize)]
struct ApplicationItem {
    id: String,
    shop: String,
    state: &'static str,
    submitted_at: Option<i64>,
}

#[derive(Serialize)]
struct MerchantView {
    form: FormView,
    id: String,
    name: String,
    kind: String,
    state: &'static str,
    /// Why it is suspended or closed; empty when it is neither.
    reason: String,
    reason_at: Option<i64>,
    created_at: i64,
    shops: Vec<ShopRow>,
    applications: Vec<ApplicationItem>,
    may_review: bool,
    may_suspend: bool,
    may_visit: bool,
    may_resume: bool,
    may_close: bool,
    sees_shops: bool,
    may_export: bool,
    may_delete: bool,
    brands: Vec<String>,
}

async fn merchant_view<P: Perm, T>(
    auth: &Authed<P, T>,
    id: TenantId,
    form: FormView,
) -> Answer<MerchantView> {
    let reads = auth.caller.grant::<perm::MerchantRead>()?;
    let found = merchants::get(&auth.state, &reads, id).await?;
    let reviews = auth.caller.grant::<perm::ApplicationReview>().ok();
    let brands = match &reviews {
        Some(grant) => requirements::brands_open_to(&auth.state, grant, found.row.id).await?,
        None => Vec::new(),
    };
    let shop_row = |shop: qianpu_tenants::store::shop::Shop| ShopRow {
        id: shop.id.to_string(),
        name: shop.name,
        slug: shop.slug,
        state: shop.state.as_str(),
        opened_at: shop.opened_at.micros(),
        trading_at: shop.trading_at.map(|at| at.micros()),
    };
    let state = found.row.state;
    let manages = auth.caller.may(Permission::MerchantManage);
    Ok(MerchantView {
        form,
        id: found.row.id.to_string(),
        name: found.row.name,
        kind: found.row.subject_kind.unwrap_or_default(),
        state: state.as_str(),
        reason: found.row.state_reason.unwrap_or_default(),
        reason_at: found.row.state_at.map(|at| at.micros()),
        created_at: found.row.created_at.micros(),
        shops: found.shops.into_iter().map(shop_row).collect(),
        applications: found
            .applications
            .into_iter()
            .map(|row| ApplicationItem {
                id: row.id.to_string(),
                shop: if row.shop_name.is_empty() { row.applicant_email } else { row.shop_name },
                state: row.state.as_str(),
                submitted_at: row.submitted_at.map(|at| at.micros()),
            })
            .collect(),
        may_review: auth.caller.may(Permission::ApplicationRead),
        may_visit: auth.caller.may(Permission::Impersonate) && state != TenantState::Closed,
        may_suspend: manages && state == TenantState::Active,
        may_resume: manages && state == TenantState::Suspended,
        may_close: manages && matches!(state, TenantState::Active | TenantState::Suspended),
        sees_shops: auth.caller.may(Permission::ShopRead),
        may_delete: auth.caller.may(Permission::MerchantDelete),
        may_export: auth.caller.may(Permission::MerchantExport) && state != TenantState::Closed,
        brands,
    })
}

async fn merchant_page(auth: Authed<perm::MerchantRead, Path<TenantId>>) -> PageAnswer {
    let view = merchant_view(&auth, auth.input.0, FormView::default()).await?;
    auth.page("merchants/merchant", view)
}

type Stops = Authed<perm::MerchantManage, (Path<TenantId>, Fields)>;

/// Back to the merchant's page, or the page again with what was refused.
async fn stopped(auth: &Stops, done: Answer<TenantRow>, told: &'static str) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    match done {
        Ok(_) => Ok(auth.redirect_with(&Flash::success(told), &format!("{HOME}/{id}"))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = merchant_view(auth, *id, form).await?;
            auth.refused_page("merchants/merchant", view)
        }
        Err(error) => Err(error),
    }
}

async fn suspend_form(auth: Stops) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = life::suspend(&auth.state, &auth.grant, *id, fields.text("reason")).await;
    stopped(&auth, done, "tenancy.was_suspended").await
}

async fn resume_form(auth: Stops) -> PageAnswer {
    let done = life::resume(&auth.state, &auth.grant, auth.input.0.0).await;
    stopped(&auth, done, "tenancy.was_resumed").await
}

async fn close_form(auth: Stops) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = life::close(&auth.state, &auth.grant, *id, fields.text("reason")).await;
    stopped(&auth, done, "tenancy.was_closed").await
}

async fn allow_brand_form(auth: Authed<perm::ApplicationReview, (Path<TenantId>, Fields)>) -> PageAnswer {
    let (Path(merchant), fields) = &auth.input;
    requirements::authorise_brand(&auth.state, &auth.grant, fields.text("brand"), *merchant).await?;
    Ok(auth.redirect_with(&Flash::success("merchants.brand_allowed"), &format!("{HOME}/{merchant}")))
}

#[derive(Serialize)]
struct InvitationRow {
    id: String,
    email: String,
    merchant_name: String,
    state: &'static str,
    merchant: String,
    created_at: i64,
    expires_at: i64,
}

#[derive(Serialize)]
struct Choice {
    value: &'static str,
    label: &'static str,
}

#[derive(Serialize)]
struct InvitationsView {
    form: FormView,
    rows: Vec<InvitationRow>,
    next_page: Option<String>,
    languages: Vec<Choice>,
    apply_link: String,
}

async fn invitations_view<T>(
    auth: &Authed<perm::MerchantInvite, T>,
    cursor: Option<&str>,
    form: FormView,
) -> Answer<InvitationsView> {
    let page = page_request(Some(20), cursor)?;
    let found = invitations::list(&auth.state, &auth.grant, page).await?;
    let slug = invitations::own_slug(&auth.state, &auth.grant).await?;
    let base = auth.state.config.app.public_url.trim_end_matches('/');
    Ok(InvitationsView {
        form,
        next_page: found.next.map(|next| format!("{INVITATIONS}?cursor={}", cursor_text(&next))),
        rows: found
            .items
            .into_iter()
            .map(|row| InvitationRow {
                id: row.id.to_string(),
                email: row.email,
                merchant_name: row.merchant_name,
                state: row.state,
                merchant: row.used_by.map_or_else(String::new, |merchant| merchant.to_string()),
                created_at: row.created_at.micros(),
                expires_at: row.expires_at.micros(),
            })
            .collect(),
        languages: vec![Choice { value: "zh", label: "中文" }, Choice { value: "en", label: "English" }],
        apply_link: slug.map_or_else(String::new, |slug| format!("{base}/apply/{slug}")),
    })
}

async fn invitations_page(auth: Authed<perm::MerchantInvite, Query<PageQuery>>) -> PageAnswer {
    let form = FormView::filled([("locale", auth.info.lang.code().to_owned())]);
    let view = invitations_view(&auth, auth.input.0.cursor.as_deref(), form).await?;
    auth.page("merchants/invitations", view)
}

async fn invite_form(auth: Authed<perm::MerchantInvite, Fields>) -> PageAnswer {
    let fields = &auth.input;
    let command = Invite {
        email: fields.text("email").to_owned(),
        merchant_name: fields.text("merchant_name").to_owned(),
        lang: Lang::parse(fields.text("locale")).unwrap_or(auth.info.lang),
    };
    match invitations::invite(&auth.state, &auth.grant, &command).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("merchants.invitation_sent"), INVITATIONS)),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = invitations_view(&auth, None, form).await?;
            auth.refused_page("merchants/invitations", view)
        }
        Err(error) => Err(error),
    }
}

async fn revoke_form(auth: Authed<perm::MerchantInvite, (Path<InvitationId>, Fields)>) -> PageAnswer {
    invitations::revoke(&auth.state, &auth.grant, auth.input.0.0).await?;
    Ok(auth.redirect_with(&Flash::success("merchants.invitation_revoked"), INVITATIONS))
}
