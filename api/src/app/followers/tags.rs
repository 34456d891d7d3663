//! Tags on followers: made, renamed and deleted at the platform, and kept here as it tells them.

use super::account_of;
use crate::app::channels::call::AccountCall;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::follower_tag::{MOST_TAGS, tag_name};
use qianpu_domain::ids::{ChannelAccountId, FollowerTagId};
use qianpu_sdk::{FanTag, TagName};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::channel_account::ChannelAccount;
use qianpu_tenants::store::follower_tag::{
    FollowerTag, ToldTag, tag_delete, tag_get, tag_keep, tag_list, tag_rename, tags_take,
};
use serde_json::json;

/// The account, if the caller may see it and its platform tells who follows.
pub(super) async fn tagged_account<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<ChannelAccount> {
    let account = account_of(tx, grant, id).await?;
    let tells = qianpu_host::find(&account.channel).is_some_and(|channel| channel.fans().is_some());
    if tells { Ok(account) } else { Err(ApiError::not_found()) }
}

/// A tag with its account, if the caller may see it.
pub(super) async fn tag_of<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    id: FollowerTagId,
) -> Answer<FollowerTag> {
    let tag = tag_get(tx, id).await?;
    tagged_account(tx, grant, tag.account).await?;
    Ok(tag)
}

pub(super) fn told(tag: FanTag) -> ToldTag {
    let people = i64::try_from(tag.count).unwrap_or(i64::MAX);
    ToldTag { native_id: tag.id, name: tag.name, fixed: tag.fixed, people }
}

/// Tags of an account by name, the platform's own last.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::FollowerRead>,
    account: ChannelAccountId,
) -> Answer<(ChannelAccount, Vec<FollowerTag>)> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = tagged_account(&tx, grant, account).await?;
    let tags = tag_list(&tx, account.id).await?;
    Ok((account, tags))
}

/// Reads the tags from the platform.
pub async fn read(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    account: ChannelAccountId,
) -> Answer<Vec<FollowerTag>> {
    tagged_account(&*state.db.read(grant.ctx()).await?, grant, account).await?;
    let call = AccountCall::open(state, grant.ctx(), account).await?;
    let tags = call.host().fan_tags(call.account_ref()).await;
    let tags: Vec<ToldTag> = call.settle(tags).await?.into_iter().map(told).collect();
    let mut tx = state.db.begin(grant.ctx()).await?;
    tags_take(&mut tx, account, &tags).await?;
    let tags = tag_list(&tx, account).await?;
    tx.commit().await?;
    Ok(tags)
}

fn taken() -> FieldError {
    FieldError::new("name", "taken", "another tag of the account has this name", "该账号已有同名标签")
}

/// Whether the account has room for a tag with this name, apart from `but`.
async fn room(
    tx: &TenantTx,
    account: ChannelAccountId,
    name: &str,
    but: Option<FollowerTagId>,
) -> Answer<()> {
    let tags = tag_list(tx, account).await?;
    if tags.iter().any(|tag| tag.name == name && Some(tag.id) != but) {
        return Err(taken().into());
    }
    let own = tags.iter().filter(|tag| !tag.fixed).count();
    if but.is_none() && own >= MOST_TAGS {
        return Err(ApiError::new(ErrorCode::FollowerTagsFull));
    }
    Ok(())
}

/// Makes a tag at the platform.
pub async fn make(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    account: ChannelAccountId,
    typed: &str,
) -> Answer<FollowerTag> {
    let tx = state.db.read(grant.ctx()).await?;
    // Somebody else's account is not there, whatever was typed.
    tagged_account(&tx, grant, account).await?;
    let name = tag_name(typed)?;
    room(&tx, account, &name, None).await?;
    drop(tx);
    let call = AccountCall::open(state, grant.ctx(), account).await?;
    let made = call.host().create_fan_tag(call.account_ref(), &name).await;
    let made = told(call.settle(made).await?);
    let mut tx = state.db.begin(grant.ctx()).await?;
    tag_keep(&mut tx, account, &made).await?;
    let tags = tag_list(&tx, account).await?;
    let tag = tags.into_iter().find(|tag| tag.native_id == made.native_id).ok_or_else(ApiError::not_found)?;
    let detail = json!({ "name": name });
    audit_append(&mut tx, AuditAction::FollowerTagMade, "follower_tag", &tag.id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(tag)
}

fn changeable(tag: &FollowerTag) -> Answer<()> {
    if tag.fixed {
        let (en, zh) = ("the platform's own tags cannot be changed", "平台自带的标签不能修改");
        return Err(FieldError::new("follower_tag_id", "fixed", en, zh).into());
    }
    Ok(())
}

/// Gives a tag another name at the platform.
pub async fn rename(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    id: FollowerTagId,
    typed: &str,
) -> Answer<FollowerTag> {
    let tx = state.db.read(grant.ctx()).await?;
    let tag = tag_of(&tx, grant, id).await?;
    changeable(&tag)?;
    let name = tag_name(typed)?;
    if name == tag.name {
        return Ok(tag);
    }
    room(&tx, tag.account, &name, Some(id)).await?;
    drop(tx);
    let call = AccountCall::open(state, grant.ctx(), tag.account).await?;
    let wanted = TagName { id: tag.native_id.clone(), name: name.clone() };
    let renamed = call.host().rename_fan_tag(call.account_ref(), &wanted).await;
    call.settle(renamed).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    tag_rename(&mut tx, id, &name).await?;
    let detail = json!({ "from": tag.name, "name": name });
    audit_append(&mut tx, AuditAction::FollowerTagRenamed, "follower_tag", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(FollowerTag { name, ..tag })
}

/// Deletes a tag at the platform, which takes it off everybody.
pub async fn delete(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    id: FollowerTagId,
) -> Answer<ChannelAccountId> {
    let tag = tag_of(&*state.db.read(grant.ctx()).await?, grant, id).await?;
    changeable(&tag)?;
    let call = AccountCall::open(state, grant.ctx(), tag.account).await?;
    let deleted = call.host().delete_fan_tag(call.account_ref(), &tag.native_id).await;
    call.settle(deleted).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    tag_delete(&mut tx, id).await?;
    let detail = json!({ "name": tag.name });
    audit_append(&mut tx, AuditAction::FollowerTagDeleted, "follower_tag", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(tag.account)
}

/// The account of a tag, for the page that shows it.
pub async fn account_of_tag(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    id: FollowerTagId,
) -> Answer<ChannelAccountId> {
    Ok(tag_of(&*state.db.read(grant.ctx()).await?, grant, id).await?.account)
}
