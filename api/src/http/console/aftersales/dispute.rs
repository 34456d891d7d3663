//! The dispute of a case: where it stands, its history, what was said from here, and the form to say more.

use super::{case, page_of};
use crate::app::aftersales::{dispute, report};
use crate::app::media::{self, Purpose};
use crate::error::{Answer, ApiError};
use crate::http::console::apply::may_be_mended;
use crate::http::extract::{Authed, Path, Upload, UploadedFile};
use crate::http::route::PageRoutes;
use crate::http::v1::MEDIA_LIMIT;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::aftersale::{EvidenceKind, EvidenceState};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::AftersaleId;
use qianpu_sdk::{DisputeAct, DisputeEntry, DisputeStep};
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::aftersale::Aftersale;
use qianpu_tenants::store::dispute_evidence::Evidence;
use serde::Serialize;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.post("/console/merchant/aftersales/{aftersale_id}/dispute", answer_dispute_form);
}

#[derive(Serialize)]
pub(super) struct DisputeView {
    external_id: String,
    state: &'static str,
    native_state: String,
    /// The step, where there is a word for it.
    step: Option<&'static str>,
    since: Option<i64>,
    deadline: Option<i64>,
    ended: bool,
    /// It waits for the merchant, and there is no call to answer it.
    elsewhere: bool,
    /// What the person may say now: `proof` or `message`.
    takes: Option<&'static str>,
    version: i64,
    may_upload: bool,
    /// Newest first.
    history: Vec<EntryView>,
    evidence: Vec<EvidenceView>,
}

#[derive(Serialize)]
struct EntryView {
    act: &'static str,
    by: &'static str,
    at: i64,
    words: String,
    pictures: Vec<PictureView>,
}

#[derive(Serialize)]
struct PictureView {
    number: usize,
    url: Option<String>,
    film: bool,
}

#[derive(Serialize)]
struct EvidenceView {
    kind: &'static str,
    state: &'static str,
    words: String,
    pictures: Vec<OwnPicture>,
    error: Option<String>,
    who: String,
    at: i64,
}

#[derive(Serialize)]
struct OwnPicture {
    number: usize,
    href: String,
}

/// Whose act it is: the tone of its mark.
fn by(act: &DisputeAct) -> &'static str {
    use DisputeAct as A;
    match act {
        A::MerchantMessage | A::MerchantProof => "success",
        A::Opened | A::Submitted | A::BuyerMessage | A::BuyerProof => "warning",
        A::MerchantProofWanted | A::BothProofWanted | A::MerchantHandles | A::MerchantLate => "danger",
        _ => "info",
    }
}

fn entry_view(entry: DisputeEntry) -> EntryView {
    let pictures = entry.pictures.into_iter().zip(1..);
    EntryView {
        act: entry.act.as_str(),
        by: by(&entry.act),
        at: entry.at.micros(),
        words: entry.words,
        pictures: pictures
            .map(|(one, number)| PictureView { number, url: one.url, film: one.film })
            .collect(),
    }
}

/// The dispute of a case, if there is one.
pub(super) fn view<P: Perm, T>(
    auth: &Authed<P, T>,
    found: &Aftersale,
    evidence: Vec<Evidence>,
) -> Option<DisputeView> {
    let kept = found.facts.dispute.as_ref()?;
    let told = report::dispute(found)?;
    let handles = auth.caller.grant::<perm::AftersaleHandle>().is_ok_and(|it| it.covers_shop(found.shop));
    let waits = evidence.iter().any(|one| one.state == EvidenceState::Queued);
    let takes = dispute::takes(&told);
    let known = told.step.as_ref().filter(|step| !matches!(step, DisputeStep::Other(_)));
    let ended = kept.state == qianpu_domain::aftersale::DisputeState::Ended;
    let ours = kept.state == qianpu_domain::aftersale::DisputeState::WaitsForMerchant;
    Some(DisputeView {
        external_id: kept.external_id.clone(),
        state: kept.state.as_str(),
        native_state: kept.native_state.clone(),
        step: known.map(DisputeStep::as_str),
        since: told.since.map(|at| at.micros()),
        deadline: told.deadline.map(|at| at.micros()),
        ended,
        elsewhere: ours && takes.is_none(),
        takes: takes.filter(|_| handles && !waits).map(EvidenceKind::as_str),
        version: found.version,
        may_upload: auth.caller.grant::<perm::MediaWrite>().is_ok(),
        history: told.history.into_iter().rev().map(entry_view).collect(),
        evidence: evidence
            .into_iter()
            .map(|said| EvidenceView {
                kind: said.kind.as_str(),
                state: said.state.as_str(),
                words: said.words,
                pictures: said
                    .pictures
                    .iter()
                    .zip(1..)
                    .map(|(id, number)| OwnPicture { number, href: format!("/console/merchant/media/{id}") })
                    .collect(),
                error: said.error,
                who: said.by_name,
                at: said.at.micros(),
            })
            .collect(),
    })
}

type Said = Authed<perm::AftersaleHandle, (Path<AftersaleId>, Upload<MEDIA_LIMIT>)>;

async fn answer(auth: &Said) -> Answer<()> {
    let (Path(id), upload) = &auth.input;
    let fields = &upload.fields;
    let kind = fields.text("kind").to_owned();
    let words = fields.text("words").trim().to_owned();
    let files: Vec<&UploadedFile> =
        upload.files.iter().filter(|file| file.field == "pictures" && !file.bytes.is_empty()).collect();
    // Before a file is kept for nothing.
    dispute::check(&kind, &words, files.len())?;
    let mut pictures = Vec::new();
    for file in files {
        let writes = auth.caller.grant::<perm::MediaWrite>()?;
        let name = &file.file_name;
        let stored = media::store(&auth.state, &writes, Purpose::Picture, name, file.bytes.clone()).await;
        pictures.push(stored.map_err(at_pictures)?.id);
    }
    let command = dispute::Say { kind, words, pictures };
    let mut tx = auth.state.db.begin(auth.grant.ctx()).await?;
    dispute::say(&mut tx, &auth.grant, *id, fields.text("version").parse().ok(), &command).await?;
    Ok(tx.commit().await?)
}

/// What is wrong with a file, said at the field of the form.
pub(super) fn at_pictures(error: ApiError) -> ApiError {
    match error.errors().first() {
        Some(wrong) => {
            FieldError::new("pictures", wrong.code, wrong.message_en.clone(), wrong.message_zh.clone()).into()
        }
        None => error,
    }
}

async fn answer_dispute_form(auth: Said) -> PageAnswer {
    let id = auth.input.0.0;
    match answer(&auth).await {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("aftersales.dispute_queued"), &page_of(id))),
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(&auth.input.1.fields, &error, auth.info.lang);
            let form = form.with_own(&["words", "pictures"]);
            let page = case::view(&auth, id, form).await?.answering();
            auth.refused_page("aftersales/case", page)
        }
        Err(error) => Err(error),
    }
}
