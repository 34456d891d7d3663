//! `/channel_accounts/{id}/menu`: the menu of a public account.

use crate::app::followers::menu::{self, MenuState, TypedButton};
use crate::error::Answer;
use crate::http::describe::Versioned;
use crate::http::extract::{Authed, IfMatch, Json, Path};
use crate::http::route::Api;
use crate::http::wire::Time;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{Menu, MenuAction, MenuButton};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(super) fn routes(api: &mut Api<'_>) {
    let menu = "/channel_accounts/{channel_account_id}/menu";
    api.get(
        menu,
        get_account_menu,
        "The menu of a public account: what is being written, and what people see",
    );
    api.put(menu, save_account_menu, "Keep what is being written; people see it after it was published");
    api.post(
        &format!("{menu}/publish"),
        publish_account_menu,
        "Set the menu at the platform, and read it back",
    );
    api.post(&format!("{menu}/read"), read_account_menu, "Read the menu that people see now");
}

/// A button of a menu.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MenuButtonBody {
    /// Up to 16 bytes, below another button 60: a Chinese character takes three.
    name: String,
    /// `view`, `click` or `mini_program`; `other` for what was set at the platform. Null with buttons below it.
    #[serde(default)]
    kind: Option<String>,
    /// Of `view`; of `mini_program` for those whose WeChat is too old.
    #[serde(default)]
    url: Option<String>,
    /// Of `click`: what is sent. Rules answer it.
    #[serde(default)]
    key: Option<String>,
    /// Of `mini_program`.
    #[serde(default)]
    app_id: Option<String>,
    /// Of `mini_program`: its page. Of `other`: the platform's word.
    #[serde(default)]
    path: Option<String>,
    /// At most five, of a button at the top.
    #[serde(default)]
    #[schema(no_recursion)]
    below: Vec<MenuButtonBody>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SaveMenuBody {
    /// At most three; none takes the menu away.
    buttons: Vec<MenuButtonBody>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AccountMenuView {
    /// What is being written.
    buttons: Vec<MenuButtonBody>,
    /// What people saw when it was read last; null when there was no menu.
    remote: Option<Vec<MenuButtonBody>>,
    #[schema(value_type = Option<String>)]
    read_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    published_at: Option<Time>,
    /// What is being written differs from what was set last.
    unpublished: bool,
    /// People see another menu than the one that was set here.
    drifted: bool,
    version: i64,
}

fn typed(body: &MenuButtonBody) -> TypedButton {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    TypedButton {
        name: body.name.clone(),
        kind: text(&body.kind),
        url: text(&body.url),
        key: text(&body.key),
        app_id: text(&body.app_id),
        path: text(&body.path),
        below: body.below.iter().map(typed).collect(),
    }
}

fn button_body(button: MenuButton) -> MenuButtonBody {
    let none = MenuButtonBody {
        name: button.name,
        kind: None,
        url: None,
        key: None,
        app_id: None,
        path: None,
        below: button.below.into_iter().map(button_body).collect(),
    };
    let kind = |kind: &str| Some(kind.to_owned());
    match button.action {
        None => none,
        Some(MenuAction::View { url }) => MenuButtonBody { kind: kind("view"), url: Some(url), ..none },
        Some(MenuAction::Click { key }) => MenuButtonBody { kind: kind("click"), key: Some(key), ..none },
        Some(MenuAction::MiniProgram { app_id, path, url }) => MenuButtonBody {
            kind: kind("mini_program"),
            app_id: Some(app_id),
            path: Some(path),
            url: Some(url),
            ..none
        },
        Some(MenuAction::Other { what }) => MenuButtonBody { kind: kind("other"), path: Some(what), ..none },
    }
}

fn buttons(menu: Menu) -> Vec<MenuButtonBody> {
    menu.buttons.into_iter().map(button_body).collect()
}

fn view(found: MenuState) -> Versioned<AccountMenuView> {
    Versioned {
        version: found.version,
        body: AccountMenuView {
            buttons: buttons(found.draft),
            remote: found.remote.map(buttons),
            read_at: found.read_at.map(Time),
            published_at: found.published_at.map(Time),
            unpublished: found.unpublished,
            drifted: found.drifted,
            version: found.version,
        },
    }
}

async fn get_account_menu(
    auth: Authed<perm::FollowerRead, Path<ChannelAccountId>>,
) -> Answer<Versioned<AccountMenuView>> {
    Ok(view(menu::get(&auth.state, &auth.grant, auth.input.0).await?))
}

async fn save_account_menu(
    auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, IfMatch, Json<SaveMenuBody>)>,
) -> Answer<Versioned<AccountMenuView>> {
    let (Path(id), IfMatch(seen), Json(body)) = &auth.input;
    let typed: Vec<TypedButton> = body.buttons.iter().map(typed).collect();
    Ok(view(menu::save(&auth.state, &auth.grant, *id, *seen, &typed).await?))
}

async fn publish_account_menu(
    auth: Authed<perm::FollowerManage, Path<ChannelAccountId>>,
) -> Answer<Versioned<AccountMenuView>> {
    Ok(view(menu::publish(&auth.state, &auth.grant, auth.input.0).await?))
}

async fn read_account_menu(
    auth: Authed<perm::FollowerManage, Path<ChannelAccountId>>,
) -> Answer<Versioned<AccountMenuView>> {
    Ok(view(menu::read_back(&auth.state, &auth.grant, auth.input.0).await?))
}
