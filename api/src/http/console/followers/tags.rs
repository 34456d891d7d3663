//! Tags of an account with the forms that change them, the reading of the list of followers, and tags being put on many.

use super::super::apply::may_be_mended;
use super::{Reach, of_account};
use crate::app::followers::tagging::{self, Wanted};
use crate::app::followers::{reading, tags};
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::error::FieldError;
use qianpu_domain::follower_tag::MOST_TAGS;
use qianpu_domain::ids::{ChannelAccountId, FollowerId, FollowerTagId};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::follower_listing::Choice;
use qianpu_tenants::store::follower_reading::FollowerReading;
use qianpu_tenants::store::follower_tag::FollowerTag;
use qianpu_tenants::store::follower_tagging::FollowerTagging;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let account = "/console/merchant/channel_accounts/{channel_account_id}";
    pages.get(&format!("{account}/tags"), follower_tags_page);
    pages.post(&format!("{account}/tags"), make_tag_form);
    pages.post(&format!("{account}/tags/read"), read_followers_form);
    pages.post(&format!("{account}/tags/put"), put_tag_form);
    pages.post("/console/merchant/follower_tags/{follower_tag_id}/rename", rename_tag_form);
    pages.post("/console/merchant/follower_tags/{follower_tag_id}/delete", delete_tag_form);
}

/// The reading as a page shows it.
#[derive(Serialize)]
struct ReadingView {
    phase: &'static str,
    goes_on: bool,
    total: i64,
    listed: i64,
    detailed: i64,
    gone: i64,
    error: Option<String>,
    started_at: i64,
    finished_at: Option<i64>,
}

fn reading_view(reading: FollowerReading) -> ReadingView {
    ReadingView {
        phase: reading.phase.as_str(),
        goes_on: reading.phase.goes_on(),
        total: reading.total,
        listed: reading.listed,
        detailed: reading.detailed,
        gone: reading.gone,
        error: reading.error.map(|(_, text)| text),
        started_at: reading.started_at.micros(),
        finished_at: reading.finished_at.map(Timestamp::micros),
    }
}

#[derive(Serialize)]
struct TagRow {
    at: String,
    people_at: String,
    name: String,
    fixed: bool,
    people: i64,
}

/// One of several, for a form.
#[derive(Serialize)]
pub(super) struct TagChoice {
    value: String,
    label: String,
}

/// The tags that can be put on.
pub(super) fn choices(tags: &[FollowerTag]) -> Vec<TagChoice> {
    let own = tags.iter().filter(|tag| !tag.fixed);
    own.map(|tag| TagChoice { value: tag.id.to_string(), label: tag.name.clone() }).collect()
}

#[derive(Serialize)]
struct TaggingRow {
    name: String,
    puts_on: bool,
    state: &'static str,
    total: i64,
    done: i64,
    refused: i64,
    refusals: Vec<Refused>,
    error: Option<String>,
    by: String,
    at: i64,
}

#[derive(Serialize)]
struct Refused {
    href: String,
    text: String,
}

fn tagging_row(row: FollowerTagging) -> TaggingRow {
    let refused = row.refusals.into_iter();
    TaggingRow {
        name: row.tag_name,
        puts_on: row.puts_on,
        state: row.state.as_str(),
        total: row.total,
        done: row.done,
        refused: row.refused,
        refusals: refused
            .map(|one| Refused {
                href: format!("/console/merchant/followers/{}", one.follower),
                text: one.text,
            })
            .collect(),
        error: row.error.map(|(_, text)| text),
        by: row.by,
        at: row.created_at.micros(),
    }
}

#[derive(Serialize)]
struct TagsView {
    form: FormView,
    /// The form for many, when it was refused.
    many: FormView,
    reach: Reach,
    at: String,
    reading: Option<ReadingView>,
    may_read: bool,
    tags: Vec<TagRow>,
    choices: Vec<TagChoice>,
    most: usize,
    taggings: Vec<TaggingRow>,
    may_manage: bool,
}

async fn view<P: Perm, T>(
    auth: &Authed<P, T>,
    id: ChannelAccountId,
    form: Option<FormView>,
    many: Option<FormView>,
) -> Answer<TagsView> {
    let grant = auth.caller.grant::<perm::FollowerRead>()?;
    let (account, tags) = tags::list(&auth.state, &grant, id).await?;
    let (_, reading) = reading::get(&auth.state, &grant, id).await?;
    let (_, taggings) = tagging::list(&auth.state, &grant, id, PageRequest::first(10)).await?;
    let may_manage = auth.caller.may(Permission::FollowerManage);
    let people = of_account(id, "followers");
    let row = |tag: &FollowerTag| TagRow {
        at: format!("/console/merchant/follower_tags/{}", tag.id),
        people_at: format!("{people}?tag={}", tag.id),
        name: tag.name.clone(),
        fixed: tag.fixed,
        people: tag.people,
    };
    Ok(TagsView {
        form: form.unwrap_or_default(),
        many: many.unwrap_or_default(),
        reach: Reach::of(&account, "tags"),
        at: of_account(id, "tags"),
        may_read: may_manage && !reading.as_ref().is_some_and(|reading| reading.phase.goes_on()),
        reading: reading.map(reading_view),
        choices: choices(&tags),
        tags: tags.iter().map(row).collect(),
        most: MOST_TAGS,
        taggings: taggings.items.into_iter().map(tagging_row).collect(),
        may_manage,
    })
}

async fn follower_tags_page(auth: Authed<perm::FollowerRead, Path<ChannelAccountId>>) -> PageAnswer {
    let view = view(&auth, auth.input.0, None, None).await?;
    auth.page("followers/tags", view)
}

fn mended(error: &crate::error::ApiError) -> bool {
    may_be_mended(error) || error.code().status() == 503
}

async fn make_tag_form(auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    match tags::make(&auth.state, &auth.grant, *id, fields.text("name")).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("followers.tag_made"), &of_account(*id, "tags"))),
        Err(error) if mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, *id, Some(form), None).await?;
            auth.refused_page("followers/tags", view)
        }
        Err(error) => Err(error),
    }
}

async fn read_followers_form(
    auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    reading::begin(&auth.state, &auth.grant, *id).await?;
    Ok(auth.redirect_with(&Flash::success("followers.reading_begun"), &of_account(*id, "tags")))
}

async fn rename_tag_form(auth: Authed<perm::FollowerManage, (Path<FollowerTagId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    match tags::rename(&auth.state, &auth.grant, *id, fields.text("new_name")).await {
        Ok(tag) => {
            let to = of_account(tag.account, "tags");
            Ok(auth.redirect_with(&Flash::success("followers.tag_renamed"), &to))
        }
        Err(error) if mended(&error) => {
            let account = tags::account_of_tag(&auth.state, &auth.grant, *id).await?;
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, account, Some(form), None).await?;
            auth.refused_page("followers/tags", view)
        }
        Err(error) => Err(error),
    }
}

async fn delete_tag_form(auth: Authed<perm::FollowerManage, (Path<FollowerTagId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    match tags::delete(&auth.state, &auth.grant, *id).await {
        Ok(account) => {
            let to = of_account(account, "tags");
            Ok(auth.redirect_with(&Flash::success("followers.tag_deleted"), &to))
        }
        Err(error) if mended(&error) => {
            let account = tags::account_of_tag(&auth.state, &auth.grant, *id).await?;
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, account, Some(form), None).await?;
            auth.refused_page("followers/tags", view)
        }
        Err(error) => Err(error),
    }
}

/// What was chosen: followers one by one, or a kind of them.
fn wanted(fields: &Fields) -> Answer<Wanted> {
    let mut errors = Vec::new();
    let tag = fields.parsed::<FollowerTagId>("tag", &mut errors);
    let chosen: Vec<FollowerId> = fields.all("follower").filter_map(|id| id.parse().ok()).collect();
    let scene = fields.text("scene");
    let choice = match fields.text("whom") {
        "everybody" => Some(Choice::All),
        "tag" => fields.parsed::<FollowerTagId>("with_tag", &mut errors).map(Choice::Tagged),
        "scene" => (!scene.is_empty()).then(|| Choice::Scene(scene.to_owned())),
        _ => Some(Choice::These(chosen)),
    };
    if tag.is_none() && errors.is_empty() {
        errors.push(FieldError::required("tag"));
    }
    if choice.is_none() {
        errors.push(FieldError::required(if fields.text("whom") == "tag" { "with_tag" } else { "scene" }));
    }
    match (tag, choice) {
        (Some(tag), Some(choice)) if errors.is_empty() => {
            Ok(Wanted { tag, puts_on: fields.text("what") != "off", choice: Some(choice) })
        }
        _ => Err(errors.into()),
    }
}

async fn put_tag_form(auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let outcome = match wanted(fields) {
        Ok(wanted) => tagging::begin(&auth.state, &auth.grant, *id, &wanted).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("followers.tagging_begun"), &of_account(*id, "tags"))),
        Err(error) if mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, *id, None, Some(form)).await?;
            auth.refused_page("followers/tags", view)
        }
        Err(error) => Err(error),
    }
}
