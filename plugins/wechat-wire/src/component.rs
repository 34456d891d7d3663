//! The channel app: a third-party platform 第三方平台 that many merchants grant.

use crate::call::{API, LOGIN, OPEN, TOKENS, read_only, required_id, required_text};
use crate::profile;
use crate::token::{read_authorizer_tokens, read_token};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    AccessToken, AccountProfile, Answer, AppAuth, AppShape, AppStyle, Authorisation, AuthorisedAccount,
    ChannelError, Context, ErrorClass, LinkInvitation, LinkRequest, Page, Request, Secret, Step, Turn,
    decode_state, encode_state,
};
use serde::Serialize;
use serde_json::{Value, json};

/// The platform's ceiling is 500; smaller pages keep answers small.
const LIST_PAGE: i64 = 100;

/// How a third-party platform works.
pub const SHAPE: AppShape = AppShape { style: AppStyle::TicketAndToken, settings: &[], callback: "wechat" };

/// How accounts of a channel are linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkStyle {
    /// By a link the merchant opens, with the platform's `auth_type`.
    Link {
        /// 1 public account, 2 mini-program, 3 both, 5 channels account, 6 all, 8 creator's assistant.
        auth_type: u8,
    },
    /// By buying the service in the platform's market.
    Purchase,
}

/// The channel app of one channel.
#[derive(Debug, Clone, Copy)]
pub struct Component {
    /// How its accounts are linked.
    pub link: LinkStyle,
}

impl AppAuth for Component {
    fn request_ticket(&self, cx: &Context<'_>) -> Turn<()> {
        let app = cx.app()?;
        // The field is called component_secret here and component_appsecret elsewhere; both are the platform's words.
        let body = json!({ "component_appid": app.app_id, "component_secret": app.secret.expose() });
        let request = Request::post_json(API, "/cgi-bin/component/api_start_push_ticket", &body)?;
        Ok(Step::call(request.redacted("component_secret").idempotent().bucket(TOKENS), Vec::new()))
    }
    fn resume_request_ticket(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<()> {
        let body = read_only(cx, answers)?;
        // This call answers with errcode even when it succeeds.
        match integer(&body["errcode"]) {
            Some(0) => Ok(Step::Done(())),
            _ => Err(ChannelError::unexpected("the answer has no errcode")),
        }
    }

    fn app_token(&self, cx: &Context<'_>) -> Turn<AccessToken> {
        let app = cx.app()?;
        let ticket = app.ticket.as_ref().ok_or_else(|| {
            ChannelError::new(
                ErrorClass::RetryLater { after: Span::minutes(10) },
                "the platform has not pushed a verify ticket yet",
            )
        })?;
        let body = json!({
            "component_appid": app.app_id, "component_appsecret": app.secret.expose(),
            "component_verify_ticket": ticket.expose(),
        });
        let request = Request::post_json(API, "/cgi-bin/component/api_component_token", &body)?
            .redacted("component_appsecret")
            .redacted("component_verify_ticket")
            .idempotent()
            .bucket(TOKENS);
        Ok(Step::call(request, Vec::new()))
    }
    fn resume_app_token(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<AccessToken> {
        read_token(&read_only(cx, answers)?, "component_access_token", cx.now).map(Step::Done)
    }

    fn begin_link(&self, cx: &Context<'_>, request: &LinkRequest) -> Turn<LinkInvitation> {
        match self.link {
            LinkStyle::Purchase => Ok(Step::Done(LinkInvitation::BuyInMarket)),
            LinkStyle::Link { auth_type } => {
                let state = encode_state(&(auth_type, &request.redirect_uri, &request.external_id))?;
                let body = json!({ "component_appid": cx.app()?.app_id });
                let request = app_post(cx, "/cgi-bin/component/api_create_preauthcode", &body)?.idempotent();
                Ok(Step::call(request, state))
            }
        }
    }
    fn resume_begin_link(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<LinkInvitation> {
        let (auth_type, redirect_uri, external_id): (u8, String, Option<String>) = decode_state(state)?;
        let body = read_only(cx, answers)?;
        let code = required_text(&body, "pre_auth_code")?;
        // The documents say 1800 seconds and show 600: only the answer counts.
        let seconds =
            integer(&body["expires_in"]).filter(|seconds| (1..=86_400).contains(seconds)).unwrap_or(600);
        let mut query = vec![
            ("component_appid", cx.app()?.app_id.clone()),
            ("pre_auth_code", code),
            ("redirect_uri", redirect_uri),
            ("auth_type", auth_type.to_string()),
        ];
        query.extend(external_id.map(|external_id| ("biz_appid", external_id)));
        let query = query_string(&query);
        Ok(Step::Done(LinkInvitation::Open {
            desktop_url: format!("{}/cgi-bin/componentloginpage?{query}", host_mark(LOGIN)),
            mobile_url: format!(
                "{}/wxaopen/safe/bindcomponent?action=bindcomponent&no_scan=1&{query}#wechat_redirect",
                host_mark(OPEN)
            ),
            expires_at: cx.now.plus(Span::seconds(seconds)),
        }))
    }

    fn complete_link(&self, cx: &Context<'_>, code: &Secret<String>) -> Turn<Authorisation> {
        let body = json!({ "component_appid": cx.app()?.app_id, "authorization_code": code.expose() });
        let request =
            app_post(cx, "/cgi-bin/component/api_query_auth", &body)?.redacted("authorization_code");
        Ok(Step::call(request, Vec::new()))
    }
    fn resume_complete_link(
        &self,
        cx: &Context<'_>,
        _state: &[u8],
        answers: &[Answer],
    ) -> Turn<Authorisation> {
        let body = read_only(cx, answers)?;
        let info = &body["authorization_info"];
        let tokens = read_authorizer_tokens(info, cx.now)?;
        if tokens.refresh_token.is_none() {
            return Err(ChannelError::unexpected("the answer has no authorizer_refresh_token"));
        }
        Ok(Step::Done(Authorisation {
            external_id: required_id(info, "authorizer_appid")?,
            tokens,
            scopes: profile::scopes(&info["func_info"]),
            profile: None,
        }))
    }

    fn authorised_accounts(&self, cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<AuthorisedAccount>> {
        let offset: i64 =
            match cursor {
                None => 0,
                Some(cursor) => cursor.parse().ok().filter(|offset| *offset >= 0).ok_or_else(|| {
                    ChannelError::field("cursor", "invalid", "the cursor is not one of ours")
                })?,
            };
        let body = json!({ "component_appid": cx.app()?.app_id, "offset": offset, "count": LIST_PAGE });
        let request = app_post(cx, "/cgi-bin/component/api_get_authorizer_list", &body)?.idempotent();
        Ok(Step::call(request, encode_state(&offset)?))
    }
    fn resume_authorised_accounts(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<AuthorisedAccount>> {
        let offset: i64 = decode_state(state)?;
        let body = read_only(cx, answers)?;
        let total = integer(&body["total_count"])
            .ok_or_else(|| ChannelError::unexpected("the answer has no total_count"))?;
        let rows = body["list"].as_array().map(Vec::as_slice).unwrap_or_default();
        let items = rows.iter().map(read_row).collect::<Result<Vec<_>, _>>()?;
        let next = offset.saturating_add(i64::try_from(items.len()).unwrap_or(LIST_PAGE));
        let more = !items.is_empty() && next < total;
        Ok(Step::Done(Page { items, next_cursor: more.then(|| next.to_string()) }))
    }

    fn authorised_profile(&self, cx: &Context<'_>, external_id: &str) -> Turn<AccountProfile> {
        let body = json!({ "component_appid": cx.app()?.app_id, "authorizer_appid": external_id });
        let request = app_post(cx, "/cgi-bin/component/api_get_authorizer_info", &body)?.idempotent();
        Ok(Step::call(request, Vec::new()))
    }
    fn resume_authorised_profile(
        &self,
        cx: &Context<'_>,
        _state: &[u8],
        answers: &[Answer],
    ) -> Turn<AccountProfile> {
        profile::read(&read_only(cx, answers)?).map(Step::Done)
    }
}

fn read_row(row: &Value) -> Result<AuthorisedAccount, ChannelError> {
    Ok(AuthorisedAccount {
        external_id: id(&row["authorizer_appid"])
            .ok_or_else(|| ChannelError::unexpected("a row has no authorizer_appid"))?,
        refresh_token: text(&row["refresh_token"]).map(Secret::new),
        authorised_at: integer(&row["auth_time"]).map(Timestamp::from_seconds),
    })
}

fn app_post(cx: &Context<'_>, path: &str, body: &impl Serialize) -> Result<Request, ChannelError> {
    let token = cx.app_token()?;
    // Old name of the parameter; the new one is access_token, and the platform takes both.
    Ok(Request::post_json(API, path, body)?
        .secret_query("component_access_token", token.expose())
        .bucket(TOKENS))
}

/// Addresses for people are returned with `{host:name}` in front, which the host program replaces by the base
/// URL it uses for that host: a sandbox can then stand in for these pages too.
pub fn host_mark(name: &str) -> String {
    format!("{{host:{name}}}")
}

/// A query with every value percent-encoded, in the order given: the platform's pages check the order.
pub fn query_string(pairs: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    text.push(char::from(byte))
                }
                other => text.push_str(&format!("%{other:02X}")),
            }
        }
    }
    text
}
