//! Metered use: reported by the provider or counted here, each event once, and billed with the invoice of the period
//! after. An event of the period before that is still taken; it is billed as a further part of its own period.

use super::whole_merchant;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::{
    BillingError, Charge, LineAmounts, ORDERS, Period, date_in, date_text, parse_date,
};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{InvoiceId, SubscriptionId, TenantId};
use qianpu_domain::money::{Fen, MAX_FEN};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::subscription::{Subscription, subscription_active, subscription_get};
use qianpu_tenants::store::usage::{
    NewUsage, UsageEvent, UsageMeter, usage_event_list, usage_event_list_by_provider, usage_event_of,
    usage_meter_list, usage_meter_rate, usage_meters_to_rate, usage_record,
};
use qianpu_tenants::store::usage_line::{UsageLine, usage_line_insert};
use serde_json::json;

/// Events of one report, at most.
pub const MOST_EVENTS: usize = 500;
/// Units of one event, at most.
const MOST_OF_ONE: i64 = 1_000_000_000;
const LONGEST_EVENT_ID: usize = 100;
/// A reporter's clock may be so far ahead (ours).
const AHEAD: Span = Span::minutes(5);

/// Use to be reported.
#[derive(Debug, Clone)]
pub struct ReportUsage {
    pub metric: String,
    /// The reporter's id; the same one is counted once, however often it is reported.
    pub event_id: String,
    pub quantity: i64,
    pub occurred_at: Timestamp,
}

/// What became of a reported event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Accepted,
    /// Reported before, as it is now.
    Duplicate,
    /// Reported before with another quantity or time; the first counts.
    Differs,
    /// Stored and shown, but not counted.
    Rejected(&'static str),
}

impl Outcome {
    /// Wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Differs => "differs",
            Self::Rejected(_) => "rejected",
        }
    }
}

/// The merchant that a report is about, looked up before its transaction.
pub async fn on_merchant(
    state: &AppState,
    grant: &Grant<perm::UsageReport>,
    merchant: TenantId,
) -> Answer<Grant<perm::UsageReport>> {
    Ok(grant.on_merchant(&state.db, merchant).await?)
}

fn errors_of(events: &[ReportUsage], of: &Subscription, now: Timestamp) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if events.is_empty() || events.len() > MOST_EVENTS {
        let (en, zh) = (format!("1 to {MOST_EVENTS} events"), format!("请提交 1 到 {MOST_EVENTS} 条"));
        errors.push(FieldError::new("events", "out_of_range", en, zh));
        return errors;
    }
    for (at, event) in events.iter().enumerate() {
        let mut wrong = |field: &str, code, en: &str, zh: &str| {
            errors.push(FieldError::new(format!("events.{at}.{field}"), code, en, zh));
        };
        if !of.terms.charges.iter().any(|charge| charge.metric == event.metric) {
            wrong(
                "metric",
                "unknown",
                "the merchant's plan does not charge for this",
                "商家的套餐没有该计量项",
            );
        }
        let id = event.event_id.as_str();
        if id.is_empty() || id.chars().count() > LONGEST_EVENT_ID || id.chars().any(char::is_control) {
            wrong("event_id", "invalid", "1 to 100 printable characters", "请填写 1 到 100 个可见字符");
        }
        if !(1..=MOST_OF_ONE).contains(&event.quantity) {
            wrong("quantity", "out_of_range", "between 1 and 10^9", "应在 1 到 10^9 之间");
        }
        if event.occurred_at > now.plus(AHEAD) {
            wrong("occurred_at", "future", "the time has not come yet", "时间不能晚于现在");
        }
    }
    errors
}

/// A subscription and those that it follows, newest first.
async fn chain(tx: &TenantTx, of: &Subscription) -> Answer<Vec<Subscription>> {
    let mut chain = vec![of.clone()];
    while let Some(before) = chain.last().and_then(|last| last.predecessor) {
        chain.push(subscription_get(tx, before).await?);
    }
    Ok(chain)
}

/// Where use of a moment is counted: of which subscription, in which of its periods, and why it does not count any more, or
/// not yet.
struct Counted {
    of: SubscriptionId,
    period: Period,
    rejected: Option<&'static str>,
}

/// Use before a change of plan belongs to the plan before it. That one's last period is open as long as the period before
/// always is: until the one after it is over.
async fn counted_in(tx: &TenantTx, of: &Subscription, metric: &str, at: Timestamp) -> Answer<Counted> {
    let day = date_in(at, &of.zone)?;
    let (index, begins) = (of.schedule()?.index_of(day)?, of.schedule()?.period(0)?.start);
    let in_period = |of: &Subscription, index, rejected: Option<&'static str>| {
        let charged = of.terms.charges.iter().any(|charge| charge.metric == metric);
        let rejected = rejected.or((!charged).then_some("not_charged"));
        Ok(Counted { of: of.id, period: of.schedule()?.period(index)?, rejected })
    };
    if index >= 0 {
        // The invoice that gathers bills the period that runs, and what came late of the one before.
        return in_period(of, index, (index < of.next_period_index - 2).then_some("too_late"));
    }
    let before = chain(tx, of).await?.into_iter().skip(1);
    for before in before {
        let index = before.schedule()?.index_of(day)?;
        if index >= 0 {
            let open = of.next_period_index <= 1 && before.schedule()?.period(index)?.end >= begins;
            return in_period(&before, index, (!open).then_some("too_late"));
        }
    }
    in_period(of, index, Some("before_subscription"))
}

async fn record(tx: &mut TenantTx, of: &Subscription, event: &ReportUsage) -> Answer<Outcome> {
    let Counted { of, period, rejected } = counted_in(tx, of, &event.metric, event.occurred_at).await?;
    let (start, end) = (date_text(period.start), date_text(period.end));
    let new = NewUsage {
        metric: &event.metric,
        event_id: &event.event_id,
        quantity: event.quantity,
        occurred_at: event.occurred_at,
        period_start: &start,
        period_end: &end,
        rejected,
    };
    if usage_record(tx, of, &new).await? {
        return Ok(rejected.map_or(Outcome::Accepted, Outcome::Rejected));
    }
    let known = usage_event_of(tx, &event.metric, &event.event_id).await?;
    let known = known.ok_or(StoreError::Corrupt("usage_events"))?;
    let same = known.quantity == event.quantity && known.occurred_at == event.occurred_at;
    Ok(if same { Outcome::Duplicate } else { Outcome::Differs })
}

/// Stores what was reported. All events are looked at first: where one of them cannot be, nothing is stored.
pub async fn report_in(tx: &mut TenantTx, events: &[ReportUsage]) -> Answer<Vec<Outcome>> {
    let Some(subscription) = subscription_active(tx).await? else {
        return Err(ApiError::new(ErrorCode::Conflict).with_text("money.no_subscription", Vec::new()));
    };
    let errors = errors_of(events, &subscription, tx.now());
    if !errors.is_empty() {
        return Err(errors.into());
    }
    // In one order, so that two reports at once do not wait for each other.
    let mut order: Vec<usize> = (0..events.len()).collect();
    order.sort_by_key(|at| events.get(*at).map(|event| (&event.metric, &event.event_id)));
    let mut outcomes = vec![Outcome::Duplicate; events.len()];
    for at in order {
        if let (Some(event), Some(outcome)) = (events.get(at), outcomes.get_mut(at)) {
            *outcome = record(tx, &subscription, event).await?;
        }
    }
    affordable(tx, &subscription).await?;
    let count = |of: Outcome| outcomes.iter().filter(|outcome| outcome.as_str() == of.as_str()).count();
    let detail = json!({
        "accepted": count(Outcome::Accepted),
        "duplicate": count(Outcome::Duplicate),
        "differs": count(Outcome::Differs),
        "rejected": count(Outcome::Rejected("")),
    });
    let subject = subscription.id.to_string();
    audit_append(tx, AuditAction::UsageReported, "subscription", &subject, detail).await?;
    Ok(outcomes)
}

/// Refuses use that no invoice could bill: it is said to who reports it, and not found when the invoice is due.
async fn affordable(tx: &TenantTx, of: &Subscription) -> Answer<()> {
    let mut sum = of.terms.fee;
    for meter in usage_meters_to_rate(tx, of.id).await? {
        let charge = of.terms.charges.iter().find(|charge| charge.metric == meter.metric);
        let Some(charge) = charge else { continue };
        let priced = charge.pricing.amount(meter.quantity).ok();
        let with = priced.and_then(|priced| sum.add(priced.total).ok());
        sum = with.filter(|sum| sum.get() <= MAX_FEN).ok_or_else(|| {
            let (en, zh) = (
                "with what was reported before this is more than an invoice can bill",
                "加上此前上报的用量，已超出一张账单的上限",
            );
            ApiError::field(FieldError::new("events", "too_much", en, zh))
        })?;
    }
    Ok(())
}

/// Counts a paid order, where the merchant's plan charges for them.
pub async fn count_order_in(tx: &mut TenantTx, order: &str, paid_at: Timestamp) -> Answer<()> {
    let Some(subscription) = subscription_active(tx).await? else { return Ok(()) };
    if !subscription.terms.charges.iter().any(|charge| charge.metric == ORDERS) {
        return Ok(());
    }
    let (metric, event_id) = (ORDERS.to_owned(), order.to_owned());
    record(tx, &subscription, &ReportUsage { metric, event_id, quantity: 1, occurred_at: paid_at }).await?;
    Ok(())
}

fn line(charge: &Charge, of: &Subscription, meter: &UsageMeter) -> Answer<UsageLine> {
    let priced = charge.pricing.amount(meter.quantity)?;
    let (net, tax) = (Fen::new(meter.rated_net_fen), Fen::new(meter.rated_tax_fen));
    let before = LineAmounts { net, tax, total: net.add(tax)? };
    let last = parse_date(&meter.period_end)?.yesterday().map_err(|_| BillingError::Date)?;
    let (from, part) = (&meter.period_start, meter.parts + 1);
    let (late_zh, late_en) = if part > 1 { ("，补计", ", counted late") } else { ("", "") };
    Ok(UsageLine {
        id: None,
        metric: meter.metric.clone(),
        period_start: meter.period_start.clone(),
        period_end: meter.period_end.clone(),
        part,
        description_zh: format!("{}，{from} 至 {last}{late_zh}", charge.name_zh),
        description_en: format!("{}, {from} to {last}{late_en}", charge.name_en),
        quantity: meter.quantity,
        billed_before: before.total,
        amounts: LineAmounts::inside(priced.total, of.terms.tax_ppm)?.less(before)?,
        steps: priced.steps,
        tax_ppm: of.terms.tax_ppm,
    })
}

/// What the invoice of the period that begins on `upto` bills of use in periods before it, beside `fee`. What gives money
/// back waits for an invoice that is large enough.
async fn found(
    tx: &TenantTx,
    of: &Subscription,
    fee: LineAmounts,
    upto: &str,
) -> Answer<Vec<(UsageMeter, UsageLine)>> {
    let mut found = Vec::new();
    for each in chain(tx, of).await? {
        for meter in usage_meters_to_rate(tx, each.id).await? {
            let charge = each.terms.charges.iter().find(|charge| charge.metric == meter.metric);
            // Dates in this form are in order as texts. Of a plan before this one no period runs any more.
            let over = each.id != of.id || meter.period_end.as_str() <= upto;
            if let Some(charge) = charge.filter(|_| over) {
                let line = line(charge, &each, &meter)?;
                found.push((meter, line));
            }
        }
    }
    found.sort_by_key(|(_, line)| line.amounts.total < Fen::ZERO);
    let (mut sum, mut lines) = (fee, Vec::with_capacity(found.len()));
    for (meter, line) in found {
        let with = sum.plus(line.amounts)?;
        if [with.net, with.tax, with.total].iter().all(|fen| *fen >= Fen::ZERO) {
            sum = with;
            lines.push((meter, line));
        }
    }
    lines.sort_by(|(a, _), (b, _)| (&a.period_start, &a.metric).cmp(&(&b.period_start, &b.metric)));
    Ok(lines)
}

/// The lines that an invoice would have if it were issued now.
pub(super) async fn preview(
    tx: &TenantTx,
    of: &Subscription,
    fee: LineAmounts,
    upto: &str,
) -> Answer<Vec<UsageLine>> {
    Ok(found(tx, of, fee, upto).await?.into_iter().map(|(_, line)| line).collect())
}

/// Adds the lines to the invoice that is issued, and answers with their sum.
pub(super) async fn bill_in(
    tx: &mut TenantTx,
    of: &Subscription,
    invoice: InvoiceId,
    fee: LineAmounts,
    upto: &str,
) -> Answer<LineAmounts> {
    let mut sum = LineAmounts::default();
    for (meter, line) in found(tx, of, fee, upto).await? {
        usage_meter_rate(tx, &meter, line.amounts.net.get(), line.amounts.tax.get()).await?;
        usage_line_insert(tx, invoice, meter.subscription, &line).await?;
        sum = sum.plus(line.amounts)?;
    }
    Ok(sum)
}

/// Meters of a merchant, with its running subscription: its own, or one of the provider's merchants'.
pub async fn meters(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    merchant: Option<TenantId>,
) -> Answer<(Option<Subscription>, Vec<UsageMeter>)> {
    whole_merchant(grant)?;
    let ctx = match (grant.ctx().kind(), merchant) {
        (Surface::Merchant, _) => grant.ctx().clone(),
        (_, Some(merchant)) => grant.on_merchant(&state.db, merchant).await?.ctx().clone(),
        _ => return Err(ApiError::field(FieldError::required("merchant_id"))),
    };
    let tx = state.db.read(&ctx).await?;
    Ok((subscription_active(&tx).await?, usage_meter_list(&tx).await?))
}

/// Events, newest first: a merchant's own, or those of the provider's merchants.
pub async fn events(
    state: &AppState,
    grant: &Grant<perm::BillingRead>,
    merchant: Option<TenantId>,
    metric: Option<&str>,
    page: PageRequest,
) -> Answer<Page<UsageEvent>> {
    whole_merchant(grant)?;
    if grant.ctx().kind() == Surface::Merchant {
        let tx = state.db.read(grant.ctx()).await?;
        return Ok(usage_event_list(&tx, metric, page).await?);
    }
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    Ok(usage_event_list_by_provider(&tx, merchant, metric, page).await?)
}
