//! Figures that a platform tells of a day that is over, asked of it each time.

use super::call::AccountCall;
use crate::app::aftersales::guarantees::refused;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ChannelAccountId, ListingId};
use qianpu_domain::subject::china_date;
use qianpu_domain::time::{Date, Span, Timestamp};
use qianpu_sdk::{
    DayFigures, FigureName, LiveDay, PeopleFigures, PeopleGroup, PeopleOfDay, ProductFigures, ProductOfDay,
};
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::channel_account::{ChannelAccount, account_get};
use qianpu_tenants::store::listing::listing_by_native;

/// Before it no platform here tells anything; ours, since no document names a first day.
const FIRST_DAY: Date = jiff::civil::date(2017, 1, 1);
/// Products of a page: as many as are asked for, at most so many.
pub const MOST_PRODUCTS: usize = 100;
const PRODUCTS: usize = 50;
/// The longest id of a product that is asked for.
const LONGEST_ID: usize = 64;

/// Whether the account's channel tells figures.
pub fn possible(account: &ChannelAccount) -> bool {
    qianpu_host::find(&account.channel).is_some_and(|channel| channel.analytics().is_some())
}

/// The account by itself, where its channel tells figures.
pub async fn account<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<ChannelAccount> {
    let account = account_get(&*state.db.read(grant.ctx()).await?, id).await?;
    if grant.covers_shop(account.shop) && possible(&account) {
        Ok(account)
    } else {
        Err(ApiError::not_found())
    }
}

/// The last day that is over at the platforms, whose days are days in China.
pub fn yesterday(now: Timestamp) -> Date {
    china_date(now.minus(Span::days(1))).unwrap_or(FIRST_DAY)
}

/// A day that can be asked for; the last one where none is named.
pub fn day_of(text: Option<&str>, now: Timestamp) -> Result<Date, FieldError> {
    let last = yesterday(now);
    let text = text.unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(last);
    }
    // Dates of other forms (weeks, times) are none here.
    let day = text.parse::<Date>().ok().filter(|day| day.to_string() == text);
    day.filter(|day| (FIRST_DAY..=last).contains(day)).ok_or_else(|| {
        let en = format!("a day that is over, as YYYY-MM-DD, {last} at the latest");
        let zh = format!("请填写已经结束的日期，格式为 YYYY-MM-DD，最晚 {last}");
        FieldError::new("day", "range", en, zh)
    })
}

fn asked(day: Date) -> LiveDay {
    LiveDay {
        year: u16::try_from(day.year()).unwrap_or_default(),
        month: u8::try_from(day.month()).unwrap_or_default(),
        day: u8::try_from(day.day()).unwrap_or_default(),
    }
}

/// A day of the account.
pub async fn overview(
    state: &AppState,
    grant: &Grant<perm::OrderRead>,
    id: ChannelAccountId,
    day: Date,
) -> Answer<DayFigures> {
    account(state, grant, id).await?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().day_figures(call.account_ref(), &asked(day)).await;
    Ok(call.settle(answer).await?)
}

/// A product with the listing it is here.
#[derive(Debug, Clone)]
pub struct Shown {
    pub product: ProductFigures,
    pub listing: Option<ListingId>,
}

/// A page of a day's products.
#[derive(Debug, Clone)]
pub struct Listed {
    /// None where the platform told no products at all.
    pub items: Option<Vec<Shown>>,
    pub next: Option<String>,
    /// Whether there are more than the platform's answer was read for.
    pub more: bool,
}

async fn shown(tx: &TenantTx, account: ChannelAccountId, product: ProductFigures) -> Answer<Shown> {
    let listing = listing_by_native(tx, account, &product.product_id).await?.map(|listing| listing.id);
    Ok(Shown { product, listing })
}

fn place(cursor: Option<&str>) -> Answer<usize> {
    match cursor.map(str::parse::<usize>) {
        None => Ok(0),
        Some(Ok(place)) if (1..=ProductFigures::MOST).contains(&place) => Ok(place),
        Some(_) => Err(ApiError::new(ErrorCode::InvalidCursor)),
    }
}

/// A page of the day's products, those that sold most first. The platform is asked for all of them each time: its own
/// pages repeat products.
pub async fn products(
    state: &AppState,
    grant: &Grant<perm::OrderRead>,
    id: ChannelAccountId,
    day: Date,
    limit: Option<usize>,
    cursor: Option<&str>,
) -> Answer<Listed> {
    account(state, grant, id).await?;
    let limit = limit.unwrap_or(PRODUCTS);
    if !(1..=MOST_PRODUCTS).contains(&limit) {
        return Err(
            FieldError::new("limit", "out_of_range", "between 1 and 100", "应在 1 到 100 之间").into()
        );
    }
    let from = place(cursor)?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().day_products(call.account_ref(), &asked(day)).await;
    let told = call.settle(answer).await?;
    let Some(mut all) = told.items else { return Ok(Listed { items: None, next: None, more: false }) };
    // What was not told stands last; equals stand by id, so that pages do not depend on the platform's order.
    let paid = |one: &ProductFigures| one.figures.get(&FigureName::Paid).copied().flatten();
    all.sort_by(|a, b| paid(b).cmp(&paid(a)).then_with(|| a.product_id.cmp(&b.product_id)));
    let next = from.saturating_add(limit);
    let next = (next < all.len()).then(|| next.to_string());
    let tx = state.db.read(grant.ctx()).await?;
    let mut items = Vec::with_capacity(limit);
    for product in all.into_iter().skip(from).take(limit) {
        items.push(shown(&tx, id, product).await?);
    }
    Ok(Listed { items: Some(items), next, more: told.more })
}

/// One product of a day; none where the platform has no figures of it.
pub async fn product(
    state: &AppState,
    grant: &Grant<perm::OrderRead>,
    id: ChannelAccountId,
    day: Date,
    product_id: &str,
) -> Answer<Option<Shown>> {
    account(state, grant, id).await?;
    let product_id = product_id.trim();
    if product_id.is_empty() || product_id.len() > LONGEST_ID {
        return Err(ApiError::not_found());
    }
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let wanted = ProductOfDay { day: asked(day), product_id: product_id.to_owned() };
    let answer = call.host().day_product(call.account_ref(), &wanted).await;
    match call.settle(answer).await? {
        None => Ok(None),
        Some(found) => Ok(Some(shown(&*state.db.read(grant.ctx()).await?, id, found).await?)),
    }
}

/// The group of this name.
pub fn group_of(word: &str) -> Result<PeopleGroup, FieldError> {
    PeopleGroup::ALL.iter().copied().find(|group| group.as_str() == word).ok_or_else(|| {
        let names: Vec<&str> = PeopleGroup::ALL.iter().map(|group| group.as_str()).collect();
        let names = names.join(", ");
        FieldError::new("group", "unknown", format!("one of {names}"), format!("应为 {names} 之一"))
    })
}

/// What kind of people a group was on a day.
pub async fn people(
    state: &AppState,
    grant: &Grant<perm::OrderRead>,
    id: ChannelAccountId,
    day: Date,
    group: PeopleGroup,
) -> Answer<PeopleFigures> {
    account(state, grant, id).await?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let wanted = PeopleOfDay { day: asked(day), group };
    let answer = call.host().day_people(call.account_ref(), &wanted).await;
    call.settle(answer).await.map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_are_over_can_be_asked_for() {
        // 2026-11-21T16:00:00Z is midnight in China.
        let midnight = Timestamp::from_seconds(1_795_276_800);
        let said = |text: &str| day_of(Some(text), midnight).map(|day| day.to_string());
        assert_eq!(said("2026-11-21").as_deref(), Ok("2026-11-21"));
        assert_eq!(said("  ").as_deref(), Ok("2026-11-21"), "the last one");
        let before = midnight.minus(Span::seconds(1));
        assert_eq!(day_of(None, before).map(|day| day.to_string()).as_deref(), Ok("2026-11-20"));
        for text in
            ["2026-11-22", "2026-11-23", "20261121", "2026-02-30", "2016-12-31", "昨天", "-000001-01-01"]
        {
            let refused = said(text).map_err(|error| (error.path.clone(), error.message_zh.clone()));
            assert!(refused.is_err_and(|(field, zh)| field == "day" && zh.contains("2026-11-21")), "{text}");
        }
    }
}
