//! The form of a freight template.

use super::{after, area_text, charge, of_account, unit};
use crate::app::shop_desk::freight::{self, TypedArea, TypedFree, TypedRule, TypedTemplate};
use crate::error::ApiError;
use crate::http::console::apply::may_be_mended;
use crate::http::console::goods::yuan_text;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::error::FieldError;
use qianpu_domain::freight::{HOURS, MOST_FREE, MOST_RULES};
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::money::Fen;
use qianpu_sdk::FreightTemplate;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let template = "/console/merchant/channel_accounts/{channel_account_id}/desk/template";
    pages.get(template, freight_template_page);
    pages.post(template, save_freight_template_form);
}

#[derive(Deserialize, IntoParams)]
struct Which {
    id: Option<String>,
}

/// A place for a price or a condition.
#[derive(Serialize)]
struct Place {
    /// What the names of its fields begin with.
    field: String,
    number: usize,
    open: bool,
}

#[derive(Serialize)]
struct TemplateView {
    form: FormView,
    id: Option<String>,
    /// `new` or `edit`.
    act: &'static str,
    at: String,
    back: String,
    charges: [&'static str; 3],
    units: [&'static str; 2],
    hours: [u32; 3],
    rules: Vec<Place>,
    free: Vec<Place>,
}

fn filled(one: &FreightTemplate) -> FormView {
    let mut values = vec![
        ("name".to_owned(), one.name.clone()),
        ("charge".to_owned(), charge(&one.charge).to_owned()),
        ("unit".to_owned(), unit(&one.unit).to_owned()),
        ("ships_within_hours".to_owned(), one.ships_within_hours.map(|h| h.to_string()).unwrap_or_default()),
        ("default".to_owned(), if one.default { "1".to_owned() } else { String::new() }),
        ("not_to".to_owned(), area_text(&one.not_to)),
    ];
    let mut rules = one.rules.clone();
    rules.sort_by_key(|rule| !rule.areas.is_empty());
    for (index, rule) in rules.iter().enumerate() {
        let mut put = |name: &str, value: String| values.push((format!("rules[{index}].{name}"), value));
        put("areas", area_text(&rule.areas));
        put("first", rule.first.to_string());
        put("first_price", yuan_text(rule.first_price));
        put("more", rule.more.to_string());
        put("more_price", yuan_text(rule.more_price));
    }
    for (index, free) in one.free_from.iter().enumerate() {
        let mut put = |name: &str, value: String| values.push((format!("free_from[{index}].{name}"), value));
        put("areas", area_text(&free.areas));
        put("quantity", free.quantity.map(|quantity| quantity.to_string()).unwrap_or_default());
        put("amount", free.amount.map(yuan_text).unwrap_or_default());
    }
    FormView::filled(values)
}

fn places(list: &str, used: usize, most: usize, from: usize) -> Vec<Place> {
    let place = |index: usize| Place {
        field: format!("{list}[{index}]"),
        number: index + 1 - from,
        open: index < used,
    };
    (from..(used.max(from) + 2).min(most)).map(place).collect()
}

/// How many rows of a list were filled in: the last one with anything in it.
fn rows(fields: &Fields, list: &str) -> usize {
    let begins = format!("{list}[");
    let index = |(name, value): &(String, String)| {
        let index = name.strip_prefix(&begins)?.split_once(']')?.0.parse::<usize>().ok()?;
        (index < 100 && !value.trim().is_empty()).then_some(index)
    };
    fields.0.iter().filter_map(index).max().map_or(0, |last| last + 1)
}

fn view(account: ChannelAccountId, id: Option<String>, form: FormView, used: (usize, usize)) -> TemplateView {
    let back = of_account(account);
    TemplateView {
        form,
        act: if id.is_some() { "edit" } else { "new" },
        id,
        at: format!("{back}/template"),
        back,
        charges: ["free", "free_from", "charged"],
        units: ["piece", "weight"],
        hours: HOURS,
        rules: places("rules", used.0, MOST_RULES + 1, 1),
        free: places("free_from", used.1, MOST_FREE, 0),
    }
}

async fn freight_template_page(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Query<Which>)>,
) -> PageAnswer {
    let (Path(account), Query(which)) = &auth.input;
    let there = match freight::list(&auth.state, &auth.grant, *account).await {
        Ok(there) => there.items,
        Err(error) => return after::<_, _, ()>(&auth, *account, Err(error), "shop_desk.saved"),
    };
    let (form, used) = match &which.id {
        None => {
            let values = [
                ("charge", "charged"),
                ("unit", "piece"),
                ("ships_within_hours", "48"),
                ("rules[0].first", "1"),
                ("rules[0].more", "1"),
            ];
            (FormView::filled(values.map(|(name, value)| (name, value.to_owned()))), (1, 0))
        }
        Some(id) => {
            let known = there.iter().find(|one| one.template_id.as_ref() == Some(id));
            let known = known.ok_or_else(ApiError::not_found)?;
            (filled(known), (known.rules.len(), known.free_from.len()))
        }
    };
    let page = view(*account, which.id.clone(), form, used);
    auth.page("shop_desk/template", page)
}

fn areas(text: &str) -> Vec<TypedArea> {
    let line = |line: &str| {
        let mut parts = line.split_whitespace().map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        let (province, city, district) = (next(), next(), next());
        TypedArea { province, city, district }
    };
    text.split(['\n', ',', '，', ';', '；', '、']).filter(|one| !one.trim().is_empty()).map(line).collect()
}

/// What was typed, and in which row of the form each price and condition stands.
struct Typed {
    template: TypedTemplate,
    rules: Vec<usize>,
    free: Vec<usize>,
}

fn typed(fields: &Fields) -> Result<Typed, Vec<FieldError>> {
    let mut errors = Vec::new();
    let text = |name: &str| fields.text(name).to_owned();
    let (mut rules, mut rule_rows) = (Vec::new(), Vec::new());
    for index in 0..rows(fields, "rules") {
        let at = |name: &str| format!("rules[{index}].{name}");
        // A row whose areas are empty is one that nobody filled in; the first is for everywhere else.
        if index > 0 && fields.text(&at("areas")).is_empty() {
            continue;
        }
        let zero = Fen::new(0);
        rules.push(TypedRule {
            areas: if index == 0 { Vec::new() } else { areas(fields.text(&at("areas"))) },
            first: fields.whole(&at("first"), &mut errors).unwrap_or(0),
            first_price: fields.yuan(&at("first_price"), &mut errors).unwrap_or(zero),
            more: fields.whole(&at("more"), &mut errors).unwrap_or(0),
            more_price: fields.yuan(&at("more_price"), &mut errors).unwrap_or(zero),
        });
        rule_rows.push(index);
    }
    let (mut free, mut free_rows) = (Vec::new(), Vec::new());
    for index in 0..rows(fields, "free_from") {
        let at = |name: &str| format!("free_from[{index}].{name}");
        if ["areas", "quantity", "amount"].iter().all(|name| fields.text(&at(name)).is_empty()) {
            continue;
        }
        free.push(TypedFree {
            areas: areas(fields.text(&at("areas"))),
            quantity: fields.whole(&at("quantity"), &mut errors),
            amount: fields.yuan(&at("amount"), &mut errors),
        });
        free_rows.push(index);
    }
    let template = TypedTemplate {
        template_id: Some(text("id")).filter(|id| !id.is_empty()),
        name: text("name"),
        charge: text("charge"),
        unit: text("unit"),
        ships_within_hours: fields.parsed("ships_within_hours", &mut errors),
        default: !fields.text("default").is_empty(),
        rules,
        free_from: free,
        not_to: areas(fields.text("not_to")),
    };
    if errors.is_empty() { Ok(Typed { template, rules: rule_rows, free: free_rows }) } else { Err(errors) }
}

/// Puts errors to the rows of the form: rows that were left empty are not counted by the use case.
fn at_rows(error: ApiError, typed: &Typed) -> ApiError {
    let moved = |wrong: &FieldError| {
        let placed = |list: &str, rows: &[usize]| {
            let (index, rest) = wrong.path.strip_prefix(list)?.strip_prefix('[')?.split_once(']')?;
            let row = rows.get(index.parse::<usize>().ok()?)?;
            Some(format!("{list}[{row}]{rest}"))
        };
        let path = placed("rules", &typed.rules)
            .or_else(|| placed("free_from", &typed.free))
            .unwrap_or_else(|| wrong.path.clone());
        FieldError { path, ..wrong.clone() }
    };
    let mended: Vec<FieldError> = error.errors().iter().map(moved).collect();
    if mended.is_empty() { error } else { error.with_fields(mended) }
}

async fn save_freight_template_form(
    auth: Authed<perm::ShopDeskManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(account), fields) = &auth.input;
    let done = match typed(fields) {
        Ok(typed) => freight::save(&auth.state, &auth.grant, *account, &typed.template)
            .await
            .map_err(|error| at_rows(error, &typed)),
        Err(errors) => Err(errors.into()),
    };
    match done {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("shop_desk.saved"), &of_account(*account))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let id = Some(fields.text("id").to_owned()).filter(|id| !id.is_empty());
            let used = (rows(fields, "rules"), rows(fields, "free_from"));
            let page = view(*account, id, form, used);
            auth.refused_page("shop_desk/template", page)
        }
        Err(error) => after::<_, _, ()>(&auth, *account, Err(error), "shop_desk.saved"),
    }
}
