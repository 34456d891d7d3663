//! API keys, the same for providers and merchants: making one, which shows it once, renaming and revoking.

use super::apply::may_be_mended;
use crate::app::api_keys::{self, MakeKey};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Call, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::{Permission, Surface};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ApiKeyId, ShopId};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::api_key::ApiKey;
use qianpu_tenants::store::shop::Shop;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    for surface in [Surface::Provider, Surface::Merchant] {
        let home = home_of(surface);
        pages.get(&home, keys_page);
        pages.post(&home, make_form);
        pages.get(&format!("{home}/{{api_key_id}}"), key_page);
        pages.post(&format!("{home}/{{api_key_id}}"), rename_form);
        pages.post(&format!("{home}/{{api_key_id}}/revoke"), revoke_form);
    }
}

type Manages<T = ()> = Authed<perm::ApiKeyManage, T>;

/// The lives that can be chosen on the page, in days.
const LIVES: [i64; 4] = [30, 90, 180, 365];

fn home_of(surface: Surface) -> String {
    format!("/console/{}/api_keys", surface.as_str())
}

/// A box to tick, or what was ticked.
#[derive(Serialize)]
pub(super) struct Choice {
    value: String,
    label: String,
    note: String,
    ticked: bool,
}

/// A permission in words.
pub(super) fn permission_choice(call: &Call, permission: Permission, ticked: bool) -> Choice {
    let key = ["permissions.", permission.as_str()].concat();
    Choice {
        value: permission.as_str().to_owned(),
        label: call.state.pages.catalogue().say(call.info.lang, &key, []),
        note: permission.as_str().to_owned(),
        ticked,
    }
}

/// The form as it was sent, with the boxes that nobody ticked, so that what is wrong with them stands beside them.
pub(super) fn with_boxes(fields: &Fields, names: &[&str]) -> Fields {
    let mut all = fields.clone();
    for name in names.iter().filter(|name| !fields.0.iter().any(|(own, _)| own == *name)) {
        all.0.push(((*name).to_owned(), String::new()));
    }
    all
}

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct KeyLine {
    id: String,
    name: String,
    hint: String,
    state: &'static str,
    maker: String,
    scopes: Vec<Choice>,
    shops: Vec<String>,
    last_used_at: Option<i64>,
    expires_at: i64,
    created_at: i64,
}

fn state_of(key: &ApiKey, now: Timestamp) -> &'static str {
    if key.revoked_at.is_some() {
        "revoked"
    } else if key.is_alive(now) {
        "active"
    } else {
        "expired"
    }
}

fn line(call: &Call, key: ApiKey, shops: &[Shop]) -> KeyLine {
    let name = |id: &ShopId| {
        let shop = shops.iter().find(|shop| shop.id == *id);
        shop.map_or_else(|| id.to_string(), |shop| shop.name.clone())
    };
    KeyLine {
        state: state_of(&key, call.state.clock().now()),
        id: key.id.to_string(),
        name: key.name,
        hint: key.hint,
        maker: key.maker_name,
        scopes: key.permissions.iter().map(|one| permission_choice(call, one, true)).collect(),
        shops: key.shops.unwrap_or_default().iter().map(name).collect(),
        last_used_at: key.last_used_at.map(Timestamp::micros),
        expires_at: key.expires_at.micros(),
        created_at: key.created_at.micros(),
    }
}

#[derive(Serialize)]
struct Life {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct KeysView {
    form: FormView,
    home: String,
    keys: Vec<KeyLine>,
    next_page: Option<String>,
    lives: Vec<Life>,
    scopes: Vec<Choice>,
    shops: Vec<Choice>,
}

/// The page; `sent` is the form that was refused, if one was.
async fn keys_view<T>(
    auth: &Manages<T>,
    cursor: Option<&str>,
    sent: Option<(&Fields, &ApiError)>,
) -> Answer<KeysView> {
    let home = home_of(auth.caller.surface());
    let found = api_keys::list(&auth.state, &auth.grant, page_request(Some(20), cursor)?).await?;
    let shops = api_keys::shops(&auth.state, &auth.grant).await?;
    let ticked =
        |name: &str, value: &str| sent.is_some_and(|(fields, _)| fields.all(name).any(|one| one == value));
    let most = auth.state.config.login.api_key_days;
    let lives = LIVES.into_iter().filter(|days| *days <= most).map(|days| {
        let (value, catalogue) = (days.to_string(), auth.state.pages.catalogue());
        Life { label: catalogue.say(auth.info.lang, "api_keys.days_one", [("days", value.as_str())]), value }
    });
    Ok(KeysView {
        form: match sent {
            Some((fields, error)) => {
                FormView::refused_by(&with_boxes(fields, &["scopes", "shop_ids"]), error, auth.info.lang)
            }
            None => FormView::filled([("expires_in_days", "90".to_owned())]),
        },
        next_page: found.next.map(|next| format!("{home}?cursor={}", cursor_text(&next))),
        home,
        keys: found.items.into_iter().map(|key| line(auth, key, &shops)).collect(),
        lives: lives.collect(),
        scopes: api_keys::choices(&auth.caller)
            .iter()
            .map(|one| permission_choice(auth, one, ticked("scopes", one.as_str())))
            .collect(),
        shops: shops
            .iter()
            .map(|shop| {
                let value = shop.id.to_string();
                let ticked = ticked("shop_ids", &value);
                Choice { value, label: shop.name.clone(), note: String::new(), ticked }
            })
            .collect(),
    })
}

async fn keys_page(auth: Manages<Query<PageQuery>>) -> PageAnswer {
    let view = keys_view(&auth, auth.input.0.cursor.as_deref(), None).await?;
    auth.page("api_keys/list", view)
}

#[derive(Serialize)]
struct MadeView {
    home: String,
    key: KeyLine,
    token: String,
    me_url: String,
}

async fn make(auth: &Manages<Fields>) -> Answer<api_keys::Made> {
    let fields = &auth.input;
    let mut errors = Vec::new();
    let days = fields.parsed("expires_in_days", &mut errors).unwrap_or_default();
    let shops: Result<Vec<ShopId>, _> = fields.all("shop_ids").map(str::parse).collect();
    let Ok(shops) = shops else {
        let (en, zh) = ("choose your own shops", "请选择自己的店铺");
        return Err(FieldError::new("shop_ids", "unknown", en, zh).into());
    };
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let command = MakeKey {
        name: fields.text("name").to_owned(),
        scopes: fields.all("scopes").map(str::to_owned).collect(),
        shops: Some(shops),
        expires_in_days: days,
    };
    api_keys::make(&auth.state, &auth.caller, &auth.grant, &command).await
}

/// The new key is in the answer to the form and nowhere else; coming back to the page does not show it.
async fn make_form(auth: Manages<Fields>) -> PageAnswer {
    match make(&auth).await {
        Ok(made) => {
            let view = MadeView {
                home: home_of(auth.caller.surface()),
                key: line(&auth, made.key, &[]),
                token: made.token,
                me_url: format!("{}/api/v1/me", auth.state.config.app.public_url.trim_end_matches('/')),
            };
            auth.page("api_keys/made", view)
        }
        Err(error) if may_be_mended(&error) => {
            let view = keys_view(&auth, None, Some((&auth.input, &error))).await?;
            auth.refused_page("api_keys/list", view)
        }
        Err(error) => Err(error),
    }
}

#[derive(Serialize)]
struct KeyView {
    form: FormView,
    home: String,
    key: KeyLine,
}

async fn key_view<T>(auth: &Manages<T>, id: ApiKeyId, form: Option<FormView>) -> Answer<KeyView> {
    let key = api_keys::get(&auth.state, &auth.grant, id).await?;
    let shops = api_keys::shops(&auth.state, &auth.grant).await?;
    let form = form.unwrap_or_else(|| FormView::filled([("name", key.name.clone())]));
    Ok(KeyView { form, home: home_of(auth.caller.surface()), key: line(auth, key, &shops) })
}

async fn key_page(auth: Manages<Path<ApiKeyId>>) -> PageAnswer {
    let view = key_view(&auth, auth.input.0, None).await?;
    auth.page("api_keys/key", view)
}

async fn rename_form(auth: Manages<(Path<ApiKeyId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    match api_keys::rename(&auth.state, &auth.grant, *id, fields.text("name")).await {
        Ok(_) => {
            let to = format!("{}/{id}", home_of(auth.caller.surface()));
            Ok(auth.redirect_with(&Flash::success("api_keys.renamed"), &to))
        }
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = key_view(&auth, *id, Some(form)).await?;
            auth.refused_page("api_keys/key", view)
        }
        Err(error) => Err(error),
    }
}

async fn revoke_form(auth: Manages<(Path<ApiKeyId>, Fields)>) -> PageAnswer {
    api_keys::revoke(&auth.state, &auth.grant, auth.input.0.0).await?;
    Ok(auth.redirect_with(&Flash::success("api_keys.revoked"), &home_of(auth.caller.surface())))
}
