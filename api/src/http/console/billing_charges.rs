//! What a plan charges for use: shown, added and taken out by the provider's staff. Each change is the plan's next version.

use super::apply::may_be_mended;
use super::billing::providers_only;
use crate::app::money::plans;
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::pages::lang::Lang;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::billing::{Charge, PlanTerms, Pricing, Step, Tier};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::PlanId;
use qianpu_domain::money::{Fen, MAX_FEN};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::plan::Plan;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const MODELS: [&str; 4] = ["per_unit", "graduated", "volume", "package"];
/// Digits after the point of a price of one unit in yuan: a fen for a million units.
const DIGITS: usize = 8;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/provider/plans/{plan_id}/charges", charges_page);
    pages.post("/console/provider/plans/{plan_id}/charges", add_charge_form);
    pages.post("/console/provider/plans/{plan_id}/charges/remove", remove_charge_form);
}

/// The price of one unit in yuan, with as many digits as it has: 4,500,000 fen for a million are `0.045`.
fn unit_price(price: Fen) -> String {
    let scale = 10_i64.pow(8);
    let text = format!("{}.{:08}", price.get() / scale, price.get() % scale);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The other way round. None when it is no such price.
fn parse_unit_price(text: &str) -> Option<Fen> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() > 7 || part.len() > DIGITS {
        return None;
    }
    let fen = format!("{whole}{part:0<DIGITS$}").parse().ok()?;
    (0..=MAX_FEN).contains(&fen).then_some(Fen::new(fen))
}

/// A charge, or a part of a line, in words.
#[derive(Serialize)]
pub(super) struct StepLine {
    /// `free`, `units`, `packages`, or `all` for what is not cut.
    kind: &'static str,
    /// Its first unit.
    from: i64,
    /// Its last unit; none without an end.
    to: Option<i64>,
    /// What it counts; none in a price list.
    count: Option<i64>,
    /// Yuan for one of them.
    price: String,
    /// Fen once.
    fee: i64,
}

fn step(kind: &'static str, (from, to): (i64, Option<i64>), price: Fen, fee: Fen) -> StepLine {
    StepLine { kind, from: from + 1, to, count: None, price: unit_price(price), fee: fee.get() }
}

fn free_first(free: i64) -> Option<StepLine> {
    (free > 0).then(|| step("free", (0, Some(free)), Fen::ZERO, Fen::ZERO))
}

fn price_list(pricing: &Pricing) -> Vec<StepLine> {
    match pricing {
        Pricing::PerUnit { free, price } => {
            free_first(*free).into_iter().chain([step("units", (*free, None), *price, Fen::ZERO)]).collect()
        }
        Pricing::Graduated { tiers } | Pricing::Volume { tiers } => {
            let starts = std::iter::once(0).chain(tiers.iter().filter_map(|tier| tier.up_to));
            let line = |(tier, from): (&Tier, i64)| step("units", (from, tier.up_to), tier.price, tier.fee);
            tiers.iter().zip(starts).map(line).collect()
        }
        Pricing::Package { free, size, fee } => {
            let package = StepLine {
                kind: "packages",
                count: Some(*size),
                ..step("packages", (*free, None), Fen::ZERO, *fee)
            };
            free_first(*free).into_iter().chain([package]).collect()
        }
    }
}

/// How a line's total came about.
pub(super) fn steps(pricing_of: &[Step]) -> Vec<StepLine> {
    let line = |one: &Step| {
        let packages = one.count != one.to - one.from;
        let kind = if packages { "packages" } else { "units" };
        StepLine { count: Some(one.count), ..step(kind, (one.from, Some(one.to)), one.price, one.fee) }
    };
    pricing_of.iter().map(line).collect()
}

/// A charge as pages show it.
#[derive(Serialize)]
pub(super) struct ChargeLine {
    metric: String,
    name: String,
    model: &'static str,
    prices: Vec<StepLine>,
}

pub(super) fn charge_lines(lang: Lang, charges: &[Charge]) -> Vec<ChargeLine> {
    let line = |charge: &Charge| ChargeLine {
        metric: charge.metric.clone(),
        name: lang.pick(&charge.name_zh, &charge.name_en).to_owned(),
        model: charge.pricing.model(),
        prices: price_list(&charge.pricing),
    };
    charges.iter().map(line).collect()
}

#[derive(Debug, Deserialize, IntoParams)]
struct ModelQuery {
    model: Option<String>,
}

#[derive(Serialize)]
struct ChargesView {
    form: FormView,
    plan: String,
    back: String,
    at: String,
    charges: Vec<ChargeLine>,
    models: [&'static str; 4],
    model: &'static str,
}

fn model_of(word: Option<&str>) -> &'static str {
    MODELS.into_iter().find(|model| Some(*model) == word).unwrap_or("per_unit")
}

fn path(id: PlanId) -> String {
    format!("/console/provider/plans/{id}/charges")
}

async fn newest<T>(auth: &Authed<perm::PlanManage, T>, id: PlanId) -> Answer<Plan> {
    providers_only(auth)?;
    Ok(plans::get(&auth.state, &auth.caller.grant()?, id).await?.0)
}

fn view(lang: Lang, plan: &Plan, model: &'static str, form: FormView) -> ChargesView {
    ChargesView {
        form,
        plan: lang.pick(&plan.name_zh, &plan.name_en).to_owned(),
        back: format!("/console/provider/plans/{}", plan.id),
        at: path(plan.id),
        charges: charge_lines(lang, &plan.version.terms.charges),
        models: MODELS,
        model,
    }
}

async fn charges_page(auth: Authed<perm::PlanManage, (Path<PlanId>, Query<ModelQuery>)>) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let plan = newest(&auth, *id).await?;
    let model = model_of(query.model.as_deref());
    let view = view(auth.info.lang, &plan, model, FormView::default());
    auth.page("billing/charges", view)
}

fn unit_price_in(fields: &Fields, name: &str, errors: &mut Vec<FieldError>) -> Fen {
    let found = parse_unit_price(fields.text(name));
    if found.is_none() {
        let (en, zh) = (
            "yuan with at most 8 digits after the point, such as 0.045",
            "请填写单价（元），最多 8 位小数，例如 0.045",
        );
        errors.push(FieldError::new(name, "price", en, zh));
    }
    found.unwrap_or(Fen::ZERO)
}

/// One tier a line: last unit or `*`, price of a unit, fee.
fn tiers_in(fields: &Fields, errors: &mut Vec<FieldError>) -> Vec<Tier> {
    let tier = |line: &str| {
        let mut words = line.split_whitespace();
        let (end, price, fee) = (words.next()?, words.next()?, words.next().unwrap_or("0"));
        let up_to = if end == "*" { None } else { Some(end.parse().ok()?) };
        // A fee has fen at most, a price of a unit more digits.
        let fee = parse_unit_price(fee)?.get();
        let (fee, rest) = (fee / 1_000_000, fee % 1_000_000);
        (words.next().is_none() && rest == 0).then_some(Tier {
            up_to,
            price: parse_unit_price(price)?,
            fee: Fen::new(fee),
        })
    };
    let lines = fields.text("tiers").lines().filter(|line| !line.trim().is_empty());
    let found: Option<Vec<Tier>> = lines.map(tier).collect();
    let found = found.filter(|tiers| !tiers.is_empty());
    if found.is_none() {
        let (en, zh) =
            ("one tier a line: last unit or *, price of a unit, fee", "每行一级：上限（或 *）、单价、起步费");
        errors.push(FieldError::new("tiers", "invalid", en, zh));
    }
    found.unwrap_or_default()
}

fn read_charge(fields: &Fields, model: &str, errors: &mut Vec<FieldError>) -> Charge {
    let text = |name: &str| fields.text(name).to_owned();
    let pricing = match model {
        "graduated" => Pricing::Graduated { tiers: tiers_in(fields, errors) },
        "volume" => Pricing::Volume { tiers: tiers_in(fields, errors) },
        "package" => {
            let free = fields.whole("free", errors).unwrap_or_default();
            let known = errors.len();
            let (size, fee) = (fields.whole("size", errors), fields.yuan("package_fee", errors));
            for (name, given) in [("size", size.is_some()), ("package_fee", fee.is_some())] {
                if !given && !errors.iter().skip(known).any(|error| error.path == name) {
                    errors.push(FieldError::required(name));
                }
            }
            Pricing::Package { free, size: size.unwrap_or(1), fee: fee.unwrap_or(Fen::ZERO) }
        }
        _ => {
            let free = fields.whole("free", errors).unwrap_or_default();
            Pricing::PerUnit { free, price: unit_price_in(fields, "price_per_million", errors) }
        }
    };
    Charge { metric: text("metric"), name_zh: text("name_zh"), name_en: text("name_en"), pricing }
}

async fn publish<T>(auth: &Authed<perm::PlanManage, T>, plan: &Plan, charges: Vec<Charge>) -> Answer<()> {
    let terms = PlanTerms { charges, ..plan.version.terms.clone() };
    plans::add_version(&auth.state, &auth.grant, plan.id, &terms).await?;
    Ok(())
}

async fn add_charge_form(auth: Authed<perm::PlanManage, (Path<PlanId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let plan = newest(&auth, *id).await?;
    let model = model_of(Some(fields.text("model")));
    let mut errors = Vec::new();
    let charge = read_charge(fields, model, &mut errors);
    let done = if errors.is_empty() {
        let mut charges = plan.version.terms.charges.clone();
        charges.push(charge);
        // The last one is the form's; its fields stand there without their place among the charges.
        let place = format!("charges.{}.", charges.len() - 1);
        publish(&auth, &plan, charges).await.map_err(|error| {
            let mut named = error.errors().to_vec();
            for field in &mut named {
                field.path = field.path.strip_prefix(&place).unwrap_or(&field.path).to_owned();
            }
            error.with_fields(named)
        })
    } else {
        Err(errors.into())
    };
    match done {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("billing.charge_added"), &path(*id))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(auth.info.lang, &plan, model, form);
            auth.refused_page("billing/charges", view)
        }
        Err(error) => Err(error),
    }
}

async fn remove_charge_form(auth: Authed<perm::PlanManage, (Path<PlanId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let plan = newest(&auth, *id).await?;
    let metric = fields.text("metric");
    let (gone, charges): (Vec<_>, Vec<_>) =
        plan.version.terms.charges.iter().cloned().partition(|charge| charge.metric == metric);
    if !gone.is_empty() {
        publish(&auth, &plan, charges).await?;
    }
    Ok(auth.redirect_with(&Flash::success("billing.charge_removed"), &path(*id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_of_a_unit_has_as_many_digits_as_it_needs() {
        for (fen, text) in
            [(4_500_000, "0.045"), (0, "0"), (1, "0.00000001"), (100_000_000, "1"), (1_234_500_000, "12.345")]
        {
            assert_eq!(unit_price(Fen::new(fen)), text);
            assert_eq!(parse_unit_price(text), Some(Fen::new(fen)), "{text}");
        }
        for wrong in ["", ".", "1.", ".5", "-1", "1e3", "0.000000001", "1,000", "１", "10000000"] {
            assert_eq!(parse_unit_price(wrong), None, "{wrong}");
        }
    }
}
