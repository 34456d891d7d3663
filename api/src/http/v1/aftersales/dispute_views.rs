//! Disputes about cases as the API shows them.

use crate::app::aftersales::{dispute, report};
use crate::http::wire::{Id, Time};
use qianpu_domain::aftersale::EvidenceKind;
use qianpu_domain::ids::MediaId;
use qianpu_sdk::DisputeEntry;
use qianpu_tenants::store::aftersale::Aftersale;
use qianpu_tenants::store::dispute_evidence::Evidence;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AftersaleDisputeView {
    /// The channel's id of the dispute.
    external_id: String,
    /// `waits_for_merchant`, `waits_for_buyer`, `with_platform`, `ended` or `unknown`.
    state: &'static str,
    native_state: String,
    /// The step it is at, where the channel tells more than the state: for example `merchant_proof_wanted`; `other` for
    /// one we have no word for.
    step: Option<&'static str>,
    /// What may be said in it now: `proof` or `message`.
    takes: Option<&'static str>,
    /// Since when it is at this step.
    #[schema(value_type = Option<String>)]
    since_at: Option<Time>,
    /// Until when whoever has to act may; null where the channel does not tell.
    #[schema(value_type = Option<String>)]
    deadline_at: Option<Time>,
}

impl AftersaleDisputeView {
    pub(super) fn of(case: &Aftersale) -> Option<Self> {
        let kept = case.facts.dispute.as_ref()?;
        let told = report::dispute(case)?;
        Some(Self {
            external_id: kept.external_id.clone(),
            state: kept.state.as_str(),
            native_state: kept.native_state.clone(),
            takes: dispute::takes(&told).map(EvidenceKind::as_str),
            step: told.step.as_ref().map(qianpu_sdk::DisputeStep::as_str),
            since_at: told.since.map(Time),
            deadline_at: told.deadline.map(Time),
        })
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DisputeEntryView {
    /// What happened: for example `opened`, `merchant_proof_wanted`, `merchant_proof`, `buyer_message`; `other` for what
    /// we have no word for.
    act: &'static str,
    #[schema(value_type = String)]
    at: Time,
    words: String,
    pictures: Vec<DisputePictureView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct DisputePictureView {
    /// The channel's address, which ends after a while; null where it tells none.
    url: Option<String>,
    /// Whether it is a film.
    film: bool,
}

impl From<DisputeEntry> for DisputeEntryView {
    fn from(entry: DisputeEntry) -> Self {
        let pictures = entry.pictures.into_iter();
        Self {
            act: entry.act.as_str(),
            at: Time(entry.at),
            words: entry.words,
            pictures: pictures.map(|one| DisputePictureView { url: one.url, film: one.film }).collect(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DisputeEvidenceView {
    id: String,
    /// `proof` or `message`.
    kind: &'static str,
    words: String,
    #[schema(value_type = Vec<String>)]
    pictures: Vec<Id<MediaId>>,
    /// `queued`, `sent` or `refused`.
    state: &'static str,
    /// The platform's words when it would not take it; `account_unusable:` and the account's state when it could not be
    /// told.
    error: Option<String>,
    by_name: String,
    #[schema(value_type = String)]
    at: Time,
    #[schema(value_type = Option<String>)]
    settled_at: Option<Time>,
}

impl From<Evidence> for DisputeEvidenceView {
    fn from(said: Evidence) -> Self {
        Self {
            id: said.id.to_string(),
            kind: said.kind.as_str(),
            words: said.words,
            pictures: said.pictures.into_iter().map(Id).collect(),
            state: said.state.as_str(),
            error: said.error,
            by_name: said.by_name,
            at: Time(said.at),
            settled_at: said.settled_at.map(Time),
        }
    }
}
