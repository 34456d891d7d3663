//! What is left of an account's calls (`openapi/quota/get`) and setting it back (`clear_quota`), the same for every
//! WeChat channel: <https://developers.weixin.qq.com/doc/offiaccount/openApi/get_api_quota.html>.

use crate::call::{account_post, read, read_only};
use qianpu_sdk::wire::integer;
use qianpu_sdk::{
    Answer, CallQuotas, CallRate, ChannelError, Context, DailyCalls, InterfaceQuota, Step, Turn,
    decode_state, encode_state,
};
use serde_json::{Value, json};

/// Codes for an interface the platform does not count for this account: unknown to it, or not granted.
const NOT_COUNTED: &[&str] = &["76021", "76022"];

/// The quotas of an account's calls.
#[derive(Debug, Clone, Copy)]
pub struct Quotas;

impl CallQuotas for Quotas {
    fn ask(&self, cx: &Context<'_>, interfaces: &[String]) -> Turn<Vec<InterfaceQuota>> {
        if interfaces.is_empty() {
            return Ok(Step::Done(Vec::new()));
        }
        if interfaces.len() > InterfaceQuota::MOST {
            return Err(ChannelError::field("interfaces", "too_many", "at most 20 interfaces at once"));
        }
        let request = |interface: &String| {
            account_post(cx, "/cgi-bin/openapi/quota/get", &json!({ "cgi_path": interface }))
                .map(qianpu_sdk::Request::idempotent)
        };
        let requests = interfaces.iter().map(request).collect::<Result<_, _>>()?;
        Ok(Step::Call { requests, parallel: true, state: encode_state(&interfaces)? })
    }
    fn resume_ask(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Vec<InterfaceQuota>> {
        let interfaces: Vec<String> = decode_state(state)?;
        if interfaces.is_empty() || interfaces.len() != answers.len() {
            return Err(ChannelError::unexpected("there is not one answer for each interface"));
        }
        let rows = interfaces.into_iter().zip(answers).map(|(interface, answer)| row(cx, interface, answer));
        Ok(Step::Done(rows.collect::<Result<_, _>>()?))
    }

    fn clear(&self, cx: &Context<'_>) -> Turn<()> {
        let body = json!({ "appid": cx.account()?.external_id });
        Ok(Step::call(account_post(cx, "/cgi-bin/clear_quota", &body)?, Vec::new()))
    }
    fn resume_clear(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<()> {
        let body = read_only(cx, answers)?;
        // This call answers with errcode even when it succeeds.
        match integer(&body["errcode"]) {
            Some(0) => Ok(Step::Done(())),
            _ => Err(ChannelError::unexpected("the answer has no errcode")),
        }
    }
}

fn row(cx: &Context<'_>, interface: String, answer: &Answer) -> Result<InterfaceQuota, ChannelError> {
    let body = match read(answer.response()?, cx.now) {
        Ok(body) => body,
        Err(error) => {
            let code = error.remote.as_ref().map(|remote| remote.code.as_str());
            return match code {
                Some(code) if NOT_COUNTED.contains(&code) => {
                    Ok(InterfaceQuota { interface, daily: None, rates: Vec::new() })
                }
                _ => Err(error),
            };
        }
    };
    let number = |field: &str| {
        integer(&body["quota"][field])
            .ok_or_else(|| ChannelError::unexpected(format!("the answer has no quota.{field}")))
    };
    let daily = DailyCalls { limit: number("daily_limit")?, used: number("used")?, left: number("remain")? };
    let rates = [("rate_limit", false), ("component_rate_limit", true)];
    let rates = rates.iter().filter_map(|(field, shared)| rate(&body[*field], *shared)).collect();
    Ok(InterfaceQuota { interface, daily: Some(daily), rates })
}

/// None where the platform names no limit: without the field, or with nought in it.
fn rate(given: &Value, shared: bool) -> Option<CallRate> {
    let positive = |field: &str| integer(&given[field]).filter(|number| *number > 0);
    Some(CallRate { calls: positive("call_count")?, seconds: positive("refresh_second")?, shared })
}
