//! `/channel_accounts/{id}/message_templates`, `…/order_notices`, `…/notices` and `/followers/{id}/notices`: notices by
//! templates to the followers of public accounts.

use crate::app::followers::notice_words;
use crate::app::followers::notices::{self, TypedSend};
use crate::app::followers::templates::{self, TypedField, TypedNotice};
use crate::error::Answer;
use crate::http::describe::Accepted;
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::follower_notice::FieldSource;
use qianpu_domain::ids::{ChannelAccountId, FollowerId, FollowerNoticeId, MessageTemplateId, OrderId};
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::follower_notice::FollowerNotice;
use qianpu_tenants::store::message_template::StoredTemplate;
use qianpu_tenants::store::order_notice::OrderNotice;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let of_account = "/channel_accounts/{channel_account_id}";
    let templates = format!("{of_account}/message_templates");
    api.get(&templates, list_message_templates, "Templates of notices that a public account has");
    api.post(&format!("{templates}/read"), read_message_templates, "Read the templates from the platform");
    let rules = format!("{of_account}/order_notices");
    api.get(&rules, list_order_notices, "What followers are told of their orders");
    api.put(&rules, set_order_notice, "Set what followers are told of one event of their orders");
    api.get(&format!("{of_account}/notices"), list_notices, "Notices to followers, newest first");
    let of_follower = "/followers/{follower_id}/notices";
    api.get(of_follower, list_follower_notices, "Notices to a follower, newest first");
    api.post(of_follower, send_follower_notice, "Send a notice by a template to a follower");
}

#[derive(Debug, Serialize, ToSchema)]
struct TemplateFieldView {
    /// Such as `thing1`.
    name: String,
    /// What stands before it.
    label: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct MessageTemplateView {
    #[schema(value_type = String)]
    id: Id<MessageTemplateId>,
    /// `template` for people who follow, `subscription` for people who agreed to it.
    kind: &'static str,
    /// The platform's id of it.
    native_id: String,
    title: String,
    content: String,
    example: String,
    fields: Vec<TemplateFieldView>,
}

fn template_view(row: StoredTemplate) -> MessageTemplateView {
    let fields = row.fields.into_iter();
    MessageTemplateView {
        id: Id(row.id),
        kind: row.kind.as_str(),
        native_id: row.native_id,
        title: row.title,
        content: row.content,
        example: row.example,
        fields: fields.map(|field| TemplateFieldView { name: field.name, label: field.label }).collect(),
    }
}

fn all<T: Serialize + ToSchema, R>(rows: Vec<R>, view: impl Fn(R) -> T) -> Json<Page<T>> {
    Json(Page { items: rows.into_iter().map(view).collect(), next_cursor: None })
}

async fn list_message_templates(
    auth: Authed<perm::FollowerRead, Path<ChannelAccountId>>,
) -> Answer<Json<Page<MessageTemplateView>>> {
    Ok(all(templates::list(&auth.state, &auth.grant, auth.input.0).await?.1, template_view))
}

async fn read_message_templates(
    auth: Authed<perm::FollowerManage, Path<ChannelAccountId>>,
) -> Answer<Json<Page<MessageTemplateView>>> {
    Ok(all(templates::read(&auth.state, &auth.grant, auth.input.0).await?.1, template_view))
}

/// What stands in a field: a value of the order, or the same text always.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoticeFieldBody {
    /// `order_number`, `product`, `amount`, `refund_amount`, `carrier`, `tracking_number`, `shop`, `placed_at`.
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OrderNoticeView {
    /// `paid`, `shipped` when everything was sent, or `refunded`.
    event: &'static str,
    #[schema(value_type = String)]
    message_template_id: Id<MessageTemplateId>,
    fields: BTreeMap<String, NoticeFieldBody>,
    active: bool,
    #[schema(value_type = String)]
    updated_at: Time,
}

fn rule_view(row: OrderNotice) -> OrderNoticeView {
    let field = |source: FieldSource| match source {
        FieldSource::Value(value) => NoticeFieldBody { value: Some(value.as_str().to_owned()), text: None },
        FieldSource::Text(text) => NoticeFieldBody { value: None, text: Some(text) },
    };
    OrderNoticeView {
        event: row.event.as_str(),
        message_template_id: Id(row.template),
        fields: row.fields.into_iter().map(|(name, source)| (name, field(source))).collect(),
        active: row.active,
        updated_at: Time(row.updated_at),
    }
}

async fn list_order_notices(
    auth: Authed<perm::FollowerRead, Path<ChannelAccountId>>,
) -> Answer<Json<Page<OrderNoticeView>>> {
    Ok(all(templates::list(&auth.state, &auth.grant, auth.input.0).await?.2, rule_view))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderNoticeBody {
    /// `paid`, `shipped` or `refunded`.
    event: String,
    #[schema(value_type = String)]
    message_template_id: Id<MessageTemplateId>,
    /// Each field of the template.
    fields: BTreeMap<String, NoticeFieldBody>,
    #[serde(default = "yes")]
    active: bool,
}

const fn yes() -> bool {
    true
}

async fn set_order_notice(
    auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Json<OrderNoticeBody>)>,
) -> Answer<Json<OrderNoticeView>> {
    let (Path(account), Json(body)) = &auth.input;
    let field = |field: &NoticeFieldBody| TypedField {
        value: field.value.clone().unwrap_or_default(),
        text: field.text.clone().unwrap_or_default(),
    };
    let typed = TypedNotice {
        event: body.event.clone(),
        template: body.message_template_id.0,
        fields: body.fields.iter().map(|(name, one)| (name.clone(), field(one))).collect(),
        active: body.active,
    };
    Ok(Json(rule_view(templates::set(&auth.state, &auth.grant, *account, &typed).await?)))
}

#[derive(Debug, Serialize, ToSchema)]
struct FollowerNoticeView {
    #[schema(value_type = String)]
    id: Id<FollowerNoticeId>,
    #[schema(value_type = String)]
    follower_id: Id<FollowerId>,
    #[schema(value_type = String)]
    message_template_id: Id<MessageTemplateId>,
    title: String,
    fields: BTreeMap<String, String>,
    url: Option<String>,
    /// The order it is about; none for one by hand.
    #[schema(value_type = Option<String>)]
    order_id: Option<Id<OrderId>>,
    /// Who sent it by hand.
    by: Option<String>,
    /// `waiting`, `sending`, `sent` when the platform took it, then `delivered` or `failed` as its push says; `refused`, or
    /// `unknown`: no answer came, so it may have been sent.
    state: &'static str,
    /// The platform's code and words.
    error_code: Option<String>,
    error: Option<String>,
    /// The same in plain words, in the caller's language.
    reason: Option<String>,
    #[schema(value_type = String)]
    created_at: Time,
    #[schema(value_type = Option<String>)]
    settled_at: Option<Time>,
}

fn notice_view<P: Perm, T>(auth: &Authed<P, T>, row: FollowerNotice) -> FollowerNoticeView {
    let (error_code, error) = row.error.unzip();
    let said = |kept: String| notice_words::said(auth.state.pages.catalogue(), auth.info.lang, &kept);
    FollowerNoticeView {
        id: Id(row.id),
        follower_id: Id(row.follower),
        message_template_id: Id(row.template),
        title: row.title,
        fields: row.fields,
        url: row.url,
        order_id: row.order.map(Id),
        by: row.by,
        state: row.state.as_str(),
        error_code,
        error: error.map(said),
        reason: row.plain.map(said),
        created_at: Time(row.created_at),
        settled_at: row.settled_at.map(Time),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListNoticesQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_notices(
    auth: Authed<perm::FollowerRead, (Path<ChannelAccountId>, Query<ListNoticesQuery>)>,
) -> Answer<Json<Page<FollowerNoticeView>>> {
    let (Path(account), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(notices::list(&auth.state, &auth.grant, *account, page).await?, |row| {
        notice_view(&auth, row)
    })))
}

async fn list_follower_notices(
    auth: Authed<perm::FollowerRead, (Path<FollowerId>, Query<ListNoticesQuery>)>,
) -> Answer<Json<Page<FollowerNoticeView>>> {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(notices::of_follower(&auth.state, &auth.grant, *id, page).await?.1, |row| {
        notice_view(&auth, row)
    })))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SendNoticeBody {
    #[schema(value_type = String)]
    message_template_id: Id<MessageTemplateId>,
    /// Each field of the template, one line of at most 200 characters; what is longer than the platform takes is cut.
    fields: BTreeMap<String, String>,
    /// The page it leads to.
    #[serde(default)]
    url: Option<String>,
}

async fn send_follower_notice(
    auth: Authed<perm::FollowerAnswer, (Path<FollowerId>, Json<SendNoticeBody>)>,
) -> Answer<Accepted<FollowerNoticeView>> {
    let (Path(id), Json(body)) = &auth.input;
    let typed = TypedSend {
        template: body.message_template_id.0,
        fields: body.fields.clone(),
        url: body.url.clone(),
    };
    let sent = notices::send(&auth.state, &auth.grant, *id, &typed).await?;
    Ok(Accepted(notice_view(&auth, sent)))
}
