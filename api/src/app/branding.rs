//! White label: a provider's brand, and its own mail server with a test mail.

use crate::app::setup::email_is_plausible;
use crate::error::{Answer, ApiError};
use crate::mail::Mail;
use crate::mail::own::{self, OwnServer, dress_of};
use crate::net::{Refusal, public_addresses};
use crate::pages::frame::BrandShown;
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::brand::{Brand, BrandDraft};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{JobId, MediaId, RequestId};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Caller, Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::resolve;
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::brand::{
    MailSender, StoredBrand, brand_find, brand_put, sender_delete, sender_find, sender_note, sender_put,
};
use qianpu_tenants::store::directory;
use qianpu_tenants::store::media::{Media, media_get};
use serde_json::json;

type Manages = Grant<perm::BrandManage>;

/// Ports that mail servers take mail at; in development any.
const PORTS: [u16; 4] = [25, 465, 587, 2525];

fn provider_only(grant: &Manages) -> Answer<&TenantCtx> {
    if grant.ctx().kind() == Surface::Provider { Ok(grant.ctx()) } else { Err(ApiError::not_found()) }
}

/// The own brand; none when none was set.
pub async fn get(state: &AppState, grant: &Manages) -> Answer<Option<StoredBrand>> {
    Ok(brand_find(&*state.db.read(provider_only(grant)?).await?).await?)
}

/// The word in the address of the provider's public files.
pub async fn slug(state: &AppState, grant: &Manages) -> Answer<Option<String>> {
    let tx = state.db.read(provider_only(grant)?).await?;
    Ok(directory::key_value(&tx, directory::PROVIDER_SLUG).await?)
}

/// Sets the brand. Colours that cannot be read are refused with what their contrast is.
pub async fn set(
    state: &AppState,
    grant: &Manages,
    draft: &BrandDraft<'_>,
    logo: Option<MediaId>,
) -> Answer<StoredBrand> {
    let ctx = provider_only(grant)?;
    let brand = Brand::check(draft)?;
    let mut tx = state.db.begin(ctx).await?;
    if let Some(logo) = logo {
        is_picture(&tx, logo).await?;
    }
    brand_put(&mut tx, &brand, logo).await?;
    let detail = json!({"name": brand.name, "colour": brand.colour.text(), "accent": brand.accent.text()});
    let id = ctx.tenant().to_string();
    audit_append(&mut tx, AuditAction::BrandChanged, "tenant", &id, detail).await?;
    let stored = brand_find(&tx).await?.ok_or_else(ApiError::not_found)?;
    tx.commit().await?;
    Ok(stored)
}

async fn is_picture(tx: &TenantTx, id: MediaId) -> Answer<()> {
    match media_get(tx, id).await {
        Ok(media) if media.purpose == "picture" => Ok(()),
        Ok(_) | Err(StoreError::NotFound) => {
            let (en, zh) = ("upload the picture first", "请先上传图片");
            Err(FieldError::new("logo_id", "not_found", en, zh).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// A provider's brand as its pages show it; none without a brand.
pub async fn shown(state: &AppState, provider: &TenantCtx) -> Answer<Option<BrandShown>> {
    let tx = state.db.read(provider).await?;
    let Some(stored) = brand_find(&tx).await? else { return Ok(None) };
    let Some(slug) = directory::key_value(&tx, directory::PROVIDER_SLUG).await? else { return Ok(None) };
    let at = |file: &str| format!("/brand/{slug}/{file}?v={}", stored.version);
    let support = [stored.brand.support_email.as_str(), stored.brand.support_phone.as_str()];
    let support: Vec<&str> = support.into_iter().filter(|text| !text.is_empty()).collect();
    Ok(Some(BrandShown {
        style: at("style.css"),
        logo: stored.logo.map(|_| at("logo")),
        support: support.join(" · "),
        name: stored.brand.name.clone(),
    }))
}

/// The brand of a provider that is not closed, for anybody.
pub async fn public(state: &AppState, request: RequestId, slug: &str) -> Answer<(TenantCtx, StoredBrand)> {
    let ctx = resolve::by_brand_slug(&state.db, slug, request).await?.ok_or_else(ApiError::not_found)?;
    let found = brand_find(&*state.db.read(&ctx).await?).await?;
    Ok((ctx, found.ok_or_else(ApiError::not_found)?))
}

/// The picture of a brand, for anybody.
pub async fn public_logo(state: &AppState, request: RequestId, slug: &str) -> Answer<(Media, Vec<u8>)> {
    let (ctx, brand) = public(state, request, slug).await?;
    let id = brand.logo.ok_or_else(ApiError::not_found)?;
    let media = media_get(&*state.db.read(&ctx).await?, id).await?;
    let bytes = crate::app::media::read_bytes(state, &media).await?;
    Ok((media, bytes))
}

/// A mail server as it was written down.
#[derive(Debug, Clone)]
pub struct SetSender {
    pub host: String,
    pub port: u16,
    /// `required`, `starttls` or `none`.
    pub security: String,
    pub user_name: String,
    /// None keeps the one that is stored.
    pub password: Option<String>,
    pub from_address: String,
}

/// The own mail server; none when mails go out as the installation sends them.
pub async fn sender(state: &AppState, grant: &Manages) -> Answer<Option<MailSender>> {
    Ok(sender_find(&*state.db.read(provider_only(grant)?).await?).await?)
}

/// Sets the mail server. It is used after a test mail has gone through it.
pub async fn set_sender(state: &AppState, grant: &Manages, command: &SetSender) -> Answer<MailSender> {
    let ctx = provider_only(grant)?;
    let errors = check_sender(state, command).await;
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let mut tx = state.db.begin(ctx).await?;
    let was = sender_find(&tx).await?;
    let sealed_password = match command.password.as_deref() {
        Some("") => None,
        Some(new) => Some(state.keys.sealer.seal_text(ctx, own::PURPOSE, &Plain::from(new.to_owned()))?),
        // A stored password goes to the server it was given for and to no other.
        None => was
            .filter(|was| was.host == command.host.trim() && was.user_name == command.user_name.trim())
            .and_then(|was| was.sealed_password),
    };
    let new = MailSender {
        host: command.host.trim().to_owned(),
        port: command.port,
        security: command.security.clone(),
        user_name: command.user_name.trim().to_owned(),
        sealed_password,
        from_address: command.from_address.trim().to_owned(),
        state: qianpu_domain::brand::SenderState::Untested,
        error: None,
        checked_at: None,
    };
    sender_put(&mut tx, &new).await?;
    let detail =
        json!({"host": new.host, "port": new.port, "security": new.security, "from": new.from_address});
    let id = ctx.tenant().to_string();
    audit_append(&mut tx, AuditAction::MailSenderChanged, "tenant", &id, detail).await?;
    tx.commit().await?;
    Ok(new)
}

async fn check_sender(state: &AppState, command: &SetSender) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let development = state.config.is_development();
    let host = command.host.trim();
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':'));
    if host.is_empty() {
        errors.push(FieldError::required("host"));
    } else if host.len() > 253 || !plain {
        let (en, zh) = (
            "expected the name of a server such as smtp.example.com",
            "请填写服务器名称，例如 smtp.example.com",
        );
        errors.push(FieldError::new("host", "invalid", en, zh));
    } else if let Err(refusal) = public_addresses(host, command.port, development).await {
        let zh = match refusal {
            Refusal::Unknown => "无法解析该服务器名称",
            Refusal::NotPublic => "该服务器不在公网上",
        };
        errors.push(FieldError::new("host", "refused", refusal.to_string(), zh));
    }
    if command.port == 0 || (!development && !PORTS.contains(&command.port)) {
        let (en, zh) = ("one of 25, 465, 587 and 2525", "应为 25、465、587 或 2525");
        errors.push(FieldError::new("port", "invalid", en, zh));
    }
    let known = match command.security.as_str() {
        "required" | "starttls" => true,
        "none" => development,
        _ => false,
    };
    if !known {
        let (en, zh) = ("choose required or starttls", "请选择 TLS 或 STARTTLS");
        errors.push(FieldError::new("security", "invalid", en, zh));
    }
    let seen = |text: &str| text.chars().count() <= 200 && !text.chars().any(char::is_control);
    if !seen(&command.user_name) {
        let (en, zh) = ("at most 200 characters", "最多 200 个字符");
        errors.push(FieldError::new("user_name", "too_long", en, zh));
    }
    if command.password.as_deref().is_some_and(|password| !seen(password)) {
        let (en, zh) = ("at most 200 characters", "最多 200 个字符");
        errors.push(FieldError::new("password", "too_long", en, zh));
    }
    if !email_is_plausible(&command.from_address) {
        let (en, zh) = ("expected an e-mail address", "请填写正确的邮箱地址");
        errors.push(FieldError::new("from_address", "invalid", en, zh));
    }
    errors
}

/// Forgets the mail server; mails go out as the installation sends them.
pub async fn remove_sender(state: &AppState, grant: &Manages) -> Answer<()> {
    let ctx = provider_only(grant)?;
    let mut tx = state.db.begin(ctx).await?;
    sender_delete(&mut tx).await?;
    let id = ctx.tenant().to_string();
    audit_append(&mut tx, AuditAction::MailSenderChanged, "tenant", &id, json!({"host": null})).await?;
    Ok(tx.commit().await?)
}

/// Sends the caller a mail through the own server and notes how it went.
pub async fn test_sender(state: &AppState, caller: &Caller, grant: &Manages) -> Answer<MailSender> {
    let ctx = provider_only(grant)?;
    let person = caller.person()?;
    let now = state.clock().now();
    // Counted, so that nobody uses us to knock at servers.
    let counted = format!("mail sender {}", ctx.tenant());
    if let Some(seconds) = state.throttle.wait(&counted, &counted, now) {
        return Err(ApiError::new(ErrorCode::RateLimited).retry_after(seconds));
    }
    state.throttle.failed(&counted, &counted, now);
    let mut dress = dress_of(state, ctx).await?;
    let server: OwnServer = dress.own.take().ok_or_else(ApiError::not_found)?;
    let mail = Mail {
        to: person.email.clone(),
        lang: Lang::parse(&person.locale).unwrap_or(state.config.app.language),
        texts: "core.mail_test.".into(),
        arguments: vec![("name".to_owned(), person.name.clone())],
        points: Vec::new(),
        link: Some(format!("{}/console", state.config.app.public_url.trim_end_matches('/'))),
        from_name: caller.tenant_name().to_owned(),
    };
    let id = JobId(state.new_id());
    let sent = state.mailer.send_own(&state.pages, &mail, id, now, &dress, &server).await;
    let mut tx = state.db.begin(ctx).await?;
    sender_note(&mut tx, &server.sender, sent.err().as_ref().map(|failure| failure.text.as_str())).await?;
    let found = sender_find(&tx).await?.ok_or_else(ApiError::not_found)?;
    tx.commit().await?;
    Ok(found)
}
