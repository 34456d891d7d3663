//! Account tokens: through the channel app (`api_authorizer_token`) or direct (`stable_token`).

use crate::call::{API, TOKENS, read_only, required_text};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::wire::{integer, text};
use qianpu_sdk::{
    AccessToken, AccountAuth, Answer, ChannelError, Context, ErrorClass, Request, Secret, Step, TokenSet,
    Turn,
};
use serde_json::{Value, json};

/// Keeps an account's token fresh; the same for every WeChat channel.
#[derive(Debug, Clone, Copy)]
pub struct WechatAccountAuth;

impl AccountAuth for WechatAccountAuth {
    fn refresh(&self, cx: &Context<'_>) -> Turn<TokenSet> {
        let account = cx.account()?;
        let request = match (&account.secret, &account.refresh_token) {
            // stable_token answers with the token that is valid now: asking again does not invalidate it.
            (Some(secret), _) => Request::post_json(
                API,
                "/cgi-bin/stable_token",
                &json!({
                    "grant_type": "client_credential", "appid": account.external_id,
                    "secret": secret.expose(), "force_refresh": false,
                }),
            )?
            .redacted("secret")
            .idempotent(),
            (None, Some(refresh)) => {
                let app = cx.app()?;
                Request::post_json(
                    API,
                    "/cgi-bin/component/api_authorizer_token",
                    &json!({
                        "component_appid": app.app_id, "authorizer_appid": account.external_id,
                        "authorizer_refresh_token": refresh.expose(),
                    }),
                )?
                .secret_query("component_access_token", cx.app_token()?.expose())
                .redacted("authorizer_refresh_token")
                // A replaced refresh token works for five more minutes and leads to the same new one.
                .idempotent()
            }
            (None, None) => {
                let detail = "the account has neither a secret nor a refresh token";
                return Err(ChannelError::new(ErrorClass::Reauthorise, detail));
            }
        };
        Ok(Step::call(request.bucket(TOKENS), Vec::new()))
    }

    fn resume_refresh(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<TokenSet> {
        let body = read_only(cx, answers)?;
        let tokens = match cx.account()?.secret {
            Some(_) => {
                TokenSet { access_token: read_token(&body, "access_token", cx.now)?, refresh_token: None }
            }
            None => read_authorizer_tokens(&body, cx.now)?,
        };
        Ok(Step::Done(tokens))
    }
}

/// Reads a token and its life from an answer.
pub fn read_token(body: &Value, field: &str, now: Timestamp) -> Result<AccessToken, ChannelError> {
    let value = required_text(body, field)?;
    let seconds = integer(&body["expires_in"]).filter(|seconds| (1..=31_536_000).contains(seconds));
    let seconds = seconds.ok_or_else(|| ChannelError::unexpected("the answer has no usable expires_in"))?;
    Ok(AccessToken { value: Secret::new(value), expires_at: now.plus(Span::seconds(seconds)) })
}

/// Reads the pair of an authorised account.
pub fn read_authorizer_tokens(body: &Value, now: Timestamp) -> Result<TokenSet, ChannelError> {
    Ok(TokenSet {
        access_token: read_token(body, "authorizer_access_token", now)?,
        refresh_token: text(&body["authorizer_refresh_token"]).map(Secret::new),
    })
}
