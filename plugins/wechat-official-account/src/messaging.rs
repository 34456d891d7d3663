//! Customer-service messages 客服消息.
//!
//! From <https://developers.weixin.qq.com/doc/offiaccount/Customer_Service/Customer_Service_Messages.html>.

use qianpu_sdk::{Answer, ChannelError, Context, Messaging, OutgoingMessage, SendOutcome, Step, Turn};
use qianpu_wechat_wire::call::{account_post, read_only};
use serde_json::{Value, json};

/// Customer-service messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CustomerService;

/// "response out of time limit or subscription is canceled".
const OUT_OF_WINDOW: &str = "45015";
/// "out of response count limit".
const TOO_MANY: &str = "45047";

fn body(to: &str, message: &OutgoingMessage) -> Value {
    match message {
        OutgoingMessage::Text { text } => {
            json!({ "touser": to, "msgtype": "text", "text": { "content": text } })
        }
        OutgoingMessage::Card { title, description, url, picture_url } => {
            let mut article = json!({ "title": title, "description": description, "url": url });
            if let Some(picture) = picture_url {
                article["picurl"] = json!(picture);
            }
            // One article is all that a message may have.
            json!({ "touser": to, "msgtype": "news", "news": { "articles": [article] } })
        }
    }
}

impl Messaging for CustomerService {
    fn send(&self, cx: &Context<'_>, to: &str, message: &OutgoingMessage) -> Turn<SendOutcome> {
        let request = account_post(cx, "/cgi-bin/message/custom/send", &body(to, message))?;
        Ok(Step::call(request, Vec::new()))
    }

    fn resume_send(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<SendOutcome> {
        if !state.is_empty() {
            return Err(ChannelError::unexpected("a state that is not ours"));
        }
        match answers {
            [Answer::NetworkError(_) | Answer::TimedOut] => return Ok(Step::Done(SendOutcome::Unknown)),
            [Answer::Response(response)] if response.status >= 500 => {
                return Ok(Step::Done(SendOutcome::Unknown));
            }
            _ => {}
        }
        let refused = |error: &ChannelError, code: &str| {
            error.remote.as_ref().is_some_and(|remote| remote.code == code)
        };
        match read_only(cx, answers) {
            Ok(body) if body.get("errcode").is_some() => Ok(Step::Done(SendOutcome::Sent)),
            Ok(_) => Err(ChannelError::unexpected("the answer has no errcode")),
            Err(error) if refused(&error, OUT_OF_WINDOW) => Ok(Step::Done(SendOutcome::OutOfWindow)),
            Err(error) if refused(&error, TOO_MANY) => Ok(Step::Done(SendOutcome::TooMany)),
            Err(error) => Err(error),
        }
    }
}
