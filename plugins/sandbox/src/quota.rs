//! Call quotas: spending, `clear_quota`, `openapi/quota/get`, `openapi/rid/get`, and the platform's own addresses.

use crate::calls::{Auth, Call, Route, canonical_path, either, post};
use crate::clock::Now;
use crate::errors::{Answer, WxError, error, ok, ok_with};
use crate::state::{LIMIT, State};
use serde_json::json;

pub const ROUTES: &[Route] = &[
    post("/cgi-bin/clear_quota", Auth::Account, clear_quota),
    post("/cgi-bin/clear_quota/v2", Auth::Open, clear_quota_by_secret),
    post("/cgi-bin/component/clear_quota", Auth::Component, clear_component_quota),
    post("/cgi-bin/component/clear_quota/v2", Auth::Open, clear_component_quota_by_secret),
    post("/cgi-bin/openapi/quota/get", Auth::Account, quota_get),
    post("/cgi-bin/openapi/rid/get", Auth::Account, rid_get),
    either("/cgi-bin/getcallbackip", Auth::Account, callback_ip),
    either("/cgi-bin/get_api_domain_ip", Auth::Account, callback_ip),
];

const CLEARS_PER_MONTH: u32 = 10;

fn documented_daily_limit(path: &str) -> u64 {
    match path {
        "/cgi-bin/token" => 2_000,
        "/cgi-bin/menu/create" => 1_000,
        "/cgi-bin/message/custom/send" => 500_000,
        _ => 1_000_000,
    }
}

fn daily_limit(state: &State, path: &str) -> u64 {
    match state.settings.daily_limit {
        0 => documented_daily_limit(path),
        limit => limit,
    }
}

/// The day in Beijing, where the platform's quotas fill at midnight.
fn day(now: Now) -> u64 {
    (now.seconds() + 8 * 3_600) / 86_400
}

fn usage_key(spender: &str, path: &str) -> String {
    format!("{spender} {path}")
}

/// Clearing and asking for quota cost nothing, or an exhausted account could never recover.
pub fn spend(state: &mut State, spender: &str, path: &str, now: Now) -> Result<(), WxError> {
    if path.contains("quota") || path.contains("/openapi/") {
        return Ok(());
    }
    let daily = daily_limit(state, path);
    let per_minute = state.settings.minute_limit;
    if state.usage.len() >= LIMIT {
        let today = day(now);
        state.usage.retain(|_, usage| usage.day == today);
    }
    let usage = state.usage.entry(usage_key(spender, path)).or_default();
    if usage.day != day(now) {
        usage.day = day(now);
        usage.used = 0;
    }
    if usage.minute != now.seconds() / 60 {
        usage.minute = now.seconds() / 60;
        usage.in_minute = 0;
    }
    if usage.used >= daily {
        return Err(error(45009));
    }
    if per_minute > 0 && usage.in_minute >= per_minute {
        return Err(error(45011));
    }
    usage.used += 1;
    usage.in_minute += 1;
    Ok(())
}

fn clear(state: &mut State, appid: &str, now: Now) -> Answer {
    // Months of the civil calendar do not matter here; thirty days bound the ten clearings.
    let month = (now.seconds() / (30 * 86_400)).to_string();
    if let Some(account) = state.accounts.get_mut(appid) {
        account.clears.retain(|kept, _| *kept == month);
        let count = account.clears.entry(month).or_default();
        if *count >= CLEARS_PER_MONTH {
            return Err(error(48006));
        }
        *count += 1;
    }
    let prefix = format!("{appid} ");
    state.usage.retain(|key, _| !key.starts_with(&prefix));
    state
        .call_faults
        .retain(|fault| fault.errcode != Some(45009) || fault.appid.as_deref().is_some_and(|a| a != appid));
    Ok(ok())
}

fn clear_quota(call: &mut Call<'_>) -> Answer {
    if call.text("appid") != call.appid {
        return Err(error(40013));
    }
    let appid = call.appid.clone();
    clear(call.state, &appid, call.now)
}

fn clear_quota_by_secret(call: &mut Call<'_>) -> Answer {
    let appid = call.text("appid").to_owned();
    let account = call.state.accounts.get(&appid).ok_or_else(|| error(40013))?;
    if account.secret != call.text("appsecret") {
        return Err(error(40125));
    }
    clear(call.state, &appid, call.now)
}

fn clear_component_quota(call: &mut Call<'_>) -> Answer {
    let component = call.component.clone();
    clear(call.state, &component, call.now)
}

fn clear_component_quota_by_secret(call: &mut Call<'_>) -> Answer {
    let component = call.text("component_appid").to_owned();
    let app = call.state.apps.get(&component).ok_or_else(|| error(61011))?;
    if app.component_appsecret != call.text("appsecret") {
        return Err(error(40125));
    }
    let appid = call.text("appid").to_owned();
    clear(call.state, if appid.is_empty() { &component } else { &appid }, call.now)
}

fn quota_get(call: &mut Call<'_>) -> Answer {
    let path = canonical_path(call.text("cgi_path"));
    if !path.starts_with('/') {
        return Err(error(76022));
    }
    let daily = daily_limit(call.state, &path);
    let today = day(call.now);
    let usage = call.state.usage.get(&usage_key(&call.appid, &path)).filter(|usage| usage.day == today);
    let used = usage.map_or(0, |usage| usage.used);
    let per_minute = call.state.settings.minute_limit;
    Ok(ok_with(json!({
        "quota": {"daily_limit": daily, "used": used, "remain": daily.saturating_sub(used)},
        "rate_limit": {"call_count": per_minute, "refresh_second": 60},
    })))
}

fn rid_get(call: &mut Call<'_>) -> Answer {
    let rid = call.text("rid");
    let record = call.state.calls.iter().find(|r| r.rid == rid && r.appid == call.appid);
    let record = record.ok_or_else(|| error(76022))?;
    Ok(ok_with(json!({"request": {
        "invoke_time": record.at.seconds(),
        "cost_in_ms": record.cost_ms,
        "request_url": record.path,
        "request_body": record.request_body,
        "response_body": record.response_body,
        "client_ip": "127.0.0.1",
    }})))
}

fn callback_ip(_call: &mut Call<'_>) -> Answer {
    Ok(json!({"ip_list": ["127.0.0.1"]}))
}
