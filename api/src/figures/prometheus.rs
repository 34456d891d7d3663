//! The figures in the text format of Prometheus. A tenant has a line of its own as long as there are not too many;
//! the others are one line, `tenant="other"`, so the number of series is bounded whatever comes.

use super::{Figures, Totals};
use qianpu_domain::ids::TenantId;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::job_queues::TenantQueue;
use std::collections::HashMap;
use std::fmt::Write;

/// The value of the label for those without a line of their own.
const OTHER: &str = "other";

/// Seconds, without the detour of a float.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

fn span(span: Span) -> String {
    seconds(span.as_micros().max(0).unsigned_abs())
}

/// Writes one kind of figure after the other, each with its lines together, as the format asks.
struct Text(String);

impl Text {
    fn kind(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a `String` does not fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }
    fn line(&mut self, name: &str, tenant: &str, more: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{name}{{tenant=\"{tenant}\"{more}}} {value}");
    }
}

/// All figures of tenants.
pub fn render(figures: &Figures, queues: &HashMap<TenantId, TenantQueue>, now: Timestamp) -> String {
    let (named, others) = figures.named(now);
    let rows: Vec<(String, Totals)> = named
        .iter()
        .map(|(id, totals, _)| (id.to_string(), *totals))
        .chain([(OTHER.to_owned(), others)])
        .collect();
    let mut text = Text(String::new());
    let name = "qianpu_tenant_request_seconds";
    text.kind(
        name,
        "summary",
        "Time of requests of a tenant; quantiles are of the last hour, in this process.",
    );
    for (id, totals, hour) in &named {
        let id = id.to_string();
        for (label, of_a_hundred) in [("0.5", 50), ("0.99", 99)] {
            if let Some(took) = hour.times.quantile(of_a_hundred) {
                text.line(name, &id, &format!(",quantile=\"{label}\""), span(took));
            }
        }
        text.line(&format!("{name}_sum"), &id, "", seconds(totals.micros));
        text.line(&format!("{name}_count"), &id, "", totals.counts.requests);
    }
    text.line(&format!("{name}_sum"), OTHER, "", seconds(others.micros));
    text.line(&format!("{name}_count"), OTHER, "", others.counts.requests);
    let name = "qianpu_tenant_errors_total";
    text.kind(name, "counter", "Requests of a tenant that were answered with an error, 429 apart.");
    for (id, totals) in &rows {
        text.line(name, id, ",class=\"server\"", totals.counts.errors);
        text.line(name, id, ",class=\"client\"", totals.counts.refused);
    }
    let name = "qianpu_tenant_limited_total";
    text.kind(name, "counter", "Requests of a tenant that were refused by a limit (429).");
    for (id, totals) in &rows {
        text.line(name, id, "", totals.counts.limited);
    }
    render_queues(&mut text, &named.iter().map(|(id, _, _)| *id).collect::<Vec<_>>(), queues, now);
    text.0
}

fn render_queues(
    text: &mut Text,
    named: &[TenantId],
    queues: &HashMap<TenantId, TenantQueue>,
    now: Timestamp,
) {
    let (mut waiting, mut aside, mut oldest) = (0, 0, None::<Timestamp>);
    let (mut stock, mut stock_oldest) = (0, None::<Timestamp>);
    for (_, queue) in queues.iter().filter(|(id, _)| named.binary_search(id).is_err()) {
        waiting += queue.waiting;
        aside += queue.laid_aside;
        oldest = oldest.into_iter().chain(queue.oldest).min();
        stock += queue.stock_waiting;
        stock_oldest = stock_oldest.into_iter().chain(queue.stock_oldest).min();
    }
    let own = named.iter().map(|id| (id.to_string(), queues.get(id)));
    let mut rows: Vec<(String, i64, i64, Option<Timestamp>)> = own
        .map(|(id, queue)| {
            queue
                .map_or((id.clone(), 0, 0, None), |queue| (id, queue.waiting, queue.laid_aside, queue.oldest))
        })
        .collect();
    rows.push((OTHER.to_owned(), waiting, aside, oldest));
    let name = "qianpu_tenant_jobs_waiting";
    text.kind(name, "gauge", "Jobs of a tenant that are due and that nobody runs yet.");
    for (id, waiting, _, _) in &rows {
        text.line(name, id, "", waiting);
    }
    let name = "qianpu_tenant_oldest_job_seconds";
    text.kind(name, "gauge", "For how long the oldest of them has been due.");
    for (id, _, _, oldest) in &rows {
        text.line(name, id, "", span(oldest.map_or(Span::seconds(0), |oldest| now.since(oldest))));
    }
    let name = "qianpu_tenant_jobs_laid_aside";
    text.kind(name, "gauge", "Jobs of a tenant that failed and wait for a person.");
    for (id, _, aside, _) in &rows {
        text.line(name, id, "", aside);
    }
    let own = named.iter().map(|id| (id.to_string(), queues.get(id)));
    let mut rows: Vec<(String, i64, Option<Timestamp>)> = own
        .map(|(id, queue)| {
            (id, queue.map_or(0, |one| one.stock_waiting), queue.and_then(|one| one.stock_oldest))
        })
        .collect();
    rows.push((OTHER.to_owned(), stock, stock_oldest));
    let name = "qianpu_tenant_stock_changes_waiting";
    text.kind(name, "gauge", "Jobs of a tenant that carry changes of stock to channels and have not ended.");
    for (id, stock, _) in &rows {
        text.line(name, id, "", stock);
    }
    let name = "qianpu_tenant_oldest_stock_change_seconds";
    text.kind(name, "gauge", "How far channels are behind a tenant's stock: the age of the oldest of them.");
    for (id, _, oldest) in &rows {
        text.line(name, id, "", span(oldest.map_or(Span::seconds(0), |oldest| now.since(oldest))));
    }
}
