//! `/channel_accounts/{id}/followers`, `/followers` and `/reply_rules`: followers of public accounts, what was said, and
//! the rules that answer.

use crate::app::followers::reply::{Reply, TypedReply};
use crate::app::followers::rules::{self, TypedRule};
use crate::app::followers::{self, FollowerRow};
use crate::error::Answer;
use crate::http::describe::{Accepted, Created, NoContent, Versioned};
use crate::http::extract::{Authed, IfMatch, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::error::FieldError;
use qianpu_domain::follower::{FollowerState, NoRoom, Room};
use qianpu_domain::ids::{ChannelAccountId, FollowerId, FollowerMessageId, FollowerTagId, ReplyRuleId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::follower::Follower;
use qianpu_tenants::store::follower_message::FollowerMessage;
use qianpu_tenants::store::follower_tag::FollowerTag;
use qianpu_tenants::store::reply_rule::ReplyRule;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let of_account = "/channel_accounts/{channel_account_id}";
    api.get(
        &format!("{of_account}/followers"),
        list_followers,
        "Followers of a public account, those who did something last first",
    );
    api.get("/followers/{follower_id}", get_follower, "A follower with the last messages, at most 50");
    api.post(
        "/followers/{follower_id}/messages",
        write_to_follower,
        "Write a text to a follower, within the platform's window",
    );
    api.get(&format!("{of_account}/reply_rules"), list_reply_rules, "Rules that answer followers, in order");
    api.post(&format!("{of_account}/reply_rules"), add_reply_rule, "Add a rule behind the others");
    let rule = "/reply_rules/{reply_rule_id}";
    api.get(rule, get_reply_rule, "One rule");
    api.put(rule, change_reply_rule, "Change a rule as a whole");
    api.delete(rule, delete_reply_rule, "Delete a rule");
    api.post(&format!("{rule}/raise"), raise_reply_rule, "Move a rule one place up");
}

/// What may be sent to a follower now.
#[derive(Debug, Serialize, ToSchema)]
struct ReplyRoomView {
    /// Messages that may be sent now.
    left: u32,
    /// When the window closes.
    #[schema(value_type = Option<String>)]
    until: Option<Time>,
    /// `closed` when no window is open, `used_up` when as many as are allowed were sent.
    refusal: Option<&'static str>,
}

fn room_view(room: Result<Room, NoRoom>) -> ReplyRoomView {
    match room {
        Ok(room) => ReplyRoomView { left: room.left, until: Some(Time(room.until)), refusal: None },
        Err(why) => ReplyRoomView {
            left: 0,
            until: None,
            refusal: Some(match why {
                NoRoom::Closed => "closed",
                NoRoom::UsedUp => "used_up",
            }),
        },
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct FollowerMessageView {
    #[schema(value_type = String)]
    id: Id<FollowerMessageId>,
    /// Whether the follower sent it.
    inbound: bool,
    /// `text`, `other`, `followed`, `left`, `scanned`, `clicked`, `opened`; of ours `text`, `link`, `product`.
    kind: String,
    /// What the follower wrote, long numbers masked; the key, scene or page of what else they did.
    text: Option<String>,
    /// What we answer.
    answer: Option<AnswerBody>,
    /// The rule that answers.
    #[schema(value_type = Option<String>)]
    reply_rule_id: Option<Id<ReplyRuleId>>,
    /// Who of the merchant wrote it.
    by: Option<String>,
    /// `received`, `waiting`, `sending`, `sent`, `refused`, or `unknown`: no answer came, so it may have been delivered.
    state: &'static str,
    error_code: Option<String>,
    error: Option<String>,
    #[schema(value_type = String)]
    created_at: Time,
}

fn message_view(row: FollowerMessage) -> FollowerMessageView {
    let answer = if row.inbound { None } else { serde_json::from_str(&row.body).ok() };
    let answer = answer.as_ref().and_then(Reply::read).map(answer_body);
    FollowerMessageView {
        id: Id(row.id),
        inbound: row.inbound,
        kind: row.kind,
        text: row.inbound.then_some(row.body),
        answer,
        reply_rule_id: row.rule.map(Id),
        by: row.by,
        state: row.state.as_str(),
        error_code: row.error_code,
        error: row.error_text,
        created_at: Time(row.created_at),
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct FollowerView {
    #[schema(value_type = String)]
    id: Id<FollowerId>,
    #[schema(value_type = String)]
    channel_account_id: Id<ChannelAccountId>,
    /// The person's id at the account.
    open_id: String,
    /// `following` or `left`.
    state: &'static str,
    /// The scene of the code they followed by.
    scene: Option<String>,
    #[schema(value_type = Option<String>)]
    followed_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    left_at: Option<Time>,
    /// Null for somebody who is on the platform's list and of whom nothing else was read yet.
    #[schema(value_type = Option<String>)]
    last_seen_at: Option<Time>,
    room: ReplyRoomView,
    /// The tags on them.
    tags: Vec<TagOfFollowerView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct TagOfFollowerView {
    #[schema(value_type = String)]
    id: Id<FollowerTagId>,
    name: String,
}

fn follower_view(row: Follower, room: Result<Room, NoRoom>, tags: Vec<FollowerTag>) -> FollowerView {
    FollowerView {
        id: Id(row.id),
        channel_account_id: Id(row.account),
        open_id: row.open_id,
        state: row.state.as_str(),
        scene: row.scene,
        followed_at: row.followed_at.map(Time),
        left_at: row.left_at.map(Time),
        last_seen_at: (row.last_seen_at.micros() > 0).then_some(Time(row.last_seen_at)),
        room: room_view(room),
        tags: tags.into_iter().map(|tag| TagOfFollowerView { id: Id(tag.id), name: tag.name }).collect(),
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct FollowerRowView {
    #[serde(flatten)]
    follower: FollowerView,
    newest: Option<FollowerMessageView>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListFollowersQuery {
    /// `following` or `left`; both without it.
    state: Option<String>,
    /// Only those who have this tag.
    #[param(value_type = Option<String>)]
    follower_tag_id: Option<Id<FollowerTagId>>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_followers(
    auth: Authed<perm::FollowerRead, (Path<ChannelAccountId>, Query<ListFollowersQuery>)>,
) -> Answer<Json<Page<FollowerRowView>>> {
    let (Path(account), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let wanted = match query.state.as_deref() {
        None => None,
        Some(text) => Some(FollowerState::from_text(text).ok_or_else(|| {
            FieldError::new("state", "unknown", "following or left", "应为 following 或 left")
        })?),
    };
    let tag = query.follower_tag_id.as_ref().map(|id| id.0);
    let found = followers::list(&auth.state, &auth.grant, *account, wanted, tag, page).await?;
    let view = |row: FollowerRow| FollowerRowView {
        follower: follower_view(row.follower, row.room, row.tags),
        newest: row.newest.map(message_view),
    };
    Ok(Json(Page::of(found, view)))
}

#[derive(Debug, Serialize, ToSchema)]
struct ConversationView {
    #[serde(flatten)]
    follower: FollowerView,
    /// The newest last.
    messages: Vec<FollowerMessageView>,
}

async fn get_follower(auth: Authed<perm::FollowerRead, Path<FollowerId>>) -> Answer<Json<ConversationView>> {
    let found = followers::conversation(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Json(ConversationView {
        follower: follower_view(found.follower, found.room, found.tags),
        messages: found.messages.into_iter().map(message_view).collect(),
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WriteToFollowerBody {
    /// 1 to 600 characters.
    text: String,
}

async fn write_to_follower(
    auth: Authed<perm::FollowerAnswer, (Path<FollowerId>, Json<WriteToFollowerBody>)>,
) -> Answer<Accepted<FollowerMessageView>> {
    let (Path(id), Json(body)) = &auth.input;
    Ok(Accepted(message_view(followers::write(&auth.state, &auth.grant, *id, &body.text).await?)))
}

/// What a rule answers. Of a kind, only its own fields count.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    /// `text`, `link` or `product`.
    kind: String,
    /// Of a text.
    #[serde(default)]
    text: Option<String>,
    /// Of a link.
    #[serde(default)]
    title: Option<String>,
    /// Of a link.
    #[serde(default)]
    description: Option<String>,
    /// Of a link.
    #[serde(default)]
    url: Option<String>,
    /// Of a product of the account's shop. Its card shows what it costs when it is sent.
    #[serde(default)]
    product_id: Option<String>,
}

fn answer_body(reply: Reply) -> AnswerBody {
    let kind = reply.kind().to_owned();
    let none = AnswerBody { kind, text: None, title: None, description: None, url: None, product_id: None };
    match reply {
        Reply::Text { text } => AnswerBody { text: Some(text), ..none },
        Reply::Link { title, description, url } => {
            AnswerBody { title: Some(title), description: Some(description), url: Some(url), ..none }
        }
        Reply::Product { product_id } => AnswerBody { product_id: Some(product_id), ..none },
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplyRuleBody {
    /// For people, up to 40 characters.
    name: String,
    /// `followed`, `keyword`, `menu`, `scene`, or `default` for what no other rule answers.
    trigger: String,
    /// Of keywords: `exact` or `contains`; `contains` unless said.
    #[serde(default)]
    matching: Option<String>,
    /// Words, keys of buttons or scenes of codes; 1 to 10.
    #[serde(default)]
    words: Vec<String>,
    answer: AnswerBody,
    #[serde(default = "yes")]
    active: bool,
}

const fn yes() -> bool {
    true
}

impl From<&ReplyRuleBody> for TypedRule {
    fn from(body: &ReplyRuleBody) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            name: body.name.clone(),
            trigger: body.trigger.clone(),
            matching: text(&body.matching),
            words: body.words.clone(),
            reply: TypedReply {
                kind: body.answer.kind.clone(),
                text: text(&body.answer.text),
                title: text(&body.answer.title),
                description: text(&body.answer.description),
                url: text(&body.answer.url),
                product_id: text(&body.answer.product_id),
            },
            active: body.active,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct ReplyRuleView {
    #[schema(value_type = String)]
    id: Id<ReplyRuleId>,
    #[schema(value_type = String)]
    channel_account_id: Id<ChannelAccountId>,
    name: String,
    trigger: &'static str,
    matching: &'static str,
    words: Vec<String>,
    answer: Option<AnswerBody>,
    active: bool,
    /// How often it answered.
    answered: i64,
    version: i64,
    #[schema(value_type = String)]
    created_at: Time,
}

fn rule_view(rule: ReplyRule) -> ReplyRuleView {
    ReplyRuleView {
        id: Id(rule.id),
        channel_account_id: Id(rule.account),
        name: rule.name,
        trigger: rule.condition.trigger.as_str(),
        matching: rule.condition.matching.as_str(),
        words: rule.condition.words,
        answer: Reply::read(&rule.answer).map(answer_body),
        active: rule.active,
        answered: rule.answered,
        version: rule.version,
        created_at: Time(rule.created_at),
    }
}

fn versioned(rule: ReplyRule) -> Versioned<ReplyRuleView> {
    Versioned { version: rule.version, body: rule_view(rule) }
}

fn all(rules: Vec<ReplyRule>) -> Json<Page<ReplyRuleView>> {
    Json(Page { items: rules.into_iter().map(rule_view).collect(), next_cursor: None })
}

async fn list_reply_rules(
    auth: Authed<perm::FollowerRead, Path<ChannelAccountId>>,
) -> Answer<Json<Page<ReplyRuleView>>> {
    Ok(all(rules::list(&auth.state, &auth.grant, auth.input.0).await?.1))
}

async fn add_reply_rule(
    auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Json<ReplyRuleBody>)>,
) -> Answer<Created<ReplyRuleView>> {
    let (Path(account), Json(body)) = &auth.input;
    Ok(Created(rule_view(rules::add(&auth.state, &auth.grant, *account, &body.into()).await?)))
}

async fn get_reply_rule(
    auth: Authed<perm::FollowerRead, Path<ReplyRuleId>>,
) -> Answer<Versioned<ReplyRuleView>> {
    Ok(versioned(rules::get(&auth.state, &auth.grant, auth.input.0).await?))
}

async fn change_reply_rule(
    auth: Authed<perm::FollowerManage, (Path<ReplyRuleId>, IfMatch, Json<ReplyRuleBody>)>,
) -> Answer<Versioned<ReplyRuleView>> {
    let (Path(id), IfMatch(seen), Json(body)) = &auth.input;
    Ok(versioned(rules::change(&auth.state, &auth.grant, *id, *seen, &body.into()).await?))
}

async fn delete_reply_rule(auth: Authed<perm::FollowerManage, Path<ReplyRuleId>>) -> Answer<NoContent> {
    rules::delete(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}

async fn raise_reply_rule(
    auth: Authed<perm::FollowerManage, Path<ReplyRuleId>>,
) -> Answer<Json<Page<ReplyRuleView>>> {
    Ok(all(rules::raise(&auth.state, &auth.grant, auth.input.0).await?.1))
}
