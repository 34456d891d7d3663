//! Followers of an account, and the conversation with one of them.

use super::super::apply::may_be_mended;
use super::tags::{TagChoice, choices};
use super::{Reach, of_account};
use crate::app::channels::accounts;
use crate::app::followers::reply::Reply;
use crate::app::followers::{self, Conversation, FollowerRow, tags};
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::follower::{FollowerState, NoRoom, Room};
use qianpu_domain::ids::{ChannelAccountId, FollowerId, FollowerTagId};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::follower_message::FollowerMessage;
use qianpu_tenants::store::follower_tag::FollowerTag;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const FOLLOWERS: &str = "/console/merchant/followers";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/channel_accounts/{channel_account_id}/followers", followers_page);
    pages.get("/console/merchant/followers/{follower_id}", follower_page);
    pages.post("/console/merchant/followers/{follower_id}/write", write_follower_form);
}

#[derive(Deserialize, IntoParams)]
struct FollowersQuery {
    state: Option<String>,
    tag: Option<String>,
    cursor: Option<String>,
}

/// What may be sent, as a page says it.
#[derive(Serialize)]
struct RoomView {
    left: u32,
    until: Option<i64>,
    /// `open`, `closed`, `used_up`.
    word: &'static str,
}

fn room_view(room: Result<Room, NoRoom>) -> RoomView {
    match room {
        Ok(room) => RoomView { left: room.left, until: Some(room.until.micros()), word: "open" },
        Err(NoRoom::Closed) => RoomView { left: 0, until: None, word: "closed" },
        Err(NoRoom::UsedUp) => RoomView { left: 0, until: None, word: "used_up" },
    }
}

/// A message as a page shows it.
#[derive(Serialize)]
struct MessageView {
    inbound: bool,
    kind: String,
    text: String,
    /// Of a link.
    link: Option<String>,
    by: Option<String>,
    by_rule: bool,
    state: &'static str,
    error: Option<String>,
    at: i64,
}

fn message_view(row: FollowerMessage) -> MessageView {
    let reply =
        if row.inbound { None } else { serde_json::from_str(&row.body).ok().as_ref().and_then(Reply::read) };
    let (text, link) = match reply {
        None => (row.body, None),
        Some(Reply::Text { text }) => (text, None),
        Some(Reply::Link { title, url, .. }) => (title, Some(url)),
        Some(Reply::Product { product_id }) => {
            (String::new(), Some(format!("/console/merchant/products/{product_id}")))
        }
    };
    MessageView {
        inbound: row.inbound,
        kind: row.kind,
        text,
        link,
        by: row.by.filter(|by| !by.is_empty()),
        by_rule: row.rule.is_some(),
        state: row.state.as_str(),
        error: row.error_text,
        at: row.created_at.micros(),
    }
}

#[derive(Serialize)]
struct PersonRow {
    id: String,
    href: String,
    tags: Vec<String>,
    open_id: String,
    state: &'static str,
    scene: Option<String>,
    newest: Option<MessageView>,
    room: RoomView,
    /// None for somebody of whom only the id was read.
    at: Option<i64>,
    may_be_chosen: bool,
}

#[derive(Serialize)]
struct StateTab {
    href: String,
    word: &'static str,
    count: Option<u64>,
    current: bool,
}

#[derive(Serialize)]
struct TagFilter {
    href: String,
    name: String,
    current: bool,
}

#[derive(Serialize)]
struct FollowersView {
    reach: Reach,
    states: Vec<StateTab>,
    people: Vec<PersonRow>,
    /// Tags to filter by.
    tags: Vec<TagFilter>,
    /// Tags that can be put on.
    choices: Vec<TagChoice>,
    put: String,
    may_manage: bool,
    next_page: Option<String>,
}

fn person_row(row: FollowerRow) -> PersonRow {
    PersonRow {
        id: row.follower.id.to_string(),
        href: format!("{FOLLOWERS}/{}", row.follower.id),
        tags: row.tags.into_iter().map(|tag| tag.name).collect(),
        open_id: short_id(&row.follower.open_id),
        state: row.follower.state.as_str(),
        scene: row.follower.scene,
        newest: row.newest.map(message_view),
        room: room_view(row.room),
        at: seen(row.follower.last_seen_at),
        may_be_chosen: row.follower.state == FollowerState::Following,
    }
}

fn seen(at: Timestamp) -> Option<i64> {
    Some(at.micros()).filter(|at| *at > 0)
}

/// The end of an id, which is what tells two apart at a glance.
fn short_id(open_id: &str) -> String {
    let tail: Vec<char> = open_id.chars().rev().take(8).collect();
    format!("…{}", tail.into_iter().rev().collect::<String>())
}

async fn followers_page(
    auth: Authed<perm::FollowerRead, (Path<ChannelAccountId>, Query<FollowersQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let wanted = query.state.as_deref().and_then(FollowerState::from_text);
    let tag: Option<FollowerTagId> = query.tag.as_deref().and_then(|id| id.parse().ok());
    let page = page_request(Some(30), query.cursor.as_deref())?;
    let found = followers::list(&auth.state, &auth.grant, *id, wanted, tag, page).await?;
    let (following, left) = followers::counts(&auth.state, &auth.grant, *id).await?;
    let account = accounts::get(&auth.state, &auth.caller.grant()?, *id).await?.account;
    let home = of_account(*id, "followers");
    let own = tags::list(&auth.state, &auth.grant, *id).await?.1;
    let tab = |state: Option<FollowerState>, count| StateTab {
        href: state.map_or_else(|| home.clone(), |state| format!("{home}?state={state}")),
        word: state.map_or("all", FollowerState::as_str),
        count,
        current: wanted == state,
    };
    let mut filter = wanted.map(|state| format!("state={state}&")).unwrap_or_default();
    if let Some(tag) = tag {
        filter.push_str(&format!("tag={tag}&"));
    }
    let by_tag = |one: &FollowerTag| TagFilter {
        href: if Some(one.id) == tag { home.clone() } else { format!("{home}?tag={}", one.id) },
        name: one.name.clone(),
        current: Some(one.id) == tag,
    };
    let view = FollowersView {
        reach: Reach::of(&account, "followers"),
        states: vec![
            tab(None, None),
            tab(Some(FollowerState::Following), Some(following)),
            tab(Some(FollowerState::Left), Some(left)),
        ],
        next_page: found.next.map(|next| format!("{home}?{filter}cursor={}", cursor_text(&next))),
        people: found.items.into_iter().map(person_row).collect(),
        tags: own.iter().map(by_tag).collect(),
        choices: choices(&own),
        put: of_account(*id, "tags/put"),
        may_manage: auth.caller.may(Permission::FollowerManage),
    };
    auth.page("followers/people", view)
}

#[derive(Serialize)]
struct FollowerView {
    form: FormView,
    reach: Reach,
    at: String,
    back: String,
    open_id: String,
    title: String,
    state: &'static str,
    scene: Option<String>,
    followed_at: Option<i64>,
    left_at: Option<i64>,
    last_seen_at: Option<i64>,
    tags: Vec<String>,
    messages: Vec<MessageView>,
    room: RoomView,
    may_answer: bool,
}

async fn view<P: Perm, T>(
    auth: &Authed<P, T>,
    id: FollowerId,
    form: Option<FormView>,
) -> Answer<FollowerView> {
    let grant = auth.caller.grant::<perm::FollowerRead>()?;
    let Conversation { account, follower, messages, room, tags } =
        followers::conversation(&auth.state, &grant, id).await?;
    let seen_at = seen(follower.last_seen_at);
    Ok(FollowerView {
        form: form.unwrap_or_default(),
        reach: Reach::of(&account, "followers"),
        at: format!("{FOLLOWERS}/{id}"),
        back: of_account(account.id, "followers"),
        title: short_id(&follower.open_id),
        open_id: follower.open_id,
        state: follower.state.as_str(),
        scene: follower.scene,
        followed_at: follower.followed_at.map(Timestamp::micros),
        left_at: follower.left_at.map(Timestamp::micros),
        last_seen_at: seen_at,
        tags: tags.into_iter().map(|tag| tag.name).collect(),
        messages: messages.into_iter().map(message_view).collect(),
        room: room_view(room),
        may_answer: auth.caller.may(Permission::FollowerAnswer),
    })
}

async fn follower_page(auth: Authed<perm::FollowerRead, Path<FollowerId>>) -> PageAnswer {
    let view = view(&auth, auth.input.0, None).await?;
    auth.page("followers/follower", view)
}

async fn write_follower_form(auth: Authed<perm::FollowerAnswer, (Path<FollowerId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    match followers::write(&auth.state, &auth.grant, *id, fields.text("text")).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("followers.written"), &format!("{FOLLOWERS}/{id}"))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, *id, Some(form)).await?;
            auth.refused_page("followers/follower", view)
        }
        Err(error) => Err(error),
    }
}
