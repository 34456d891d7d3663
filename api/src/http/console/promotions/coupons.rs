//! Coupons of an account: the list with what became of each, and the form for a new one or a draft.

use super::{Stage, failed, moment, of_account};
use crate::app::promotions::Reading;
use crate::app::promotions::coupons::{self, Shown, TypedCoupon};
use crate::app::promotions::goods::{self, Goods};
use crate::error::{Answer, ApiError};
use crate::http::console::apply::may_be_mended;
use crate::http::console::goods::yuan_text;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::coupon::{CouponState, Gift, Validity};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, CouponId, ListingId};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{CouponGift, CouponStep, CouponTerms, CouponValidity};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let coupons = "/console/merchant/channel_accounts/{channel_account_id}/coupons";
    pages.get(coupons, coupons_page);
    pages.post(coupons, make_coupon_form);
    pages.get(&format!("{coupons}/new"), new_coupon_page);
    pages.post(&format!("{coupons}/read"), read_coupons_form);
    let one = "/console/merchant/coupons/{coupon_id}";
    pages.get(one, coupon_page);
    pages.post(one, change_coupon_form);
    pages.post(&format!("{one}/publish"), publish_coupon_form);
    pages.post(&format!("{one}/withdraw"), withdraw_coupon_form);
    pages.post(&format!("{one}/delete"), delete_coupon_form);
}

#[derive(Deserialize, IntoParams)]
struct CouponsQuery {
    cursor: Option<String>,
}

/// What a coupon gives, for a sentence of the page.
#[derive(Serialize)]
struct GiftView {
    /// The key of its sentence.
    kind: &'static str,
    percent: Option<i64>,
    pieces: Option<i64>,
    less: Option<i64>,
    from: Option<i64>,
}

fn gift(gives: CouponGift) -> GiftView {
    let bare = |kind| GiftView { kind, percent: None, pieces: None, less: None, from: None };
    match gives {
        CouponGift::RateFromPieces { rate_ppm, pieces } => {
            GiftView { percent: Some(rate_ppm / 10_000), pieces: Some(pieces), ..bare("rate_pieces") }
        }
        CouponGift::Rate { rate_ppm } => GiftView { percent: Some(rate_ppm / 10_000), ..bare("rate") },
        CouponGift::LessFromAmount { less, from } => {
            GiftView { less: Some(less.get()), from: Some(from.get()), ..bare("less_from") }
        }
        CouponGift::Less { less } => GiftView { less: Some(less.get()), ..bare("less") },
        CouponGift::Other => bare("other"),
    }
}

#[derive(Serialize)]
struct CouponRowView {
    href: String,
    name: String,
    state: &'static str,
    gift: GiftView,
    products: usize,
    receive_from: i64,
    receive_until: i64,
    valid_days: Option<i64>,
    valid_until: Option<i64>,
    total: i64,
    per_person: i64,
    received: Option<i64>,
    used: Option<i64>,
    refusal: Option<String>,
    unclear: bool,
    read_at: Option<i64>,
    may_change: bool,
    may_publish: bool,
    may_withdraw: bool,
    may_delete: bool,
}

#[derive(Serialize)]
struct CouponsView {
    stage: Stage,
    at: String,
    coupons: Vec<CouponRowView>,
    next_page: Option<String>,
    may_manage: bool,
}

fn address(id: CouponId) -> String {
    format!("/console/merchant/coupons/{id}")
}

fn row(shown: Shown) -> CouponRowView {
    let Shown { row, terms } = shown;
    let (valid_days, valid_until) = match terms.valid {
        CouponValidity::Days { days } => (Some(days), None),
        CouponValidity::Between { until, .. } => (None, Some(until.micros())),
    };
    CouponRowView {
        href: address(row.id),
        name: row.name,
        state: row.state.as_str(),
        gift: gift(terms.gives),
        products: terms.product_ids.len(),
        receive_from: terms.receive_from.micros(),
        receive_until: terms.receive_until.micros(),
        valid_days,
        valid_until,
        total: terms.total,
        per_person: terms.per_person,
        received: row.received,
        used: row.used,
        refusal: row.refusal,
        unclear: row.state == CouponState::Unclear,
        read_at: row.read_at.map(Timestamp::micros),
        may_change: row.state == CouponState::Draft && terms.gives != CouponGift::Other,
        may_publish: row.state == CouponState::Draft,
        may_withdraw: row.state == CouponState::Live,
        may_delete: row.state.is_over(),
    }
}

async fn coupons_page(
    auth: Authed<perm::PromotionRead, (Path<ChannelAccountId>, Query<CouponsQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let account = crate::app::promotions::account(&auth.state, &auth.grant, *id).await?;
    let found = coupons::list(&auth.state, &auth.grant, *id, page).await?;
    let at = of_account(*id, "coupons");
    let view = CouponsView {
        stage: Stage::of(&account, "coupons"),
        next_page: found.next.map(|next| format!("{at}?cursor={}", cursor_text(&next))),
        at,
        coupons: found.items.into_iter().map(row).collect(),
        may_manage: auth.caller.may(Permission::PromotionManage),
    };
    auth.page("promotions/coupons", view)
}

#[derive(Serialize)]
struct ProductBox {
    value: String,
    title: String,
    price: Option<i64>,
    checked: bool,
}

#[derive(Serialize)]
struct CouponForm {
    form: FormView,
    /// Where it is sent.
    at: String,
    back: String,
    /// Of a draft that is changed.
    name: Option<String>,
    kinds: [&'static str; 4],
    validities: [&'static str; 2],
    products: Vec<ProductBox>,
    least_percent: i64,
}

const KINDS: [&str; 4] = ["less_from", "less", "rate", "rate_pieces"];
const VALIDITIES: [&str; 2] = ["days", "range"];

async fn form_view<T>(
    auth: &Authed<perm::PromotionManage, T>,
    account: ChannelAccountId,
    draft: Option<(CouponId, String)>,
    chosen: &[String],
    form: FormView,
) -> Answer<CouponForm> {
    let limits = auth.state.config.promotions.coupon_limits();
    let back = of_account(account, "coupons");
    let product = |goods: Goods| ProductBox {
        checked: chosen.contains(&goods.listing.to_string()),
        price: goods.skus.iter().map(|sku| sku.price.get()).min(),
        value: goods.listing.to_string(),
        title: goods.title,
    };
    let goods = goods::list(&auth.state, &auth.grant, account).await?;
    Ok(CouponForm {
        form,
        at: draft.as_ref().map_or_else(|| back.clone(), |(id, _)| address(*id)),
        back,
        name: draft.map(|(_, name)| name),
        kinds: KINDS,
        validities: VALIDITIES,
        products: goods.into_iter().map(product).collect(),
        least_percent: limits.least_ppm / 10_000,
    })
}

async fn new_coupon_page(auth: Authed<perm::PromotionManage, Path<ChannelAccountId>>) -> PageAnswer {
    let reading = auth.caller.grant::<perm::PromotionRead>()?;
    crate::app::promotions::account(&auth.state, &reading, auth.input.0).await?;
    let filled = [("kind", "less_from"), ("per_person", "1"), ("validity", "days"), ("valid_days", "30")];
    let form = FormView::filled(filled.map(|(name, value)| (name, value.to_owned())));
    let view = form_view(&auth, auth.input.0, None, &[], form).await?;
    auth.page("promotions/coupon_form", view)
}

/// A moment as browsers show it, in the installation's zone.
fn local(moment: Timestamp, zone: &str) -> String {
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let found = jiff::Timestamp::from_microsecond(moment.micros()).unwrap_or_default();
    found.to_zoned(zone).strftime("%Y-%m-%dT%H:%M").to_string()
}

fn filled(terms: &CouponTerms, zone: &str) -> Vec<(String, String)> {
    let yuan = |fen: Option<i64>| fen.map(|fen| yuan_text(Fen::new(fen))).unwrap_or_default();
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let gift = gift(terms.gives);
    let (validity, days, from, until) = match terms.valid {
        CouponValidity::Days { days } => ("days", Some(days), None, None),
        CouponValidity::Between { from, until } => ("range", None, Some(from), Some(until)),
    };
    let time = |moment: Option<Timestamp>| moment.map(|at| local(at, zone)).unwrap_or_default();
    [
        ("name", terms.name.clone()),
        ("kind", gift.kind.to_owned()),
        ("less", yuan(gift.less)),
        ("from", yuan(gift.from)),
        ("percent", number(gift.percent)),
        ("pieces", number(gift.pieces)),
        ("receive_from", local(terms.receive_from, zone)),
        ("receive_until", local(terms.receive_until, zone)),
        ("total", terms.total.to_string()),
        ("per_person", terms.per_person.to_string()),
        ("validity", validity.to_owned()),
        ("valid_days", number(days)),
        ("valid_from", time(from)),
        ("valid_until", time(until)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

async fn coupon_page(auth: Authed<perm::PromotionManage, Path<CouponId>>) -> PageAnswer {
    let Shown { row, terms } = coupons::get(&auth.state, &auth.grant, auth.input.0).await?;
    if row.state != CouponState::Draft {
        return Err(ApiError::not_found());
    }
    let all = goods::list(&auth.state, &auth.grant, row.account).await?;
    let ours = all.iter().filter(|one| terms.product_ids.contains(&one.native_product_id));
    let chosen: Vec<String> = ours.map(|one| one.listing.to_string()).collect();
    let form = FormView::filled(filled(&terms, &auth.state.config.app.time_zone));
    let view = form_view(&auth, row.account, Some((row.id, row.name)), &chosen, form).await?;
    auth.page("promotions/coupon_form", view)
}

fn typed(fields: &Fields, zone: &str) -> Result<TypedCoupon, Vec<FieldError>> {
    let mut errors = Vec::new();
    let name = fields.text("name").to_owned();
    let kind = fields.text("kind");
    let by_rate = matches!(kind, "rate" | "rate_pieces");
    let must = |field: &str, there: bool, errors: &mut Vec<FieldError>| {
        if !there && !errors.iter().any(|error| error.path == field) {
            errors.push(FieldError::required(field));
        }
    };
    let gift = if by_rate {
        let percent = fields.whole("percent", &mut errors);
        must("percent", percent.is_some(), &mut errors);
        let pieces: Option<i64> = match kind {
            "rate_pieces" => fields.whole("pieces", &mut errors),
            _ => None,
        };
        must("pieces", kind == "rate" || pieces.is_some(), &mut errors);
        Gift::Rate { ppm: percent.unwrap_or(0).saturating_mul(10_000), pieces }
    } else {
        let less = fields.yuan("less", &mut errors);
        must("less", less.is_some(), &mut errors);
        let from = match kind {
            "less_from" => fields.yuan("from", &mut errors),
            _ => None,
        };
        must("from", kind != "less_from" || from.is_some(), &mut errors);
        Gift::Less { less: less.unwrap_or(Fen::ZERO), from }
    };
    let time = |field: &str, errors: &mut Vec<FieldError>| match moment(field, fields.text(field), zone) {
        Ok(moment) => moment,
        Err(error) => {
            errors.push(error);
            Timestamp::from_micros(0)
        }
    };
    let (receive_from, receive_until) =
        (time("receive_from", &mut errors), time("receive_until", &mut errors));
    let valid = match fields.text("validity") {
        "range" => Validity::Between(time("valid_from", &mut errors), time("valid_until", &mut errors)),
        _ => {
            let days = fields.whole("valid_days", &mut errors);
            must("valid_days", days.is_some(), &mut errors);
            Validity::Days(days.unwrap_or(0))
        }
    };
    let total = fields.whole("total", &mut errors);
    must("total", total.is_some(), &mut errors);
    let per_person = fields.whole("per_person", &mut errors);
    must("per_person", per_person.is_some(), &mut errors);
    let listings: Vec<ListingId> = fields.all("listing_ids").filter_map(|text| text.parse().ok()).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let (total, per_person) = (total.unwrap_or(0), per_person.unwrap_or(0));
    Ok(TypedCoupon { name, gift, listings, receive_from, receive_until, total, per_person, valid })
}

/// Errors of single products stand at the list of them.
fn at_fields(error: ApiError) -> ApiError {
    let moved = |wrong: &FieldError| match wrong.path.starts_with("listing_ids[") {
        true => FieldError { path: "listing_ids".to_owned(), ..wrong.clone() },
        false => wrong.clone(),
    };
    let mended: Vec<FieldError> = error.errors().iter().map(moved).collect();
    if mended.is_empty() { error } else { error.with_fields(mended) }
}

async fn again<T>(
    auth: &Authed<perm::PromotionManage, T>,
    account: ChannelAccountId,
    draft: Option<(CouponId, String)>,
    fields: &Fields,
    error: ApiError,
) -> PageAnswer {
    if !may_be_mended(&error) {
        return failed(auth, error, &of_account(account, "coupons"));
    }
    let error = at_fields(error);
    let chosen: Vec<String> = fields.all("listing_ids").map(str::to_owned).collect();
    let form = FormView::refused_by(fields, &error, auth.info.lang);
    let view = form_view(auth, account, draft, &chosen, form).await?;
    auth.refused_page("promotions/coupon_form", view)
}

async fn make_coupon_form(
    auth: Authed<perm::PromotionManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    crate::app::promotions::account(&auth.state, &auth.grant, *id).await?;
    let outcome = match typed(fields, &auth.state.config.app.time_zone) {
        Ok(typed) => coupons::make(&auth.state, &auth.grant, *id, &typed).await,
        Err(errors) => Err(ApiError::fields(errors)),
    };
    match outcome {
        Ok(_) => {
            let back = of_account(*id, "coupons");
            Ok(auth.redirect_with(&Flash::success("promotions.coupon_made"), &back))
        }
        Err(error) => again(&auth, *id, None, fields, error).await,
    }
}

async fn change_coupon_form(auth: Authed<perm::PromotionManage, (Path<CouponId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let row = coupons::get(&auth.state, &auth.grant, *id).await?.row;
    let outcome = match typed(fields, &auth.state.config.app.time_zone) {
        Ok(typed) => coupons::change(&auth.state, &auth.grant, *id, &typed).await,
        Err(errors) => Err(ApiError::fields(errors)),
    };
    match outcome {
        Ok(_) => {
            let back = of_account(row.account, "coupons");
            Ok(auth.redirect_with(&Flash::success("promotions.coupon_changed"), &back))
        }
        Err(error) => again(&auth, row.account, Some((row.id, row.name)), fields, error).await,
    }
}

async fn read_coupons_form(
    auth: Authed<perm::PromotionManage, (Path<ChannelAccountId>, Fields)>,
) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let back = of_account(*id, "coupons");
    match coupons::read_back(&auth.state, &auth.grant, *id).await {
        Ok(Reading { told, .. }) => {
            let flash = Flash::success("promotions.coupons_read").with("told", told);
            Ok(auth.redirect_with(&flash, &back))
        }
        Err(error) => failed(&auth, error, &back),
    }
}

async fn stepped<T>(
    auth: &Authed<perm::PromotionManage, T>,
    id: CouponId,
    step: CouponStep,
    done: &'static str,
) -> PageAnswer {
    let back = of_account(coupons::get(&auth.state, &auth.grant, id).await?.row.account, "coupons");
    match coupons::step(&auth.state, &auth.grant, id, step).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success(done), &back)),
        Err(error) => failed(auth, error, &back),
    }
}

async fn publish_coupon_form(auth: Authed<perm::PromotionManage, (Path<CouponId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    stepped(&auth, *id, CouponStep::Publish, "promotions.coupon_published").await
}

async fn withdraw_coupon_form(auth: Authed<perm::PromotionManage, (Path<CouponId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    stepped(&auth, *id, CouponStep::Withdraw, "promotions.coupon_withdrawn").await
}

async fn delete_coupon_form(auth: Authed<perm::PromotionManage, (Path<CouponId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let back = of_account(coupons::get(&auth.state, &auth.grant, *id).await?.row.account, "coupons");
    match coupons::delete(&auth.state, &auth.grant, *id).await {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("promotions.coupon_deleted"), &back)),
        Err(error) => failed(&auth, error, &back),
    }
}
