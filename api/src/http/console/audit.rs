//! The audit log on pages, the same on each surface: looking up, taking along, and looking whether it was changed.

use super::apply::may_be_mended;
use crate::app::audit::{self, Verdict};
use crate::error::{Answer, ApiError};
use crate::http::audit_export::{Format, export};
use crate::http::extract::{Authed, Call, Fields, Query};
use crate::http::route::PageRoutes;
use crate::http::v1::read_day;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::FormView;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::ids::TenantId;
use qianpu_domain::time::Timestamp;
use qianpu_tenants::audit::search::{AuditFilter, FoundEntry};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    for surface in [Surface::Operator, Surface::Provider, Surface::Merchant] {
        let home = home_of(surface);
        pages.get(&home, audit_page);
        pages.get(&format!("{home}/export"), export_page);
        pages.post(&format!("{home}/verify"), verify_form);
    }
}

type Reads<T = ()> = Authed<perm::AuditRead, T>;

fn home_of(surface: Surface) -> String {
    format!("/console/{}/audit", surface.as_str())
}

/// Most facts of a detail that are shown.
const MOST_FACTS: usize = 12;

#[derive(Debug, Default, Deserialize, IntoParams)]
struct AuditQuery {
    cursor: Option<String>,
    actor: Option<String>,
    action: Option<String>,
    target: Option<String>,
    from: Option<String>,
    until: Option<String>,
    /// Of an export: `csv` or `jsonl`.
    format: Option<String>,
}

/// The moment a day begins or, with `after`, ends; empty and unreadable days are none.
fn day(call: &Call, text: Option<&str>, after: bool) -> Answer<Option<Timestamp>> {
    let Ok(Some(date)) = read_day("from", text) else { return Ok(None) };
    let date = if after { date.tomorrow().map_err(ApiError::bad_request)? } else { date };
    let zone = jiff::tz::TimeZone::get(&call.state.config.app.time_zone).map_err(ApiError::internal)?;
    let moment = date.to_zoned(zone).map_err(ApiError::bad_request)?;
    Ok(Some(Timestamp::from_micros(moment.timestamp().as_microsecond())))
}

impl AuditQuery {
    fn filter(&self, call: &Call) -> Answer<AuditFilter> {
        let text = |text: &Option<String>| {
            let text = text.as_deref().unwrap_or_default().trim();
            (!text.is_empty()).then(|| text.chars().take(200).collect::<String>())
        };
        Ok(AuditFilter {
            actor: text(&self.actor),
            action: text(&self.action),
            target: text(&self.target),
            tenant: None,
            from: day(call, self.from.as_deref(), false)?,
            until: day(call, self.until.as_deref(), true)?,
        })
    }

    /// The filter as the query of an address.
    fn address(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("actor", &self.actor),
            ("action", &self.action),
            ("target", &self.target),
            ("from", &self.from),
            ("until", &self.until),
        ] {
            if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

#[derive(Serialize)]
struct Choice {
    value: &'static str,
    label: String,
    chosen: bool,
}

/// One thing of a detail; what it was before where that is known.
#[derive(Serialize)]
struct Fact {
    name: String,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct EntryLine {
    at: i64,
    /// In words, where there are some.
    actor_kind: String,
    actor: String,
    action: String,
    target: String,
    facts: Vec<Fact>,
    /// It stands in the log of a merchant.
    elsewhere: bool,
    position: Option<i64>,
}

#[derive(Serialize)]
struct VerdictView {
    intact: bool,
    position: i64,
    at: i64,
    fault: &'static str,
}

#[derive(Serialize)]
struct AuditView {
    form: FormView,
    home: String,
    provider: bool,
    actor: String,
    target: String,
    from: String,
    until: String,
    actions: Vec<Choice>,
    filtered: bool,
    rows: Vec<EntryLine>,
    next_page: Option<String>,
    csv: String,
    jsonl: String,
    position: i64,
    head: String,
    verdict: Option<VerdictView>,
}

fn text_of(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => "—".to_owned(),
        other => other.to_string(),
    };
    text.chars().take(200).collect()
}

/// A detail in lines: what was and what is, where it says so.
fn facts(detail: &str, word: impl Fn(&str) -> Option<String>) -> Vec<Fact> {
    let Ok(Value::Object(detail)) = serde_json::from_str::<Value>(detail) else { return Vec::new() };
    let part = |name: &str| detail.get(name).and_then(Value::as_object);
    let (before, after) = (part("before"), part("after"));
    let empty = Map::new();
    let (was, is) = (before.unwrap_or(&empty), after.unwrap_or(&empty));
    let mut facts: Vec<Fact> = Vec::new();
    for name in was.keys().chain(is.keys().filter(|name| !was.contains_key(*name))) {
        let (was, is) = (was.get(name).map(text_of), is.get(name).map(text_of));
        if was != is {
            facts.push(Fact { name: name.clone(), before: was, after: is });
        }
    }
    for (name, value) in &detail {
        let shown = (name == "before" && before.is_some()) || (name == "after" && after.is_some());
        if !shown && !value.is_null() {
            facts.push(Fact { name: name.clone(), before: None, after: Some(text_of(value)) });
        }
    }
    facts.truncate(MOST_FACTS);
    for fact in &mut facts {
        if let Some(word) = word(&fact.name) {
            fact.name = word;
        }
    }
    facts
}

fn row(call: &Call, found: FoundEntry, own: TenantId) -> EntryLine {
    let entry = found.entry;
    // A newer release may have written words that this one has none for.
    let find = |key: String| call.state.pages.catalogue().find(call.info.lang, &key).map(str::to_owned);
    let actor = if entry.actor_name.is_empty() { entry.actor_id } else { entry.actor_name };
    let job = (entry.actor_kind == "job").then(|| find(["jobs.kind.", &actor].concat())).flatten();
    let kind = find(["audit_log.kind.", &entry.actor_kind].concat());
    EntryLine {
        at: entry.at.micros(),
        actor_kind: kind.unwrap_or(entry.actor_kind),
        actor: job.unwrap_or(actor),
        action: entry.action,
        target: entry.target_id,
        facts: facts(&entry.detail, |name| find(["audit_log.field.", name].concat())),
        elsewhere: found.tenant != own,
        position: found.link.map(|(position, _)| position),
    }
}

async fn view<T>(
    auth: &Reads<T>,
    query: &AuditQuery,
    form: FormView,
    verdict: Option<Verdict>,
) -> Answer<AuditView> {
    let home = home_of(auth.caller.surface());
    let filter = query.filter(auth)?;
    let page = page_request(Some(30), query.cursor.as_deref())?;
    let found = audit::search(&auth.state, &auth.grant, &filter, page).await?;
    let head = audit::head(&auth.state, &auth.grant).await?;
    let catalogue = auth.state.pages.catalogue();
    let chosen = query.action.as_deref().unwrap_or_default();
    let choice = |action: &AuditAction| Choice {
        value: action.as_str(),
        label: catalogue.say(auth.info.lang, &format!("audit.{}", action.as_str()), []),
        chosen: action.as_str() == chosen,
    };
    let mut actions: Vec<Choice> = AuditAction::ALL.iter().map(choice).collect();
    actions.sort_by(|one, other| one.value.cmp(other.value));
    let address = query.address();
    let with = |more: String| format!("{home}{more}{}{address}", if address.is_empty() { "" } else { "&" });
    let next_page = found.next.map(|next| with(format!("?cursor={}", cursor_text(&next))));
    let (csv, jsonl) = (with("/export?format=csv".to_owned()), with("/export?format=jsonl".to_owned()));
    let now = auth.state.clock().now().micros();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Ok(AuditView {
        form,
        provider: auth.caller.surface() == Surface::Provider,
        actor: text(&query.actor),
        target: text(&query.target),
        from: text(&query.from),
        until: text(&query.until),
        actions,
        filtered: !address.is_empty(),
        rows: found.items.into_iter().map(|found| row(auth, found, auth.caller.tenant())).collect(),
        next_page,
        csv,
        jsonl,
        home,
        position: head.as_ref().map_or(0, |head| head.position),
        head: head.map_or_else(String::new, |head| format!("{}:{}", head.position, head.hash)),
        verdict: verdict.map(|verdict| VerdictView {
            intact: verdict.broken.is_none(),
            position: verdict.head.position,
            at: now,
            fault: verdict.broken.map_or("", |broken| broken.fault),
        }),
    })
}

async fn audit_page(auth: Reads<Query<AuditQuery>>) -> PageAnswer {
    let page = view(&auth, &auth.input.0, FormView::default(), None).await?;
    auth.page("audit/list", page)
}

async fn export_page(auth: Reads<Query<AuditQuery>>) -> PageAnswer {
    let query = &auth.input.0;
    let format = Format::parse(query.format.as_deref().unwrap_or("csv"))?;
    export(&auth.state, &auth.grant, query.filter(&auth)?, format).await
}

async fn verify_form(auth: Reads<Fields>) -> PageAnswer {
    let nothing = AuditQuery::default();
    let looked = match audit::noted_head(auth.input.text("head")) {
        Ok(noted) => audit::verify(&auth.state, &auth.grant, noted.as_ref()).await,
        Err(error) => Err(error),
    };
    match looked {
        Ok(verdict) => {
            let page = view(&auth, &nothing, FormView::default(), Some(verdict)).await?;
            auth.page("audit/list", page)
        }
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(&auth.input, &error, auth.info.lang);
            let page = view(&auth, &nothing, form, None).await?;
            auth.refused_page("audit/list", page)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_shown_as_what_was_and_what_is() {
        let shown = |detail: &str| -> Vec<String> {
            let line = |fact: Fact| format!("{}: {:?} -> {:?}", fact.name, fact.before, fact.after);
            facts(detail, |_| None).into_iter().map(line).collect()
        };
        let changed = r#"{"before":{"name":"a","same":1,"gone":true},"after":{"name":"b","same":1,"new":2},"why":"x","none":null}"#;
        assert_eq!(
            shown(changed),
            [
                r#"name: Some("a") -> Some("b")"#,
                r#"gone: Some("true") -> None"#,
                r#"new: None -> Some("2")"#,
                r#"why: None -> Some("x")"#,
            ]
        );
        assert_eq!(shown(r#"{"before":"a"}"#), [r#"before: None -> Some("a")"#]);
        assert!(shown("no JSON").is_empty() && shown("[1]").is_empty());
    }
}
