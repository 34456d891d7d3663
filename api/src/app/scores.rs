//! Scores of shops. No interface of a platform hands them out, so the provider's people or programs record them, shop
//! by shop or with a file; a day can be corrected. What follows from them is looked at once a day
//! ([`super::channels::raise`]).

mod file;

pub use file::{COLUMNS, Outcome, record_file, template};

use super::channels::raise;
use super::shops::suspension::name_of;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::ShopId;
use qianpu_domain::score::{DayScore, LEAST, MOST, ShopScores};
use qianpu_domain::time::{Date, Timestamp};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::shop::{Shop, shop_get, shop_get_by_provider};
use qianpu_tenants::store::shop_score::{RecordedScore, score_list, score_put};
use serde_json::json;

/// Days recorded by one call.
pub const MOST_DAYS: usize = 100;
/// Days shown.
const SHOWN: u64 = 31;
/// A day further back decides nothing.
const OLDEST_DAYS: i32 = 400;

/// The context of the merchant whose shop it is. A merchant reads its own; a provider those of its merchants.
async fn of_shop(state: &AppState, grant: &Grant<perm::ShopRead>, shop: ShopId) -> Answer<(TenantCtx, Shop)> {
    let found = super::shops::get(state, grant, shop).await?;
    let ctx = match grant.ctx().kind() {
        Surface::Merchant => grant.ctx().clone(),
        _ => grant.on_merchant(&state.db, found.tenant).await?.ctx().clone(),
    };
    Ok((ctx, found))
}

/// The same for who records them.
async fn to_record(state: &AppState, grant: &Grant<perm::ShopScoreWrite>, shop: ShopId) -> Answer<TenantCtx> {
    if grant.ctx().kind() != Surface::Provider {
        return Err(ApiError::not_found());
    }
    let tx = state.db.read_provider(&grant.provider_ctx()?).await?;
    let tenant = shop_get_by_provider(&tx, shop).await?.tenant;
    drop(tx);
    Ok(grant.on_merchant(&state.db, tenant).await?.ctx().clone())
}

/// The days of a shop, newest first, with where the shop stands.
pub async fn list(
    state: &AppState,
    grant: &Grant<perm::ShopRead>,
    shop: ShopId,
) -> Answer<(Vec<RecordedScore>, raise::RaiseView)> {
    let (ctx, shop) = of_shop(state, grant, shop).await?;
    read(state, &ctx, shop.id).await
}

async fn read(
    state: &AppState,
    ctx: &TenantCtx,
    shop: ShopId,
) -> Answer<(Vec<RecordedScore>, raise::RaiseView)> {
    let tomorrow = raise::day_of(state, state.clock().now())?.tomorrow().map_err(ApiError::internal)?;
    let tx = state.db.read(ctx).await?;
    let days = score_list(&tx, shop, tomorrow, SHOWN).await?;
    drop(tx);
    Ok((days, raise::of_shop(state, ctx, shop).await?))
}

/// A day as somebody wrote it.
#[derive(Debug, Clone)]
pub struct TypedDay {
    /// `2026-03-01`.
    pub day: String,
    /// Its marks.
    pub scores: ShopScores,
}

/// Records days of a shop: all of them, or none when one is wrong.
pub async fn record(
    state: &AppState,
    grant: &Grant<perm::ShopScoreWrite>,
    shop: ShopId,
    typed: &[TypedDay],
    source: &'static str,
) -> Answer<(Vec<RecordedScore>, raise::RaiseView)> {
    let ctx = to_record(state, grant, shop).await?;
    if typed.is_empty() || typed.len() > MOST_DAYS {
        let (en, zh) = (format!("1 to {MOST_DAYS} days"), format!("应为 1 到 {MOST_DAYS} 天"));
        return Err(FieldError::new("days", "range", en, zh).into());
    }
    let today = raise::day_of(state, state.clock().now())?;
    let mut errors = Vec::new();
    let mut days = Vec::with_capacity(typed.len());
    for (index, one) in typed.iter().enumerate() {
        let path = |field: &str| format!("days[{index}].{field}");
        if let Ok(day) = one.day.trim().parse() {
            let day = DayScore { day, scores: one.scores };
            check(&day, today, path, &mut errors);
            days.push(day);
        } else {
            let (en, zh) = ("expected YYYY-MM-DD", "日期格式应为 YYYY-MM-DD");
            errors.push(FieldError::new(path("day"), "invalid", en, zh));
        }
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let mut tx = state.db.begin(&ctx).await?;
    put(&mut tx, shop, &days, source).await?;
    tx.commit().await?;
    read(state, &ctx, shop).await
}

async fn put(tx: &mut TenantTx, shop: ShopId, days: &[DayScore], source: &'static str) -> Answer<()> {
    shop_get(tx, shop).await?;
    let by = name_of(tx.ctx());
    for day in days {
        score_put(tx, shop, day, source, &by).await?;
    }
    raise::ensure_in(tx).await?;
    let told: Vec<_> = days
        .iter()
        .map(|day| {
            let marks = day.scores;
            json!([day.day.to_string(), marks.description, marks.service, marks.logistics])
        })
        .collect();
    let detail = json!({ "source": source, "days": told });
    audit_append(tx, AuditAction::ShopScoreRecorded, "shop", &shop.to_string(), detail).await?;
    Ok(())
}

fn check(day: &DayScore, today: Date, path: impl Fn(&str) -> String, errors: &mut Vec<FieldError>) {
    let ShopScores { description, service, logistics } = day.scores;
    for (name, mark) in [("description", description), ("service", service), ("logistics", logistics)] {
        if !(LEAST..=MOST).contains(&mark) {
            let (en, zh) = ("between 1.00 and 5.00, in hundredths", "应在 1.00 到 5.00 之间");
            errors.push(FieldError::new(path(name), "range", en, zh));
        }
    }
    if day.day > today {
        let (en, zh) = ("not in the future", "不能晚于今天");
        errors.push(FieldError::new(path("day"), "future", en, zh));
    }
    let oldest = today.saturating_sub(jiff::Span::new().days(OLDEST_DAYS));
    if day.day < oldest {
        let (en, zh) = (format!("not before {oldest}"), format!("不能早于 {oldest}"));
        errors.push(FieldError::new(path("day"), "past", en, zh));
    }
}

/// Looks now at what is looked at every day.
pub async fn evaluate(
    state: &AppState,
    grant: &Grant<perm::ShopScoreWrite>,
    shop: ShopId,
) -> Answer<raise::RaiseView> {
    let ctx = to_record(state, grant, shop).await?;
    raise::evaluate(state, &ctx, shop).await?;
    raise::of_shop(state, &ctx, shop).await
}

/// What a form begins with: yesterday, the last day that is complete.
pub fn yesterday(state: &AppState, now: Timestamp) -> Answer<Date> {
    raise::day_of(state, now)?.yesterday().map_err(ApiError::internal)
}
