//! `/channel_accounts/{id}/guarantees`: claims under a platform's guarantee, at the platform.

use crate::app::aftersales::guarantees::{self, Say, Shown};
use crate::error::Answer;
use crate::http::extract::{Authed, Json, Path, Path2, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Time};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ChannelAccountId, MediaId, OrderId};
use qianpu_sdk::{GuaranteeKind, GuaranteeMove, GuaranteeQuery};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let all = "/channel_accounts/{channel_account_id}/guarantees";
    let one = |rest: &str| format!("{all}/{{claim}}{rest}");
    api.get(all, list_guarantees, "Guarantee claims of an account, asked of the platform; at most 20 a page");
    api.get(&one(""), get_guarantee, "A guarantee claim, asked of the platform");
    api.post(&one("/accept"), accept_guarantee, "Agree to a guarantee claim: the platform pays the buyer");
    api.post(
        &one("/refuse"),
        refuse_guarantee,
        "Refuse a guarantee claim with words and pictures: the platform decides",
    );
    api.post(
        &one("/offer"),
        offer_guarantee,
        "Offer another part of the price for damaged goods; the buyer says whether it is taken",
    );
    api.post(&one("/prove"), prove_guarantee, "Give the proof the platform wants, with words and pictures");
}

#[derive(Debug, Serialize, ToSchema)]
struct GuaranteeGoodsView {
    title: String,
    /// The platform's ids.
    product_id: Option<String>,
    sku_id: Option<String>,
    price: Option<Money>,
    quantity: i64,
}

/// Amounts of a claim about fake goods.
#[derive(Debug, Serialize, ToSchema)]
struct GuaranteeFakeView {
    /// What having them examined cost.
    examination: Option<Money>,
    goods: Option<Money>,
    expected: Option<Money>,
    paid: Option<Money>,
    /// How many pictures the buyer gave.
    pictures: i64,
}

/// What is damaged. Parts are of a hundred.
#[derive(Debug, Serialize, ToSchema)]
struct GuaranteeDamageView {
    /// The part the buyer claims.
    level: Option<i64>,
    words: String,
    pictures: Vec<GuaranteePictureView>,
    /// The part the merchant offered.
    offered: Option<i64>,
    offer_words: String,
    /// The part the platform set.
    set_by_platform: Option<i64>,
    amount: Option<Money>,
}

#[derive(Debug, Serialize, ToSchema)]
struct GuaranteePictureView {
    /// Where the platform shows it for a while.
    url: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct GuaranteeView {
    /// The platform's id.
    external_id: String,
    /// `fake`, `damage` or `other`.
    kind: &'static str,
    /// `merchant_decides`, `platform_decides`, `buyer_confirms`, `merchant_proof_wanted`, `buyer_proof_wanted`,
    /// `both_proof_wanted`, `platform_confirms`, `pay_score_awaited`, `nothing_owed`, `paying`, `amount_checked`, `paid`,
    /// `pay_failed`, `withdrawn` or `other`.
    state: &'static str,
    native_state: String,
    waits_for_merchant: bool,
    /// What may be said now: `accept`, `refuse`, `offer`, `prove`.
    takes: Vec<&'static str>,
    external_order_id: String,
    /// The order here, where it is known.
    #[schema(value_type = Option<String>)]
    order_id: Option<Id<OrderId>>,
    goods: Vec<GuaranteeGoodsView>,
    /// Why the buyer claims.
    reason: String,
    /// What the buyer shall get; null where the platform does not say.
    amount: Option<Money>,
    fake: Option<GuaranteeFakeView>,
    damage: Option<GuaranteeDamageView>,
    /// The words with which the merchant refused it.
    refusal: String,
    #[schema(value_type = String)]
    created_at: Time,
    #[schema(value_type = Option<String>)]
    updated_at: Option<Time>,
    /// Until when whoever has to act may.
    #[schema(value_type = Option<String>)]
    deadline_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    ended_at: Option<Time>,
}

impl From<Shown> for GuaranteeView {
    fn from(Shown { claim, order }: Shown) -> Self {
        Self {
            kind: claim.kind.as_str(),
            state: claim.state.as_str(),
            waits_for_merchant: claim.state.waits_for_merchant(),
            takes: claim.takes.iter().map(|step| step.as_str()).collect(),
            order_id: order.map(|(id, _)| Id(id)),
            goods: claim
                .goods
                .into_iter()
                .map(|one| GuaranteeGoodsView {
                    title: one.title,
                    product_id: one.product_id,
                    sku_id: one.sku_id,
                    price: one.price.map(Money::from),
                    quantity: one.quantity,
                })
                .collect(),
            fake: claim.fake.map(|told| GuaranteeFakeView {
                examination: told.examination.map(Money::from),
                goods: told.goods.map(Money::from),
                expected: told.expected.map(Money::from),
                paid: told.paid.map(Money::from),
                pictures: told.pictures,
            }),
            damage: claim.damage.map(|told| GuaranteeDamageView {
                level: told.level,
                words: told.words,
                pictures: told
                    .pictures
                    .into_iter()
                    .map(|picture| GuaranteePictureView { url: picture.url })
                    .collect(),
                offered: told.offered,
                offer_words: told.offer_words,
                set_by_platform: told.set_by_platform,
                amount: told.amount.map(Money::from),
            }),
            external_id: claim.external_id,
            native_state: claim.native_state,
            external_order_id: claim.order_id,
            reason: claim.reason,
            amount: claim.amount.map(Money::from),
            refusal: claim.refusal,
            created_at: Time(claim.created_at),
            updated_at: claim.updated_at.map(Time),
            deadline_at: claim.deadline.map(Time),
            ended_at: claim.ended_at.map(Time),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct GuaranteesQuery {
    /// `fake` or `damage`.
    kind: Option<String>,
    /// The order's id at the channel.
    external_order_id: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct GuaranteesView {
    items: Vec<GuaranteeView>,
    next_cursor: Option<String>,
}

async fn list_guarantees(
    auth: Authed<perm::OrderRead, (Path<ChannelAccountId>, Query<GuaranteesQuery>)>,
) -> Answer<Json<GuaranteesView>> {
    let (Path(account), Query(query)) = &auth.input;
    // What is not the caller's is not there, whatever is asked.
    guarantees::account(&auth.state, &auth.grant, *account).await?;
    let kind = match query.kind.as_deref() {
        None | Some("") => None,
        Some(word) => Some(
            kind_of(word)
                .ok_or_else(|| FieldError::new("kind", "unknown", "fake or damage", "应为 fake 或 damage"))?,
        ),
    };
    let asked = GuaranteeQuery {
        kind,
        order_id: query.external_order_id.clone().filter(|id| !id.is_empty()),
        cursor: query.cursor.clone(),
    };
    let found = guarantees::list(&auth.state, &auth.grant, *account, &asked).await?;
    let items = found.items.into_iter().map(GuaranteeView::from).collect();
    Ok(Json(GuaranteesView { items, next_cursor: found.next }))
}

/// A kind of claim by its word.
pub(in crate::http) fn kind_of(word: &str) -> Option<GuaranteeKind> {
    GuaranteeKind::KNOWN.iter().find(|kind| kind.as_str() == word).cloned()
}

async fn get_guarantee(
    auth: Authed<perm::OrderRead, Path2<ChannelAccountId, String>>,
) -> Answer<Json<GuaranteeView>> {
    let Path2(account, claim) = &auth.input;
    Ok(Json(guarantees::get(&auth.state, &auth.grant, *account, claim).await?.into()))
}

type Handling<T> = Authed<perm::AftersaleHandle, (Path2<ChannelAccountId, String>, T)>;

async fn say<T: 'static>(auth: &Handling<T>, command: &Say) -> Answer<Json<GuaranteeView>> {
    let Path2(account, claim) = &auth.input.0;
    Ok(Json(guarantees::answer(&auth.state, &auth.grant, *account, claim, command).await?.into()))
}

async fn accept_guarantee(
    auth: Authed<perm::AftersaleHandle, Path2<ChannelAccountId, String>>,
) -> Answer<Json<GuaranteeView>> {
    let Path2(account, claim) = &auth.input;
    let step = GuaranteeMove::Accept;
    let command = Say { step, words: String::new(), pictures: Vec::new(), level: None };
    Ok(Json(guarantees::answer(&auth.state, &auth.grant, *account, claim, &command).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GuaranteeWordsBody {
    /// 1–500 characters.
    words: String,
    /// Ids of 1–20 uploaded pictures.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pictures: Vec<Id<MediaId>>,
}

fn words(step: GuaranteeMove, body: &GuaranteeWordsBody) -> Say {
    let pictures = body.pictures.iter().map(|id| id.0).collect();
    Say { step, words: body.words.clone(), pictures, level: None }
}

async fn refuse_guarantee(auth: Handling<Json<GuaranteeWordsBody>>) -> Answer<Json<GuaranteeView>> {
    say(&auth, &words(GuaranteeMove::Refuse, &auth.input.1.0)).await
}

async fn prove_guarantee(auth: Handling<Json<GuaranteeWordsBody>>) -> Answer<Json<GuaranteeView>> {
    say(&auth, &words(GuaranteeMove::Prove, &auth.input.1.0)).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GuaranteeOfferBody {
    /// How many of a hundred of the price: 10, 30, 50, 80 or 100.
    level: i64,
    /// Up to 500 characters for the buyer.
    #[serde(default)]
    words: String,
}

async fn offer_guarantee(auth: Handling<Json<GuaranteeOfferBody>>) -> Answer<Json<GuaranteeView>> {
    let body = &auth.input.1.0;
    let step = GuaranteeMove::Offer;
    let command = Say { step, words: body.words.clone(), pictures: Vec::new(), level: Some(body.level) };
    say(&auth, &command).await
}
