//! Followers of public accounts: who they are, what was said, and writing to them. Where things are:
//!
//! * this file: reading, and what a person of the merchant writes;
//! * [`heard`] what a push of a follower leads to; [`rules`] the rules that answer; [`reply`] what an answer is;
//! * [`send`] the job that brings a message to the platform; [`menu`] and [`codes`] what people see and scan;
//! * [`reading`] who follows as the platform lists them; [`tags`] and [`tagging`] tags on them;
//! * [`templates`] what followers are told of their orders, [`notices`] and [`notice_send`] the telling, [`notice_words`]
//!   why it failed;
//! * [`articles`] what people read, [`publish`] the work of publishing, [`article_sales`] what was sold by it.

pub mod article_sales;
pub mod articles;
pub mod codes;
pub mod heard;
pub mod menu;
pub mod notice_send;
pub mod notice_words;
pub mod notices;
pub mod publish;
pub mod reading;
pub mod reply;
pub mod rules;
pub mod send;
pub mod tagging;
pub mod tags;
pub mod templates;

use crate::app::shops::suspension::name_of;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::follower::{FollowerState, NoRoom, Room, answer_text};
use qianpu_domain::ids::{ChannelAccountId, FollowerId, FollowerTagId};
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::jobs::job_enqueue;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::channel_account::{ChannelAccount, account_get};
use qianpu_tenants::store::follower::{Follower, follower_count, follower_get, follower_list};
use qianpu_tenants::store::follower_message::{
    FollowerMessage, MessageState, NewMessage, message_insert, message_list, message_newest,
};
use qianpu_tenants::store::follower_tag::{FollowerTag, tag_get, tag_list, tags_of};
use reply::Reply;

/// The account, if the caller may see it and people can be written to there.
pub(crate) async fn account_of<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<ChannelAccount> {
    let account = account_get(tx, id).await?;
    let writes = qianpu_host::find(&account.channel).is_some_and(|channel| channel.messaging().is_some());
    if grant.covers_shop(account.shop) && writes { Ok(account) } else { Err(ApiError::not_found()) }
}

/// A follower with the newest message.
#[derive(Debug, Clone)]
pub struct FollowerRow {
    /// The follower.
    pub follower: Follower,
    /// The newest message.
    pub newest: Option<FollowerMessage>,
    /// What may be sent now.
    pub room: Result<Room, NoRoom>,
    /// The tags on them.
    pub tags: Vec<FollowerTag>,
}

/// Followers of an account, those who did something last first.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::FollowerRead>,
    account: ChannelAccountId,
    wanted: Option<FollowerState>,
    tag: Option<FollowerTagId>,
    page: PageRequest,
) -> Answer<Page<FollowerRow>> {
    let tx = state.db.read(grant.ctx()).await?;
    account_of(&tx, grant, account).await?;
    if let Some(tag) = tag
        && tag_get(&tx, tag).await?.account != account
    {
        return Err(ApiError::not_found());
    }
    let found = follower_list(&tx, account, wanted, tag, page).await?;
    let ids: Vec<FollowerId> = found.items.iter().map(|one| one.id).collect();
    let mut newest = message_newest(&tx, &ids).await?;
    let names = tag_list(&tx, account).await?;
    let marks = tags_of(&tx, &ids).await?;
    let now = state.clock().now();
    Ok(found.map(|follower| FollowerRow {
        newest: newest.remove(&follower.id),
        room: follower.windows.room(now),
        tags: named(&names, marks.get(&follower.id)),
        follower,
    }))
}

/// The tags by their ids, in the order of their names.
fn named(names: &[FollowerTag], ids: Option<&Vec<FollowerTagId>>) -> Vec<FollowerTag> {
    let has = |tag: &&FollowerTag| ids.is_some_and(|ids| ids.contains(&tag.id));
    names.iter().filter(has).cloned().collect()
}

/// How many follow, and how many stopped, of those who were heard of.
pub async fn counts(
    state: &AppState,
    grant: &Grant<perm::FollowerRead>,
    account: ChannelAccountId,
) -> Answer<(u64, u64)> {
    let tx = state.db.read(grant.ctx()).await?;
    account_of(&tx, grant, account).await?;
    let following = follower_count(&tx, account, FollowerState::Following).await?;
    Ok((following, follower_count(&tx, account, FollowerState::Left).await?))
}

/// One follower with the kept messages, the newest last.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// The account.
    pub account: ChannelAccount,
    /// The follower.
    pub follower: Follower,
    /// The kept messages, the newest last.
    pub messages: Vec<FollowerMessage>,
    /// What may be sent now.
    pub room: Result<Room, NoRoom>,
    /// The tags on them.
    pub tags: Vec<FollowerTag>,
}

async fn covered<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    id: FollowerId,
) -> Answer<(ChannelAccount, Follower)> {
    let follower = follower_get(tx, id).await?;
    Ok((account_of(tx, grant, follower.account).await?, follower))
}

/// One follower.
pub async fn conversation(
    state: &AppState,
    grant: &Grant<perm::FollowerRead>,
    id: FollowerId,
) -> Answer<Conversation> {
    let tx = state.db.read(grant.ctx()).await?;
    let (account, follower) = covered(&tx, grant, id).await?;
    let mut messages = message_list(&tx, id).await?;
    messages.reverse();
    let room = follower.windows.room(state.clock().now());
    let marks = tags_of(&tx, &[id]).await?;
    let tags = named(&tag_list(&tx, account.id).await?, marks.get(&id));
    Ok(Conversation { account, follower, messages, room, tags })
}

/// The refusal that a closed window is.
pub fn no_room(why: NoRoom) -> ApiError {
    ApiError::new(match why {
        NoRoom::Closed => ErrorCode::FollowerWindowClosed,
        NoRoom::UsedUp => ErrorCode::FollowerWindowUsedUp,
    })
}

/// Writes a text to a follower; it goes out in a job, so that the platform's answer is waited for outside.
pub async fn write(
    state: &AppState,
    grant: &Grant<perm::FollowerAnswer>,
    id: FollowerId,
    text: &str,
) -> Answer<FollowerMessage> {
    let reply = Reply::Text { text: answer_text(text)? };
    let mut tx = state.db.begin(grant.ctx()).await?;
    let (_, follower) = covered(&tx, grant, id).await?;
    follower.windows.room(tx.now()).map_err(no_room)?;
    let by = name_of(tx.ctx());
    let new = NewMessage {
        inbound: false,
        kind: reply.kind(),
        body: &reply.stored().to_string(),
        rule: None,
        by: Some(&by),
        state: MessageState::Waiting,
    };
    let message = message_insert(&mut tx, &follower, &new).await?;
    job_enqueue(&mut tx, send::new_job(message.id)).await?;
    tx.commit().await?;
    Ok(message)
}
