//! Cases against the deposits of a merchant's shops, and its appeal. How a case is shown is here for both consoles.

use super::apply::may_be_mended;
use super::money::merchants_only;
use crate::app::media;
use crate::app::money::deposit_case_files;
use crate::app::money::deposit_cases::appeal_in;
use crate::app::money::deposit_cases_read::{self, CaseDetail, CaseStanding};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Call, Fields, Path, Path2, Query, Upload};
use crate::http::route::PageRoutes;
use crate::http::v1::{MEDIA_LIMIT, media_content};
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::deposit_case::CaseState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{DepositCaseId, MediaId};
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::deposit_case::{DepositCaseFilter, Said};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const CASES: &str = "/console/merchant/money/deposits/cases";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(CASES, cases_page);
    pages.get("/console/merchant/money/deposits/cases/{deposit_case_id}", case_page);
    pages.post("/console/merchant/money/deposits/cases/{deposit_case_id}/appeal", appeal_form);
    pages.get("/console/merchant/money/deposits/cases/{deposit_case_id}/files/{media_id}", case_file);
}

/// A case in a list.
#[derive(Serialize)]
pub(super) struct CaseLine {
    href: String,
    shop_name: String,
    /// For a provider.
    merchant_name: String,
    violation: &'static str,
    state: &'static str,
    asked: i64,
    frozen: i64,
    left: i64,
    deducted: i64,
    opened_at: i64,
    /// While the merchant may appeal.
    appeal_until: Option<i64>,
}

pub(super) fn case_line(call: &Call, home: &str, row: CaseStanding, merchant_name: String) -> CaseLine {
    let CaseStanding { case, shop_name } = row;
    let open = case.state == CaseState::Open && call.state.clock().now() < case.appeal_until;
    CaseLine {
        href: format!("{home}/{}", case.id),
        shop_name,
        merchant_name,
        violation: case.violation.as_str(),
        state: case.state.as_str(),
        asked: case.money.asked.get(),
        frozen: case.money.frozen.get(),
        left: case.money.left().get(),
        deducted: case.money.deducted.get().saturating_add(case.money.claimed.get()),
        opened_at: case.opened_at.micros(),
        appeal_until: open.then_some(case.appeal_until.micros()),
    }
}

/// A case in full.
#[derive(Serialize)]
pub(super) struct CaseView {
    form: FormView,
    /// Where the console keeps it.
    home: String,
    list: String,
    provider: bool,
    id: String,
    line: CaseLine,
    facts: String,
    opened_by: String,
    released: i64,
    short: i64,
    claimed: i64,
    appeal_until: i64,
    /// The merchant may still appeal.
    appeal_runs: bool,
    appeal_rule: String,
    appeal: Option<SaidView>,
    verdict: Option<&'static str>,
    reasons: Option<SaidView>,
    closed_at: Option<i64>,
    order: Option<String>,
    aftersale: Option<String>,
    deductions: Vec<DeductionView>,
    files: Vec<FileView>,
    version: i64,
    /// The merchant may appeal here, or the provider take a step.
    pub may_act: bool,
    /// What of a refund's advance is not repaid, for the provider.
    pub advance: i64,
}

#[derive(Serialize)]
struct SaidView {
    words: String,
    by: String,
    at: i64,
}

#[derive(Serialize)]
struct DeductionView {
    to: &'static str,
    amount: i64,
    claimed: i64,
    reason: String,
    by: String,
    at: i64,
}

#[derive(Serialize)]
struct FileView {
    href: String,
    number: usize,
    side: &'static str,
    by: String,
    at: i64,
}

impl From<Said> for SaidView {
    fn from(said: Said) -> Self {
        Self { words: said.words, by: said.by, at: said.at.micros() }
    }
}

/// Where both consoles keep their cases.
pub(super) struct Place<'a> {
    pub list: &'a str,
    pub provider: bool,
    /// For a provider.
    pub merchant_name: String,
}

pub(super) fn case_view(call: &Call, place: Place<'_>, detail: CaseDetail, form: FormView) -> CaseView {
    let CaseDetail { standing, deductions, files } = detail;
    let case = standing.case.clone();
    let home = format!("{}/{}", place.list, case.id);
    let file = |(file, number): (qianpu_tenants::store::deposit_case_part::CaseFile, usize)| FileView {
        href: format!("{home}/files/{}", file.media),
        number,
        side: file.side.as_str(),
        by: file.by,
        at: file.at.micros(),
    };
    let (verdict, reasons) = case.verdict.unzip();
    CaseView {
        form,
        list: place.list.to_owned(),
        provider: place.provider,
        id: case.id.to_string(),
        line: case_line(call, place.list, standing, place.merchant_name),
        facts: case.facts,
        opened_by: case.opened_by,
        released: case.money.released.get(),
        short: case.money.short().get(),
        claimed: case.money.claimed.get(),
        appeal_until: case.appeal_until.micros(),
        appeal_runs: case.state == CaseState::Open && call.state.clock().now() < case.appeal_until,
        appeal_rule: case.appeal_rule,
        appeal: case.appeal.map(Into::into),
        verdict: verdict.map(|verdict| verdict.as_str()),
        reasons: reasons.map(Into::into),
        closed_at: case.closed_at.map(|at| at.micros()),
        order: case.order.map(|id| id.to_string()),
        aftersale: case.aftersale.map(|id| id.to_string()),
        deductions: deductions
            .into_iter()
            .map(|row| DeductionView {
                to: row.to.as_str(),
                amount: row.amount.get(),
                claimed: row.claimed.get(),
                reason: row.reason,
                by: row.by,
                at: row.at.micros(),
            })
            .collect(),
        files: files.into_iter().zip(1..).map(file).collect(),
        version: case.version,
        may_act: false,
        advance: 0,
        home,
    }
}

/// A refused form, with the refusal in its own words.
pub(super) fn refused_form(call: &Call, fields: &Fields, error: &ApiError) -> FormView {
    let form = FormView::refused_by(fields, error, call.info.lang);
    match error.detail() {
        Some(text) if error.errors().is_empty() => {
            form.saying(call.state.pages.catalogue().text(call.info.lang, text))
        }
        _ => form.with_own(&["file"]),
    }
}

/// Whether somebody else was faster: the page is shown as it is now.
pub(super) fn moved_on(error: &ApiError) -> bool {
    error.code() == ErrorCode::VersionConflict
}

#[derive(Debug, Deserialize, IntoParams)]
struct CasesQuery {
    cursor: Option<String>,
}

async fn cases_page(auth: Authed<perm::BillingRead, Query<CasesQuery>>) -> PageAnswer {
    #[derive(Serialize)]
    struct CasesView {
        rows: Vec<CaseLine>,
        next_page: Option<String>,
    }
    merchants_only(&auth)?;
    let page = page_request(Some(20), auth.input.0.cursor.as_deref())?;
    let filter = DepositCaseFilter::default();
    let found = deposit_cases_read::list(&auth.state, &auth.grant, filter, page).await?;
    let next_page = found.next.map(|next| format!("{CASES}?cursor={}", cursor_text(&next)));
    let rows = found.items.into_iter().map(|row| case_line(&auth.call, CASES, row, String::new())).collect();
    auth.page("money/cases", CasesView { rows, next_page })
}

async fn view<P: Perm, T>(auth: &Authed<P, T>, id: DepositCaseId, form: FormView) -> Answer<CaseView> {
    merchants_only(auth)?;
    let grant = auth.caller.grant::<perm::BillingRead>()?;
    let detail = deposit_cases_read::get(&auth.state, &grant, id).await?;
    let place = Place { list: CASES, provider: false, merchant_name: String::new() };
    let mut view = case_view(&auth.call, place, detail, form);
    view.may_act = view.appeal_runs && auth.caller.may(Permission::DepositCaseAppeal);
    Ok(view)
}

async fn case_page(auth: Authed<perm::BillingRead, Path<DepositCaseId>>) -> PageAnswer {
    let view = view(&auth, auth.input.0, FormView::default()).await?;
    auth.page("money/case", view)
}

type Appeal = Authed<perm::DepositCaseAppeal, (Path<DepositCaseId>, Upload<MEDIA_LIMIT>)>;

/// The file first: an appeal whose file is refused can be sent again, one that was made cannot.
async fn appeal(auth: &Appeal) -> Answer<()> {
    let (Path(id), upload) = &auth.input;
    let fields = &upload.fields;
    let version = fields.text("version").parse().unwrap_or(0);
    if let Some(file) = upload.file("file") {
        let mut errors = Vec::new();
        fields.required("words", crate::app::money::deposit_cases::LONGEST_WORDS, &mut errors);
        if !errors.is_empty() {
            return Err(errors.into());
        }
        let file = Some((file.file_name.as_str(), file.bytes.clone()));
        deposit_case_files::add(&auth.state, &auth.grant, *id, file).await?;
    }
    let mut tx = auth.state.db.begin(auth.grant.ctx()).await?;
    appeal_in(&mut tx, &auth.grant, *id, version, fields.text("words")).await?;
    Ok(tx.commit().await?)
}

async fn appeal_form(auth: Appeal) -> PageAnswer {
    merchants_only(&auth)?;
    let id = auth.input.0.0;
    let back = format!("{CASES}/{id}");
    match appeal(&auth).await {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("money.case_appealed"), &back)),
        Err(error) if moved_on(&error) => {
            Ok(auth.redirect_with(&Flash::failure("money.case_changed"), &back))
        }
        Err(error) if may_be_mended(&error) => {
            let form = refused_form(&auth.call, &auth.input.1.fields, &error);
            let view = view(&auth, id, form).await?;
            auth.refused_page("money/case", view)
        }
        Err(error) => Err(error),
    }
}

async fn case_file(auth: Authed<perm::BillingRead, Path2<DepositCaseId, MediaId>>) -> PageAnswer {
    merchants_only(&auth)?;
    let Path2(id, file) = auth.input;
    let found = deposit_case_files::get(&auth.state, &auth.grant, id, file).await?;
    let bytes = media::read_bytes(&auth.state, &found).await?;
    Ok(media_content(&found, bytes))
}
