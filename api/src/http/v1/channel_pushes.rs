//! `/channel_accounts/{id}/pushes`: what the platform said about an account, and what of it waits for somebody.

use crate::app::channels::pushes;
use crate::error::Answer;
use crate::http::describe::NoContent;
use crate::http::extract::{Authed, Json, Path, Path2, Query};
use crate::http::route::Api;
use crate::http::wire::{Page, Time, page_request};
use qianpu_domain::ids::{ChannelAccountId, InboxId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::inbox::InboxMessage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get(
        "/channel_accounts/{channel_account_id}/pushes",
        list_channel_pushes,
        "What the platform pushed about the account, newest first",
    );
    api.post(
        "/channel_accounts/{channel_account_id}/pushes/{push_id}/handled",
        handle_channel_push,
        "Note that somebody dealt with a push that waits for people",
    );
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct PushQuery {
    /// Only those that wait for somebody.
    waiting: Option<bool>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ChannelPushView {
    id: String,
    /// What it means: for example `order.paid`, `guarantee.changed`, `member.changed`; `unknown` for one we do not read.
    kind: String,
    /// What the platform calls it.
    native_type: Option<String>,
    /// The platform's id of what it is about.
    subject: Option<String>,
    /// What it says, nothing about people.
    told: BTreeMap<&'static str, String>,
    /// Whether somebody has to look at it.
    waits: bool,
    #[schema(value_type = String)]
    received_at: Time,
    #[schema(value_type = Option<String>)]
    handled_at: Option<Time>,
}

/// Subjects of these kinds are people.
fn subject(message: &InboxMessage) -> Option<String> {
    let people = ["follower.", "message", "session."].iter().any(|start| message.kind.starts_with(start));
    Some(message.subject.clone()).filter(|subject| !people && !subject.is_empty())
}

impl From<InboxMessage> for ChannelPushView {
    fn from(message: InboxMessage) -> Self {
        Self {
            id: message.id.to_string(),
            told: pushes::told(&message).into_iter().collect(),
            waits: pushes::waits(&message),
            subject: subject(&message),
            kind: message.kind,
            native_type: message.native_type,
            received_at: Time(message.received_at),
            handled_at: message.handled_at.map(Time),
        }
    }
}

async fn list_channel_pushes(
    auth: Authed<perm::AccountRead, (Path<ChannelAccountId>, Query<PushQuery>)>,
) -> Answer<Json<Page<ChannelPushView>>> {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let waiting = query.waiting.unwrap_or(false);
    let found = pushes::list(&auth.state, &auth.grant, *id, waiting, page).await?;
    Ok(Json(Page::of(found, ChannelPushView::from)))
}

async fn handle_channel_push(
    auth: Authed<perm::AftersaleHandle, Path2<ChannelAccountId, InboxId>>,
) -> Answer<NoContent> {
    let Path2(account, id) = auth.input;
    pushes::handle(&auth.state, &auth.grant, account, id).await?;
    Ok(NoContent)
}
