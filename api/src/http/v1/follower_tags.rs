//! `/channel_accounts/{id}/follower_reading`, `…/follower_tags` and `…/follower_taggings`: who follows a public account as
//! its platform lists them, and tags on them.

use crate::app::followers::tagging::{self, Wanted};
use crate::app::followers::{reading, tags};
use crate::error::Answer;
use crate::http::describe::{Accepted, Created, NoContent};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::{ChannelAccountId, FollowerId, FollowerTagId, FollowerTaggingId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::follower_listing::Choice;
use qianpu_tenants::store::follower_reading::FollowerReading;
use qianpu_tenants::store::follower_tag::FollowerTag;
use qianpu_tenants::store::follower_tagging::FollowerTagging;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let of_account = "/channel_accounts/{channel_account_id}";
    let reading = format!("{of_account}/follower_reading");
    api.get(&reading, get_follower_reading, "How far the reading of the list of followers is");
    api.post(&reading, read_followers, "Read the list of followers from the platform, unless that goes on");
    let tags = format!("{of_account}/follower_tags");
    api.get(&tags, list_follower_tags, "Tags of a public account, by name");
    api.post(&tags, make_follower_tag, "Make a tag at the platform");
    api.post(&format!("{tags}/read"), read_follower_tags, "Read the tags from the platform");
    let tag = "/follower_tags/{follower_tag_id}";
    api.put(tag, rename_follower_tag, "Give a tag another name at the platform");
    api.delete(tag, delete_follower_tag, "Delete a tag at the platform, which takes it off everybody");
    let taggings = format!("{of_account}/follower_taggings");
    api.get(&taggings, list_follower_taggings, "Tags being put on followers, or taken off, newest first");
    api.post(&taggings, tag_followers, "Put a tag on followers, or take it off, in the background");
    api.get("/follower_taggings/{follower_tagging_id}", get_follower_tagging, "How far a tagging is");
}

#[derive(Debug, Serialize, ToSchema)]
struct FollowerReadingView {
    /// `never`, `list` while ids are read, `details` while people are read, `done`, or `failed`.
    phase: &'static str,
    /// How many follow, as the platform says.
    total: i64,
    /// Ids read.
    listed: i64,
    /// People of whom the details were read.
    detailed: i64,
    /// People who were known to follow and are not on the list.
    gone: i64,
    /// Why it waits, or failed.
    error_code: Option<String>,
    error: Option<String>,
    #[schema(value_type = Option<String>)]
    started_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    finished_at: Option<Time>,
}

fn reading_view(reading: Option<FollowerReading>) -> FollowerReadingView {
    let Some(reading) = reading else {
        return FollowerReadingView {
            phase: "never",
            total: 0,
            listed: 0,
            detailed: 0,
            gone: 0,
            error_code: None,
            error: None,
            started_at: None,
            finished_at: None,
        };
    };
    let (error_code, error) = reading.error.unzip();
    FollowerReadingView {
        phase: reading.phase.as_str(),
        total: reading.total,
        listed: reading.listed,
        detailed: reading.detailed,
        gone: reading.gone,
        error_code,
        error,
        started_at: Some(Time(reading.started_at)),
        finished_at: reading.finished_at.map(Time),
    }
}

async fn get_follower_reading(
    auth: Authed<perm::FollowerRead, Path<ChannelAccountId>>,
) -> Answer<Json<FollowerReadingView>> {
    Ok(Json(reading_view(reading::get(&auth.state, &auth.grant, auth.input.0).await?.1)))
}

async fn read_followers(
    auth: Authed<perm::FollowerManage, Path<ChannelAccountId>>,
) -> Answer<Accepted<FollowerReadingView>> {
    Ok(Accepted(reading_view(Some(reading::begin(&auth.state, &auth.grant, auth.input.0).await?))))
}

#[derive(Debug, Serialize, ToSchema)]
struct FollowerTagView {
    #[schema(value_type = String)]
    id: Id<FollowerTagId>,
    #[schema(value_type = String)]
    channel_account_id: Id<ChannelAccountId>,
    /// The platform's id of it.
    native_id: String,
    name: String,
    /// Whether it is the platform's own, so that nobody can change it.
    fixed: bool,
    /// How many people have it, as far as it was read.
    people: i64,
    #[schema(value_type = String)]
    created_at: Time,
}

fn tag_view(tag: FollowerTag) -> FollowerTagView {
    FollowerTagView {
        id: Id(tag.id),
        channel_account_id: Id(tag.account),
        native_id: tag.native_id,
        name: tag.name,
        fixed: tag.fixed,
        people: tag.people,
        created_at: Time(tag.created_at),
    }
}

fn all(tags: Vec<FollowerTag>) -> Json<Page<FollowerTagView>> {
    Json(Page { items: tags.into_iter().map(tag_view).collect(), next_cursor: None })
}

async fn list_follower_tags(
    auth: Authed<perm::FollowerRead, Path<ChannelAccountId>>,
) -> Answer<Json<Page<FollowerTagView>>> {
    Ok(all(tags::list(&auth.state, &auth.grant, auth.input.0).await?.1))
}

async fn read_follower_tags(
    auth: Authed<perm::FollowerManage, Path<ChannelAccountId>>,
) -> Answer<Json<Page<FollowerTagView>>> {
    Ok(all(tags::read(&auth.state, &auth.grant, auth.input.0).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FollowerTagBody {
    /// 1 to 30 characters; no other tag of the account has it.
    name: String,
}

async fn make_follower_tag(
    auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Json<FollowerTagBody>)>,
) -> Answer<Created<FollowerTagView>> {
    let (Path(account), Json(body)) = &auth.input;
    Ok(Created(tag_view(tags::make(&auth.state, &auth.grant, *account, &body.name).await?)))
}

async fn rename_follower_tag(
    auth: Authed<perm::FollowerManage, (Path<FollowerTagId>, Json<FollowerTagBody>)>,
) -> Answer<Json<FollowerTagView>> {
    let (Path(id), Json(body)) = &auth.input;
    Ok(Json(tag_view(tags::rename(&auth.state, &auth.grant, *id, &body.name).await?)))
}

async fn delete_follower_tag(auth: Authed<perm::FollowerManage, Path<FollowerTagId>>) -> Answer<NoContent> {
    tags::delete(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}

#[derive(Debug, Serialize, ToSchema)]
struct TagRefusalView {
    follower_id: String,
    /// Why, in the platform's words.
    error: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct FollowerTaggingView {
    #[schema(value_type = String)]
    id: Id<FollowerTaggingId>,
    #[schema(value_type = String)]
    channel_account_id: Id<ChannelAccountId>,
    #[schema(value_type = String)]
    follower_tag_id: Id<FollowerTagId>,
    tag_name: String,
    /// Whether it is put on.
    puts_on: bool,
    /// `running`, `done`, `failed`.
    state: &'static str,
    /// How many were meant when it began.
    total: i64,
    done: i64,
    /// How many the platform refused.
    refused: i64,
    /// The first 20 of them.
    refusals: Vec<TagRefusalView>,
    /// Why it waits, or failed.
    error_code: Option<String>,
    error: Option<String>,
    by: String,
    #[schema(value_type = String)]
    created_at: Time,
    #[schema(value_type = Option<String>)]
    finished_at: Option<Time>,
}

fn tagging_view(row: FollowerTagging) -> FollowerTaggingView {
    let (error_code, error) = row.error.unzip();
    let refusals = row.refusals.into_iter();
    FollowerTaggingView {
        id: Id(row.id),
        channel_account_id: Id(row.account),
        follower_tag_id: Id(row.tag),
        tag_name: row.tag_name,
        puts_on: row.puts_on,
        state: row.state.as_str(),
        total: row.total,
        done: row.done,
        refused: row.refused,
        refusals: refusals.map(|one| TagRefusalView { follower_id: one.follower, error: one.text }).collect(),
        error_code,
        error,
        by: row.by,
        created_at: Time(row.created_at),
        finished_at: row.finished_at.map(Time),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListTaggingsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_follower_taggings(
    auth: Authed<perm::FollowerRead, (Path<ChannelAccountId>, Query<ListTaggingsQuery>)>,
) -> Answer<Json<Page<FollowerTaggingView>>> {
    let (Path(account), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(tagging::list(&auth.state, &auth.grant, *account, page).await?.1, tagging_view)))
}

async fn get_follower_tagging(
    auth: Authed<perm::FollowerRead, Path<FollowerTaggingId>>,
) -> Answer<Json<FollowerTaggingView>> {
    Ok(Json(tagging_view(tagging::get(&auth.state, &auth.grant, auth.input.0).await?)))
}

/// Whom: exactly one of `follower_ids`, `with_follower_tag_id`, `with_scene` and `everybody`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TagFollowersBody {
    #[schema(value_type = String)]
    follower_tag_id: Id<FollowerTagId>,
    /// True to put it on, false to take it off.
    puts_on: bool,
    /// 1 to 500 followers.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    follower_ids: Option<Vec<Id<FollowerId>>>,
    /// Everybody who has this tag.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    with_follower_tag_id: Option<Id<FollowerTagId>>,
    /// Everybody who followed by a code with this scene.
    #[serde(default)]
    with_scene: Option<String>,
    /// Everybody who follows.
    #[serde(default)]
    everybody: bool,
}

impl TagFollowersBody {
    /// None when it does not say exactly one.
    fn choice(&self) -> Option<Choice> {
        let these = self.follower_ids.as_ref().map(|ids| Choice::These(ids.iter().map(|id| id.0).collect()));
        let tagged = self.with_follower_tag_id.as_ref().map(|id| Choice::Tagged(id.0));
        let scene = self.with_scene.clone().map(Choice::Scene);
        let mut said = [these, tagged, scene, self.everybody.then_some(Choice::All)].into_iter().flatten();
        said.next().filter(|_| said.next().is_none())
    }
}

async fn tag_followers(
    auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Json<TagFollowersBody>)>,
) -> Answer<Accepted<FollowerTaggingView>> {
    let (Path(account), Json(body)) = &auth.input;
    let wanted = Wanted { tag: body.follower_tag_id.0, puts_on: body.puts_on, choice: body.choice() };
    Ok(Accepted(tagging_view(tagging::begin(&auth.state, &auth.grant, *account, &wanted).await?)))
}
