//! Notices by templates: what an account's followers are told of their orders, what was sent, and sending one by hand.

use super::super::apply::may_be_mended;
use super::{Reach, of_account};
use crate::app::followers::notice_words;
use crate::app::followers::notices::{self, TypedSend};
use crate::app::followers::templates::{self, TypedField, TypedNotice};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::error::FieldError;
use qianpu_domain::follower_notice::{FieldSource, NoticeEvent, NoticeValue};
use qianpu_domain::ids::{ChannelAccountId, FollowerId, MessageTemplateId};
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::follower_notice::FollowerNotice;
use qianpu_tenants::store::message_template::StoredTemplate;
use qianpu_tenants::store::order_notice::OrderNotice;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const FOLLOWERS: &str = "/console/merchant/followers";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let account = "/console/merchant/channel_accounts/{channel_account_id}";
    pages.get(&format!("{account}/notices"), notices_page);
    pages.post(&format!("{account}/notices"), set_order_notice_form);
    pages.post(&format!("{account}/notices/read"), read_templates_form);
    let follower = "/console/merchant/followers/{follower_id}/notices";
    pages.get(follower, follower_notices_page);
    pages.post(follower, send_notice_form);
}

#[derive(Deserialize, IntoParams, Default)]
struct NoticesQuery {
    event: Option<String>,
    template: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct TemplateRow {
    id: String,
    kind: &'static str,
    title: String,
    example: String,
}

fn template_row(row: &StoredTemplate) -> TemplateRow {
    TemplateRow {
        id: row.id.to_string(),
        kind: row.kind.as_str(),
        title: row.title.clone(),
        example: row.example.clone(),
    }
}

/// What is told of an event, or that nothing is.
#[derive(Serialize)]
struct EventRow {
    event: &'static str,
    href: String,
    title: Option<String>,
    active: bool,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
    current: bool,
}

/// A field of the form.
#[derive(Serialize)]
struct FieldRow {
    name: String,
    label: String,
    text: String,
    /// The values it may have, the chosen one marked; of orders only.
    values: Vec<&'static str>,
    value: String,
}

#[derive(Serialize)]
struct RuleForm {
    event: &'static str,
    templates: Vec<Choice>,
    template: Option<String>,
    fields: Vec<FieldRow>,
    active: bool,
}

#[derive(Serialize)]
struct NoticeRow {
    /// On the page of one follower.
    one: bool,
    href: String,
    title: String,
    text: String,
    order: Option<String>,
    by: Option<String>,
    state: &'static str,
    reason: Option<String>,
    error: Option<String>,
    at: i64,
}

fn notice_row<P: Perm, T>(auth: &Authed<P, T>, row: FollowerNotice, one: bool) -> NoticeRow {
    let said = |kept: String| notice_words::said(auth.state.pages.catalogue(), auth.info.lang, &kept);
    let reason = row.plain.map(said);
    // Where the platform said nothing, ours is all there is.
    let error = row.error.map(|(_, text)| said(text)).filter(|error| Some(error) != reason.as_ref());
    NoticeRow {
        one,
        href: format!("{FOLLOWERS}/{}/notices", row.follower),
        title: row.title,
        text: row.fields.into_values().collect::<Vec<_>>().join(" · "),
        order: row.order.map(|order| format!("/console/merchant/orders/{order}")),
        by: row.by,
        state: row.state.as_str(),
        reason,
        error,
        at: row.created_at.micros(),
    }
}

#[derive(Serialize)]
struct NoticesView {
    form: FormView,
    reach: Reach,
    at: String,
    templates: Vec<TemplateRow>,
    events: Vec<EventRow>,
    rule: Option<RuleForm>,
    notices: Vec<NoticeRow>,
    next_page: Option<String>,
    may_manage: bool,
}

fn field_row(name: &str, label: &str, set: Option<&FieldSource>, typed: Option<&Fields>) -> FieldRow {
    let (mut value, mut text) = match set {
        Some(FieldSource::Value(value)) => (value.as_str().to_owned(), String::new()),
        Some(FieldSource::Text(text)) => (String::new(), text.clone()),
        None => Default::default(),
    };
    if let Some(typed) = typed {
        value = typed.text(&format!("value-{name}")).to_owned();
        text = typed.text(&format!("text-{name}")).to_owned();
    }
    FieldRow {
        name: name.to_owned(),
        label: label.to_owned(),
        text,
        values: NoticeValue::ALL.iter().map(|value| value.as_str()).collect(),
        value,
    }
}

fn rule_form(
    event: NoticeEvent,
    wanted: Option<&str>,
    templates: &[StoredTemplate],
    rules: &[OrderNotice],
    typed: Option<&Fields>,
) -> RuleForm {
    let set = rules.iter().find(|rule| rule.event == event);
    let chosen = match wanted {
        Some(id) => templates.iter().find(|own| own.id.to_string() == id),
        None => set.and_then(|rule| templates.iter().find(|own| own.id == rule.template)),
    };
    let known = set.filter(|rule| chosen.is_some_and(|own| own.id == rule.template));
    let fields = chosen.map(|own| own.fields.as_slice()).unwrap_or_default();
    RuleForm {
        event: event.as_str(),
        templates: templates
            .iter()
            .map(|own| Choice {
                value: own.id.to_string(),
                label: own.title.clone(),
                current: chosen.is_some_and(|chosen| chosen.id == own.id),
            })
            .collect(),
        template: chosen.map(|own| own.id.to_string()),
        fields: fields
            .iter()
            .map(|field| {
                let source = known.and_then(|rule| rule.fields.get(&field.name));
                field_row(&field.name, &field.label, source, typed)
            })
            .collect(),
        active: typed.map_or_else(|| set.is_none_or(|rule| rule.active), |typed| typed.ticked("active")),
    }
}

async fn view<P: Perm, T>(
    auth: &Authed<P, T>,
    id: ChannelAccountId,
    query: &NoticesQuery,
    refused: Option<(FormView, &Fields)>,
) -> Answer<NoticesView> {
    let grant = auth.caller.grant::<perm::FollowerRead>()?;
    let (account, templates, rules) = templates::list(&auth.state, &grant, id).await?;
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let sent = notices::list(&auth.state, &grant, id, page).await?;
    let at = of_account(id, "notices");
    let event_row = |event: &NoticeEvent| {
        let rule = rules.iter().find(|rule| rule.event == *event);
        let template = rule.and_then(|rule| templates.iter().find(|own| own.id == rule.template));
        EventRow {
            event: event.as_str(),
            href: format!("{at}?event={event}"),
            title: template.map(|own| own.title.clone()),
            active: rule.is_some_and(|rule| rule.active),
        }
    };
    let may_manage = auth.caller.may(Permission::FollowerManage);
    let event = query.event.as_deref().and_then(NoticeEvent::from_text).filter(|_| may_manage);
    let typed = refused.as_ref().map(|(_, fields)| *fields);
    let rule = event.map(|event| rule_form(event, query.template.as_deref(), &templates, &rules, typed));
    Ok(NoticesView {
        form: refused.map(|(form, _)| form).unwrap_or_default(),
        reach: Reach::of(&account, "notices"),
        next_page: sent.next.map(|next| format!("{at}?cursor={}", cursor_text(&next))),
        at: at.clone(),
        templates: templates.iter().map(template_row).collect(),
        events: NoticeEvent::ALL.iter().map(event_row).collect(),
        rule,
        notices: sent.items.into_iter().map(|row| notice_row(auth, row, false)).collect(),
        may_manage,
    })
}

async fn notices_page(
    auth: Authed<perm::FollowerRead, (Path<ChannelAccountId>, Query<NoticesQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let view = view(&auth, *id, query, None).await?;
    auth.page("followers/notices", view)
}

fn mended(error: &ApiError) -> bool {
    may_be_mended(error) || error.code().status() == 503
}

/// The names of the template's fields, as the form has them.
fn names(fields: &Fields) -> Vec<String> {
    fields.all("field").filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn template_of(fields: &Fields) -> Answer<MessageTemplateId> {
    let unknown = || FieldError::new("message_template_id", "unknown", "choose a template", "请选择模板");
    fields.text("template").parse().map_err(|_| unknown().into())
}

async fn set_order_notice_form(
    auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let field = |name: String| {
        let value = fields.text(&format!("value-{name}")).to_owned();
        let text =
            if value.is_empty() { fields.text(&format!("text-{name}")).to_owned() } else { String::new() };
        (name, TypedField { value, text })
    };
    let outcome = match template_of(fields) {
        Ok(template) => {
            let typed = TypedNotice {
                event: fields.text("event").to_owned(),
                template,
                fields: names(fields).into_iter().map(field).collect(),
                active: fields.ticked("active"),
            };
            templates::set(&auth.state, &auth.grant, *id, &typed).await
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("followers.notice_set"), &of_account(*id, "notices"))),
        Err(error) if mended(&error) => {
            let own: Vec<String> = names(fields).iter().map(|name| format!("fields.{name}")).collect();
            let form = FormView::refused_by(fields, &error, auth.info.lang).with_own(&own);
            let query = NoticesQuery {
                event: Some(fields.text("event").to_owned()),
                template: Some(fields.text("template").to_owned()),
                cursor: None,
            };
            let view = view(&auth, *id, &query, Some((form, fields))).await?;
            auth.refused_page("followers/notices", view)
        }
        Err(error) => Err(error),
    }
}

async fn read_templates_form(
    auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    match templates::read(&auth.state, &auth.grant, *id).await {
        Ok(_) => {
            Ok(auth.redirect_with(&Flash::success("followers.templates_read"), &of_account(*id, "notices")))
        }
        Err(error) if mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, *id, &NoticesQuery::default(), Some((form, fields))).await?;
            auth.refused_page("followers/notices", view)
        }
        Err(error) => Err(error),
    }
}

#[derive(Serialize)]
struct FollowerNoticesView {
    form: FormView,
    reach: Reach,
    at: String,
    back: String,
    templates: Vec<Choice>,
    template: Option<String>,
    fields: Vec<FieldRow>,
    notices: Vec<NoticeRow>,
    may_answer: bool,
}

async fn of_follower<P: Perm, T>(
    auth: &Authed<P, T>,
    id: FollowerId,
    wanted: Option<&str>,
    refused: Option<(FormView, &Fields)>,
) -> Answer<FollowerNoticesView> {
    let grant = auth.caller.grant::<perm::FollowerRead>()?;
    let (account, sent) = notices::of_follower(&auth.state, &grant, id, PageRequest::first(20)).await?;
    let (_, templates, _) = templates::list(&auth.state, &grant, account.id).await?;
    let chosen = wanted.and_then(|id| templates.iter().find(|own| own.id.to_string() == id));
    let typed = refused.as_ref().map(|(_, fields)| *fields);
    let fields = chosen.map(|own| own.fields.as_slice()).unwrap_or_default();
    let choice = |own: &StoredTemplate| Choice {
        value: own.id.to_string(),
        label: own.title.clone(),
        current: chosen.is_some_and(|chosen| chosen.id == own.id),
    };
    Ok(FollowerNoticesView {
        fields: fields.iter().map(|field| field_row(&field.name, &field.label, None, typed)).collect(),
        template: chosen.map(|own| own.id.to_string()),
        templates: templates.iter().map(choice).collect(),
        form: refused.map(|(form, _)| form).unwrap_or_default(),
        reach: Reach::of(&account, "followers"),
        at: format!("{FOLLOWERS}/{id}/notices"),
        back: format!("{FOLLOWERS}/{id}"),
        notices: sent.items.into_iter().map(|row| notice_row(auth, row, true)).collect(),
        may_answer: auth.caller.may(Permission::FollowerAnswer),
    })
}

async fn follower_notices_page(
    auth: Authed<perm::FollowerRead, (Path<FollowerId>, Query<NoticesQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let view = of_follower(&auth, *id, query.template.as_deref(), None).await?;
    auth.page("followers/follower_notices", view)
}

async fn send_notice_form(auth: Authed<perm::FollowerAnswer, (Path<FollowerId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let field = |name: String| {
        let text = fields.text(&format!("text-{name}")).to_owned();
        (name, text)
    };
    let outcome = match template_of(fields) {
        Ok(template) => {
            let url = Some(fields.text("url").to_owned()).filter(|url| !url.is_empty());
            let typed = TypedSend { template, fields: names(fields).into_iter().map(field).collect(), url };
            notices::send(&auth.state, &auth.grant, *id, &typed).await
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(_) => {
            let to = format!("{FOLLOWERS}/{id}/notices");
            Ok(auth.redirect_with(&Flash::success("followers.notice_queued"), &to))
        }
        Err(error) if mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let template = fields.text("template").to_owned();
            let view = of_follower(&auth, *id, Some(&template), Some((form, fields))).await?;
            auth.refused_page("followers/follower_notices", view)
        }
        Err(error) => Err(error),
    }
}
