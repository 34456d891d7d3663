//! Codes with a parameter 带参数二维码.
//!
//! From <https://developers.weixin.qq.com/doc/offiaccount/Account_Management/Generating_a_Parametric_QR_Code.html>: a
//! temporary code is good for 30 days at most, and an account has at most 100 000 permanent ones.

use qianpu_domain::time::Span;
use qianpu_sdk::wire::integer;
use qianpu_sdk::{
    Answer, ChannelError, Context, SceneCode, SceneCodes, Step, Turn, WantedCode, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{account_post, read_only, required_text};
use serde_json::json;

/// Codes with a parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ParameterCodes;

/// Longest scene.
const LONGEST: usize = 64;
/// Longest life of a temporary code, in seconds.
const MOST_SECONDS: u32 = 2_592_000;

impl SceneCodes for ParameterCodes {
    fn make(&self, cx: &Context<'_>, wanted: &WantedCode) -> Turn<SceneCode> {
        if wanted.scene.is_empty() || wanted.scene.len() > LONGEST {
            return Err(ChannelError::field("scene", "too_long", "1 to 64 characters"));
        }
        let info = json!({ "scene": { "scene_str": wanted.scene } });
        let body = match wanted.seconds {
            None => json!({ "action_name": "QR_LIMIT_STR_SCENE", "action_info": info }),
            Some(seconds) if (1..=MOST_SECONDS).contains(&seconds) => {
                json!({ "expire_seconds": seconds, "action_name": "QR_STR_SCENE", "action_info": info })
            }
            Some(_) => return Err(ChannelError::field("seconds", "range", "30 days at most")),
        };
        let request = account_post(cx, "/cgi-bin/qrcode/create", &body)?;
        Ok(Step::call(request, encode_state(&wanted.seconds.is_some())?))
    }

    fn resume_make(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<SceneCode> {
        let ends: bool = decode_state(state)?;
        let body = read_only(cx, answers)?;
        let ticket = required_text(&body, "ticket")?;
        let seconds = integer(&body["expire_seconds"]);
        if ends && seconds.is_none() {
            return Err(ChannelError::unexpected("the answer has no expire_seconds"));
        }
        Ok(Step::Done(SceneCode {
            content: required_text(&body, "url")?,
            expires_at: seconds.filter(|_| ends).map(|seconds| cx.now.plus(Span::seconds(seconds))),
            ticket,
        }))
    }
}
