//! The provider's queue of renewed documents: each beside the one it renews, accepted or returned with a reason.

use super::apply::may_be_mended;
use crate::app::documents::{self, RenewalVerdict, WaitingRenewal};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path2, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::ids::ApplicationId;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const HOME: &str = "/console/provider/documents";
const MEDIA: &str = "/console/provider/media";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, renewals_page);
    pages.post("/console/provider/documents/{application_id}/{requirement}", judge_renewal_form);
}

#[derive(Debug, Default, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct RenewalItem {
    key: String,
    action: String,
    name: String,
    merchant: String,
    merchant_href: String,
    shop: String,
    href: String,
    expires_on: String,
    was_until: String,
    at: i64,
    /// What is wrong with the answer that was sent.
    error: String,
}

#[derive(Serialize)]
struct RenewalsView {
    form: FormView,
    rows: Vec<RenewalItem>,
    next_page: Option<String>,
}

async fn view<T>(
    auth: &Authed<perm::ApplicationReview, T>,
    cursor: Option<&str>,
    refused: Option<(&str, String)>,
) -> Answer<RenewalsView> {
    let page = page_request(Some(20), cursor)?;
    let found = documents::waiting(&auth.state, &auth.grant, page).await?;
    let lang = auth.info.lang;
    let row = |waiting: WaitingRenewal| {
        let renewal = waiting.renewal;
        let key = format!("{}/{}", renewal.application, renewal.requirement);
        let error = refused.as_ref().filter(|(whose, _)| *whose == key).map(|(_, text)| text.clone());
        RenewalItem {
            action: format!("{HOME}/{key}"),
            key: key.replace('/', "-"),
            name: lang.pick(&waiting.name_zh, &waiting.name_en).to_owned(),
            merchant: waiting.merchant_name,
            merchant_href: format!("/console/provider/merchants/{}", renewal.merchant),
            shop: waiting.shop,
            href: format!("{MEDIA}/{}", renewal.media),
            expires_on: renewal.expires_on.map_or_else(String::new, |day| day.to_string()),
            was_until: waiting.was_until.map_or_else(String::new, |day| day.to_string()),
            at: renewal.created_at.micros(),
            error: error.unwrap_or_default(),
        }
    };
    Ok(RenewalsView {
        form: FormView::default(),
        rows: found.items.into_iter().map(row).collect(),
        next_page: found.next.map(|next| format!("{HOME}?cursor={}", cursor_text(&next))),
    })
}

async fn renewals_page(auth: Authed<perm::ApplicationReview, Query<PageQuery>>) -> PageAnswer {
    let view = view(&auth, auth.input.0.cursor.as_deref(), None).await?;
    auth.page("documents/renewals", view)
}

async fn judge_renewal_form(
    auth: Authed<perm::ApplicationReview, (Path2<ApplicationId, String>, Fields)>,
) -> PageAnswer {
    let (Path2(id, requirement), fields) = auth.input.clone();
    let (verdict, done) = match fields.text("verdict") {
        "accept" => (RenewalVerdict::Accept, "documents.accepted"),
        "return" => (RenewalVerdict::Return(fields.text("reason").to_owned()), "documents.sent_back"),
        // Whose it is comes before what is wrong with the form.
        other => {
            let reading = auth.caller.grant::<perm::ApplicationRead>()?;
            documents::renewals(&auth.state, &reading, id).await?;
            return Err(ApiError::bad_request(format!("no verdict {other}")));
        }
    };
    match documents::judge(&auth.state, &auth.grant, id, &requirement, &verdict).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success(done), HOME)),
        Err(error) if may_be_mended(&error) => {
            let lang = auth.info.lang;
            let text = match error.errors().first() {
                Some(wrong) => lang.pick(&wrong.message_zh, &wrong.message_en).to_owned(),
                None => lang.pick(error.code().title_zh(), error.code().title_en()).to_owned(),
            };
            let key = format!("{id}/{requirement}");
            let mut view = view(&auth, None, Some((&key, text))).await?;
            if !view.rows.iter().any(|row| !row.error.is_empty()) {
                view.form = FormView::refused_by(&fields, &error, lang);
            }
            auth.refused_page("documents/renewals", view)
        }
        Err(error) => Err(error),
    }
}
