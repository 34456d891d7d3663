//! A merchant links an account directly: by the account's own id and secret, or, at a platform where an app signs every
//! call, by the id and secret of an app that the merchant made for the account (Douyin's self-use apps 自用型应用).

use super::apps::{check_external_id, check_push_keys};
use super::attach::{Attachment, attach};
use super::call::{channel_error, plain_words};
use super::link::{check_now, push_format};
use super::{find, format};
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ChannelAccountId, ShopId};
use qianpu_sdk::{Channel, ChannelError, ErrorClass, LinkMode, PushFormat, Secret};
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::channel_account::AccountSecrets;

/// Names that a platform's plugin gives the keys an app or an account is called with.
const SECRET_FIELD: &str = "app_secret";
const APP_FIELDS: [&str; 2] = ["app_key", "app_id"];

/// What a merchant types for a direct link.
#[derive(Debug, Clone)]
pub struct LinkDirectly {
    pub shop: ShopId,
    pub channel: String,
    pub kind: String,
    /// The account's id; that of its own app where it has one.
    pub app_id: String,
    /// The account's id, where `app_id` is that of its own app.
    pub external_id: Option<String>,
    pub secret: Plain,
    /// At platforms where the merchant chooses one.
    pub token: Option<Plain>,
    /// At platforms where the merchant chooses one.
    pub encoding_aes_key: Option<Plain>,
    /// `json` or `xml`; left out it is the platform's own default.
    pub format: Option<String>,
    /// Tells accounts apart where the platform gives no name.
    pub name: Option<String>,
}

/// What is left once it is known to be well formed.
struct Typed<'a> {
    external_id: &'a str,
    own_app_id: Option<&'a str>,
    push_format: PushFormat,
    secrets: AccountSecrets,
}

/// Links an account by its own keys, after trying them. Linking it again puts new keys in place.
pub async fn direct(
    state: &AppState,
    grant: &Grant<perm::AccountLink>,
    command: &LinkDirectly,
) -> Answer<ChannelAccountId> {
    let unknown = || ApiError::new(ErrorCode::ChannelUnknown);
    let channel = find(&command.channel)?;
    channel.info().kind(&command.kind).ok_or_else(unknown)?;
    if !channel.info().link_modes.contains(&LinkMode::Direct) {
        return Err(unknown());
    }
    let typed = check(channel, command)?;
    check_now(state, grant, command.shop, channel, &command.kind, Some(typed.external_id)).await?;

    let secret = Secret::new(command.secret.expose().to_owned());
    let slug = channel.info().slug;
    let host = &state.channels.host;
    let tried = host.try_direct_link(slug, typed.external_id, typed.own_app_id, &secret).await;
    let (tokens, mut profile) = tried.map_err(|error| not_accepted(&error, typed.own_app_id.is_some()))?;
    let other_kind = profile.kind.as_ref().is_some_and(|kind| *kind != command.kind);
    let other_account = profile.external_id.as_ref().is_some_and(|id| id != typed.external_id);
    if other_kind || other_account {
        return Err(ApiError::new(ErrorCode::LinkWrongAccount));
    }
    let name = given(command.name.as_deref());
    if profile.name.as_deref().is_none_or(str::is_empty) {
        profile.name = name.map(str::to_owned);
    }
    let attachment = Attachment {
        shop: command.shop,
        channel,
        kind: &command.kind,
        mode: LinkMode::Direct,
        app: None,
        own_app_id: typed.own_app_id,
        external_id: typed.external_id,
        profile: &profile,
        tokens: Some(&tokens),
        scopes: &profile.scopes,
        push_format: typed.push_format,
        secrets: &typed.secrets,
        intent: None,
    };
    attach(state, grant.ctx(), &attachment).await
}

fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn check<'a>(channel: &dyn Channel, command: &'a LinkDirectly) -> Answer<Typed<'a>> {
    let info = channel.info();
    let style = info.app_shape.style;
    let mut errors = Vec::new();
    check_external_id("app_id", &command.app_id, &mut errors);
    let named = given(command.external_id.as_deref());
    let (external_id, own_app_id) = if style.own_app() {
        check_external_id("external_id", named.unwrap_or_default(), &mut errors);
        (named.unwrap_or_default(), Some(command.app_id.as_str()))
    } else {
        if named.is_some_and(|named| named != command.app_id) {
            let (en, zh) = ("the account's id is app_id here", "该平台的账号 ID 即 app_id，无需填写");
            errors.push(FieldError::new("external_id", "unsupported", en, zh));
        }
        (command.app_id.as_str(), None)
    };
    let (token, key) = (command.token.as_ref(), command.encoding_aes_key.as_ref());
    check_push_keys(style, &command.secret, token, key, &mut errors);
    let push_format = match given(command.format.as_deref()) {
        None => Some(push_format(channel, LinkMode::Direct)),
        Some(text) => format(text).filter(|format| info.formats(LinkMode::Direct).contains(format)),
    };
    if push_format.is_none() {
        let names: Vec<&str> = info.formats(LinkMode::Direct).iter().map(|format| format.as_str()).collect();
        let names = names.join(", ");
        let (en, zh) = (format!("one of {names}"), format!("应为 {names}"));
        errors.push(FieldError::new("format", "unsupported", en, zh));
    }
    let Some(push_format) = push_format.filter(|_| errors.is_empty()) else { return Err(errors.into()) };
    let chosen = |plain: Option<&Plain>| plain.filter(|_| style.has_push_keys()).cloned();
    let secrets = AccountSecrets {
        secret: Some(command.secret.clone()),
        push_token: chosen(token),
        aes_key: chosen(key),
        previous_aes_key: None,
    };
    Ok(Typed { external_id, own_app_id, push_format, secrets })
}

/// The platform does not take the keys: which of them is at fault, where it says so.
fn not_accepted(error: &ChannelError, own_app: bool) -> ApiError {
    let words = plain_words(error);
    let field = match &error.class {
        ErrorClass::FixRequest { fields } if fields.iter().any(|field| field.path == SECRET_FIELD) => {
            let (en, zh) = ("the platform does not accept it", "平台不接受此密钥");
            Some(("secret", en, zh))
        }
        ErrorClass::FixRequest { fields }
            if fields.iter().any(|field| APP_FIELDS.contains(&field.path.as_str())) =>
        {
            Some(("app_id", "the platform does not know it", "平台上没有此应用"))
        }
        ErrorClass::Reauthorise if own_app => {
            let (en, zh) = ("the app has no grant of this shop", "该应用没有此店铺的授权");
            Some(("external_id", en, zh))
        }
        _ => None,
    };
    let told = channel_error(error);
    match field {
        Some((path, en, zh)) => {
            let (en, zh) = (format!("{en}: {words}"), format!("{zh}：{words}"));
            told.with_fields(vec![FieldError::new(path, "refused_by_platform", en, zh)])
        }
        None => told,
    }
}

/// Whether an account that is linked directly lost its keys: the platform no longer accepts what the merchant typed.
pub(super) fn keys_refused(error: &ChannelError) -> bool {
    matches!(&error.class, ErrorClass::FixRequest { fields }
        if fields.iter().any(|field| field.path == SECRET_FIELD || field.path == APP_FIELDS[0]))
}
