//! A merchant's documents while its shops are open: when each ends, and the form to hand in a renewed one.

use super::apply::may_be_mended;
use crate::app::documents::{self, KeptDocument, KeptDocuments};
use crate::app::media::{self, Purpose};
use crate::error::Answer;
use crate::http::extract::{Authed, Path2, Upload};
use crate::http::route::PageRoutes;
use crate::http::v1::{MEDIA_LIMIT, read_day};
use crate::pages::Flash;
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::ApplicationId;
use qianpu_domain::onboarding::{ExpiryStage, RenewalState};
use qianpu_domain::policy::ExpiryTerms;
use qianpu_tenants::authz::perm;
use serde::Serialize;

const HOME: &str = "/console/merchant/documents";
const MEDIA: &str = "/console/merchant/media";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, documents_page);
    pages.post("/console/merchant/documents/{application_id}/{requirement}", renew_form);
}

#[derive(Serialize)]
struct DocumentItem {
    /// Unique on the page.
    key: String,
    action: String,
    name: String,
    /// Word of the badge: how near the end is, or where the document stands.
    standing: &'static str,
    href: String,
    expires_on: String,
    renewal: &'static str,
    renewal_reason: String,
    renewal_href: String,
    renewal_until: String,
    /// The form stands open when something is to be done.
    open: bool,
    /// What is wrong with the form that was sent.
    error: String,
    typed_day: String,
}

#[derive(Serialize)]
struct ShopItem {
    shop: String,
    documents: Vec<DocumentItem>,
}

#[derive(Serialize)]
struct DocumentsView {
    shops: Vec<ShopItem>,
    grace_days: u32,
    first_days: u32,
    suspends: bool,
}

/// A form that was refused: whose it is, what is wrong, and the day that was typed.
struct Refused {
    application: ApplicationId,
    requirement: String,
    error: String,
    day: String,
}

fn item(document: KeptDocument, lang: Lang, refused: Option<&Refused>) -> DocumentItem {
    let standing = match document.stage {
        Some(ExpiryStage::First | ExpiryStage::Second | ExpiryStage::Last) => "expiring",
        Some(ExpiryStage::Expired) => "expired",
        Some(ExpiryStage::Overdue) => "overdue",
        None => document.state.as_str(),
    };
    let open = document.waits_for_merchant();
    let (application, code) = (document.application, document.requirement.code);
    let mine = refused.filter(|it| it.application == application && it.requirement == code);
    let renewal = document.renewal.as_ref();
    DocumentItem {
        key: format!("{application}-{code}"),
        action: format!("{HOME}/{application}/{code}"),
        name: lang.pick(&document.requirement.name_zh, &document.requirement.name_en).to_owned(),
        standing,
        href: document.media.map_or_else(String::new, |id| format!("{MEDIA}/{id}")),
        expires_on: document.expires_on.map_or_else(String::new, |day| day.to_string()),
        renewal: renewal.map_or("", |it| it.state.as_str()),
        renewal_reason: renewal.and_then(|it| it.reason.clone()).unwrap_or_default(),
        renewal_href: renewal
            .filter(|it| it.state == RenewalState::Pending)
            .map_or_else(String::new, |it| format!("{MEDIA}/{}", it.media)),
        renewal_until: renewal.and_then(|it| it.expires_on).map_or_else(String::new, |day| day.to_string()),
        open: open || mine.is_some() || renewal.is_some_and(|it| it.state == RenewalState::Returned),
        error: mine.map_or_else(String::new, |it| it.error.clone()),
        typed_day: mine.map_or_else(String::new, |it| it.day.clone()),
    }
}

fn view(
    shops: Vec<KeptDocuments>,
    terms: &ExpiryTerms,
    lang: Lang,
    refused: Option<&Refused>,
) -> DocumentsView {
    let shop = |kept: KeptDocuments| ShopItem {
        shop: kept.shop,
        documents: kept.documents.into_iter().map(|document| item(document, lang, refused)).collect(),
    };
    DocumentsView {
        shops: shops.into_iter().map(shop).collect(),
        grace_days: terms.grace_days,
        first_days: terms.first_days,
        suspends: terms.suspends,
    }
}

async fn documents_page(auth: Authed<perm::ApplicationEdit>) -> PageAnswer {
    let (shops, terms) = documents::own(&auth.state, &auth.grant).await?;
    auth.page("documents/own", view(shops, &terms, auth.info.lang, None))
}

type Renew = Authed<perm::ApplicationEdit, (Path2<ApplicationId, String>, Upload<MEDIA_LIMIT>)>;

async fn renew_form(auth: Renew) -> PageAnswer {
    match renew(&auth).await {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("documents.handed_in"), HOME)),
        Err(error) if may_be_mended(&error) || error.code().status() == 413 => {
            let (Path2(application, requirement), upload) = &auth.input;
            let lang = auth.info.lang;
            let (shops, terms) = documents::own(&auth.state, &auth.grant).await?;
            let text = match error.errors().first() {
                Some(wrong) => lang.pick(&wrong.message_zh, &wrong.message_en),
                None => lang.pick(error.code().title_zh(), error.code().title_en()),
            };
            let refused = Refused {
                application: *application,
                requirement: requirement.clone(),
                error: text.to_owned(),
                day: upload.fields.text("expires_on").to_owned(),
            };
            auth.refused_page("documents/own", view(shops, &terms, lang, Some(&refused)))
        }
        Err(error) => Err(error),
    }
}

async fn renew(auth: &Renew) -> Answer<()> {
    let (Path2(application, requirement), upload) = &auth.input;
    // Looked at before the file is kept: another merchant's application is not found.
    let reading = auth.caller.grant::<perm::ApplicationRead>()?;
    documents::renewals(&auth.state, &reading, *application).await?;
    let day = read_day("expires_on", Some(upload.fields.text("expires_on")))?;
    let file = upload.file("file").ok_or_else(|| FieldError::required("file"))?;
    let writing = auth.caller.grant::<perm::MediaWrite>()?;
    let stored =
        media::store(&auth.state, &writing, Purpose::Document, &file.file_name, file.bytes.clone()).await?;
    documents::renew(&auth.state, &auth.grant, *application, requirement, stored.id, day).await?;
    Ok(())
}
