//! Tags being put on many followers, or taken off.

use super::follower_listing::Choice;
use crate::db::TenantTx;
use crate::entity::follower_tagging as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::follower_tag::TaggingState;
use qianpu_domain::ids::{ChannelAccountId, FollowerId, FollowerTagId, FollowerTaggingId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Refusals that are kept one by one.
const MOST_REFUSALS: usize = 20;

/// A follower whom the platform refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRefusal {
    /// The follower's id, as it is written.
    pub follower: String,
    /// Why, in the platform's words.
    pub text: String,
}

/// A tag being put on many followers.
#[derive(Clone, Debug)]
pub struct FollowerTagging {
    /// Its id.
    pub id: FollowerTaggingId,
    /// The account.
    pub account: ChannelAccountId,
    /// The tag.
    pub tag: FollowerTagId,
    /// Its name at that time.
    pub tag_name: String,
    /// Whether it is put on.
    pub puts_on: bool,
    /// Whom.
    pub choice: Choice,
    /// How far it is.
    pub state: TaggingState,
    /// Behind whom the next step begins.
    pub behind: Option<FollowerId>,
    /// How many were meant when it began.
    pub total: i64,
    /// How many have the tag now, or have it no more.
    pub done: i64,
    /// How many the platform refused.
    pub refused: i64,
    /// The first refusals.
    pub refusals: Vec<TagRefusal>,
    /// Why it waits, or ended.
    pub error: Option<(String, String)>,
    /// Who asked for it.
    pub by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

fn written(choice: &Choice) -> String {
    match choice {
        Choice::All => json!({ "all": true }),
        Choice::Tagged(tag) => json!({ "tag": tag.to_string() }),
        Choice::Scene(scene) => json!({ "scene": scene }),
        Choice::These(ids) => json!({ "these": ids.iter().map(ToString::to_string).collect::<Vec<_>>() }),
    }
    .to_string()
}

fn read(choice: &str) -> Option<Choice> {
    let value: Value = serde_json::from_str(choice).ok()?;
    if let Some(tag) = value["tag"].as_str() {
        return Some(Choice::Tagged(tag.parse().ok()?));
    }
    if let Some(scene) = value["scene"].as_str() {
        return Some(Choice::Scene(scene.to_owned()));
    }
    if let Some(ids) = value["these"].as_array() {
        return ids
            .iter()
            .map(|id| id.as_str()?.parse().ok())
            .collect::<Option<Vec<FollowerId>>>()
            .map(Choice::These);
    }
    (value["all"] == true).then_some(Choice::All)
}

fn from_model(row: row::Model) -> StoreResult<FollowerTagging> {
    Ok(FollowerTagging {
        id: FollowerTaggingId(row.id),
        account: ChannelAccountId(row.channel_account_id),
        tag: FollowerTagId(row.tag_id),
        tag_name: row.tag_name,
        puts_on: row.puts_on,
        choice: read(&row.choice).ok_or(StoreError::Corrupt("follower_taggings.choice"))?,
        state: TaggingState::from_text(&row.state).ok_or(StoreError::Corrupt("follower_taggings.state"))?,
        behind: row.behind.map(FollowerId),
        total: row.total,
        done: row.done,
        refused: row.refused,
        refusals: serde_json::from_str(&row.refusals)
            .map_err(|_| StoreError::Corrupt("follower_taggings.refusals"))?,
        error: row.error_code.map(|code| (code, row.error_text.unwrap_or_default())),
        by: row.by_name,
        created_at: Timestamp::from_micros(row.created_at),
        finished_at: row.finished_at.map(Timestamp::from_micros),
    })
}

/// A tagging to begin.
#[derive(Debug)]
pub struct NewTagging<'a> {
    /// The tag.
    pub tag: FollowerTagId,
    /// Its name.
    pub tag_name: &'a str,
    /// Whether it is put on.
    pub puts_on: bool,
    /// Whom.
    pub choice: &'a Choice,
    /// How many are meant.
    pub total: u64,
    /// Who asks.
    pub by: &'a str,
}

/// Begins a tagging.
pub async fn tagging_insert(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    new: &NewTagging<'_>,
) -> StoreResult<FollowerTagging> {
    let now = tx.now().micros();
    let model = row::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        channel_account_id: account.0,
        tag_id: new.tag.0,
        tag_name: new.tag_name.to_owned(),
        puts_on: new.puts_on,
        choice: written(new.choice),
        state: TaggingState::Running.as_str().to_owned(),
        behind: None,
        total: i64::try_from(new.total).unwrap_or(i64::MAX),
        done: 0,
        refused: 0,
        refusals: "[]".to_owned(),
        error_code: None,
        error_text: None,
        by_name: new.by.to_owned(),
        created_at: now,
        updated_at: now,
        finished_at: None,
    };
    row::ActiveModel::from(model.clone()).insert(tx.conn()).await?;
    from_model(model)
}

/// Whether the tag is being put on or taken off.
pub async fn tagging_runs(tx: &TenantTx, tag: FollowerTagId) -> StoreResult<bool> {
    let running = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::TagId.eq(tag.0))
        .filter(row::Column::State.eq(TaggingState::Running.as_str()))
        .count(tx.conn())
        .await?;
    Ok(running > 0)
}

/// One tagging.
pub async fn tagging_get(tx: &TenantTx, id: FollowerTaggingId) -> StoreResult<FollowerTagging> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Taggings of an account, newest first.
pub async fn tagging_list(
    tx: &TenantTx,
    account: ChannelAccountId,
    page: PageRequest,
) -> StoreResult<Page<FollowerTagging>> {
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// Keeps how far a tagging is, if nobody else carried it on since it was read.
pub async fn tagging_move(
    tx: &mut TenantTx,
    seen: &FollowerTagging,
    to: &FollowerTagging,
) -> StoreResult<bool> {
    use row::Column as C;
    let now = tx.now().micros();
    let refusals = json!(to.refusals.iter().take(MOST_REFUSALS).collect::<Vec<_>>()).to_string();
    let ended = (to.state != TaggingState::Running).then_some(now);
    let mut query = row::Entity::update_many()
        .col_expr(C::State, Expr::value(to.state.as_str()))
        .col_expr(C::Behind, Expr::value(to.behind.map(|id| id.0)))
        .col_expr(C::Done, Expr::value(to.done))
        .col_expr(C::Refused, Expr::value(to.refused))
        .col_expr(C::Refusals, Expr::value(refusals))
        .col_expr(C::ErrorCode, Expr::value(to.error.as_ref().map(|(code, _)| code.clone())))
        .col_expr(C::ErrorText, Expr::value(to.error.as_ref().map(|(_, text)| text.clone())))
        .col_expr(C::UpdatedAt, Expr::value(now))
        .col_expr(C::FinishedAt, Expr::value(ended))
        .filter(C::TenantId.eq(tx.tenant()))
        .filter(C::Id.eq(seen.id.0))
        .filter(C::State.eq(seen.state.as_str()));
    query = match seen.behind {
        Some(behind) => query.filter(C::Behind.eq(behind.0)),
        None => query.filter(C::Behind.is_null()),
    };
    Ok(query.exec(tx.conn()).await?.rows_affected == 1)
}
