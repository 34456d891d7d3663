//! The first page of each console, and `/console`, which sends people to theirs.

use crate::app::todos::todos;
use crate::http::extract::{Authed, Call, Open};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use qianpu_domain::access::Surface;
use qianpu_tenants::audit::audit_list;
use qianpu_tenants::authz::{RightName, perm};
use qianpu_tenants::page::PageRequest;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/", start);
    pages.get("/console", console);
    for surface in [Surface::Operator, Surface::Provider, Surface::Merchant] {
        pages.get(&format!("/console/{}", surface.as_str()), home);
    }
}

async fn start(open: Open) -> PageAnswer {
    Ok(open.redirect("/console"))
}

async fn console(auth: Authed<perm::SelfRead>) -> PageAnswer {
    Ok(auth.redirect(&format!("/console/{}", auth.caller.surface().as_str())))
}

#[derive(Serialize)]
struct HomeView {
    /// What waits, first.
    todos: Vec<TodoView>,
    roles: Vec<String>,
    /// What happened lately; empty for those who may not see it.
    events: Vec<EventView>,
    sees_events: bool,
}

#[derive(Serialize)]
struct TodoView {
    name: &'static str,
    count: i64,
    href: &'static str,
}

#[derive(Serialize)]
struct EventView {
    at: i64,
    actor: String,
    action: String,
}

fn right_name(call: &Call, name: &RightName) -> String {
    match name {
        RightName::Role(role) => {
            call.state.pages.catalogue().say(call.info.lang, &format!("roles.{}", role.as_str()), [])
        }
        RightName::Own(name) => name.clone(),
    }
}

async fn home(auth: Authed<perm::SelfRead>) -> PageAnswer {
    let mut events = Vec::new();
    let audit = auth.caller.grant::<perm::AuditRead>();
    if let Ok(grant) = &audit {
        let tx = auth.state.db.read(grant.ctx()).await?;
        let page = audit_list(&tx, None, PageRequest::first(8)).await?;
        let catalogue = auth.state.pages.catalogue();
        events.extend(page.items.into_iter().map(|entry| {
            // A job acts under its kind.
            let job = (entry.actor_kind == "job").then(|| ["jobs.kind.", &entry.actor_name].concat());
            let job = job.and_then(|key| catalogue.find(auth.info.lang, &key).map(str::to_owned));
            EventView { at: entry.at.micros(), actor: job.unwrap_or(entry.actor_name), action: entry.action }
        }));
    }
    let roles = auth.caller.rights().iter().map(|right| right_name(&auth, &right.name)).collect();
    let todos = todos(&auth.state, &auth.caller).await?;
    let todos = todos
        .into_iter()
        .map(|todo| TodoView { name: todo.name, count: todo.count, href: todo.href })
        .collect();
    auth.page("console/home", HomeView { todos, roles, events, sees_events: audit.is_ok() })
}
