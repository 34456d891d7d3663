//! The menu 自定义菜单.
//!
//! From <https://developers.weixin.qq.com/doc/offiaccount/Custom_Menus/Creating_Custom-Defined_Menu.html>. It is read with
//! `get_current_selfmenu_info`, which also shows a menu that was set on the platform's own pages.

use qianpu_sdk::wire::text;
use qianpu_sdk::{
    AccountMenu, Answer, ChannelError, Context, ErrorClass, Menu, MenuAction, MenuButton, Step, Turn,
};
use qianpu_wechat_wire::call::{MENUS, account_get, account_post, read_only};
use serde_json::{Value, json};

/// The menu.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CustomMenu;

fn own(state: &[u8]) -> Result<(), ChannelError> {
    if state.is_empty() { Ok(()) } else { Err(ChannelError::unexpected("a state that is not ours")) }
}

fn written(button: &MenuButton) -> Result<Value, ChannelError> {
    if !button.below.is_empty() {
        let below = button.below.iter().map(written).collect::<Result<Vec<_>, _>>()?;
        return Ok(json!({ "name": button.name, "sub_button": below }));
    }
    let name = &button.name;
    match &button.action {
        Some(MenuAction::View { url }) => Ok(json!({ "type": "view", "name": name, "url": url })),
        Some(MenuAction::Click { key }) => Ok(json!({ "type": "click", "name": name, "key": key })),
        Some(MenuAction::MiniProgram { app_id, path, url }) => {
            Ok(json!({ "type": "miniprogram", "name": name,
            "url": url, "appid": app_id, "pagepath": path }))
        }
        Some(MenuAction::Other { .. }) | None => {
            Err(ChannelError::field("buttons", "no_action", format!("{name} has nothing to do")))
        }
    }
}

fn read(button: &Value) -> MenuButton {
    let field = |name: &str| text(&button[name]).unwrap_or_default();
    // `menu/get` has the list itself, `get_current_selfmenu_info` has it in an object.
    let below = button["sub_button"].as_array().or_else(|| button["sub_button"]["list"].as_array());
    let below: Vec<MenuButton> = below.into_iter().flatten().take(20).map(read).collect();
    let action = match field("type").as_str() {
        _ if !below.is_empty() => None,
        "view" => Some(MenuAction::View { url: field("url") }),
        "click" => Some(MenuAction::Click { key: field("key") }),
        "miniprogram" => Some(MenuAction::MiniProgram {
            app_id: field("appid"),
            path: field("pagepath"),
            url: field("url"),
        }),
        other => Some(MenuAction::Other { what: other.chars().take(40).collect() }),
    };
    MenuButton { name: field("name"), action, below }
}

impl AccountMenu for CustomMenu {
    fn fetch(&self, cx: &Context<'_>) -> Turn<Option<Menu>> {
        Ok(Step::call(account_get(cx, "/cgi-bin/get_current_selfmenu_info")?, Vec::new()))
    }
    fn resume_fetch(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Option<Menu>> {
        own(state)?;
        let body = read_only(cx, answers)?;
        if body.get("is_menu_open").is_none() {
            return Err(ChannelError::unexpected("the answer has no is_menu_open"));
        }
        let buttons = body["selfmenu_info"]["button"].as_array();
        let buttons: Vec<MenuButton> = buttons.into_iter().flatten().take(20).map(read).collect();
        Ok(Step::Done((!buttons.is_empty()).then_some(Menu { buttons })))
    }

    fn publish(&self, cx: &Context<'_>, menu: &Menu) -> Turn<()> {
        // Setting the same menu twice does no harm.
        if menu.buttons.is_empty() {
            let request = account_get(cx, "/cgi-bin/menu/delete")?.bucket(MENUS);
            return Ok(Step::call(request, Vec::new()));
        }
        let buttons = menu.buttons.iter().map(written).collect::<Result<Vec<_>, _>>()?;
        let request = account_post(cx, "/cgi-bin/menu/create", &json!({ "button": buttons }))?;
        Ok(Step::call(request.bucket(MENUS).idempotent(), Vec::new()))
    }
    fn resume_publish(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
        own(state)?;
        let body = read_only(cx, answers)?;
        if body.get("errcode").is_none() {
            return Err(ChannelError::new(ErrorClass::Unexpected, "the answer has no errcode"));
        }
        Ok(Step::Done(()))
    }
}
