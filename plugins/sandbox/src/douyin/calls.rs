//! Takes one call to its handler: signature, time, token, limits, faults, and the rendering of the answer.

use super::Douyin;
use super::{aftersale, order, product, sign, token};
use crate::calls::{BODY_LIMIT, BROKEN, broken, query_of, remember, take_fault};
use crate::clock::{Now, random_hex};
use crate::core::Core;
use crate::quota;
use crate::state::{Platform, State};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

pub struct DyError {
    pub code: i64,
    pub sub_code: Cow<'static, str>,
    pub sub_msg: Cow<'static, str>,
}

pub type Answer = Result<Value, DyError>;

pub fn error(
    code: i64,
    sub_code: impl Into<Cow<'static, str>>,
    sub_msg: impl Into<Cow<'static, str>>,
) -> DyError {
    DyError { code, sub_code: sub_code.into(), sub_msg: sub_msg.into() }
}

/// A parameter that the interface itself refuses.
pub fn invalid(sub_msg: impl Into<Cow<'static, str>>) -> DyError {
    error(40_004, "isv.parameter-invalid", sub_msg)
}

/// The state of the thing does not allow it.
pub fn refused(sub_msg: impl Into<Cow<'static, str>>) -> DyError {
    error(50_002, "isv.business-failed", sub_msg)
}

fn message(code: i64) -> &'static str {
    match code {
        10_001 => "请求部分失败",
        20_000 => "服务不可用",
        20_001 => "内部服务超时",
        30_001 => "操作权限不足",
        30_002 => "请求来源IP不可信",
        40_001 | 40_002 => "缺少必选参数",
        40_003 | 40_004 => "非法的参数",
        50_001 => "平台处理失败",
        50_002 => "业务处理失败",
        60_000 => "触发限流，请稍后重试",
        70_000 => "接口服务已下线",
        80_000 => "安全错误",
        _ => "其他异常",
    }
}

pub struct Call<'a> {
    pub state: &'a mut State,
    pub now: Now,
    pub params: Value,
    pub app_key: String,
    /// The shop the token speaks for; zero for calls without one.
    pub shop_id: u64,
}

impl Call<'_> {
    pub fn douyin(&mut self) -> &mut Douyin {
        &mut self.state.douyin
    }
    pub fn text(&self, name: &str) -> String {
        match self.params.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }
    pub fn int(&self, name: &str) -> Option<i64> {
        crate::state::int_of(self.params.get(name))
    }
    pub fn id(&self, name: &str) -> Result<u64, DyError> {
        let found = crate::state::id_of(self.params.get(name)).filter(|id| *id > 0);
        found.ok_or_else(|| error(40_002, "isv.parameter-missing", format!("{name}不能为空")))
    }
}

type Handler = fn(&mut Call<'_>) -> Answer;

/// Path, whether it needs an account's token, handler.
pub type Route = (&'static str, bool, Handler);

const TABLES: &[&[Route]] = &[token::ROUTES, product::ROUTES, order::ROUTES, aftersale::ROUTES];

fn route(path: &str) -> Option<&'static Route> {
    TABLES.iter().flat_map(|table| table.iter()).find(|(known, ..)| known.eq_ignore_ascii_case(path))
}

/// Whether a path is one of this platform's.
pub fn knows(path: &str) -> bool {
    route(path).is_some()
}

struct Arrival {
    path: String,
    query: BTreeMap<String, String>,
    params: String,
}

impl Arrival {
    fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }
}

pub async fn answer(request: HttpRequest, payload: web::Payload, core: web::Data<Core>) -> HttpResponse {
    let started = core.now();
    let query = query_of(&request);
    let body = payload.to_bytes_limited(BODY_LIMIT).await;
    let body = body.ok().and_then(Result::ok).unwrap_or_default();
    // The parameters stand in the body; some clients put those of token calls into the query too.
    let params = match std::str::from_utf8(&body) {
        Ok(text) if !text.trim().is_empty() => text.to_owned(),
        _ => query.get("param_json").cloned().unwrap_or_default(),
    };
    let arrival = Arrival { path: request.path().trim_end_matches('/').to_owned(), query, params };
    let shop = core.peek(|state| {
        let token = state.douyin.tokens.get(arrival.query("access_token"));
        token.map_or_else(String::new, |token| token.shop_id.to_string())
    });
    let fault = core.with(|state, _| take_fault(state, Platform::Douyin, &arrival.path, &shop));
    let wait = |after| {
        let delay = fault.as_ref().filter(|fault| fault.after == after).map_or(0, |fault| fault.delay_ms);
        tokio::time::sleep(Duration::from_millis(delay.min(120_000)))
    };
    wait(false).await;
    let early = fault.as_ref().is_some_and(|fault| !fault.after);
    let broken = fault.as_ref().and_then(broken);
    if let (Some(page), true) = (broken, early) {
        return HttpResponse::build(page).body(BROKEN);
    }
    let wanted = fault.as_ref().and_then(|fault| {
        let sub_code = fault.sub_code.clone().unwrap_or_default();
        fault.errcode.map(|code| error(code, sub_code, "sandbox fault"))
    });
    let outcome = match wanted {
        Some(wanted) if early => Err(wanted),
        Some(wanted) => core.with(|state, now| run(state, now, &arrival)).and(Err(wanted)),
        None => core.with(|state, now| run(state, now, &arrival)),
    };
    wait(true).await;
    // Without this header the platform adds the fields of an older generation.
    let old = request.headers().get("x-open-no-old-err-code").is_none_or(|value| value != "1");
    let answer = render(&core, started, &arrival, &shop, outcome, old);
    broken.map_or(answer, |page| HttpResponse::build(page).body(BROKEN))
}

fn render(
    core: &Core,
    started: Now,
    arrival: &Arrival,
    shop: &str,
    outcome: Answer,
    old: bool,
) -> HttpResponse {
    let log_id = format!("{}{}", started.millis(), random_hex(16).to_uppercase());
    let (code, mut shown) = match outcome {
        Ok(data) => (
            10_000,
            json!({"code": 10_000, "msg": "success", "sub_code": "", "sub_msg": "", "log_id": log_id, "data": data}),
        ),
        Err(error) => (
            error.code,
            json!({"code": error.code, "msg": message(error.code), "sub_code": error.sub_code,
                "sub_msg": error.sub_msg, "log_id": log_id, "data": null}),
        ),
    };
    if let Some(members) = shown.as_object_mut().filter(|_| old) {
        members.insert("err_no".into(), json!(if code == 10_000 { 0 } else { code }));
        members.insert("message".into(), members.get("msg").cloned().unwrap_or_default());
    }
    let text = shown.to_string();
    let errcode = if code == 10_000 { 0 } else { code };
    remember(core, started, &log_id, shop, &arrival.path, &arrival.params, &text, errcode);
    HttpResponse::Ok().content_type("application/json; charset=utf-8").body(text)
}

fn run(state: &mut State, now: Now, arrival: &Arrival) -> Answer {
    let (path, needs_token, handler) =
        route(&arrival.path).ok_or_else(|| error(70_000, "isp.api-service-off", "API不存在或API已下线"))?;
    let app = check_signature(state, now, arrival)?;
    let shop_id = if *needs_token { check_token(state, now, arrival, &app)? } else { 0 };
    if shop_id > 0 {
        quota::spend(state, &shop_id.to_string(), path, now)
            .map_err(|_| error(60_000, "isv.call-limited", "触发限流，请稍后重试"))?;
    }
    let params: Value = serde_json::from_str(&arrival.params)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| error(40_003, "isv.parameter-format-invalid", "业务参数json解析失败"))?;
    handler(&mut Call { state, now, params, app_key: app, shop_id })
}

fn check_signature(state: &State, now: Now, arrival: &Arrival) -> Result<String, DyError> {
    let app_key = arrival.query("app_key");
    if app_key.is_empty() {
        return Err(error(40_001, "isv.app-id-missing", "认证失败，app_key不存在"));
    }
    let app = state.douyin.apps.get(app_key);
    let app = app.ok_or_else(|| error(40_003, "isv.app-id-invalid", "认证失败，app_key格式不正确"))?;
    let given = arrival.query("sign");
    if given.is_empty() {
        return Err(error(40_001, "isv.signature-missing", "获取签名失败"));
    }
    let method = arrival.path.trim_start_matches('/').replace('/', ".");
    let wrong = || error(40_003, "isv.signature-invalid", "签名校验失败");
    if arrival.query("method") != method || arrival.query("v") != "2" {
        return Err(wrong());
    }
    let timestamp = arrival.query("timestamp");
    let parts = [app_key, method.as_str(), arrival.params.as_str(), timestamp, "2"];
    if sign::call(&app.app_secret, arrival.query("sign_method"), parts).as_deref() != Some(given) {
        return Err(wrong());
    }
    let at =
        moment(timestamp).ok_or_else(|| error(40_003, "isv.timestamp-format-error", "时间戳格式错误"))?;
    if at.abs_diff(now.seconds()) > state.douyin.max_age_seconds {
        return Err(error(40_003, "isv.timestamp-invalid", "时间戳不合法"));
    }
    Ok(app_key.to_owned())
}

/// Seconds, or `yyyy-MM-dd HH:mm:ss` in China's time.
fn moment(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let (date, time) = text.split_once(' ')?;
    let numbers = |part: &str, sign: char| -> Option<[i64; 3]> {
        part.split(sign).map(|piece| piece.parse().ok()).collect::<Option<Vec<i64>>>()?.try_into().ok()
    };
    let ([year, month, day], [hour, minute, second]) = (numbers(date, '-')?, numbers(time, ':')?);
    // Days from a civil date, Howard Hinnant's algorithm.
    let shifted = if month > 2 { year } else { year - 1 };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    u64::try_from(days * 86_400 + hour * 3600 + minute * 60 + second - 8 * 3600).ok()
}

fn check_token(state: &State, now: Now, arrival: &Arrival, app_key: &str) -> Result<u64, DyError> {
    let text = arrival.query("access_token");
    if text.is_empty() {
        return Err(error(40_001, "isv.access-token-missing", "认证失败，access_token不能为空"));
    }
    let unknown =
        || error(40_003, "isv.access-token-no-existed", "access_token不存在，请使用最新的access_token访问");
    let token = state.douyin.tokens.get(text).ok_or_else(unknown)?;
    if token.app_key != app_key {
        return Err(error(40_003, "isv.access-token-invalid", "app_key和access_token不匹配，请仔细检查"));
    }
    if token.expires <= now.seconds() {
        return Err(error(40_003, "isv.access-token-expired", "access_token已过期"));
    }
    let granted = state.douyin.shops.get(&token.shop_id).is_some_and(|shop| shop.grants.contains(app_key));
    if !granted {
        return Err(error(30_001, "dop.authorization-no-existed", "店铺授权已失效，请重新授权"));
    }
    Ok(token.shop_id)
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_forms_of_time_are_read() {
        assert_eq!(super::moment("1582934400"), Some(1_582_934_400));
        assert_eq!(super::moment("2020-02-29 08:00:00"), Some(1_582_934_400));
        assert_eq!(super::moment("2025-12-31 23:59:59"), Some(1_767_196_799));
        assert_eq!(super::moment("soon"), None);
    }
}
