//! One case: what is asked for, its order beside it, what happened, and the decision.

use super::dispute::{self, DisputeView};
use super::page_of;
use crate::app::aftersales::decide;
use crate::app::aftersales::read::{self, Detail};
use crate::app::orders;
use crate::error::{Answer, ApiError};
use crate::http::console::apply::may_be_mended;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::aftersale::{AcceptStep, AftersaleHappening, AftersaleKind};
use qianpu_domain::ids::AftersaleId;
use qianpu_sdk::{CaseChoices, DisputeStep};
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::aftersale_event::AftersaleEventRow;
use serde::Serialize;
use serde_json::Value;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/aftersales/{aftersale_id}", aftersale_page);
    pages.post("/console/merchant/aftersales/{aftersale_id}/accept", accept_aftersale_form);
    pages.post("/console/merchant/aftersales/{aftersale_id}/refuse", refuse_aftersale_form);
}

#[derive(Serialize)]
pub(super) struct CasePage {
    form: FormView,
    id: String,
    kind: &'static str,
    state: &'static str,
    native_state: String,
    external_id: String,
    waits_for: &'static str,
    deadline: Option<i64>,
    reason: String,
    buyer_words: String,
    refusal: Option<String>,
    amount: i64,
    refunded: i64,
    refunds: bool,
    goods: Vec<GoodsView>,
    return_carrier: Option<String>,
    return_waybill: Option<String>,
    dispute: Option<DisputeView>,
    asked_at: i64,
    ended_at: Option<i64>,
    synced_at: i64,
    order: OrderCard,
    events: Vec<EventView>,
    /// A decision is on its way: `accept` or `refuse`.
    pending: Option<&'static str>,
    /// The platform's words when it would not take the last decision.
    decision_error: Option<String>,
    decide: Option<DecideView>,
    /// The form of a refusal is open: it has to be mended.
    refusing: bool,
    /// What was said in the dispute has to be mended, and not a decision.
    answering: bool,
}

impl CasePage {
    /// The form that was refused is that of the dispute.
    pub(super) fn answering(self) -> Self {
        Self { refusing: false, answering: true, ..self }
    }
}

#[derive(Serialize)]
struct GoodsView {
    title: String,
    spec: String,
    quantity: i64,
    unit_price: i64,
    ordered: i64,
    shipped: i64,
}

#[derive(Serialize)]
struct OrderCard {
    href: String,
    number: String,
    state: &'static str,
    total: i64,
    refunded: i64,
    account: Option<String>,
    paid_at: Option<i64>,
    shipped_at: Option<i64>,
    received_at: Option<i64>,
}

/// What the person may decide now.
#[derive(Serialize)]
struct DecideView {
    version: i64,
    /// `refund`, `agree` or `received`.
    step: &'static str,
    /// The goods have to come back to an address.
    needs_address: bool,
    /// New goods leave: a parcel is asked for.
    needs_parcel: bool,
    addresses: Vec<Choice>,
    carriers: Vec<Choice>,
    reasons: Vec<ReasonView>,
    /// Why reasons and addresses could not be read.
    trouble: Option<&'static str>,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct ReasonView {
    value: String,
    label: String,
    words: String,
}

#[derive(Serialize)]
struct EventView {
    kind: &'static str,
    state: Option<String>,
    dispute: Option<String>,
    /// The dispute's step, where there is a word for it.
    step: Option<String>,
    /// What was said: `proof` or `message`.
    said: Option<String>,
    native_state: Option<String>,
    amount: Option<i64>,
    note: Option<String>,
    who: String,
    actor_kind: String,
    tone: &'static str,
    at: i64,
}

fn event_view(event: AftersaleEventRow) -> EventView {
    let text = |name: &str| event.detail.get(name).and_then(Value::as_str).map(str::to_owned);
    let state = text("state");
    let dispute = event.kind == AftersaleHappening::Dispute;
    let step = text("step").filter(|word| DisputeStep::KNOWN.iter().any(|step| step.as_str() == word));
    EventView {
        dispute: state.clone().filter(|_| dispute && step.is_none()),
        step,
        said: text("kind"),
        kind: event.kind.as_str(),
        state: state.filter(|_| !dispute),
        native_state: text("native_state"),
        amount: event.detail.get("amount_fen").and_then(Value::as_i64),
        note: text("reason"),
        tone: match event.kind {
            AftersaleHappening::DecisionRefused
            | AftersaleHappening::EvidenceRefused
            | AftersaleHappening::Dispute => "danger",
            AftersaleHappening::Reminded => "warning",
            AftersaleHappening::Refunded
            | AftersaleHappening::DecisionTaken
            | AftersaleHappening::EvidenceSent => "success",
            _ => "info",
        },
        who: event.actor_name,
        actor_kind: event.actor_kind,
        at: event.at.micros(),
    }
}

/// What can be decided about the case, with what the channel offers for it.
async fn decide_view<P: Perm, T>(auth: &Authed<P, T>, found: &Detail) -> Answer<Option<DecideView>> {
    let case = &found.listed.case;
    let (Some(step), None) = (case.progress.accept_step(case.kind), case.pending.decision) else {
        return Ok(None);
    };
    let Ok(grant) = auth.caller.grant::<perm::AftersaleHandle>() else { return Ok(None) };
    let (choices, trouble) = match read::choices(&auth.state, &grant, case.id).await {
        Ok(choices) => (choices, None),
        // The page is shown all the same; the platform may be asked again.
        Err(error) if (409..600).contains(&error.code().status()) => {
            let code = error.code();
            (CaseChoices::default(), Some(auth.info.lang.pick(code.title_zh(), code.title_en())))
        }
        Err(error) => return Err(error),
    };
    let needs_parcel = step == AcceptStep::Received && case.kind == AftersaleKind::Exchange;
    let carriers = if needs_parcel {
        let list = orders::carriers::of(&auth.state, grant.ctx(), Some(case.account)).await;
        list.iter().map(|one| Choice { value: one.carrier_id.clone(), label: one.name.clone() }).collect()
    } else {
        Vec::new()
    };
    let mut addresses = choices.return_addresses;
    addresses.sort_by_key(|address| !address.default);
    let view = DecideView {
        version: case.version,
        step: step.as_str(),
        needs_address: step == AcceptStep::Agree && !addresses.is_empty(),
        needs_parcel,
        addresses: addresses
            .into_iter()
            .map(|one| Choice { value: one.address_id, label: one.text })
            .collect(),
        carriers,
        reasons: choices
            .refusal_reasons
            .into_iter()
            .map(|one| ReasonView { value: one.code, label: one.title, words: one.words })
            .collect(),
        trouble,
    };
    Ok(Some(view))
}

/// The page of a case.
pub(super) async fn view<P: Perm, T>(
    auth: &Authed<P, T>,
    id: AftersaleId,
    form: FormView,
) -> Answer<CasePage> {
    let reading = auth.caller.grant::<perm::OrderRead>()?;
    let found = read::get(&auth.state, &reading, id).await?;
    let decide = decide_view(auth, &found).await?;
    let Detail { listed, order, mut events, evidence } = found;
    let dispute = dispute::view(auth, &listed.case, evidence);
    let (case, progress) = (listed.case, &order.progress);
    events.reverse();
    Ok(CasePage {
        refusing: form.is_refused(),
        form,
        id: id.to_string(),
        kind: case.kind.as_str(),
        refunds: case.kind.refunds(),
        state: case.progress.state.as_str(),
        native_state: case.progress.native_state,
        external_id: case.external_id,
        waits_for: case.progress.waits_for.as_str(),
        deadline: case.progress.deadline.filter(|_| case.progress.state.is_open()).map(|at| at.micros()),
        reason: case.facts.reason,
        buyer_words: case.facts.buyer_words,
        refusal: case.facts.refusal,
        amount: case.facts.amount.get(),
        refunded: case.refunded.get(),
        goods: listed
            .goods
            .into_iter()
            .map(|(line, quantity)| GoodsView {
                title: line.title,
                spec: line.spec_text,
                quantity,
                unit_price: line.unit_price.get(),
                ordered: line.quantity,
                shipped: line.shipped,
            })
            .collect(),
        return_carrier: case.facts.return_carrier,
        return_waybill: case.facts.return_waybill,
        dispute,
        answering: false,
        asked_at: case.asked_at.micros(),
        ended_at: case.ended_at.map(|at| at.micros()),
        synced_at: case.synced_at.micros(),
        order: OrderCard {
            href: format!("/console/merchant/orders/{}", order.id),
            number: order.number,
            state: progress.state.as_str(),
            total: order.facts.amounts.total.get(),
            refunded: order.refunded.get(),
            account: listed.account_name,
            paid_at: progress.paid_at.map(|at| at.micros()),
            shipped_at: progress.shipped_at.map(|at| at.micros()),
            received_at: progress.received_at.map(|at| at.micros()),
        },
        events: events.into_iter().map(event_view).collect(),
        pending: case.pending.decision.map(|decision| decision.as_str()),
        decision_error: case.pending.error,
        decide,
    })
}

async fn aftersale_page(auth: Authed<perm::OrderRead, Path<AftersaleId>>) -> PageAnswer {
    let page = view(&auth, auth.input.0, FormView::default()).await?;
    auth.page("aftersales/case", page)
}

fn seen(fields: &Fields) -> Option<i64> {
    fields.text("version").parse().ok()
}

fn filled(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

async fn accept_aftersale_form(
    auth: Authed<perm::AftersaleHandle, (Path<AftersaleId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let command = decide::Accept {
        address_id: filled(fields.text("address_id")),
        carrier: filled(fields.text("carrier")),
        waybill: filled(fields.text("waybill")),
    };
    let mut tx = auth.state.db.begin(auth.grant.ctx()).await?;
    let decided = decide::accept(&mut tx, &auth.grant, *id, seen(fields), &command).await;
    if decided.is_ok() {
        tx.commit().await?;
    } else {
        drop(tx);
    }
    answered(&auth, *id, fields, decided.map(drop), "aftersales.accept_queued").await
}

async fn refuse_aftersale_form(
    auth: Authed<perm::AftersaleHandle, (Path<AftersaleId>, Fields)>,
) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let command = decide::Refuse {
        reason_code: fields.text("reason_code").trim().to_owned(),
        words: fields.text("words").trim().to_owned(),
    };
    let mut tx = auth.state.db.begin(auth.grant.ctx()).await?;
    let decided = decide::refuse(&mut tx, &auth.grant, *id, seen(fields), &command).await;
    if decided.is_ok() {
        tx.commit().await?;
    } else {
        drop(tx);
    }
    answered(&auth, *id, fields, decided.map(drop), "aftersales.refuse_queued").await
}

async fn answered(
    auth: &Authed<perm::AftersaleHandle, (Path<AftersaleId>, Fields)>,
    id: AftersaleId,
    fields: &Fields,
    decided: Result<(), ApiError>,
    done: &'static str,
) -> PageAnswer {
    match decided {
        Ok(()) => Ok(auth.redirect_with(&Flash::success(done), &page_of(id))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let page = view(auth, id, form).await?;
            auth.refused_page("aftersales/case", page)
        }
        Err(error) => Err(error),
    }
}
