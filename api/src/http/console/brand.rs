//! White label by page: the brand and the mail server of a provider; and, for anybody, a brand's style sheet and
//! picture.

use super::apply::may_be_mended;
use crate::app::branding::{self, SetSender};
use crate::app::media::{self, Purpose};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Open, Path, Upload};
use crate::http::route::PageRoutes;
use crate::http::v1::{MEDIA_LIMIT, media_content};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use actix_web::HttpResponse;
use actix_web::http::header;
use qianpu_domain::brand::{Brand, BrandDraft, SenderState};
use qianpu_tenants::authz::perm;
use serde::Serialize;

const HOME: &str = "/console/provider/brand";

type Manages<T = ()> = Authed<perm::BrandManage, T>;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, brand_page);
    pages.post(HOME, brand_form);
    pages.post("/console/provider/brand/sender", sender_form);
    pages.post("/console/provider/brand/sender/test", test_form);
    pages.post("/console/provider/brand/sender/remove", remove_form);
    pages.get("/brand/{slug}/style.css", brand_style);
    pages.get("/brand/{slug}/logo", brand_logo);
}

#[derive(Serialize)]
struct Choice {
    value: &'static str,
    label: &'static str,
}

#[derive(Serialize)]
struct SenderItem {
    state: &'static str,
    error: String,
    checked_at: Option<i64>,
    has_password: bool,
    broken: bool,
    untested: bool,
}

#[derive(Serialize)]
struct BrandPage {
    form: FormView,
    sender_form: FormView,
    logo: Option<String>,
    sender: Option<SenderItem>,
    securities: Vec<Choice>,
    apply_link: String,
}

/// Colours a brand starts with.
const COLOUR: &str = "#c2352b";
const ACCENT: &str = "#1a5bbf";

async fn view<T>(
    auth: &Manages<T>,
    refused: Option<FormView>,
    refused_sender: Option<FormView>,
) -> Answer<BrandPage> {
    let stored = branding::get(&auth.state, &auth.grant).await?;
    let slug = branding::slug(&auth.state, &auth.grant).await?.unwrap_or_default();
    let sender = branding::sender(&auth.state, &auth.grant).await?;
    let form = match &stored {
        Some(stored) => FormView::filled([
            ("name", stored.brand.name.clone()),
            ("colour", stored.brand.colour.text()),
            ("accent", stored.brand.accent.text()),
            ("support_email", stored.brand.support_email.clone()),
            ("support_phone", stored.brand.support_phone.clone()),
        ]),
        None => FormView::filled([
            ("name", auth.caller.tenant_name().to_owned()),
            ("colour", COLOUR.to_owned()),
            ("accent", ACCENT.to_owned()),
        ]),
    };
    let sender_form = match &sender {
        Some(sender) => FormView::filled([
            ("host", sender.host.clone()),
            ("port", sender.port.to_string()),
            ("security", sender.security.clone()),
            ("user_name", sender.user_name.clone()),
            ("from_address", sender.from_address.clone()),
        ]),
        None => FormView::filled([("port", "587".to_owned()), ("security", "starttls".to_owned())]),
    };
    let mut securities = vec![
        Choice { value: "starttls", label: "STARTTLS (587)" },
        Choice { value: "required", label: "TLS (465)" },
    ];
    if auth.state.config.is_development() {
        securities.push(Choice { value: "none", label: "—" });
    }
    let base = auth.state.config.app.public_url.trim_end_matches('/');
    Ok(BrandPage {
        form: refused.unwrap_or(form),
        sender_form: refused_sender.unwrap_or(sender_form),
        logo: stored
            .as_ref()
            .and_then(|stored| stored.logo.map(|_| format!("/brand/{slug}/logo?v={}", stored.version))),
        sender: sender.map(|sender| SenderItem {
            state: sender.state.as_str(),
            error: sender.error.unwrap_or_default(),
            checked_at: sender.checked_at.map(|at| at.micros()),
            has_password: sender.sealed_password.is_some(),
            broken: sender.state == SenderState::Broken,
            untested: sender.state == SenderState::Untested,
        }),
        securities,
        apply_link: format!("{base}/apply/{slug}"),
    })
}

async fn brand_page(auth: Manages) -> PageAnswer {
    let view = view(&auth, None, None).await?;
    auth.page("brand/brand", view)
}

async fn save(auth: &Manages<Upload<MEDIA_LIMIT>>) -> Answer<()> {
    let fields = &auth.input.fields;
    let draft = BrandDraft {
        name: fields.text("name"),
        colour: fields.text("colour"),
        accent: fields.text("accent"),
        support_email: fields.text("support_email"),
        support_phone: fields.text("support_phone"),
    };
    // Before a file is kept for nothing.
    Brand::check(&draft)?;
    let mut logo = None;
    if let Some(file) = auth.input.file("file").filter(|file| !file.bytes.is_empty()) {
        let writes = auth.caller.grant::<perm::MediaWrite>()?;
        let name = &file.file_name;
        let stored = media::store(&auth.state, &writes, Purpose::Picture, name, file.bytes.clone()).await?;
        logo = Some(stored.id);
    }
    branding::set(&auth.state, &auth.grant, &draft, logo).await.map(drop)
}

async fn brand_form(auth: Manages<Upload<MEDIA_LIMIT>>) -> PageAnswer {
    match save(&auth).await {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("brand.saved"), HOME)),
        Err(error) if may_be_mended(&error) => {
            let mut kept = auth.input.fields.clone();
            kept.0.push(("file".to_owned(), String::new()));
            let form = FormView::refused_by(&kept, &error, auth.info.lang);
            let view = view(&auth, Some(form), None).await?;
            auth.refused_page("brand/brand", view)
        }
        Err(error) => Err(error),
    }
}

async fn sender_form(auth: Manages<Fields>) -> PageAnswer {
    let fields = &auth.input;
    let password = fields.0.iter().find(|(name, _)| name == "password").map(|(_, value)| value.clone());
    let command = SetSender {
        host: fields.text("host").to_owned(),
        port: fields.text("port").parse().unwrap_or(0),
        security: fields.text("security").to_owned(),
        user_name: fields.text("user_name").to_owned(),
        // An empty field keeps what is stored: the page never shows it.
        password: password.filter(|password| !password.is_empty()),
        from_address: fields.text("from_address").to_owned(),
    };
    let done = branding::set_sender(&auth.state, &auth.grant, &command).await.map(drop);
    sender_answer(&auth, done, "brand.sender_saved").await
}

async fn sender_answer(auth: &Manages<Fields>, done: Answer<()>, told: &'static str) -> PageAnswer {
    let error: ApiError = match done {
        Ok(()) => return Ok(auth.redirect_with(&Flash::success(told), HOME)),
        Err(error) => error,
    };
    if !may_be_mended(&error) {
        return Err(error);
    }
    let mut kept = auth.input.clone();
    kept.0.iter_mut().filter(|(name, _)| name == "password").for_each(|(_, value)| value.clear());
    let form = FormView::refused_by(&kept, &error, auth.info.lang);
    let view = view(auth, None, Some(form)).await?;
    auth.refused_page("brand/brand", view)
}

async fn test_form(auth: Manages<Fields>) -> PageAnswer {
    let tested = branding::test_sender(&auth.state, &auth.caller, &auth.grant).await?;
    let email = auth.caller.person()?.email.clone();
    let flash = match tested.state {
        SenderState::Working => Flash::success("brand.test_sent").with("email", email),
        _ => Flash::failure("brand.test_failed"),
    };
    Ok(auth.redirect_with(&flash, HOME))
}

async fn remove_form(auth: Manages<Fields>) -> PageAnswer {
    let done = branding::remove_sender(&auth.state, &auth.grant).await;
    sender_answer(&auth, done, "brand.sender_removed").await
}

/// The colours as the style sheet of light pages; dark ones keep theirs, which were chosen for dark.
fn style_of(brand: &Brand) -> String {
    let (colour, accent) = (brand.colour, brand.accent);
    format!(
        "@media (prefers-color-scheme: light) {{ :root {{ --brand: {}; --brand-strong: {}; --brand-soft: {}; --brand-text: {}; --link: {}; }} }}\n",
        colour.text(),
        colour.darker().text(),
        colour.soft().text(),
        colour.text_on().text(),
        accent.text()
    )
}

/// The address carries the version, so the answer may be kept.
const KEPT: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=86400");

async fn brand_style(open: Open<Path<String>>) -> PageAnswer {
    let (_, stored) = branding::public(&open.state, open.request_id(), &open.input.0).await?;
    let style = style_of(&stored.brand);
    Ok(HttpResponse::Ok().insert_header(KEPT).content_type("text/css; charset=utf-8").body(style))
}

async fn brand_logo(open: Open<Path<String>>) -> PageAnswer {
    let (media, bytes) = branding::public_logo(&open.state, open.request_id(), &open.input.0).await?;
    let mut response = media_content(&media, bytes);
    let kept = header::HeaderValue::from_static(KEPT.1);
    response.headers_mut().insert(KEPT.0, kept);
    // Mails show it, and mails are read elsewhere.
    let elsewhere = header::HeaderValue::from_static("cross-origin");
    response.headers_mut().insert(header::HeaderName::from_static("cross-origin-resource-policy"), elsewhere);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_sheet_holds_colours_and_nothing_else() {
        let draft = BrandDraft {
            name: "x; } body { display: none",
            colour: "#0B7A75",
            accent: "#0a5f5b",
            support_email: "",
            support_phone: "",
        };
        let style = style_of(&Brand::check(&draft).unwrap());
        assert!(style.contains("--brand: #0b7a75") && !style.contains("display"), "{style}");
    }
}
