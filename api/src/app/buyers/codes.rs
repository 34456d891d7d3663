//! Codes by text message. The answer is the same whether the phone is known or not: nothing here looks.
//!
//! Messages are counted by phone and by address over all shops of the provider, and by shop; counters hold keyed
//! hashes only. A code is bound to its shop and phone, tried a few times, used once.

use crate::app::storefront::Visit;
use crate::auth::csrf;
use crate::error::{Answer, ApiError};
use crate::jobs::sms_send;
use crate::pages::lang::Lang;
use crate::sms::{self, Sms, SmsSender};
use crate::state::AppState;
use qianpu_domain::buyer::{code_of, is_code};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::ShopId;
use qianpu_domain::subject::Phone;
use qianpu_domain::time::Span;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use qianpu_tenants::store::buyer::phone_lookup;
use qianpu_tenants::store::buyer_code::{code_insert, code_try};
use qianpu_tenants::store::sms_message::{NewSmsMessage, SmsLimit, sms_count, sms_insert};
use qianpu_tenants::{random, resolve};
use serde_json::json;
use uuid::Uuid;

/// What somebody who asked for a code is told.
#[derive(Debug, Clone, Copy)]
pub struct CodeAsked {
    pub expires_in: Span,
    pub resend_in: Span,
}

/// A phone as typed; a blank or dash inside is forgiven.
pub fn phone_of(text: &str) -> Answer<Phone> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    Phone::parse(&plain).map_err(|error| FieldError::of("phone", error.code()).into())
}

/// Where codes for this shop go; None when none can be sent at all.
pub async fn sent_by(state: &AppState, visit: &Visit) -> Answer<Option<SmsSender>> {
    let provider = resolve::provider_of(&state.db, visit.ctx()).await?;
    Ok(SmsSender::of(state, &provider).await?)
}

/// Sends a code to a phone.
pub async fn ask(
    state: &AppState,
    visit: &Visit,
    phone: &str,
    address: &str,
    lang: Lang,
) -> Answer<CodeAsked> {
    super::sign_in::door(visit)?;
    let phone = phone_of(phone)?;
    let limits = &state.config.buyers;
    let (expires_in, resend_in) = (Span::minutes(limits.code_minutes), Span::seconds(limits.resend_seconds));
    let provider = resolve::provider_of(&state.db, visit.ctx()).await?;
    if SmsSender::of(state, &provider).await?.is_none() {
        return Err(ApiError::new(ErrorCode::SmsNotConfigured));
    }
    let code = code_of(u64::from_be_bytes(random::bytes::<8>()));
    let text = state.pages.catalogue().say(
        lang,
        "buyers.sms_code",
        [
            ("shop", visit.shop.name.as_str()),
            ("code", code.as_str()),
            ("minutes", limits.code_minutes.to_string().as_str()),
        ],
    );
    let message = Sms { phone: phone.reveal().to_owned(), lang, code: code.clone(), text };
    send(state, &provider, visit, &phone, address, &message).await?;

    let shop = visit.shop.id;
    let mut tx = state.db.begin(visit.ctx()).await?;
    let lookup = phone_lookup(&state.keys.sealer, &tx, shop, &phone)?;
    let sealer = state.keys.sealer.clone();
    // The id makes equal codes different; the key makes the table useless to whoever copies it.
    let ctx = visit.ctx().clone();
    let hash = move |id: Uuid| hash_of(&sealer, &ctx, id, &code).unwrap_or_default();
    code_insert(&mut tx, shop, &lookup, expires_in, hash).await?;
    tx.commit().await?;
    Ok(CodeAsked { expires_in, resend_in })
}

fn hash_of(
    sealer: &qianpu_tenants::secrets::Sealer,
    ctx: &TenantCtx,
    id: Uuid,
    code: &str,
) -> StoreResult<Vec<u8>> {
    Ok(sealer.lookup(ctx, &format!("buyer code {}", id.simple()), code)?.into_bytes())
}

/// Counts and queues the message, in the provider's tenant; nothing is counted when it is refused.
async fn send(
    state: &AppState,
    provider: &TenantCtx,
    visit: &Visit,
    phone: &Phone,
    address: &str,
    message: &Sms,
) -> Answer<()> {
    let limits = &state.config.buyers;
    let hashed = |purpose: &str, value: &str| state.keys.sealer.lookup(provider, purpose, value);
    let bound = |subject: String, most: i64, apart: Span| SmsLimit { subject, most, apart };
    let bounds = [
        bound(
            format!("phone:{}", hashed("sms phone", phone.reveal())?),
            limits.codes_per_phone,
            Span::seconds(limits.resend_seconds),
        ),
        bound(
            format!("address:{}", hashed("sms address", address)?),
            limits.codes_per_address,
            Span::seconds(0),
        ),
        bound(format!("shop:{}", visit.shop.id), limits.codes_per_shop, Span::seconds(0)),
    ];
    let mut tx = state.db.begin(provider).await?;
    for limit in &bounds {
        if let Some(wait) = sms_count(&mut tx, limit).await? {
            let seconds = u32::try_from(wait.as_seconds().max(1)).unwrap_or(u32::MAX);
            return Err(ApiError::new(ErrorCode::RateLimited).retry_after(seconds));
        }
    }
    let new = NewSmsMessage {
        shop: Some((visit.ctx().tenant(), visit.shop.id)),
        kind: "code",
        payload: sms::sealed(state, provider, message)?,
        phone_masked: &phone.masked(),
    };
    let id = sms_insert(&mut tx, new).await?;
    let job = NewJob {
        kind: sms_send::KIND,
        dedup_key: None,
        payload: json!({ "message_id": id.to_string() }),
        run_at: None,
        priority: 0,
    };
    job_enqueue(&mut tx, job).await?;
    Ok(tx.commit().await?)
}

/// A phone that was proven, and the code that proved it: spend it in the transaction that uses the proof.
#[derive(Debug)]
pub struct Proven {
    pub phone: Phone,
    pub(super) shop: ShopId,
    pub(super) code: Uuid,
}

/// Checks a code. Each check takes one of the code's tries, whatever comes of it.
pub async fn prove(
    state: &AppState,
    visit: &Visit,
    phone: &str,
    code: &str,
    address: &str,
) -> Answer<Proven> {
    let wrong = || ApiError::new(ErrorCode::SignInCodeWrong);
    let phone = phone_of(phone)?;
    let code = code.trim();
    if !is_code(code) {
        return Err(wrong());
    }
    let now = state.clock().now();
    let shop = visit.shop.id;
    let mut tx = state.db.begin(visit.ctx()).await?;
    let lookup = phone_lookup(&state.keys.sealer, &tx, shop, &phone)?;
    // The brake on trying one code at many phones from one place; a phone's own tries are counted in its code.
    let guess = format!("buyer code {lookup}");
    if let Some(seconds) = state.throttle.wait(&guess, address, now) {
        return Err(ApiError::new(ErrorCode::RateLimited).retry_after(seconds));
    }
    let tried = code_try(&mut tx, shop, &lookup, state.config.buyers.code_tries).await?;
    tx.commit().await?;
    let fits = match tried {
        Some((id, stored)) => {
            let given = hash_of(&state.keys.sealer, visit.ctx(), id, code)?;
            let stored = String::from_utf8_lossy(&stored).into_owned();
            csrf::same(&String::from_utf8_lossy(&given), &stored).then_some(id)
        }
        None => None,
    };
    match fits {
        Some(code) => {
            state.throttle.succeeded(&guess);
            Ok(Proven { phone, shop, code })
        }
        None => {
            state.throttle.failed(&guess, address, now);
            metrics::counter!("qianpu_buyer_code_failures_total").increment(1);
            Err(wrong())
        }
    }
}
