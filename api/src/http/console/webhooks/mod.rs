//! Webhook endpoints, the same in both consoles: registering, looking after, and the log of what was sent.

mod log;
mod view;

use super::apply::may_be_mended;
use crate::app::webhooks::{self, ChangeEndpoint, RegisterEndpoint, WithSecret, deliveries};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Surface;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::WebhookEndpointId;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::webhook_endpoint::{MOST_ENDPOINTS, Wanted};
use serde::Serialize;
use view::{EndpointLine, TypeBox, boxes, line};

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    for surface in [Surface::Provider, Surface::Merchant] {
        let home = home_of(surface);
        let one = format!("{home}/{{webhook_endpoint_id}}");
        pages.get(&home, webhooks_page);
        pages.get(&format!("{home}/new"), new_webhook_page);
        pages.post(&format!("{home}/new"), new_webhook_form);
        pages.get(&one, webhook_page);
        pages.get(&format!("{one}/edit"), edit_webhook_page);
        pages.post(&format!("{one}/edit"), edit_webhook_form);
        pages.post(&format!("{one}/pause"), pause_webhook_form);
        pages.post(&format!("{one}/resume"), resume_webhook_form);
        pages.post(&format!("{one}/rotate"), rotate_webhook_form);
        pages.post(&format!("{one}/delete"), delete_webhook_form);
        pages.post(&format!("{one}/test"), test_webhook_form);
        pages.post(&format!("{one}/replay_failed"), replay_failed_form);
        log::routes(pages, &one);
    }
}

type Manages<T = ()> = Authed<perm::WebhookManage, T>;

fn home_of(surface: Surface) -> String {
    format!("/console/{}/webhooks", surface.as_str())
}

fn at<T>(auth: &Manages<T>, id: WebhookEndpointId) -> String {
    format!("{}/{id}", home_of(auth.caller.surface()))
}

#[derive(Serialize)]
struct ListView {
    home: String,
    endpoints: Vec<EndpointLine>,
    full: bool,
}

async fn webhooks_page(auth: Manages) -> PageAnswer {
    let found = webhooks::list(&auth.state, &auth.grant, PageRequest::first(MOST_ENDPOINTS)).await?;
    let endpoints: Vec<EndpointLine> = found.items.into_iter().map(line).collect();
    let full = u64::try_from(endpoints.len()).is_ok_and(|count| count >= MOST_ENDPOINTS);
    auth.page("webhooks/list", ListView { home: home_of(auth.caller.surface()), endpoints, full })
}

#[derive(Serialize)]
struct FormPage {
    form: FormView,
    /// Where the form goes, which is this page.
    action: String,
    back: String,
    is_new: bool,
    of_provider: bool,
    types: Vec<TypeBox>,
}

fn form_page<T>(
    auth: &Manages<T>,
    id: Option<WebhookEndpointId>,
    form: FormView,
    chosen: &[String],
) -> FormPage {
    let home = home_of(auth.caller.surface());
    FormPage {
        form,
        action: id.map_or_else(|| format!("{home}/new"), |id| format!("{home}/{id}/edit")),
        back: id.map_or_else(|| home.clone(), |id| format!("{home}/{id}")),
        is_new: id.is_none(),
        of_provider: auth.caller.surface() == Surface::Provider,
        types: boxes(auth.grant.ctx(), auth.info.lang, chosen),
    }
}

async fn new_webhook_page(auth: Manages) -> PageAnswer {
    let form = FormView::filled([("all_types", "1".to_owned())]);
    auth.page("webhooks/form", form_page(&auth, None, form, &[]))
}

/// The types of a form: the box for all, or those that are ticked.
fn types_of(fields: &Fields) -> Vec<String> {
    if fields.ticked("all_types") {
        return vec!["*".to_owned()];
    }
    fields.all("event_types").map(str::to_owned).collect()
}

fn refused<T>(
    auth: &Manages<T>,
    id: Option<WebhookEndpointId>,
    fields: &Fields,
    error: &ApiError,
) -> PageAnswer {
    let form = FormView::refused_by(fields, error, auth.info.lang);
    auth.refused_page("webhooks/form", form_page(auth, id, form, &types_of(fields)))
}

#[derive(Serialize)]
struct SecretPage {
    at: String,
    url: String,
    secret: String,
    old_secret_until: Option<i64>,
}

/// The page that shows a secret. There is no address that shows it again.
fn secret_page<T>(auth: &Manages<T>, made: WithSecret) -> PageAnswer {
    let view = SecretPage {
        at: at(auth, made.endpoint.id),
        url: made.endpoint.url,
        secret: made.secret.into_inner(),
        old_secret_until: made.endpoint.old_secret.map(|(_, until)| until.micros()),
    };
    auth.page("webhooks/secret", view)
}

async fn new_webhook_form(auth: Manages<Fields>) -> PageAnswer {
    let fields = &auth.input;
    let command = RegisterEndpoint {
        url: fields.text("url").to_owned(),
        description: fields.text("description").to_owned(),
        event_types: types_of(fields),
        merchants: fields.ticked("include_merchants"),
    };
    match webhooks::register(&auth.state, &auth.grant, &command).await {
        Ok(made) => secret_page(&auth, made),
        Err(error) if may_be_mended(&error) => refused(&auth, None, fields, &error),
        Err(error) => Err(error),
    }
}

async fn edit_webhook_page(auth: Manages<Path<WebhookEndpointId>>) -> PageAnswer {
    let id = auth.input.0;
    let endpoint = webhooks::get(&auth.state, &auth.grant, id).await?;
    let ticked = |on: bool| if on { "1".to_owned() } else { String::new() };
    let form = FormView::filled([
        ("url", endpoint.url.clone()),
        ("description", endpoint.description.clone()),
        ("version", endpoint.version.to_string()),
        ("all_types", ticked(endpoint.wanted == Wanted::All)),
        ("include_merchants", ticked(endpoint.merchants)),
    ]);
    let chosen: Vec<String> = match &endpoint.wanted {
        Wanted::All => Vec::new(),
        Wanted::Types(types) => types.iter().map(|own| own.as_str().to_owned()).collect(),
    };
    auth.page("webhooks/form", form_page(&auth, Some(id), form, &chosen))
}

async fn edit_webhook_form(auth: Manages<(Path<WebhookEndpointId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let command = ChangeEndpoint {
        url: Some(fields.text("url").to_owned()),
        description: Some(fields.text("description").to_owned()),
        event_types: Some(types_of(fields)),
        merchants: Some(fields.ticked("include_merchants")),
    };
    let seen = fields.text("version").parse().ok();
    match webhooks::change(&auth.state, &auth.grant, *id, seen, &command).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("webhooks.saved"), &at(&auth, *id))),
        Err(error) if may_be_mended(&error) => refused(&auth, Some(*id), fields, &error),
        Err(error) => Err(error),
    }
}

async fn webhook_page(auth: Manages<(Path<WebhookEndpointId>, Query<log::LogQuery>)>) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let view = log::endpoint_view(&auth, *id, query, FormView::default()).await?;
    auth.page("webhooks/endpoint", view)
}

/// Back to the endpoint with a message, or its page again with what was refused.
async fn answer<T>(
    auth: &Manages<T>,
    id: WebhookEndpointId,
    fields: &Fields,
    done: Answer<()>,
    told: &'static str,
) -> PageAnswer {
    match done {
        Ok(()) => Ok(auth.redirect_with(&Flash::success(told), &at(auth, id))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = log::endpoint_view(auth, id, &log::LogQuery::default(), form).await?;
            auth.refused_page("webhooks/endpoint", view)
        }
        Err(error) => Err(error),
    }
}

async fn pause_webhook_form(auth: Manages<(Path<WebhookEndpointId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = webhooks::pause(&auth.state, &auth.grant, *id).await.map(drop);
    answer(&auth, *id, fields, done, "webhooks.was_paused").await
}

async fn resume_webhook_form(auth: Manages<(Path<WebhookEndpointId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = webhooks::resume(&auth.state, &auth.grant, *id).await.map(drop);
    answer(&auth, *id, fields, done, "webhooks.was_resumed").await
}

async fn rotate_webhook_form(auth: Manages<(Path<WebhookEndpointId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let mut errors = Vec::new();
    let hours = fields.parsed("overlap_hours", &mut errors);
    if !errors.is_empty() {
        return answer(&auth, *id, fields, Err(errors.into()), "webhooks.saved").await;
    }
    match webhooks::rotate(&auth.state, &auth.grant, *id, hours).await {
        Ok(made) => secret_page(&auth, made),
        Err(error) => answer(&auth, *id, fields, Err(error), "webhooks.saved").await,
    }
}

async fn delete_webhook_form(auth: Manages<(Path<WebhookEndpointId>, Fields)>) -> PageAnswer {
    webhooks::delete(&auth.state, &auth.grant, auth.input.0.0).await?;
    Ok(auth.redirect_with(&Flash::success("webhooks.was_deleted"), &home_of(auth.caller.surface())))
}

async fn test_webhook_form(auth: Manages<(Path<WebhookEndpointId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = deliveries::test(&auth.state, &auth.grant, *id).await.map(drop);
    answer(&auth, *id, fields, done, "webhooks.test_sent").await
}

/// Hours to look back, as people say it.
fn since_of(fields: &Fields, now: Timestamp) -> Answer<Timestamp> {
    let hours = fields.text("hours").parse::<i64>().ok().filter(|hours| (1..=720).contains(hours));
    hours.map(|hours| now.minus(Span::hours(hours))).ok_or_else(|| {
        let (en, zh) = ("1 to 720 hours", "1 至 720 小时");
        FieldError::new("hours", "out_of_range", en, zh).into()
    })
}

async fn replay_failed_form(auth: Manages<(Path<WebhookEndpointId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = match since_of(fields, auth.state.clock().now()) {
        Ok(since) => deliveries::replay_failed(&auth.state, &auth.grant, *id, since).await.map(drop),
        Err(error) => Err(error),
    };
    answer(&auth, *id, fields, done, "webhooks.replayed").await
}
