//! `/channel_accounts/{id}/coupons` and `/coupons`: coupons of shops at channels.

use crate::app::promotions::Reading;
use crate::app::promotions::coupons::{self, Shown, TypedCoupon};
use crate::app::promotions::{self, holders};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, Time, page_request};
use qianpu_domain::coupon::{Gift, Validity};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, CouponId, ListingId, OrderId};
use qianpu_sdk::{CouponGift, CouponStep, CouponValidity, HeldCoupon, HeldState};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let coupons = "/channel_accounts/{channel_account_id}/coupons";
    api.get(coupons, list_coupons, "Coupons of an account, newest first");
    api.post(coupons, make_coupon, "Ask the platform for a coupon that nobody can receive yet");
    api.post(&format!("{coupons}/read"), read_coupons, "Read all coupons of the account at the platform");
    let one = "/coupons/{coupon_id}";
    api.get(one, get_coupon, "One coupon, with how many were received and used");
    api.put(one, change_coupon, "Change a coupon that nobody can receive yet");
    api.delete(one, delete_coupon, "Take a coupon away that is not in force, at the platform too");
    api.post(&format!("{one}/publish"), publish_coupon, "Let people receive a coupon");
    api.post(
        &format!("{one}/withdraw"),
        withdraw_coupon,
        "Take a coupon back; it cannot be received any more",
    );
    api.get(
        "/orders/{order_id}/buyer_coupons",
        list_buyer_coupons,
        "Coupons that the buyer of an order holds or used, asked of the platform each time",
    );
}

/// What a coupon gives; one of the two forms.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CouponGives {
    /// `rate`: the buyer pays a share; `less`: so much is taken off; `other`: a kind that can only be shown.
    kind: String,
    /// Of `rate`: percent that are paid; 85 is 8.5折.
    #[serde(default)]
    percent: Option<i64>,
    /// Of `rate`: from so many pieces on.
    #[serde(default)]
    pieces: Option<i64>,
    /// Of `less`: how much is taken off.
    #[serde(default)]
    less: Option<Money>,
    /// Of `less`: from which amount on.
    #[serde(default)]
    from: Option<Money>,
}

#[derive(Debug, Serialize, ToSchema)]
struct CouponView {
    #[schema(value_type = String)]
    id: Id<CouponId>,
    #[schema(value_type = String)]
    channel_account_id: Id<ChannelAccountId>,
    /// The platform's id of the coupon; null before it told one.
    external_id: Option<String>,
    name: String,
    /// `asked`: the platform is being asked; `unclear`: its answer was lost, read the coupons or ask again; `refused`;
    /// `absent`: the answer was lost and the platform does not have it; `draft`: nobody can receive it; `live`, `expired`,
    /// `withdrawn`; `gone`: the platform does not have it any more; `unknown`.
    state: &'static str,
    /// The platform's raw state, where it is one we do not know.
    native_state: String,
    /// The platform's raw kind.
    native_kind: String,
    gives: CouponGives,
    /// The platform's ids of the products it is for; empty = the whole shop.
    external_product_ids: Vec<String>,
    #[schema(value_type = String)]
    receive_from: Time,
    #[schema(value_type = String)]
    receive_until: Time,
    total: i64,
    per_person: i64,
    /// Between two moments, or null.
    #[schema(value_type = Option<String>)]
    valid_from: Option<Time>,
    #[schema(value_type = Option<String>)]
    valid_until: Option<Time>,
    /// So many days from the receipt on, or null.
    valid_days: Option<i64>,
    /// How many were received; null when the platform did not say it.
    received: Option<i64>,
    /// How many were used; null when the platform did not say it.
    used: Option<i64>,
    /// The platform's words when it did not take it.
    refusal: Option<String>,
    #[schema(value_type = String)]
    created_at: Time,
    /// When the platform told of it last.
    #[schema(value_type = Option<String>)]
    read_at: Option<Time>,
}

fn gives(gift: CouponGift) -> CouponGives {
    let bare = |kind: &str| CouponGives {
        kind: kind.to_owned(),
        percent: None,
        pieces: None,
        less: None,
        from: None,
    };
    match gift {
        CouponGift::RateFromPieces { rate_ppm, pieces } => {
            CouponGives { percent: Some(rate_ppm / 10_000), pieces: Some(pieces), ..bare("rate") }
        }
        CouponGift::Rate { rate_ppm } => CouponGives { percent: Some(rate_ppm / 10_000), ..bare("rate") },
        CouponGift::LessFromAmount { less, from } => {
            CouponGives { less: Some(less.into()), from: Some(from.into()), ..bare("less") }
        }
        CouponGift::Less { less } => CouponGives { less: Some(less.into()), ..bare("less") },
        CouponGift::Other => bare("other"),
    }
}

fn view(shown: Shown) -> CouponView {
    let Shown { row, terms } = shown;
    let (valid_from, valid_until, valid_days) = match terms.valid {
        CouponValidity::Between { from, until } => (Some(Time(from)), Some(Time(until)), None),
        CouponValidity::Days { days } => (None, None, Some(days)),
    };
    CouponView {
        id: Id(row.id),
        channel_account_id: Id(row.account),
        external_id: row.external_id,
        name: row.name,
        state: row.state.as_str(),
        native_state: row.native_state,
        native_kind: row.native_kind,
        gives: gives(terms.gives),
        external_product_ids: terms.product_ids,
        receive_from: Time(terms.receive_from),
        receive_until: Time(terms.receive_until),
        total: terms.total,
        per_person: terms.per_person,
        valid_from,
        valid_until,
        valid_days,
        received: row.received,
        used: row.used,
        refusal: row.refusal,
        created_at: Time(row.created_at),
        read_at: row.read_at.map(Time),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListCouponsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_coupons(
    auth: Authed<perm::PromotionRead, (Path<ChannelAccountId>, Query<ListCouponsQuery>)>,
) -> Answer<Json<Page<CouponView>>> {
    let (Path(account), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(coupons::list(&auth.state, &auth.grant, *account, page).await?, view)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CouponBody {
    /// Up to 10 characters.
    name: String,
    gives: CouponGives,
    /// Products that are listed at this account; empty = the whole shop.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    listing_ids: Vec<Id<ListingId>>,
    #[schema(value_type = String, example = "2026-11-22T00:00:00Z")]
    receive_from: Time,
    #[schema(value_type = String, example = "2026-11-29T00:00:00Z")]
    receive_until: Time,
    /// How many there are.
    total: i64,
    /// How many one person may have.
    per_person: i64,
    /// With `valid_until`: a received coupon counts between these moments.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    valid_from: Option<Time>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    valid_until: Option<Time>,
    /// Or: so many days from the receipt on.
    #[serde(default)]
    valid_days: Option<i64>,
}

fn typed(body: &CouponBody) -> Answer<TypedCoupon> {
    let wrong = |path: &str, en: &str, zh: &str| FieldError::new(path, "invalid", en, zh);
    let given = &body.gives;
    let gift = match (given.kind.as_str(), given.percent, &given.less) {
        ("rate", Some(percent), None) if given.from.is_none() => {
            Gift::Rate { ppm: percent.saturating_mul(10_000), pieces: given.pieces }
        }
        ("less", None, Some(less)) if given.pieces.is_none() => {
            let from = given.from.as_ref().map(|from| from.fen("gives.from")).transpose()?;
            Gift::Less { less: less.fen("gives.less")?, from }
        }
        _ => {
            let en = "`rate` with `percent` and perhaps `pieces`, or `less` with `less` and perhaps `from`";
            return Err(wrong("gives", en, "优惠方式为 rate（percent、pieces）或 less（less、from）").into());
        }
    };
    let valid = match (&body.valid_from, &body.valid_until, body.valid_days) {
        (Some(from), Some(until), None) => Validity::Between(from.0, until.0),
        (None, None, Some(days)) => Validity::Days(days),
        _ => {
            let en = "`valid_days`, or `valid_from` with `valid_until`";
            return Err(wrong("valid_days", en, "请填写有效天数，或有效期的起止时间").into());
        }
    };
    Ok(TypedCoupon {
        name: body.name.clone(),
        gift,
        listings: body.listing_ids.iter().map(|id| id.0).collect(),
        receive_from: body.receive_from.0,
        receive_until: body.receive_until.0,
        total: body.total,
        per_person: body.per_person,
        valid,
    })
}

async fn make_coupon(
    auth: Authed<perm::PromotionManage, (Path<ChannelAccountId>, Json<CouponBody>)>,
) -> Answer<Created<CouponView>> {
    let (Path(account), Json(body)) = &auth.input;
    // What is not the caller's is not there, whatever the body says.
    promotions::account(&auth.state, &auth.grant, *account).await?;
    Ok(Created(view(coupons::make(&auth.state, &auth.grant, *account, &typed(body)?).await?)))
}

async fn change_coupon(
    auth: Authed<perm::PromotionManage, (Path<CouponId>, Json<CouponBody>)>,
) -> Answer<Json<CouponView>> {
    let (Path(id), Json(body)) = &auth.input;
    coupons::get(&auth.state, &auth.grant, *id).await?;
    Ok(Json(view(coupons::change(&auth.state, &auth.grant, *id, &typed(body)?).await?)))
}

#[derive(Debug, Serialize, ToSchema)]
struct CouponReadingView {
    /// How many coupons the platform told of.
    told: usize,
    /// Whether it has further ones.
    more: bool,
}

async fn read_coupons(
    auth: Authed<perm::PromotionManage, Path<ChannelAccountId>>,
) -> Answer<Json<CouponReadingView>> {
    let Reading { told, more } = coupons::read_back(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Json(CouponReadingView { told, more }))
}

async fn get_coupon(auth: Authed<perm::PromotionRead, Path<CouponId>>) -> Answer<Json<CouponView>> {
    Ok(Json(view(coupons::get(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn publish_coupon(auth: Authed<perm::PromotionManage, Path<CouponId>>) -> Answer<Json<CouponView>> {
    Ok(Json(view(coupons::step(&auth.state, &auth.grant, auth.input.0, CouponStep::Publish).await?)))
}

async fn withdraw_coupon(auth: Authed<perm::PromotionManage, Path<CouponId>>) -> Answer<Json<CouponView>> {
    Ok(Json(view(coupons::step(&auth.state, &auth.grant, auth.input.0, CouponStep::Withdraw).await?)))
}

async fn delete_coupon(auth: Authed<perm::PromotionManage, Path<CouponId>>) -> Answer<NoContent> {
    coupons::delete(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}

#[derive(Debug, Serialize, ToSchema)]
struct BuyerCouponView {
    /// The platform's id of the received coupon.
    external_id: String,
    /// The platform's id of the coupon it is one of.
    external_coupon_id: String,
    /// Ours of it, where it is known.
    #[schema(value_type = Option<String>)]
    coupon_id: Option<Id<CouponId>>,
    name: Option<String>,
    /// `usable`, `expired`, `used`, `unknown`.
    state: &'static str,
    #[schema(value_type = Option<String>)]
    received_at: Option<Time>,
    /// Until when it counts.
    #[schema(value_type = Option<String>)]
    until: Option<Time>,
    /// The platform's id of the order it was used for.
    external_order_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct BuyerCouponsView {
    items: Vec<BuyerCouponView>,
    /// Whether the platform has further ones: the newest hundred are read.
    more: bool,
}

pub(in crate::http) const fn held_state(state: &HeldState) -> &'static str {
    match state {
        HeldState::Usable => "usable",
        HeldState::Expired => "expired",
        HeldState::Used => "used",
        HeldState::Unknown(_) => "unknown",
    }
}

async fn list_buyer_coupons(auth: Authed<perm::OrderRead, Path<OrderId>>) -> Answer<Json<BuyerCouponsView>> {
    let held = holders::of_order(&auth.state, &auth.grant, auth.input.0).await?;
    let row = |(one, ours): (HeldCoupon, Option<(CouponId, String)>)| BuyerCouponView {
        state: held_state(&one.state),
        coupon_id: ours.as_ref().map(|(id, _)| Id(*id)),
        name: ours.map(|(_, name)| name),
        external_id: one.external_id,
        external_coupon_id: one.coupon_id,
        received_at: one.received_at.map(Time),
        until: one.until.map(Time),
        external_order_id: one.order_id,
    };
    Ok(Json(BuyerCouponsView { items: held.items.into_iter().map(row).collect(), more: held.more }))
}
