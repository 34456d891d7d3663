//! Rules of listings: the merchant's for every account, an account's, and the exception of one listing.

use super::HOME;
use crate::app::channels::accounts;
use crate::app::listings::rules::{self, RuleView};
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, ListingId};
use qianpu_domain::listing_rule::ListingRule;
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::listing_rule::RuleOwner;
use serde::Serialize;

pub(super) const RULES: &str = "/console/merchant/listing_rules";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(RULES, rules_page);
    pages.post(RULES, rules_form);
    pages.get("/console/merchant/listing_rules/{channel_account_id}", account_rules_page);
    pages.post("/console/merchant/listing_rules/{channel_account_id}", account_rules_form);
    pages.get("/console/merchant/listings/{listing_id}/rules", listing_rules_page);
    pages.post("/console/merchant/listings/{listing_id}/rules", listing_rules_form);
}

#[derive(Serialize)]
struct RulesView {
    /// `merchant`, `account` or `listing`.
    owner: &'static str,
    /// The account, or the product and the account.
    subtitle: String,
    at: String,
    back: String,
    version: i64,
    may_write: bool,
    form: FormView,
    holds: Holds,
    accounts: Vec<AccountRow>,
}

#[derive(Serialize)]
struct AccountRow {
    id: String,
    name: String,
    own: bool,
    holds: Holds,
}

/// A rule for people. What is as in the product is `None`.
#[derive(Serialize)]
pub(super) struct Holds {
    price_percent: Option<String>,
    price_add: Option<i64>,
    price_step: Option<i64>,
    prefix: Option<String>,
    suffix: Option<String>,
    safety_stock: i64,
    stock_percent: Option<String>,
    /// Whether prices, titles and stock are just the product's.
    plain: bool,
}

impl From<&ListingRule> for Holds {
    fn from(rule: &ListingRule) -> Self {
        let words = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Self {
            price_percent: rule.price_ppm.filter(|ppm| *ppm != 1_000_000).map(|ppm| decimal(ppm, 4)),
            price_add: rule.price_add_fen.filter(|fen| *fen != 0),
            price_step: rule.price_step_fen.filter(|fen| *fen != 1),
            prefix: words(&rule.title_prefix),
            suffix: words(&rule.title_suffix),
            safety_stock: rule.safety_stock.unwrap_or(0),
            stock_percent: rule.stock_ppm.filter(|ppm| *ppm != 1_000_000).map(|ppm| decimal(ppm, 4)),
            plain: rule.is_empty(),
        }
    }
}

/// A whole number of smallest parts as people write it: 1 080 000 with four places is 108.
fn decimal(value: i64, places: usize) -> String {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    let sign = if value < 0 { "-" } else { "" };
    let part = part.trim_end_matches('0');
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// The way back, digit by digit; `None` where it is no such number.
fn scaled(text: &str, places: usize) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || part.len() > places || !plain(whole) || !plain(part) {
        return None;
    }
    let value: i64 = format!("{whole}{part:0<places$}").parse().ok()?;
    Some(if negative { -value } else { value })
}

fn filled(rule: &ListingRule) -> FormView {
    let number = |value: Option<i64>, places| value.map(|value| decimal(value, places)).unwrap_or_default();
    // A dash says: nothing, whatever stands above.
    let words = |text: &Option<String>| match text.as_deref() {
        None => String::new(),
        Some("") => "-".to_owned(),
        Some(text) => text.to_owned(),
    };
    FormView::filled([
        ("price_ppm", number(rule.price_ppm, 4)),
        ("price_add_fen", number(rule.price_add_fen, 2)),
        ("price_step_fen", number(rule.price_step_fen, 2)),
        ("title_prefix", words(&rule.title_prefix)),
        ("title_suffix", words(&rule.title_suffix)),
        ("safety_stock", number(rule.safety_stock, 0)),
        ("stock_ppm", number(rule.stock_ppm, 4)),
    ])
}

fn typed(fields: &Fields) -> Result<ListingRule, Vec<FieldError>> {
    let mut faults = Vec::new();
    let mut number = |name: &'static str, places| {
        let text = fields.text(name);
        let value = scaled(text, places);
        if !text.is_empty() && value.is_none() {
            faults.push(FieldError::new(
                name,
                "invalid",
                "a number, such as 108.5",
                "请填写数字，例如 108.5",
            ));
        }
        value
    };
    let (price_ppm, price_add_fen) = (number("price_ppm", 4), number("price_add_fen", 2));
    let (price_step_fen, safety_stock) = (number("price_step_fen", 2), number("safety_stock", 0));
    let stock_ppm = number("stock_ppm", 4);
    let words = |name: &str| match fields.text(name) {
        "" => None,
        "-" => Some(String::new()),
        text => Some(text.to_owned()),
    };
    let (title_prefix, title_suffix) = (words("title_prefix"), words("title_suffix"));
    if faults.is_empty() {
        Ok(ListingRule {
            price_ppm,
            price_add_fen,
            price_step_fen,
            title_prefix,
            title_suffix,
            safety_stock,
            stock_ppm,
        })
    } else {
        Err(faults)
    }
}

fn place(owner: RuleOwner) -> (String, String) {
    match owner {
        RuleOwner::Merchant => (RULES.to_owned(), HOME.to_owned()),
        RuleOwner::Account(id) => (format!("{RULES}/{id}"), RULES.to_owned()),
        RuleOwner::Listing(id) => (format!("{HOME}/{id}/rules"), format!("{HOME}/{id}")),
    }
}

async fn view<P: Perm, T>(
    auth: &Authed<P, T>,
    owner: RuleOwner,
    form: Option<FormView>,
) -> Answer<RulesView> {
    let grant = auth.caller.grant::<perm::ListingRead>()?;
    let RuleView { own, holds } = rules::get(&auth.state, &grant, owner).await?;
    let (at, back) = place(owner);
    let mut rows = Vec::new();
    let mut name = String::new();
    match owner {
        RuleOwner::Listing(id) => {
            let detail = crate::app::listings::get(&auth.state, &grant, id).await?;
            name = format!("{} · {}", detail.product.title, detail.account_name);
        }
        RuleOwner::Account(_) | RuleOwner::Merchant => {
            let Ok(read) = auth.caller.grant::<perm::AccountRead>() else {
                return Ok(built(auth, owner, name, (at, back), form, (own, holds), rows));
            };
            let found = accounts::list(&auth.state, &read, None, PageRequest::first(100)).await?;
            for one in found.items {
                if owner == RuleOwner::Account(one.account.id) {
                    name.clone_from(&one.account.name);
                }
                let channel = qianpu_host::find(&one.account.channel);
                let sells = channel.is_some_and(|channel| channel.catalog().is_some());
                if owner == RuleOwner::Merchant && sells && one.account.state.counts() {
                    let rule = rules::get(&auth.state, &grant, RuleOwner::Account(one.account.id)).await?;
                    rows.push(AccountRow {
                        id: one.account.id.to_string(),
                        name: one.account.name,
                        own: !rule.own.rule.is_empty(),
                        holds: Holds::from(&rule.holds),
                    });
                }
            }
        }
    }
    Ok(built(auth, owner, name, (at, back), form, (own, holds), rows))
}

fn built<P: Perm, T>(
    auth: &Authed<P, T>,
    owner: RuleOwner,
    name: String,
    (at, back): (String, String),
    form: Option<FormView>,
    (own, holds): (qianpu_tenants::store::listing_rule::StoredRule, ListingRule),
    accounts: Vec<AccountRow>,
) -> RulesView {
    RulesView {
        owner: owner.kind(),
        subtitle: name,
        at,
        back,
        version: own.version,
        may_write: auth.caller.may(Permission::ListingWrite),
        form: form.unwrap_or_else(|| filled(&own.rule)),
        holds: Holds::from(&holds),
        accounts,
    }
}

async fn shown(auth: &Authed<perm::ListingRead, Path<impl Sized>>, owner: RuleOwner) -> PageAnswer {
    let view = view(auth, owner, None).await?;
    auth.page("listings/rules", view)
}

async fn saved<T>(auth: &Authed<perm::ListingWrite, T>, fields: &Fields, owner: RuleOwner) -> PageAnswer {
    let seen = fields.text("version").parse().ok();
    let outcome = match typed(fields) {
        Ok(rule) => rules::put(&auth.state, &auth.grant, owner, &rule, seen).await,
        Err(faults) => Err(faults.into()),
    };
    match outcome {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("listings.rules_saved"), &place(owner).0)),
        Err(error) if matches!(error.code().status(), 409 | 422) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(auth, owner, Some(form)).await?;
            auth.refused_page("listings/rules", view)
        }
        Err(error) => Err(error),
    }
}

async fn rules_page(auth: Authed<perm::ListingRead, ()>) -> PageAnswer {
    let view = view(&auth, RuleOwner::Merchant, None).await?;
    auth.page("listings/rules", view)
}

async fn rules_form(auth: Authed<perm::ListingWrite, Fields>) -> PageAnswer {
    saved(&auth, &auth.input, RuleOwner::Merchant).await
}

async fn account_rules_page(auth: Authed<perm::ListingRead, Path<ChannelAccountId>>) -> PageAnswer {
    shown(&auth, RuleOwner::Account(auth.input.0)).await
}

async fn account_rules_form(
    auth: Authed<perm::ListingWrite, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    saved(&auth, fields, RuleOwner::Account(*id)).await
}

async fn listing_rules_page(auth: Authed<perm::ListingRead, Path<ListingId>>) -> PageAnswer {
    shown(&auth, RuleOwner::Listing(auth.input.0)).await
}

async fn listing_rules_form(auth: Authed<perm::ListingWrite, (Path<ListingId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    saved(&auth, fields, RuleOwner::Listing(*id)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_written_digit_by_digit() {
        for (value, places, text) in [
            (1_080_000, 4, "108"),
            (1_085_000, 4, "108.5"),
            (-250, 2, "-2.5"),
            (1, 2, "0.01"),
            (7, 0, "7"),
            (0, 4, "0"),
        ] {
            assert_eq!(decimal(value, places), text);
            assert_eq!(scaled(text, places), Some(value));
        }
        for wrong in ["", "-", "1.234", "1e3", "九", "1.-2", "9999999999999"] {
            assert_eq!(scaled(wrong, 2), None, "{wrong}");
        }
    }
}
