//! Web authorisation 网页授权: a person in WeChat's own browser says who they are to a page.
//!
//! From <https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html>, and for
//! accounts linked through a third-party platform
//! <https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Official_Accounts/official_account_website_authorization.html>.

use qianpu_sdk::wire::{integer, text};
use qianpu_sdk::{
    Answer, ChannelError, Context, ErrorClass, Person, PersonSignIn, PlatformNames, Request, Secret,
    SignInRequest, SignInScope, Step, Turn, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{API, OPEN, TOKENS, read_only, required_text};
use qianpu_wechat_wire::component::{host_mark, query_string};
use serde::{Deserialize, Serialize};

/// The longest `state` the page takes.
const LONGEST_STATE: usize = 128;

/// Web authorisation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WebSignIn;

/// Where the exchange stands. The web token is in none of it: it is in the one request that needs it.
#[derive(Serialize, Deserialize)]
enum Stage {
    Token,
    Profile { open_id: String, union_id: Option<String> },
}

impl PersonSignIn for WebSignIn {
    fn names(&self) -> PlatformNames {
        PlatformNames { zh: "微信", en: "WeChat", browser: "MicroMessenger" }
    }
    fn address(&self, cx: &Context<'_>, request: &SignInRequest) -> Result<String, ChannelError> {
        let account = cx.account()?;
        let plain = request.state.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !plain || request.state.is_empty() || request.state.len() > LONGEST_STATE {
            return Err(ChannelError::field("state", "invalid", "1 to 128 letters and digits"));
        }
        let scope = match request.scope {
            SignInScope::Id => "snsapi_base",
            SignInScope::Profile => "snsapi_userinfo",
        };
        // The page checks the order of the parameters.
        let mut query = vec![
            ("appid", account.external_id.clone()),
            ("redirect_uri", request.redirect_uri.clone()),
            ("response_type", "code".to_owned()),
            ("scope", scope.to_owned()),
            ("state", request.state.clone()),
        ];
        if account.secret.is_none() {
            query.push(("component_appid", cx.app()?.app_id.clone()));
        }
        Ok(format!("{}/connect/oauth2/authorize?{}#wechat_redirect", host_mark(OPEN), query_string(&query)))
    }

    fn person(&self, cx: &Context<'_>, code: &Secret<String>) -> Turn<Person> {
        let account = cx.account()?;
        let request = match &account.secret {
            Some(secret) => Request::get(API, "/sns/oauth2/access_token")
                .query("appid", account.external_id.as_str())
                .secret_query("secret", secret.expose()),
            None => Request::get(API, "/sns/oauth2/component/access_token")
                .query("appid", account.external_id.as_str())
                .query("component_appid", cx.app()?.app_id.as_str())
                .secret_query("component_access_token", cx.app_token()?.expose()),
        };
        let request = request.secret_query("code", code.expose()).query("grant_type", "authorization_code");
        Ok(Step::call(request.bucket(TOKENS), encode_state(&Stage::Token)?))
    }

    fn resume_person(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Person> {
        let stage: Stage = decode_state(state)?;
        let body = read_only(cx, answers)?;
        let open_id = required_text(&body, "openid")?;
        let told = text(&body["unionid"]).filter(|id| !id.is_empty());
        match stage {
            Stage::Token => {
                let token = required_text(&body, "access_token")?;
                // A page shown as a snapshot has a visitor who is nobody: the id would be anybody's.
                if integer(&body["is_snapshotuser"]) == Some(1) {
                    let detail = "WeChat shows a snapshot of the page; open the whole page and try again";
                    return Err(ChannelError::new(ErrorClass::BusinessRefusal, detail));
                }
                let scope = text(&body["scope"]).unwrap_or_default();
                if !scope.split(',').any(|one| one == "snsapi_userinfo") {
                    return Ok(Step::Done(Person { open_id, union_id: told, name: None }));
                }
                let request = Request::get(API, "/sns/userinfo")
                    .secret_query("access_token", token)
                    .query("openid", open_id.as_str())
                    .query("lang", "zh_CN")
                    .bucket(TOKENS);
                Ok(Step::call(request, encode_state(&Stage::Profile { open_id, union_id: told })?))
            }
            Stage::Profile { open_id: expected, union_id } => {
                if open_id != expected {
                    return Err(ChannelError::unexpected("the answer is about another person"));
                }
                let name = text(&body["nickname"]).filter(|name| !name.trim().is_empty());
                Ok(Step::Done(Person { open_id, union_id: told.or(union_id), name }))
            }
        }
    }
}
