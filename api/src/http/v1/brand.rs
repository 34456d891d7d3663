//! `/brand` and `/mail_sender`: what a provider's pages and mails look like, and its own mail server.

use crate::app::branding::{self, SetSender};
use crate::error::{Answer, ApiError};
use crate::http::describe::NoContent;
use crate::http::extract::{Authed, Json};
use crate::http::route::Api;
use crate::http::wire::{Id, Time};
use qianpu_domain::brand::BrandDraft;
use qianpu_domain::ids::MediaId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::brand::{MailSender, StoredBrand};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

type Manages<T = ()> = Authed<perm::BrandManage, T>;

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/brand", get_brand, "The own brand");
    api.put("/brand", set_brand, "Set the own brand: name, logo, two colours, support contact");
    api.get("/mail_sender", get_mail_sender, "The own mail server, without its password");
    api.put(
        "/mail_sender",
        set_mail_sender,
        "Set the own mail server; it is used after a test mail went through",
    );
    api.delete("/mail_sender", remove_mail_sender, "Let mails go out as the installation sends them");
    api.post("/mail_sender/test", test_mail_sender, "Send oneself a test mail through the own mail server");
}

#[derive(Debug, Serialize, ToSchema)]
struct BrandView {
    name: String,
    /// Of buttons and marks, `#rrggbb`.
    colour: String,
    /// Of links, `#rrggbb`.
    accent: String,
    support_email: String,
    support_phone: String,
    #[schema(value_type = Option<String>)]
    logo_id: Option<Id<MediaId>>,
    version: i64,
}

fn brand_view(stored: StoredBrand) -> BrandView {
    BrandView {
        colour: stored.brand.colour.text(),
        accent: stored.brand.accent.text(),
        name: stored.brand.name,
        support_email: stored.brand.support_email,
        support_phone: stored.brand.support_phone,
        logo_id: stored.logo.map(Id),
        version: stored.version,
    }
}

async fn get_brand(auth: Manages) -> Answer<Json<BrandView>> {
    let found = branding::get(&auth.state, &auth.grant).await?;
    Ok(Json(brand_view(found.ok_or_else(ApiError::not_found)?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetBrandBody {
    name: String,
    /// Of buttons and marks, `#rrggbb`; a contrast of 3 : 1 on white at least.
    colour: String,
    /// Of links, `#rrggbb`; a contrast of 4.5 : 1 on white at least.
    accent: String,
    #[serde(default)]
    support_email: String,
    #[serde(default)]
    support_phone: String,
    /// An uploaded picture; left out, the logo stays as it is.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    logo_id: Option<Id<MediaId>>,
}

async fn set_brand(auth: Manages<Json<SetBrandBody>>) -> Answer<Json<BrandView>> {
    let body = &auth.input.0;
    let draft = BrandDraft {
        name: &body.name,
        colour: &body.colour,
        accent: &body.accent,
        support_email: &body.support_email,
        support_phone: &body.support_phone,
    };
    let logo = body.logo_id.as_ref().map(|id| id.0);
    Ok(Json(brand_view(branding::set(&auth.state, &auth.grant, &draft, logo).await?)))
}

#[derive(Debug, Serialize, ToSchema)]
struct MailSenderView {
    host: String,
    port: u16,
    /// `required`, `starttls` or `none`.
    security: String,
    user_name: String,
    /// Whether a password is stored; it is never shown.
    has_password: bool,
    from_address: String,
    /// `untested`, `working` or `broken`; only a working one is used.
    state: &'static str,
    /// What the server said last, when it did not take a mail.
    error: Option<String>,
    checked_at: Option<Time>,
}

fn sender_view(sender: MailSender) -> MailSenderView {
    MailSenderView {
        has_password: sender.sealed_password.is_some(),
        host: sender.host,
        port: sender.port,
        security: sender.security,
        user_name: sender.user_name,
        from_address: sender.from_address,
        state: sender.state.as_str(),
        error: sender.error,
        checked_at: sender.checked_at.map(Time),
    }
}

async fn get_mail_sender(auth: Manages) -> Answer<Json<MailSenderView>> {
    let found = branding::sender(&auth.state, &auth.grant).await?;
    Ok(Json(sender_view(found.ok_or_else(ApiError::not_found)?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetMailSenderBody {
    /// A public server; private addresses are refused.
    host: String,
    /// 25, 465, 587 or 2525.
    #[schema(minimum = 1)]
    port: u16,
    /// `required` (TLS from the start) or `starttls`.
    security: String,
    #[serde(default)]
    user_name: String,
    /// Stored sealed and never shown; left out, the stored one stays as long as host and user stay.
    #[serde(default)]
    password: Option<String>,
    from_address: String,
}

async fn set_mail_sender(auth: Manages<Json<SetMailSenderBody>>) -> Answer<Json<MailSenderView>> {
    let body = &auth.input.0;
    let command = SetSender {
        host: body.host.clone(),
        port: body.port,
        security: body.security.clone(),
        user_name: body.user_name.clone(),
        password: body.password.clone(),
        from_address: body.from_address.clone(),
    };
    Ok(Json(sender_view(branding::set_sender(&auth.state, &auth.grant, &command).await?)))
}

async fn remove_mail_sender(auth: Manages) -> Answer<NoContent> {
    branding::remove_sender(&auth.state, &auth.grant).await?;
    Ok(NoContent)
}

async fn test_mail_sender(auth: Manages) -> Answer<Json<MailSenderView>> {
    Ok(Json(sender_view(branding::test_sender(&auth.state, &auth.caller, &auth.grant).await?)))
}
