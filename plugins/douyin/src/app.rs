//! The provider's app: the authorisation page and the exchange of the code; the refresh of an account's token, also of a
//! shop that is linked by an app of its own.

use crate::account::profile_of_token;
use crate::call::{app_call, read_only, secret_call};
use crate::{Douyin, LOGIN, SERVICE_ID, TOKENS};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    AccessToken, AccountAuth, AccountProfile, Answer, AppAuth, Authorisation, AuthorisedAccount,
    ChannelError, Context, ErrorClass, LinkInvitation, LinkRequest, Page, Secret, Step, TokenSet, Turn,
};
use serde_json::{Value, json};

/// How long we let a merchant stay on the platform's page; the platform names no end.
const PAGE_LIFE: Span = Span::hours(1);
/// A moment rather than a span: the documents call `expires_in` both.
const A_MOMENT: i64 = 1_000_000_000;

fn without_token<T>() -> Turn<T> {
    let detail = "an app at Douyin has neither ticket nor token, and the platform lists no grants";
    Err(ChannelError::new(ErrorClass::BusinessRefusal, detail))
}

impl AppAuth for Douyin {
    fn request_ticket(&self, _cx: &Context<'_>) -> Turn<()> {
        without_token()
    }
    fn resume_request_ticket(&self, _cx: &Context<'_>, _state: &[u8], _answers: &[Answer]) -> Turn<()> {
        without_token()
    }

    fn app_token(&self, _cx: &Context<'_>) -> Turn<AccessToken> {
        without_token()
    }
    fn resume_app_token(&self, _cx: &Context<'_>, _state: &[u8], _answers: &[Answer]) -> Turn<AccessToken> {
        without_token()
    }

    /// The page is made of the service's id and our state; where it sends the browser is configured at the platform.
    fn begin_link(&self, cx: &Context<'_>, request: &LinkRequest) -> Turn<LinkInvitation> {
        cx.app()?;
        let service_id = id(&cx.settings[SERVICE_ID]).ok_or_else(|| {
            ChannelError::field(SERVICE_ID, "required", "服务商还没有填写服务市场的服务 ID（service_id）")
        })?;
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair(SERVICE_ID, &service_id)
            .append_pair("state", &request.state)
            .finish();
        let page = format!("{{host:{LOGIN}}}/authorize?{query}");
        Ok(Step::Done(LinkInvitation::Open {
            desktop_url: page.clone(),
            mobile_url: page,
            expires_at: cx.now.plus(PAGE_LIFE),
        }))
    }
    fn resume_begin_link(
        &self,
        _cx: &Context<'_>,
        _state: &[u8],
        _answers: &[Answer],
    ) -> Turn<LinkInvitation> {
        Err(ChannelError::unexpected("a link begins without a call"))
    }

    fn complete_link(&self, cx: &Context<'_>, code: &Secret<String>) -> Turn<Authorisation> {
        let params = json!({ "grant_type": "authorization_code" });
        // A code can be used once.
        Ok(Step::call(secret_call(cx, "/token/create", ("code", code), params)?.bucket(TOKENS), Vec::new()))
    }
    fn resume_complete_link(
        &self,
        cx: &Context<'_>,
        _state: &[u8],
        answers: &[Answer],
    ) -> Turn<Authorisation> {
        let data = read_only(cx, answers)?;
        let profile = profile_of_token(&data)?;
        let external_id = profile.external_id.clone().unwrap_or_default();
        let scopes = profile.scopes.clone();
        let tokens = tokens(&data, cx.now)?;
        Ok(Step::Done(Authorisation { external_id, tokens, scopes, profile: Some(profile) }))
    }

    fn authorised_accounts(&self, _cx: &Context<'_>, _cursor: Option<&str>) -> Turn<Page<AuthorisedAccount>> {
        without_token()
    }
    fn resume_authorised_accounts(
        &self,
        _cx: &Context<'_>,
        _state: &[u8],
        _answers: &[Answer],
    ) -> Turn<Page<AuthorisedAccount>> {
        without_token()
    }

    fn authorised_profile(&self, _cx: &Context<'_>, _external_id: &str) -> Turn<AccountProfile> {
        without_token()
    }
    fn resume_authorised_profile(
        &self,
        _cx: &Context<'_>,
        _state: &[u8],
        _answers: &[Answer],
    ) -> Turn<AccountProfile> {
        without_token()
    }
}

impl AccountAuth for Douyin {
    /// Before its last hour the platform answers with the tokens there are, so asking twice does no harm; in the last
    /// hour it gives new ones, and the old ones go on for an hour.
    /// A shop's own app needs nobody for new tokens: where there is no refresh token, or it is no longer taken, they
    /// are made by the app's secret alone.
    fn refresh(&self, cx: &Context<'_>) -> Turn<TokenSet> {
        let account = cx.account()?;
        let refresh = match (&account.refresh_token, &account.secret) {
            (Some(refresh), _) => refresh,
            (None, Some(_)) => return own_tokens(cx),
            (None, None) => {
                let detail = "the account has no refresh token";
                return Err(ChannelError::new(ErrorClass::Reauthorise, detail));
            }
        };
        let params = json!({ "grant_type": "refresh_token" });
        let request = secret_call(cx, "/token/refresh", ("refresh_token", refresh), params)?;
        Ok(Step::call(request.bucket(TOKENS).idempotent(), REFRESHED.to_vec()))
    }
    fn resume_refresh(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<TokenSet> {
        let account = cx.account()?;
        let data = match (read_only(cx, answers), &account.secret) {
            (Err(error), Some(_)) if state == REFRESHED && lost(&error) => return own_tokens(cx),
            (answer, _) => answer?,
        };
        // One app may serve several shops, and without a shop the platform would answer for the one that granted first.
        if state == CREATED && profile_of_token(&data)?.external_id.as_ref() != Some(&account.external_id) {
            return Err(ChannelError::unexpected("the tokens are those of another shop"));
        }
        tokens(&data, cx.now).map(Step::Done)
    }
}

/// Where a refresh stands.
const REFRESHED: &[u8] = b"refreshed";
const CREATED: &[u8] = b"created";

/// Whether a refresh token is no longer taken.
fn lost(error: &ChannelError) -> bool {
    matches!(error.class, ErrorClass::Reauthorise | ErrorClass::RetryAfterRefresh)
}

/// New tokens for the shop of a self-use app 自用型应用. Making them again does no harm.
fn own_tokens(cx: &Context<'_>) -> Turn<TokenSet> {
    let shop = &cx.account()?.external_id;
    let params = json!({ "code": "", "grant_type": "authorization_self", "shop_id": shop });
    let request = app_call(cx, "/token/create", &params)?.bucket(TOKENS).idempotent();
    Ok(Step::call(request, CREATED.to_vec()))
}

fn tokens(data: &Value, now: Timestamp) -> Result<TokenSet, ChannelError> {
    let missing = |field: &str| ChannelError::unexpected(format!("the answer has no usable {field}"));
    let access = text(&data["access_token"]).ok_or_else(|| missing("access_token"))?;
    let refresh = text(&data["refresh_token"]).ok_or_else(|| missing("refresh_token"))?;
    let expires_in =
        integer(&data["expires_in"]).filter(|at| *at > 0).ok_or_else(|| missing("expires_in"))?;
    let expires_at = if expires_in >= A_MOMENT {
        Timestamp::from_seconds(expires_in)
    } else {
        now.plus(Span::seconds(expires_in))
    };
    Ok(TokenSet {
        access_token: AccessToken { value: Secret::new(access), expires_at },
        refresh_token: Some(Secret::new(refresh)),
    })
}
