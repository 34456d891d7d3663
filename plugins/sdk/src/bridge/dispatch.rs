//! Operations by name, over the [`Channel`] trait: what a component written in Rust does with a call.

mod affiliate;
mod analytics;
mod call_quotas;
mod fans;
mod guarantees;
mod promotions;
mod qualifications;
mod shop;
mod shop_money;
mod templates;

use super::forms::{
    AccessTokenForm, AuthorisationForm, AuthorisedAccountForm, ClearReceiverForm, TokenSetForm,
};
use super::operation as op;
use crate::catalog::{ProductDraft, PublishedRefs, StockLevel};
use crate::channel::Channel;
use crate::content::{ArticleDraft, ArticleRefs};
use crate::context::Context;
use crate::error::{ChannelError, ErrorClass};
use crate::fulfilment::Shipment;
use crate::http::Answer;
use crate::messaging::OutgoingMessage;
use crate::orders::{Page, TimeWindow};
use crate::secret::Secret;
use crate::step::{Step, Turn};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Code {
    code: String,
}
#[derive(Deserialize)]
struct Cursor {
    cursor: Option<String>,
}
#[derive(Deserialize)]
struct ExternalId {
    external_id: String,
}
#[derive(Deserialize)]
struct Publish {
    draft: ProductDraft,
    refs: PublishedRefs,
}
#[derive(Deserialize)]
struct ProductId {
    product_id: String,
}
#[derive(Deserialize)]
struct Levels {
    refs: PublishedRefs,
    levels: Vec<StockLevel>,
}
#[derive(Deserialize)]
struct Changed {
    window: TimeWindow,
    cursor: Option<String>,
}
#[derive(Deserialize)]
struct Send {
    to: String,
    message: OutgoingMessage,
}
#[derive(Deserialize)]
struct CaseId {
    case_id: String,
}
#[derive(Deserialize)]
struct Article {
    draft: ArticleDraft,
    refs: ArticleRefs,
}
#[derive(Deserialize)]
struct DraftId {
    draft_id: String,
}
#[derive(Deserialize)]
struct PublishId {
    publish_id: String,
}
#[derive(Deserialize)]
struct FormLeads {
    form_id: String,
    window: TimeWindow,
    cursor: Option<String>,
}
#[derive(Deserialize)]
struct OrderId {
    order_id: String,
}

fn input<T: DeserializeOwned>(text: &str) -> Result<T, ChannelError> {
    serde_json::from_str(text)
        .map_err(|error| ChannelError::unexpected(format!("the input cannot be read: {error}")))
}

fn has<T>(capability: Option<T>, operation: &str) -> Result<T, ChannelError> {
    capability.ok_or_else(|| unknown(operation))
}

fn unknown(operation: &str) -> ChannelError {
    ChannelError::new(
        ErrorClass::BusinessRefusal,
        format!("the plugin does not know the operation {operation}"),
    )
}

fn written<T: Serialize>(turn: Turn<T>) -> Turn<String> {
    formed(turn, |value| value)
}

fn formed<T, F: Serialize>(turn: Turn<T>, form: impl FnOnce(T) -> F) -> Turn<String> {
    Ok(match turn? {
        Step::Call { requests, parallel, state } => Step::Call { requests, parallel, state },
        Step::Wait { ms, state } => Step::Wait { ms, state },
        Step::Done(value) => {
            Step::Done(serde_json::to_string(&form(value)).map_err(|error| {
                ChannelError::unexpected(format!("the outcome cannot be written: {error}"))
            })?)
        }
    })
}

fn rows(page: Page<crate::auth::AuthorisedAccount>) -> Page<AuthorisedAccountForm> {
    Page {
        items: page.items.into_iter().map(AuthorisedAccountForm::from).collect(),
        next_cursor: page.next_cursor,
    }
}

/// Starts an operation.
pub fn start(channel: &dyn Channel, cx: &Context<'_>, operation: &str, text: &str) -> Turn<String> {
    let app = || has(channel.app(), operation);
    let catalog = || has(channel.catalog(), operation);
    let aftersale = || has(channel.aftersale(), operation);
    match operation {
        op::APP_REQUEST_TICKET => written(app()?.request_ticket(cx)),
        op::APP_TOKEN => formed(app()?.app_token(cx), AccessTokenForm::from),
        op::APP_BEGIN_LINK => written(app()?.begin_link(cx, &input(text)?)),
        op::APP_COMPLETE_LINK => {
            let code = Secret::new(input::<Code>(text)?.code);
            formed(app()?.complete_link(cx, &code), AuthorisationForm::from)
        }
        op::APP_AUTHORISED_ACCOUNTS => {
            let cursor = input::<Cursor>(text)?.cursor;
            formed(app()?.authorised_accounts(cx, cursor.as_deref()), rows)
        }
        op::APP_AUTHORISED_PROFILE => {
            written(app()?.authorised_profile(cx, &input::<ExternalId>(text)?.external_id))
        }
        op::ACCOUNT_REFRESH => formed(has(channel.auth(), operation)?.refresh(cx), TokenSetForm::from),
        op::ACCOUNT_PROFILE => written(has(channel.account(), operation)?.profile(cx)),
        op::PERSON_ADDRESS => {
            written(has(channel.sign_in(), operation)?.address(cx, &input(text)?).map(Step::Done))
        }
        op::PERSON_SIGN_IN => {
            let code = Secret::new(input::<Code>(text)?.code);
            written(has(channel.sign_in(), operation)?.person(cx, &code))
        }
        op::PRODUCT_PUBLISH => {
            let Publish { draft, refs } = input(text)?;
            written(catalog()?.publish(cx, &draft, &refs))
        }
        op::PRODUCT_FETCH => written(catalog()?.fetch(cx, &input::<ProductId>(text)?.product_id)),
        op::PRODUCT_LIST => written(catalog()?.list(cx, &input::<ProductId>(text)?.product_id)),
        op::PRODUCT_DELIST => written(catalog()?.delist(cx, &input::<ProductId>(text)?.product_id)),
        op::STOCK_SET => {
            let Levels { refs, levels } = input(text)?;
            written(has(channel.stock(), operation)?.set_stock(cx, &refs, &levels))
        }
        op::ORDER_LIST => {
            let Changed { window, cursor } = input(text)?;
            written(has(channel.orders(), operation)?.list_changed(cx, window, cursor.as_deref()))
        }
        op::ORDER_FETCH => {
            written(has(channel.orders(), operation)?.fetch(cx, &input::<OrderId>(text)?.order_id))
        }
        op::ORDER_REVEAL => {
            let order = input::<OrderId>(text)?.order_id;
            formed(has(channel.reveal(), operation)?.receiver(cx, &order), ClearReceiverForm::from)
        }
        op::CARRIER_LIST => written(has(channel.fulfilment(), operation)?.carriers(cx)),
        op::ORDER_SHIP => written(has(channel.fulfilment(), operation)?.ship(cx, &input::<Shipment>(text)?)),
        op::MESSAGE_SEND => {
            let Send { to, message } = input(text)?;
            written(has(channel.messaging(), operation)?.send(cx, &to, &message))
        }
        op::AFTERSALE_LIST => {
            let Changed { window, cursor } = input(text)?;
            written(aftersale()?.list(cx, window, cursor.as_deref()))
        }
        op::AFTERSALE_FETCH => written(aftersale()?.fetch(cx, &input::<CaseId>(text)?.case_id)),
        op::AFTERSALE_CHOICES => written(aftersale()?.choices(cx, &input(text)?)),
        op::AFTERSALE_ACCEPT => written(aftersale()?.accept(cx, &input(text)?)),
        op::AFTERSALE_REFUSE => written(aftersale()?.refuse(cx, &input(text)?)),
        op::DISPUTE_ANSWER => written(has(channel.disputes(), operation)?.answer(cx, &input(text)?)),
        op::MENU_FETCH => written(has(channel.menu(), operation)?.fetch(cx)),
        op::MENU_PUBLISH => written(has(channel.menu(), operation)?.publish(cx, &input(text)?)),
        op::CODE_MAKE => written(has(channel.codes(), operation)?.make(cx, &input(text)?)),
        op::ARTICLE_SAVE => {
            let Article { draft, refs } = input(text)?;
            written(has(channel.content(), operation)?.save_draft(cx, &draft, &refs))
        }
        op::ARTICLE_SUBMIT => {
            written(has(channel.content(), operation)?.submit(cx, &input::<DraftId>(text)?.draft_id))
        }
        op::ARTICLE_PUBLISHING => {
            written(has(channel.content(), operation)?.publishing(cx, &input::<PublishId>(text)?.publish_id))
        }
        op::SHOWCASE_LIST => {
            written(has(channel.showcase(), operation)?.list(cx, input::<Cursor>(text)?.cursor.as_deref()))
        }
        op::SHOWCASE_ADD => written(has(channel.showcase(), operation)?.add(cx, &input(text)?)),
        op::SHOWCASE_REMOVE => written(has(channel.showcase(), operation)?.remove(cx, &input(text)?)),
        op::LIVE_NOW => written(has(channel.live(), operation)?.now(cx)),
        op::LIVE_DAY => written(has(channel.live(), operation)?.day(cx, &input(text)?)),
        op::LEAD_FORMS => {
            written(has(channel.leads(), operation)?.forms(cx, input::<Cursor>(text)?.cursor.as_deref()))
        }
        op::LEAD_LIST => {
            let FormLeads { form_id, window, cursor } = input(text)?;
            written(has(channel.leads(), operation)?.leads(cx, &form_id, window, cursor.as_deref()))
        }
        other if fans::knows(other) => fans::start(channel, cx, other, text),
        other if templates::knows(other) => templates::start(channel, cx, other, text),
        other if call_quotas::knows(other) => call_quotas::start(channel, cx, other, text),
        other if guarantees::knows(other) => guarantees::start(channel, cx, other, text),
        other if analytics::knows(other) => analytics::start(channel, cx, other, text),
        other if affiliate::knows(other) => affiliate::start(channel, cx, other, text),
        other => shop::start(channel, cx, other, text),
    }
}

/// Goes on with an operation.
pub fn resume(
    channel: &dyn Channel,
    cx: &Context<'_>,
    operation: &str,
    state: &[u8],
    answers: &[Answer],
) -> Turn<String> {
    let app = || has(channel.app(), operation);
    let catalog = || has(channel.catalog(), operation);
    let aftersale = || has(channel.aftersale(), operation);
    match operation {
        op::APP_REQUEST_TICKET => written(app()?.resume_request_ticket(cx, state, answers)),
        op::APP_TOKEN => formed(app()?.resume_app_token(cx, state, answers), AccessTokenForm::from),
        op::APP_BEGIN_LINK => written(app()?.resume_begin_link(cx, state, answers)),
        op::APP_COMPLETE_LINK => {
            formed(app()?.resume_complete_link(cx, state, answers), AuthorisationForm::from)
        }
        op::APP_AUTHORISED_ACCOUNTS => formed(app()?.resume_authorised_accounts(cx, state, answers), rows),
        op::APP_AUTHORISED_PROFILE => written(app()?.resume_authorised_profile(cx, state, answers)),
        op::ACCOUNT_REFRESH => {
            formed(has(channel.auth(), operation)?.resume_refresh(cx, state, answers), TokenSetForm::from)
        }
        op::ACCOUNT_PROFILE => written(has(channel.account(), operation)?.resume_profile(cx, state, answers)),
        op::PERSON_SIGN_IN => written(has(channel.sign_in(), operation)?.resume_person(cx, state, answers)),
        op::PRODUCT_PUBLISH => written(catalog()?.resume_publish(cx, state, answers)),
        op::PRODUCT_FETCH => written(catalog()?.resume_fetch(cx, state, answers)),
        op::PRODUCT_LIST => written(catalog()?.resume_list(cx, state, answers)),
        op::PRODUCT_DELIST => written(catalog()?.resume_delist(cx, state, answers)),
        op::STOCK_SET => written(has(channel.stock(), operation)?.resume_set_stock(cx, state, answers)),
        op::ORDER_LIST => written(has(channel.orders(), operation)?.resume_list_changed(cx, state, answers)),
        op::ORDER_FETCH => written(has(channel.orders(), operation)?.resume_fetch(cx, state, answers)),
        op::ORDER_REVEAL => {
            let turn = has(channel.reveal(), operation)?.resume_receiver(cx, state, answers);
            formed(turn, ClearReceiverForm::from)
        }
        op::CARRIER_LIST => {
            written(has(channel.fulfilment(), operation)?.resume_carriers(cx, state, answers))
        }
        op::ORDER_SHIP => written(has(channel.fulfilment(), operation)?.resume_ship(cx, state, answers)),
        op::MESSAGE_SEND => written(has(channel.messaging(), operation)?.resume_send(cx, state, answers)),
        op::AFTERSALE_LIST => written(aftersale()?.resume_list(cx, state, answers)),
        op::AFTERSALE_FETCH => written(aftersale()?.resume_fetch(cx, state, answers)),
        op::AFTERSALE_CHOICES => written(aftersale()?.resume_choices(cx, state, answers)),
        op::AFTERSALE_ACCEPT => written(aftersale()?.resume_accept(cx, state, answers)),
        op::AFTERSALE_REFUSE => written(aftersale()?.resume_refuse(cx, state, answers)),
        op::DISPUTE_ANSWER => written(has(channel.disputes(), operation)?.resume_answer(cx, state, answers)),
        op::MENU_FETCH => written(has(channel.menu(), operation)?.resume_fetch(cx, state, answers)),
        op::MENU_PUBLISH => written(has(channel.menu(), operation)?.resume_publish(cx, state, answers)),
        op::CODE_MAKE => written(has(channel.codes(), operation)?.resume_make(cx, state, answers)),
        op::ARTICLE_SAVE => written(has(channel.content(), operation)?.resume_save_draft(cx, state, answers)),
        op::ARTICLE_SUBMIT => written(has(channel.content(), operation)?.resume_submit(cx, state, answers)),
        op::ARTICLE_PUBLISHING => {
            written(has(channel.content(), operation)?.resume_publishing(cx, state, answers))
        }
        op::SHOWCASE_LIST => written(has(channel.showcase(), operation)?.resume_list(cx, state, answers)),
        op::SHOWCASE_ADD => written(has(channel.showcase(), operation)?.resume_add(cx, state, answers)),
        op::SHOWCASE_REMOVE => written(has(channel.showcase(), operation)?.resume_remove(cx, state, answers)),
        op::LIVE_NOW => written(has(channel.live(), operation)?.resume_now(cx, state, answers)),
        op::LIVE_DAY => written(has(channel.live(), operation)?.resume_day(cx, state, answers)),
        op::LEAD_FORMS => written(has(channel.leads(), operation)?.resume_forms(cx, state, answers)),
        op::LEAD_LIST => written(has(channel.leads(), operation)?.resume_leads(cx, state, answers)),
        other if fans::knows(other) => fans::resume(channel, cx, other, state, answers),
        other if templates::knows(other) => templates::resume(channel, cx, other, state, answers),
        other if call_quotas::knows(other) => call_quotas::resume(channel, cx, other, state, answers),
        other if guarantees::knows(other) => guarantees::resume(channel, cx, other, state, answers),
        other if analytics::knows(other) => analytics::resume(channel, cx, other, state, answers),
        other if affiliate::knows(other) => affiliate::resume(channel, cx, other, state, answers),
        other => shop::resume(channel, cx, other, state, answers),
    }
}
