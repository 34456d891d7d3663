//! {{title}}: a channel plugin for Qianpu.
//!
//! It describes requests and reads answers; the server makes the calls. What is here speaks the WeChat shop's interface
//! (token, profile, pushes, orders), so that it can be tried against `qianpu sandbox` at once. Put your platform's facts
//! in its place, one operation at a time: `qianpu plugin dev` runs every check at each save.

mod orders;
mod platform;
mod pushes;

use platform::{CALLS, TOKENS};
use qianpu_domain::time::Span;
use qianpu_sdk::{
    AccessToken, AccountAuth, AccountInfo, AccountKind, AccountProfile, Answer, AppShape, AppStyle,
    Bucket, Channel, ChannelError, ChannelInfo, Context, ErrorClass, HostName, LinkMode, Orders,
    PushFormat, PushRule, Request, Secret, Step, TokenSet, Turn, Webhook, wire,
};
use serde_json::json;

/// The channel.
pub struct Plugin;

static INFO: ChannelInfo = ChannelInfo {
    slug: "{{slug}}",
    name_en: "{{title}}",
    name_zh: "{{title}}",
    kinds: &[AccountKind {
        code: "{{kind}}",
        name_en: "{{title}} shop",
        name_zh: "{{title}} 店铺",
    }],
    // The merchant types id and secret. Links through an app of the provider come with `app()`.
    link_modes: &[LinkMode::Direct],
    app_family: None,
    app_shape: AppShape {
        style: AppStyle::TicketAndToken,
        settings: &[],
        callback: "",
    },
    push_rules: &[PushRule {
        mode: LinkMode::Direct,
        formats: &[PushFormat::Json],
    }],
    // The only hosts it reaches; the operator agrees to them.
    hosts: &[HostName {
        name: "api",
        base_url: "https://api.weixin.qq.com",
    }],
    buckets: &[
        Bucket {
            name: CALLS,
            per_minute: 1_200,
            burst: 60,
        },
        Bucket {
            name: TOKENS,
            per_minute: 60,
            burst: 20,
        },
    ],
};

// What it can do. A `None` becomes `Some(self)` with the trait of that name.
impl Channel for Plugin {
    fn info(&self) -> &'static ChannelInfo {
        &INFO
    }
{{accessors}}
}

impl AccountAuth for Plugin {
    fn refresh(&self, cx: &Context<'_>) -> Turn<TokenSet> {
        let account = cx.account()?;
        let secret = account.secret.as_ref().ok_or_else(|| {
            ChannelError::new(ErrorClass::Reauthorise, "the account has no secret")
        })?;
        let body = json!({
            "grant_type": "client_credential", "appid": account.external_id,
            // A handle: the server puts the secret there when it sends the request.
            "secret": secret.expose(), "force_refresh": false,
        });
        let request = Request::post_json("api", "/cgi-bin/stable_token", &body)?.redacted("secret");
        Ok(Step::call(request.idempotent().bucket(TOKENS), Vec::new()))
    }
    fn resume_refresh(
        &self,
        cx: &Context<'_>,
        _state: &[u8],
        answers: &[Answer],
    ) -> Turn<TokenSet> {
        let body = platform::read(answers)?;
        let unusable = || ChannelError::unexpected("the answer has no usable token");
        let value = wire::text(&body["access_token"]).ok_or_else(unusable)?;
        let seconds = wire::integer(&body["expires_in"]).filter(|it| (1..=31_536_000).contains(it));
        let expires_at = cx.now.plus(Span::seconds(seconds.ok_or_else(unusable)?));
        let access_token = AccessToken {
            value: Secret::new(value),
            expires_at,
        };
        Ok(Step::Done(TokenSet {
            access_token,
            refresh_token: None,
        }))
    }
}

impl AccountInfo for Plugin {
    fn profile(&self, cx: &Context<'_>) -> Turn<AccountProfile> {
        Ok(Step::call(
            platform::get(cx, "/channels/ec/basics/info/get")?,
            Vec::new(),
        ))
    }
    fn resume_profile(
        &self,
        cx: &Context<'_>,
        _state: &[u8],
        answers: &[Answer],
    ) -> Turn<AccountProfile> {
        let body = platform::read(answers)?;
        let info = &body["info"];
        if !info.is_object() {
            return Err(ChannelError::unexpected("the answer has no info"));
        }
        let state = wire::text(&info["status"]);
        Ok(Step::Done(AccountProfile {
            external_id: Some(cx.account()?.external_id.clone()),
            kind: Some("{{kind}}".to_owned()),
            user_name: wire::text(&info["username"]),
            name: wire::text(&info["nickname"]),
            avatar_url: wire::text(&info["headimg_url"]),
            subject: wire::text(&info["subject_type"]),
            // A state we do not know is not guessed.
            active: match state.as_deref() {
                Some("open_finished") => Some(true),
                Some("opening" | "closing" | "close_finished") => Some(false),
                _ => None,
            },
            native_state: state,
            ..AccountProfile::default()
        }))
    }
}

// Fields of answers that hold tokens: the plugin sees handles there.
qianpu_guest::export_channel!(Plugin, version = "0.1.0", secret_fields = ["access_token"]);
