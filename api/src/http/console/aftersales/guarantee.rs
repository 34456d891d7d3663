//! A claim under a platform's guarantee, and the forms to answer it.

use super::dispute::at_pictures;
use super::guarantees::{LIST, page_of};
use crate::app::aftersales::guarantees::{self, Say, Shown};
use crate::app::media::{self, Purpose};
use crate::error::{Answer, ApiError};
use crate::http::console::apply::may_be_mended;
use crate::http::extract::{Authed, Fields, Path2, Upload, UploadedFile};
use crate::http::route::PageRoutes;
use crate::http::v1::MEDIA_LIMIT;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_sdk::{GuaranteeAnswer, GuaranteeClaim, GuaranteeMove};
use qianpu_tenants::authz::{Perm, perm};
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let one = "/console/merchant/channel_accounts/{channel_account_id}/guarantees/{claim}";
    pages.get(one, guarantee_page);
    pages.post(&format!("{one}/accept"), accept_guarantee_form);
    pages.post(&format!("{one}/offer"), offer_guarantee_form);
    pages.post(&format!("{one}/refuse"), refuse_guarantee_form);
    pages.post(&format!("{one}/prove"), prove_guarantee_form);
}

#[derive(Serialize)]
struct GoodsRow {
    title: String,
    price: Option<i64>,
    quantity: i64,
}

#[derive(Serialize)]
struct Amount {
    name: &'static str,
    value: i64,
}

#[derive(Serialize)]
struct Part {
    name: &'static str,
    percent: i64,
}

#[derive(Serialize)]
struct PictureView {
    number: usize,
    url: Option<String>,
}

#[derive(Serialize)]
struct Level {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct GuaranteePage {
    form: FormView,
    /// Which form was refused.
    said: &'static str,
    back: String,
    at: String,
    external_id: String,
    kind: &'static str,
    state: &'static str,
    native_state: String,
    waits: bool,
    /// It waits for the merchant, and the person may not answer it.
    watches: bool,
    may_accept: bool,
    may_offer: bool,
    may_refuse: bool,
    may_prove: bool,
    levels: Vec<Level>,
    reason: String,
    amount: Option<i64>,
    amounts: Vec<Amount>,
    parts: Vec<Part>,
    words: String,
    pictures: Vec<PictureView>,
    /// How many pictures the platform tells of without showing them.
    unseen: i64,
    offer_words: String,
    refusal: String,
    goods: Vec<GoodsRow>,
    order_number: String,
    order_href: Option<String>,
    created_at: i64,
    updated_at: Option<i64>,
    deadline: Option<i64>,
    ended_at: Option<i64>,
}

fn amounts(claim: &GuaranteeClaim) -> Vec<Amount> {
    let told = claim.fake.map(|told| {
        [
            ("examination", told.examination),
            ("goods", told.goods),
            ("expected", told.expected),
            ("paid", told.paid.filter(|paid| paid.get() > 0)),
        ]
    });
    let told = told.into_iter().flatten();
    told.filter_map(|(name, value)| Some(Amount { name, value: value?.get() })).collect()
}

fn parts(claim: &GuaranteeClaim) -> Vec<Part> {
    let told = claim.damage.as_ref().map(|told| {
        [("claimed", told.level), ("offered", told.offered), ("set_by_platform", told.set_by_platform)]
    });
    let told = told.into_iter().flatten();
    told.filter_map(|(name, percent)| Some(Part { name, percent: percent? })).collect()
}

async fn view<P: Perm, T>(
    auth: &Authed<P, T>,
    account: ChannelAccountId,
    id: &str,
    form: FormView,
    said: &'static str,
) -> Answer<GuaranteePage> {
    let reading = auth.caller.grant::<perm::OrderRead>()?;
    let Shown { claim, order } = guarantees::get(&auth.state, &reading, account, id).await?;
    let shop = guarantees::account(&auth.state, &reading, account).await?.shop;
    let handles = auth.caller.grant::<perm::AftersaleHandle>().is_ok_and(|it| it.covers_shop(shop));
    let uploads = auth.caller.grant::<perm::MediaWrite>().is_ok();
    let may = |step: GuaranteeMove| handles && claim.takes.contains(&step);
    let damage = claim.damage.as_ref();
    let pictures: Vec<PictureView> = damage
        .map(|told| told.pictures.iter().zip(1..))
        .into_iter()
        .flatten()
        .map(|(one, number)| PictureView { number, url: one.url.clone() })
        .collect();
    Ok(GuaranteePage {
        form,
        said,
        back: format!("{LIST}?account={account}"),
        at: page_of(account, id),
        kind: claim.kind.as_str(),
        state: claim.state.as_str(),
        waits: claim.state.waits_for_merchant(),
        watches: claim.state.waits_for_merchant() && !handles,
        may_accept: may(GuaranteeMove::Accept),
        may_offer: may(GuaranteeMove::Offer),
        may_refuse: may(GuaranteeMove::Refuse) && uploads,
        may_prove: may(GuaranteeMove::Prove) && uploads,
        levels: GuaranteeAnswer::LEVELS
            .map(|level| Level { value: level.to_string(), label: format!("{level}%") })
            .into(),
        amount: claim.amount.map(|amount| amount.get()),
        amounts: amounts(&claim),
        parts: parts(&claim),
        words: damage.map(|told| told.words.clone()).unwrap_or_default(),
        pictures,
        unseen: claim.fake.map_or(0, |told| told.pictures),
        offer_words: damage.map(|told| told.offer_words.clone()).unwrap_or_default(),
        goods: claim
            .goods
            .iter()
            .map(|one| GoodsRow {
                title: one.title.clone(),
                price: one.price.map(|price| price.get()),
                quantity: one.quantity,
            })
            .collect(),
        order_number: order.as_ref().map_or(claim.order_id, |(_, number)| number.clone()),
        order_href: order.map(|(id, _)| format!("/console/merchant/orders/{id}")),
        created_at: claim.created_at.micros(),
        updated_at: claim.updated_at.map(|at| at.micros()),
        deadline: claim.deadline.map(|at| at.micros()),
        ended_at: claim.ended_at.map(|at| at.micros()),
        external_id: claim.external_id,
        native_state: claim.native_state,
        reason: claim.reason,
        refusal: claim.refusal,
    })
}

type ClaimPath = Path2<ChannelAccountId, String>;

async fn guarantee_page(auth: Authed<perm::OrderRead, ClaimPath>) -> PageAnswer {
    let Path2(account, claim) = &auth.input;
    let page = match view(&auth, *account, claim, FormView::default(), "").await {
        // What goes wrong at the platform, or on the way there, is said on the page of all claims.
        Err(error) if error.code().status() >= 409 && error.code() != ErrorCode::Internal => {
            let why = auth.state.pages.catalogue().told(auth.info.lang, &error);
            let flash = Flash::failure("guarantees.unread").with("why", why);
            return Ok(auth.redirect_with(&flash, &format!("{LIST}?account={account}")));
        }
        found => found?,
    };
    auth.page("aftersales/guarantee", page)
}

/// Back to the claim with what came of it; what can be mended is shown at the form.
async fn after<T>(
    auth: &Authed<perm::AftersaleHandle, T>,
    (account, claim): (ChannelAccountId, &str),
    fields: &Fields,
    said: GuaranteeMove,
    outcome: Answer<Shown>,
) -> PageAnswer {
    let at = page_of(account, claim);
    let catalogue = auth.state.pages.catalogue();
    match outcome {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("guarantees.told"), &at)),
        Err(error) if may_be_mended(&error) && !error.errors().is_empty() => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let form = form.with_own(&["words", "pictures", "level"]);
            let page = view(auth, account, claim, form, said.as_str()).await?;
            auth.refused_page("aftersales/guarantee", page)
        }
        Err(error) if error.code().status() >= 409 && error.code() != ErrorCode::Internal => {
            let flash = Flash::failure("guarantees.failed");
            Ok(auth.redirect_with(&flash.with("why", catalogue.told(auth.info.lang, &error)), &at))
        }
        Err(error) => Err(error),
    }
}

async fn accept_guarantee_form(auth: Authed<perm::AftersaleHandle, (ClaimPath, Fields)>) -> PageAnswer {
    let (Path2(account, claim), fields) = &auth.input;
    let step = GuaranteeMove::Accept;
    let command = Say { step, words: String::new(), pictures: Vec::new(), level: None };
    let outcome = guarantees::answer(&auth.state, &auth.grant, *account, claim, &command).await;
    after(&auth, (*account, claim), fields, step, outcome).await
}

async fn offer_guarantee_form(auth: Authed<perm::AftersaleHandle, (ClaimPath, Fields)>) -> PageAnswer {
    let (Path2(account, claim), fields) = &auth.input;
    let step = GuaranteeMove::Offer;
    let level = fields.text("level").parse().ok();
    let command = Say { step, words: fields.text("words").to_owned(), pictures: Vec::new(), level };
    let outcome = guarantees::answer(&auth.state, &auth.grant, *account, claim, &command).await;
    after(&auth, (*account, claim), fields, step, outcome).await
}

type Said = Authed<perm::AftersaleHandle, (ClaimPath, Upload<MEDIA_LIMIT>)>;

async fn told(auth: &Said, step: GuaranteeMove) -> Answer<Shown> {
    let (Path2(account, claim), upload) = &auth.input;
    let words = upload.fields.text("words").trim().to_owned();
    let files: Vec<&UploadedFile> =
        upload.files.iter().filter(|file| file.field == "pictures" && !file.bytes.is_empty()).collect();
    // Before a file is kept for nothing: what is not the caller's is not there, and a claim that takes nothing is left alone.
    let found = guarantees::get(&auth.state, &auth.grant, *account, claim).await?;
    guarantees::check(step, &words, files.len(), None)?;
    if !found.claim.takes.contains(&step) {
        return Err(ApiError::new(ErrorCode::AftersaleWrongState));
    }
    let mut pictures = Vec::new();
    for file in files {
        let writes = auth.caller.grant::<perm::MediaWrite>()?;
        let name = &file.file_name;
        let stored = media::store(&auth.state, &writes, Purpose::Picture, name, file.bytes.clone()).await;
        pictures.push(stored.map_err(at_pictures)?.id);
    }
    let command = Say { step, words, pictures, level: None };
    guarantees::answer(&auth.state, &auth.grant, *account, claim, &command).await
}

async fn refuse_guarantee_form(auth: Said) -> PageAnswer {
    let step = GuaranteeMove::Refuse;
    let outcome = told(&auth, step).await;
    let (Path2(account, claim), upload) = &auth.input;
    after(&auth, (*account, claim), &upload.fields, step, outcome).await
}

async fn prove_guarantee_form(auth: Said) -> PageAnswer {
    let step = GuaranteeMove::Prove;
    let outcome = told(&auth, step).await;
    let (Path2(account, claim), upload) = &auth.input;
    after(&auth, (*account, claim), &upload.fields, step, outcome).await
}
