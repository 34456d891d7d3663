//! The editor of an account's menu: three buttons with five below each, and what people see now.

use super::super::apply::may_be_mended;
use super::{Reach, of_account};
use crate::app::followers::menu::{self, MenuState, TypedButton};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::account_menu::{MOST_BELOW, MOST_TOP};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{Menu, MenuAction, MenuButton};
use qianpu_tenants::authz::{Perm, perm};
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let menu = "/console/merchant/channel_accounts/{channel_account_id}/menu";
    pages.get(menu, account_menu_page);
    pages.post(menu, save_menu_form);
    pages.post("/console/merchant/channel_accounts/{channel_account_id}/menu/publish", publish_menu_form);
    pages.post("/console/merchant/channel_accounts/{channel_account_id}/menu/read", read_menu_form);
}

/// A place for a button in the form.
#[derive(Serialize)]
struct Place {
    /// What the names of its fields begin with: `b0`, `b0_2`.
    field: String,
    number: usize,
    open: bool,
    below: Vec<Place>,
}

/// A button as people see it.
#[derive(Serialize)]
struct Shown {
    name: String,
    kind: &'static str,
    text: String,
    below: Vec<Shown>,
}

#[derive(Serialize)]
struct MenuView {
    form: FormView,
    reach: Reach,
    at: String,
    places: Vec<Place>,
    remote: Option<Vec<Shown>>,
    read_at: Option<i64>,
    published_at: Option<i64>,
    unpublished: bool,
    drifted: bool,
    written: bool,
    may_manage: bool,
}

fn shown(button: MenuButton) -> Shown {
    let (kind, text) = match button.action {
        None => ("none", String::new()),
        Some(MenuAction::View { url }) => ("view", url),
        Some(MenuAction::Click { key }) => ("click", key),
        Some(MenuAction::MiniProgram { app_id, path, .. }) => ("mini_program", format!("{app_id} {path}")),
        Some(MenuAction::Other { what }) => ("other", what),
    };
    Shown { name: button.name, kind, text, below: button.below.into_iter().map(shown).collect() }
}

fn values(field: &str, button: &MenuButton, into: &mut Vec<(String, String)>) {
    let mut put = |name: &str, value: &str| into.push((format!("{field}_{name}"), value.to_owned()));
    put("name", &button.name);
    match &button.action {
        None => {}
        Some(MenuAction::View { url }) => {
            put("kind", "view");
            put("url", url);
        }
        Some(MenuAction::Click { key }) => {
            put("kind", "click");
            put("key", key);
        }
        Some(MenuAction::MiniProgram { app_id, path, url }) => {
            put("kind", "mini_program");
            put("app_id", app_id);
            put("path", path);
            put("url", url);
        }
        Some(MenuAction::Other { .. }) => put("kind", "other"),
    }
    for (index, one) in button.below.iter().enumerate() {
        values(&format!("{field}_{index}"), one, into);
    }
}

fn filled(menu: &Menu) -> FormView {
    let mut all = Vec::new();
    for (index, button) in menu.buttons.iter().enumerate() {
        values(&format!("b{index}"), button, &mut all);
    }
    FormView::filled(all)
}

fn places(menu: &Menu, refused: bool) -> Vec<Place> {
    let place = |top: usize| {
        let used = menu.buttons.get(top).map_or(0, |button| button.below.len());
        let below = |number: usize| Place {
            field: format!("b{top}_{number}"),
            number: number + 1,
            open: number < used,
            below: Vec::new(),
        };
        Place {
            field: format!("b{top}"),
            number: top + 1,
            open: used > 0 || refused,
            below: (0..MOST_BELOW).map(below).collect(),
        }
    };
    (0..MOST_TOP).map(place).collect()
}

async fn view<P: Perm, T>(
    auth: &Authed<P, T>,
    id: ChannelAccountId,
    form: Option<FormView>,
) -> Answer<MenuView> {
    let grant = auth.caller.grant::<perm::FollowerRead>()?;
    let found: MenuState = menu::get(&auth.state, &grant, id).await?;
    let refused = form.is_some();
    Ok(MenuView {
        form: form.unwrap_or_else(|| filled(&found.draft)),
        reach: Reach::of(&found.account, "menu"),
        at: of_account(id, "menu"),
        places: places(&found.draft, refused),
        remote: found.remote.map(|menu| menu.buttons.into_iter().map(shown).collect()),
        read_at: found.read_at.map(qianpu_domain::time::Timestamp::micros),
        published_at: found.published_at.map(qianpu_domain::time::Timestamp::micros),
        unpublished: found.unpublished,
        drifted: found.drifted,
        written: found.version > 0,
        may_manage: auth.caller.may(Permission::FollowerManage),
    })
}

async fn account_menu_page(auth: Authed<perm::FollowerRead, Path<ChannelAccountId>>) -> PageAnswer {
    let view = view(&auth, auth.input.0, None).await?;
    auth.page("followers/menu", view)
}

/// Places with a name become buttons; the numbers of those typed are kept for the errors.
fn typed(fields: &Fields) -> (Vec<TypedButton>, Vec<(usize, Vec<usize>)>) {
    let one = |field: &str| {
        let text = |name: &str| fields.text(&format!("{field}_{name}")).to_owned();
        TypedButton {
            name: text("name"),
            kind: text("kind"),
            url: text("url"),
            key: text("key"),
            app_id: text("app_id"),
            path: text("path"),
            below: Vec::new(),
        }
    };
    let blank =
        |button: &TypedButton| button.name.is_empty() && button.url.is_empty() && button.key.is_empty();
    let mut buttons = Vec::new();
    let mut numbers = Vec::new();
    for top in 0..MOST_TOP {
        let mut button = one(&format!("b{top}"));
        let mut below = Vec::new();
        for number in 0..MOST_BELOW {
            let under = one(&format!("b{top}_{number}"));
            if !blank(&under) {
                button.below.push(under);
                below.push(number);
            }
        }
        if !(blank(&button) && button.below.is_empty()) {
            buttons.push(button);
            numbers.push((top, below));
        }
    }
    (buttons, numbers)
}

/// `buttons[0].below[1].url` is the field `b0_1_url` of the form.
fn at_fields(error: ApiError, numbers: &[(usize, Vec<usize>)]) -> ApiError {
    let moved = |wrong: &FieldError| {
        let mut path = wrong.path.clone();
        for (index, (top, below)) in numbers.iter().enumerate() {
            let before = format!("buttons[{index}].");
            let Some(rest) = wrong.path.strip_prefix(&before) else { continue };
            path = format!("b{top}_{rest}");
            for (at, number) in below.iter().enumerate() {
                if let Some(rest) = rest.strip_prefix(&format!("below[{at}].")) {
                    path = format!("b{top}_{number}_{rest}");
                }
            }
        }
        FieldError { path, ..wrong.clone() }
    };
    let mended: Vec<FieldError> = error.errors().iter().map(moved).collect();
    if mended.is_empty() { error } else { error.with_fields(mended) }
}

async fn save_menu_form(auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let (buttons, numbers) = typed(fields);
    match menu::save(&auth.state, &auth.grant, *id, None, &buttons).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("followers.menu_saved"), &of_account(*id, "menu"))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &at_fields(error, &numbers), auth.info.lang);
            let view = view(&auth, *id, Some(form)).await?;
            auth.refused_page("followers/menu", view)
        }
        Err(error) => Err(error),
    }
}

/// What came of a call to the platform, as a message above the page.
fn told<P: Perm, T>(auth: &Authed<P, T>, outcome: Answer<MenuState>, done: &'static str) -> Answer<Flash> {
    match outcome {
        Ok(_) => Ok(Flash::success(done)),
        Err(error) if error.code().status() == 404 => Err(error),
        Err(error) => {
            let lang = auth.info.lang;
            let title = lang.pick(error.code().title_zh(), error.code().title_en());
            let detail = error.detail().map(|text| auth.state.pages.catalogue().text(lang, text));
            let why = detail.map_or_else(|| title.to_owned(), |detail| format!("{title} · {detail}"));
            Ok(Flash::failure("followers.call_failed").with("why", why))
        }
    }
}

async fn publish_menu_form(
    auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let outcome = menu::publish(&auth.state, &auth.grant, *id).await;
    let flash = told(&auth, outcome, "followers.menu_published")?;
    Ok(auth.redirect_with(&flash, &of_account(*id, "menu")))
}

async fn read_menu_form(auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let outcome = menu::read_back(&auth.state, &auth.grant, *id).await;
    let flash = told(&auth, outcome, "followers.menu_read")?;
    Ok(auth.redirect_with(&flash, &of_account(*id, "menu")))
}
