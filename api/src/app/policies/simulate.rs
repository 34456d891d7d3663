//! The calendar ahead, and what would hold: "on this day, for this merchant, with these scores: what applies and why".
//! Only reads.

use super::{installation_rule, rules_for};
use crate::app::channels::raise::day_of;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::access::Surface;
use qianpu_domain::billing;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ShopId, TenantId};
use qianpu_domain::policy::{
    self, PhaseCalendar, PhaseNow, PolicyKind, PolicyRule, PolicyScope, Quota, Raise, RaiseProgress,
    RaiseStanding, RaiseTurn, RuleId, next_standing, raise_progress, raise_terms,
};
use qianpu_domain::score::{DayScore, LEAST, MOST, ShopScores};
use qianpu_domain::subject::SubjectKind;
use qianpu_domain::time::{Date, Timestamp};
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::channel_account::account_count;
use qianpu_tenants::store::shop::{Shop, shop_list};
use qianpu_tenants::store::shop_score::{LinkStanding, link_standing_get, score_list};
use qianpu_tenants::store::tenant::tenant_get;

/// How far ahead may be asked.
const FURTHEST_DAYS: i32 = 400;
/// Shops of an answer.
const MOST_SHOPS: u64 = 20;
/// The longest that scores are looked back at.
const MOST_SCORES: u64 = 366;

/// A row that begins or ends.
#[derive(Debug, Clone)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// It begins; else it ends.
    pub begins: bool,
    /// The row.
    pub rule: PolicyRule,
}

/// What begins and ends from now on, soonest first.
pub async fn calendar(state: &AppState, grant: &Grant<perm::PolicyRead>) -> Answer<Vec<Change>> {
    let now = state.clock().now();
    let mut changes = Vec::new();
    for rule in rules_for(&state.db, grant.ctx(), now).await? {
        if rule.effective_from > now {
            changes.push(Change { at: rule.effective_from, begins: true, rule: rule.clone() });
        }
        if let Some(at) = rule.effective_to.filter(|at| *at > now) {
            changes.push(Change { at, begins: false, rule });
        }
    }
    changes.sort_by(|one, other| (one.at, &one.rule.id).cmp(&(other.at, &other.rule.id)));
    Ok(changes)
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The merchant; a merchant asks about itself.
    pub merchant: Option<TenantId>,
    /// The day.
    pub day: Date,
    /// The score that each day from today on is taken to have, in hundredths; else the last one is carried.
    pub score: Option<u32>,
}

/// A rule that applies.
#[derive(Debug, Clone)]
pub struct Applies {
    /// The row that decides on the day.
    pub rule: PolicyRule,
    /// The row that decides now, when it is another.
    pub instead_of: Option<RuleId>,
    /// Rows that hold on the day too, and give way.
    pub over: Vec<RuleId>,
}

/// What holds for a shop.
#[derive(Debug, Clone)]
pub struct ShopThen {
    pub id: ShopId,
    pub name: String,
    /// By kind of account.
    pub quotas: Vec<(&'static str, Quota, PhaseNow)>,
    /// Where it stands with the raised quota.
    pub standing: RaiseStanding,
    /// How far it is.
    pub progress: RaiseProgress,
    /// What happens on the way there.
    pub turns: Vec<(Date, RaiseTurn)>,
}

/// The answer.
#[derive(Debug, Clone)]
pub struct Then {
    pub day: Date,
    pub rules: Vec<Applies>,
    pub shops: Vec<ShopThen>,
}

async fn merchant_of(
    state: &AppState,
    grant: &Grant<perm::PolicyRead>,
    asked: Option<TenantId>,
) -> Answer<TenantCtx> {
    match (grant.ctx().kind(), asked) {
        (Surface::Merchant, None) => Ok(grant.ctx().clone()),
        (Surface::Merchant, Some(merchant)) if merchant == grant.ctx().tenant() => Ok(grant.ctx().clone()),
        (Surface::Provider, Some(merchant)) => {
            Ok(grant.on_merchant(&state.db, merchant).await?.ctx().clone())
        }
        (Surface::Provider, None) => Err(FieldError::required("merchant_id").into()),
        _ => Err(ApiError::not_found()),
    }
}

/// What applies to a merchant on a day, and why.
pub async fn simulate(
    state: &AppState,
    grant: &Grant<perm::PolicyRead>,
    question: &Question,
) -> Answer<Then> {
    let ctx = merchant_of(state, grant, question.merchant).await?;
    let now = state.clock().now();
    let today = day_of(state, now)?;
    check(question, today)?;
    let zone = &state.config.app.time_zone;
    // Today is from now on; a later day is from its beginning.
    let moment = |day: Date| -> Answer<Timestamp> {
        if day <= today { Ok(now) } else { billing::start_of_day(day, zone).map_err(ApiError::internal) }
    };
    let mut rules = rules_for(&state.db, &ctx, now).await?;
    rules.push(installation_rule(state));
    let provider = ctx.provider().ok_or_else(ApiError::not_found)?;
    let calendar = Calendar { rules: &rules, provider, merchant: ctx.tenant() };
    let at = moment(question.day)?;
    let phases = PhaseCalendar::new(&rules, provider, ctx.tenant());
    let single = PolicyKind::ALL.iter().filter(|kind| **kind != PolicyKind::ChannelPhase);
    let mut applies: Vec<Applies> = single.filter_map(|kind| calendar.applies(*kind, now, at)).collect();
    // Such rows decide each for the kinds of accounts that they name.
    let deciding = rules.iter().filter(|rule| phases.decides(rule, at)).cloned();
    applies.extend(deciding.map(|rule| Applies { rule, instead_of: None, over: Vec::new() }));

    let tx = state.db.read(&ctx).await?;
    let subject = tenant_get(&tx).await?.subject_kind;
    let subject = subject.as_deref().and_then(SubjectKind::from_text).unwrap_or(SubjectKind::Personal);
    let tomorrow = today.tomorrow().map_err(ApiError::internal)?;
    let mut shops = Vec::new();
    let found = shop_list(&tx, grant.shops().as_deref(), PageRequest::first(MOST_SHOPS)).await?.items;
    for shop in found {
        let kept = link_standing_get(&tx, shop.id).await?;
        let known = score_list(&tx, shop.id, tomorrow, MOST_SCORES).await?;
        let known: Vec<DayScore> = known.into_iter().map(|row| row.score).collect();
        let since = shop.trading_at.map(|at| billing::date_in(at, zone)).transpose();
        let walk = Walk {
            today,
            trading_since: since.map_err(ApiError::internal)?,
            subject,
            scores: &with_assumed(&known, today, question),
        };
        let (standing, progress, turns) = walk.to(question.day, kept.as_ref(), |day| {
            calendar.rule(PolicyKind::LinkQuotaRaise, moment(day)?).cloned()
        })?;
        let raise_rule = calendar.rule(PolicyKind::LinkQuotaRaise, at)?;
        let terms = raise_terms(raise_rule).map_err(|error| ApiError::refused(error.code(), error))?;
        let raise =
            standing.holds(question.day).then(|| Raise { limit: terms.limit, rule: raise_rule.id.clone() });
        let usual = calendar.rule(PolicyKind::LinkQuota, at)?;
        let mut quotas = Vec::new();
        for kind in qianpu_host::channels().into_iter().flat_map(|channel| channel.info().kinds) {
            let used = account_count(&tx, shop.id, kind.code).await?;
            let quota = policy::quota(used, subject, kind.code, usual, raise.as_ref())
                .map_err(|error| ApiError::refused(error.code(), error))?;
            quotas.push((kind.code, quota, phases.phase(kind.code, at)));
        }
        let Shop { id, name, .. } = shop;
        shops.push(ShopThen { id, name, quotas, standing, progress, turns });
    }
    Ok(Then { day: question.day, rules: applies, shops })
}

fn check(question: &Question, today: Date) -> Answer<()> {
    let furthest = today.saturating_add(jiff::Span::new().days(FURTHEST_DAYS));
    if question.day < today || question.day > furthest {
        let (en, zh) = (format!("from {today} to {furthest}"), format!("应在 {today} 到 {furthest} 之间"));
        return Err(FieldError::new("day", "range", en, zh).into());
    }
    if question.score.is_some_and(|score| !(LEAST..=MOST).contains(&score)) {
        let (en, zh) = ("between 1.00 and 5.00, in hundredths", "应在 1.00 到 5.00 之间");
        return Err(FieldError::new("score", "range", en, zh).into());
    }
    Ok(())
}

/// The scores newest first, with the assumed ones from today on.
fn with_assumed(known: &[DayScore], today: Date, question: &Question) -> Vec<DayScore> {
    let Some(mark) = question.score else { return known.to_vec() };
    let scores = ShopScores { description: mark, service: mark, logistics: mark };
    let mut all: Vec<DayScore> = today
        .series(jiff::Span::new().days(1))
        .take_while(|day| *day < question.day)
        .map(|day| DayScore { day, scores })
        .collect();
    all.reverse();
    all.extend(known.iter().filter(|score| score.day < today));
    all
}

struct Calendar<'a> {
    rules: &'a [PolicyRule],
    provider: TenantId,
    merchant: TenantId,
}

impl Calendar<'_> {
    fn rule(&self, kind: PolicyKind, at: Timestamp) -> Answer<&PolicyRule> {
        policy::resolve(self.rules, kind, self.provider, self.merchant, at)
            .map_err(|error| ApiError::refused(error.code(), error))
    }

    fn applies(&self, kind: PolicyKind, now: Timestamp, at: Timestamp) -> Option<Applies> {
        let rule = self.rule(kind, at).ok()?.clone();
        let instead_of = self.rule(kind, now).ok().map(|was| was.id.clone()).filter(|was| *was != rule.id);
        let mine = |scope: PolicyScope| match scope {
            PolicyScope::Platform => true,
            PolicyScope::Provider(tenant) => tenant == self.provider,
            PolicyScope::Merchant(tenant) => tenant == self.merchant,
        };
        let over = self
            .rules
            .iter()
            .filter(|other| other.params.kind() == kind && other.holds_at(at) && mine(other.scope))
            .filter(|other| other.id != rule.id)
            .map(|other| other.id.clone())
            .collect();
        Some(Applies { rule, instead_of, over })
    }
}

/// The daily looks from today to a day, as they will be if nothing else happens.
struct Walk<'a> {
    today: Date,
    trading_since: Option<Date>,
    subject: SubjectKind,
    scores: &'a [DayScore],
}

/// Where a shop stands then, how far it is, and what happened on the way.
type Walked = (RaiseStanding, RaiseProgress, Vec<(Date, RaiseTurn)>);

impl Walk<'_> {
    fn to(
        &self,
        until: Date,
        kept: Option<&LinkStanding>,
        rule: impl Fn(Date) -> Answer<PolicyRule>,
    ) -> Answer<Walked> {
        let mut standing = kept.map_or(RaiseStanding::STANDARD, |kept| kept.standing);
        let mut turns = Vec::new();
        let look = |day: Date| -> Answer<_> {
            let terms = raise_terms(&rule(day)?).map_err(|error| ApiError::refused(error.code(), error))?;
            let past = self.scores.iter().position(|score| score.day < day).unwrap_or(self.scores.len());
            let scores = self.scores.get(past..).unwrap_or_default();
            Ok((raise_progress(scores, self.trading_since, self.subject, day, &terms), terms))
        };
        for day in self.today.series(jiff::Span::new().days(1)).take_while(|day| *day <= until) {
            let (progress, terms) = look(day)?;
            let (next, turn) = next_standing(standing, progress.met, day, &terms);
            standing = next;
            turns.extend(turn.map(|turn| (day, turn)));
        }
        Ok((standing, look(until)?.0, turns))
    }
}
