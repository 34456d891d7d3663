//! Access tokens an account's owner takes with app id and secret: the basic and the stable kind.

use crate::calls::{Auth, Call, Route, either, post};
use crate::errors::{Answer, WxError, error};
use crate::state::TokenOwner;
use serde_json::json;

pub const ROUTES: &[Route] =
    &[either("/cgi-bin/token", Auth::Open, basic), post("/cgi-bin/stable_token", Auth::Open, stable)];

const FORCED_PAUSE_SECONDS: u64 = 30;
const FORCED_PER_DAY: u32 = 20;

fn check(call: &Call<'_>, grant: &str, appid: &str, secret: &str) -> Result<(), WxError> {
    if appid.is_empty() {
        return Err(error(41002));
    }
    if secret.is_empty() {
        return Err(error(41004));
    }
    if grant != "client_credential" {
        return Err(error(40002));
    }
    let account = call.state.accounts.get(appid).ok_or_else(|| error(40013))?;
    if account.secret == secret { Ok(()) } else { Err(error(40125)) }
}

fn basic(call: &mut Call<'_>) -> Answer {
    let (grant, appid) = (call.query("grant_type").to_owned(), call.query("appid").to_owned());
    let secret = call.query("secret").to_owned();
    check(call, &grant, &appid, &secret)?;
    crate::quota::spend(call.state, &appid, call.path, call.now)?;
    let owner = TokenOwner::Account { appid: appid.clone() };
    let (token, life) = call.state.issue_token(owner, call.now, "90");
    let grace = call.state.settings.grace_seconds;
    let account = call.state.accounts.get_mut(&appid).ok_or_else(|| error(40013))?;
    let replaced = std::mem::replace(&mut account.basic_token, token.clone());
    call.state.retire_token(&replaced, call.now, grace);
    Ok(json!({"access_token": token, "expires_in": life}))
}

/// Normal calls repeat the living token; forced ones replace it at once, at most every 30 s and 20 times a day.
fn stable(call: &mut Call<'_>) -> Answer {
    let (grant, appid) = (call.text("grant_type").to_owned(), call.text("appid").to_owned());
    let secret = call.text("secret").to_owned();
    check(call, &grant, &appid, &secret)?;
    crate::quota::spend(call.state, &appid, call.path, call.now)?;
    let now = call.now;
    let wants_force = call.body.get("force_refresh").and_then(|v| v.as_bool()).unwrap_or(false);
    let known = call.state.accounts.get(&appid).map(|a| a.stable.clone()).ok_or_else(|| error(40013))?;
    let living =
        call.state.tokens.get(&known.token).map(|t| t.expires).filter(|expires| *expires > now.seconds());
    let today = now.seconds() / 86_400;
    let forced = wants_force && known.forced_at + FORCED_PAUSE_SECONDS <= now.seconds();
    let count = if known.forced_day == today { known.forced_count } else { 0 };
    if forced && count >= FORCED_PER_DAY {
        return Err(error(45009));
    }
    if let (Some(expires), false) = (living, forced) {
        return Ok(json!({"access_token": known.token, "expires_in": expires - now.seconds()}));
    }
    if forced {
        call.state.retire_token(&known.token, now, 0);
    }
    let (token, life) = call.state.issue_token(TokenOwner::Account { appid: appid.clone() }, now, "91");
    if let Some(account) = call.state.accounts.get_mut(&appid) {
        account.stable.token = token.clone();
        if forced {
            account.stable.forced_at = now.seconds();
            account.stable.forced_day = today;
            account.stable.forced_count = count + 1;
        }
    }
    Ok(json!({"access_token": token, "expires_in": life}))
}
