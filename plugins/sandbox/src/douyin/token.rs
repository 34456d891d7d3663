//! Tokens: the exchange of a code, and the refresh with its documented hours.

use super::calls::{Answer, Call, DyError, Route, error};
use super::{Code, Douyin, Refresh, Token};
use crate::clock::{Now, random_text};
use crate::state::{LIMIT, TOKEN_LIMIT};
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[("/token/create", false, create), ("/token/refresh", false, refresh)];

const CODE_LIFE: u64 = 600;
const REFRESH_LIFE: u64 = 14 * 86_400;
/// In the last hour a refresh gives new tokens, and the old ones go on for an hour.
const LAST_HOUR: u64 = 3600;

fn failed(why: &str, words: &'static str) -> DyError {
    error(50_001, format!("dop.token-generate-failed:{why}"), words)
}

/// A shop grants the app; the code for it.
pub fn issue_code(douyin: &mut Douyin, now: Now, app_key: &str, shop_id: u64) -> String {
    douyin.codes.retain(|_, code| code.expires + 3_600 > now.seconds());
    while douyin.codes.len() >= LIMIT {
        douyin.codes.pop_first();
    }
    let text = random_text(36);
    let code = Code { app_key: app_key.to_owned(), shop_id, expires: now.seconds() + CODE_LIFE, used: false };
    douyin.codes.insert(text.clone(), code);
    if let Some(shop) = douyin.shops.get_mut(&shop_id) {
        shop.grants.insert(app_key.to_owned());
    }
    text
}

fn create(call: &mut Call<'_>) -> Answer {
    let (app_key, now) = (call.app_key.clone(), call.now);
    let self_use = call.douyin().apps.get(&app_key).is_some_and(|app| app.self_use);
    // Each kind of app has its own way.
    let shop_id = match (call.text("grant_type").as_str(), self_use) {
        ("authorization_code", false) => {
            let invalid = || failed("code-invalid", "生成token失败，code参数不正确");
            let text = call.text("code");
            let code = call.douyin().codes.get_mut(&text).ok_or_else(invalid)?;
            if code.app_key != app_key {
                return Err(invalid());
            }
            if code.used || code.expires <= now.seconds() {
                return Err(failed("code-expired", "生成token失败，code已经失效"));
            }
            code.used = true;
            code.shop_id
        }
        // The shop's own app: no code, the shop says itself which it is.
        ("authorization_self", true) => call.id("shop_id")?,
        _ => return Err(failed("grant-type-invalid", "生成token失败，grant_type参数取值不正确")),
    };
    let granted = call.douyin().shops.get(&shop_id).is_some_and(|shop| shop.grants.contains(&app_key));
    if !granted {
        return Err(failed("no-authorization", "生成token失败，店铺授权已失效"));
    }
    let (access, refresh) = issue(call.douyin(), now, &app_key, shop_id);
    view(call.douyin(), now, &access, &refresh)
}

fn issue(douyin: &mut Douyin, now: Now, app_key: &str, shop_id: u64) -> (String, String) {
    if douyin.tokens.len() >= TOKEN_LIMIT {
        douyin.tokens.retain(|_, token| token.expires + 86_400 > now.seconds());
        douyin.refreshes.retain(|_, refresh| refresh.expires > now.seconds());
    }
    while douyin.tokens.len() >= TOKEN_LIMIT {
        douyin.tokens.pop_first();
    }
    let (access, refresh) = (random_text(36), random_text(36));
    let expires = now.seconds() + douyin.token_life_seconds;
    let app_key = app_key.to_owned();
    douyin.tokens.insert(access.clone(), Token { app_key: app_key.clone(), shop_id, expires });
    let kept = Refresh { app_key, shop_id, expires: now.seconds() + REFRESH_LIFE, access: access.clone() };
    douyin.refreshes.insert(refresh.clone(), kept);
    (access, refresh)
}

fn view(douyin: &Douyin, now: Now, access: &str, refresh: &str) -> Answer {
    let token = douyin.tokens.get(access).ok_or_else(|| error(20_000, "isp.service-error", "内部错误"))?;
    let shop = douyin.shops.get(&token.shop_id);
    Ok(json!({
        "access_token": access,
        "expires_in": token.expires.saturating_sub(now.seconds()),
        "refresh_token": refresh,
        "scope": "SCOPE",
        "shop_id": token.shop_id,
        "shop_name": shop.map(|shop| shop.name.as_str()),
        "authority_id": token.shop_id.to_string(),
        "auth_subject_type": Value::String(String::new()),
    }))
}

fn refresh(call: &mut Call<'_>) -> Answer {
    if call.text("grant_type") != "refresh_token" {
        return Err(failed("grant-type-invalid", "生成token失败，grant_type参数取值不正确"));
    }
    let (text, app_key, now) = (call.text("refresh_token"), call.app_key.clone(), call.now);
    let douyin = call.douyin();
    let known = douyin.refreshes.get(&text).filter(|known| known.app_key == app_key).cloned();
    let known = known.ok_or_else(|| failed("token-invalid", "生成token失败，token不存在"))?;
    if known.expires <= now.seconds() {
        return Err(failed("token-expired", "生成token失败，token已过期"));
    }
    if !douyin.shops.get(&known.shop_id).is_some_and(|shop| shop.grants.contains(&app_key)) {
        return Err(failed("no-authorization", "生成token失败，店铺授权已失效"));
    }
    let left =
        douyin.tokens.get(&known.access).map_or(0, |token| token.expires.saturating_sub(now.seconds()));
    if left > LAST_HOUR {
        return view(douyin, now, &known.access, &text);
    }
    let (access, refresh) = issue(douyin, now, &app_key, known.shop_id);
    if left > 0 {
        if let Some(token) = douyin.tokens.get_mut(&known.access) {
            token.expires = now.seconds() + LAST_HOUR;
        }
        if let Some(old) = douyin.refreshes.get_mut(&text) {
            old.expires = now.seconds() + LAST_HOUR;
        }
    } else {
        douyin.refreshes.remove(&text);
    }
    view(douyin, now, &access, &refresh)
}
