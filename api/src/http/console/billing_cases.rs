//! The provider's desk of cases against deposits: opening one, deciding it, and what becomes of its money.

use super::apply::may_be_mended;
use super::billing::providers_only;
use super::billing_subscriptions::{merchant_names, name_in};
use super::money_cases::{CaseLine, CaseView, Place, case_line, case_view, moved_on, refused_form};
use crate::app::media;
use crate::app::money::deposit_case_files;
use crate::app::money::deposit_case_money::{Deduct, close_in, deduct_in, release_in};
use crate::app::money::deposit_cases::{
    OpenCase, appeal_terms, decide_in, on_depositor, on_merchant, open_in,
};
use crate::app::money::deposit_cases_read;
use crate::app::money::deposits_read;
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Path2, Query, Upload};
use crate::http::route::PageRoutes;
use crate::http::v1::{MEDIA_LIMIT, media_content};
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::deposit_case::{CaseState, DeductedFor, Verdict, Violation};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{DepositCaseId, DepositId, MediaId};
use qianpu_domain::money::Fen;
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::store::deposit_case::{DepositCase, DepositCaseFilter};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const CASES: &str = "/console/provider/deposits/cases";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(CASES, cases_page);
    pages.get("/console/provider/deposits/cases/{deposit_case_id}", case_page);
    pages.get("/console/provider/deposits/cases/{deposit_case_id}/files/{media_id}", case_file);
    pages.post("/console/provider/deposits/cases/{deposit_case_id}/evidence", evidence_form);
    pages.post("/console/provider/deposits/cases/{deposit_case_id}/decide", decide_form);
    pages.post("/console/provider/deposits/cases/{deposit_case_id}/deduct", deduct_form);
    pages.post("/console/provider/deposits/cases/{deposit_case_id}/release", release_form);
    pages.post("/console/provider/deposits/cases/{deposit_case_id}/close", close_form);
    pages.get("/console/provider/deposits/{deposit_id}/open_case", open_page);
    pages.post("/console/provider/deposits/{deposit_id}/open_case", open_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct StateQuery {
    state: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Tab {
    state: &'static str,
    count: i64,
}

async fn cases_page(auth: Authed<perm::BillingRead, Query<StateQuery>>) -> PageAnswer {
    #[derive(Serialize)]
    struct CasesView {
        tabs: Vec<Tab>,
        state: &'static str,
        rows: Vec<CaseLine>,
        next_page: Option<String>,
    }
    providers_only(&auth)?;
    let Query(query) = &auth.input;
    let state = query.state.as_deref().and_then(CaseState::from_text);
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let filter = DepositCaseFilter { state, deposit: None };
    let found = deposit_cases_read::list(&auth.state, &auth.grant, filter, page).await?;
    let counts = deposit_cases_read::counts(&auth.state, &auth.grant).await?;
    let count_of = |state: CaseState| counts.iter().find(|(own, _)| *own == state).map_or(0, |(_, n)| *n);
    let names = merchant_names(&auth).await?;
    let word = state.map_or("", CaseState::as_str);
    let next_page = found.next.map(|next| format!("{CASES}?state={word}&cursor={}", cursor_text(&next)));
    let all = Tab { state: "", count: counts.iter().map(|(_, count)| count).sum() };
    let tabs = CaseState::ALL.iter().map(|state| Tab { state: state.as_str(), count: count_of(*state) });
    let rows = found.items.into_iter().map(|row| {
        let name = name_in(&names, row.case.merchant);
        case_line(&auth.call, CASES, row, name)
    });
    let view = CasesView {
        tabs: std::iter::once(all).chain(tabs).collect(),
        state: word,
        rows: rows.collect(),
        next_page,
    };
    auth.page("billing/cases", view)
}

async fn view<P: Perm, T>(auth: &Authed<P, T>, id: DepositCaseId, form: FormView) -> Answer<CaseView> {
    providers_only(auth)?;
    let grant = auth.caller.grant::<perm::BillingRead>()?;
    let detail = deposit_cases_read::get(&auth.state, &grant, id).await?;
    let merchant_name = name_in(&merchant_names(auth).await?, detail.standing.case.merchant);
    let (open, case) = (detail.standing.case.state != CaseState::Closed, detail.standing.case.clone());
    let place = Place { list: CASES, provider: true, merchant_name };
    let mut view = case_view(&auth.call, place, detail, form);
    view.may_act = open && auth.caller.may(Permission::DepositCaseManage);
    if view.may_act {
        let grant = auth.caller.grant::<perm::DepositCaseManage>()?;
        let grant = grant.on_merchant(&auth.state.db, case.merchant).await?;
        view.advance = deposit_cases_read::advance(&auth.state, &grant, &case).await?.get();
    }
    Ok(view)
}

async fn case_page(auth: Authed<perm::BillingRead, Path<DepositCaseId>>) -> PageAnswer {
    let view = view(&auth, auth.input.0, FormView::default()).await?;
    auth.page("money/case", view)
}

async fn case_file(auth: Authed<perm::BillingRead, Path2<DepositCaseId, MediaId>>) -> PageAnswer {
    providers_only(&auth)?;
    let Path2(id, file) = auth.input;
    let found = deposit_case_files::get(&auth.state, &auth.grant, id, file).await?;
    let bytes = media::read_bytes(&auth.state, &found).await?;
    Ok(media_content(&found, bytes))
}

/// What a form came to: on with a message, or the page again.
async fn answered<T>(
    auth: &Authed<perm::DepositCaseManage, T>,
    id: DepositCaseId,
    fields: &Fields,
    done: Answer<()>,
    said: &'static str,
) -> PageAnswer {
    let back = format!("{CASES}/{id}");
    match done {
        Ok(()) => Ok(auth.redirect_with(&Flash::success(said), &back)),
        Err(error) if moved_on(&error) => {
            Ok(auth.redirect_with(&Flash::failure("money.case_changed"), &back))
        }
        Err(error) if may_be_mended(&error) => {
            let form = refused_form(&auth.call, fields, &error);
            let view = view(auth, id, form).await?;
            auth.refused_page("money/case", view)
        }
        Err(error) => Err(error),
    }
}

async fn evidence_form(
    auth: Authed<perm::DepositCaseManage, (Path<DepositCaseId>, Upload<MEDIA_LIMIT>)>,
) -> PageAnswer {
    providers_only(&auth)?;
    let (Path(id), upload) = &auth.input;
    let grant = on_merchant(&auth.state, &auth.grant, *id).await?;
    let file = upload.file("file").map(|file| (file.file_name.as_str(), file.bytes.clone()));
    let done = deposit_case_files::add(&auth.state, &grant, *id, file).await.map(|_| ());
    answered(&auth, *id, &upload.fields, done, "billing.case_evidence_added").await
}

type Step = Authed<perm::DepositCaseManage, (Path<DepositCaseId>, Fields)>;

/// Takes a step in a transaction of the merchant.
async fn step(
    auth: &Step,
    work: impl AsyncFnOnce(
        &mut qianpu_tenants::db::TenantTx,
        (DepositCaseId, i64),
        &Fields,
    ) -> Answer<DepositCase>,
    said: &'static str,
) -> PageAnswer {
    providers_only(auth)?;
    let (Path(id), fields) = &auth.input;
    let grant = on_merchant(&auth.state, &auth.grant, *id).await?;
    let version = fields.text("version").parse().unwrap_or(0);
    let mut tx = auth.state.db.begin(grant.ctx()).await?;
    let done = match work(&mut tx, (*id, version), fields).await {
        Ok(_) => tx.commit().await.map_err(ApiError::from),
        Err(error) => {
            drop(tx);
            Err(error)
        }
    };
    answered(auth, *id, fields, done, said).await
}

async fn decide_form(auth: Step) -> PageAnswer {
    let seller = auth.caller.tenant_name().to_owned();
    let state = auth.state.clone();
    let work = async |tx: &mut qianpu_tenants::db::TenantTx, at, fields: &Fields| {
        let unknown = || FieldError::new("verdict", "unknown", "choose what you decide", "请选择裁定结果");
        let verdict = Verdict::from_text(fields.text("verdict")).ok_or_else(unknown)?;
        decide_in(&state, tx, &seller, at, verdict, fields.text("reasons")).await
    };
    step(&auth, work, "billing.case_decided").await
}

/// An amount that has to be there.
fn yuan(fields: &Fields, errors: &mut Vec<FieldError>) -> Fen {
    let known = errors.len();
    let amount = fields.yuan("amount", errors);
    if amount.is_none() && errors.len() == known {
        errors.push(FieldError::required("amount"));
    }
    amount.unwrap_or(Fen::ZERO)
}

async fn deduct_form(auth: Step) -> PageAnswer {
    let seller = auth.caller.tenant_name().to_owned();
    let state = auth.state.clone();
    let work = async |tx: &mut qianpu_tenants::db::TenantTx, at, fields: &Fields| {
        let mut errors = Vec::new();
        let amount = yuan(fields, &mut errors);
        let to = DeductedFor::from_text(fields.text("deducted_for"));
        if to.is_none() {
            let (en, zh) = ("choose who gets it", "请选择扣款对象");
            errors.push(FieldError::new("deducted_for", "unknown", en, zh));
        }
        let (Some(to), true) = (to, errors.is_empty()) else { return Err(errors.into()) };
        let command = Deduct {
            to,
            amount,
            reason: fields.text("reason").to_owned(),
            claim_rest: fields.ticked("claim_rest"),
        };
        deduct_in(&state, tx, &seller, at, &command).await
    };
    step(&auth, work, "billing.case_deducted").await
}

async fn release_form(auth: Step) -> PageAnswer {
    let seller = auth.caller.tenant_name().to_owned();
    let state = auth.state.clone();
    let work = async |tx: &mut qianpu_tenants::db::TenantTx, at, _: &Fields| {
        release_in(&state, tx, &seller, at).await
    };
    step(&auth, work, "billing.case_released").await
}

async fn close_form(auth: Step) -> PageAnswer {
    let seller = auth.caller.tenant_name().to_owned();
    let state = auth.state.clone();
    let work =
        async |tx: &mut qianpu_tenants::db::TenantTx, at, _: &Fields| close_in(&state, tx, &seller, at).await;
    step(&auth, work, "billing.case_closed").await
}

#[derive(Serialize)]
struct Choice {
    value: &'static str,
    label: String,
}

#[derive(Serialize)]
struct OpenView {
    form: FormView,
    deposit: String,
    shop_name: String,
    merchant_name: String,
    available: i64,
    frozen: i64,
    due: i64,
    violations: Vec<Choice>,
    /// Days the merchant has for an appeal.
    days: i64,
    rule: String,
}

async fn open_view<T>(
    auth: &Authed<perm::DepositCaseManage, T>,
    id: DepositId,
    form: Option<FormView>,
) -> Answer<OpenView> {
    providers_only(auth)?;
    let grant = on_depositor(&auth.state, &auth.grant, id).await?;
    let standing = deposits_read::for_case(&auth.state, &grant, id).await?;
    let terms = appeal_terms(&auth.state, grant.ctx()).await?;
    let (lang, catalogue) = (auth.info.lang, auth.state.pages.catalogue());
    let choice = |violation: &Violation| Choice {
        value: violation.as_str(),
        label: catalogue.say(lang, &["money.violation_", violation.as_str()].concat(), []),
    };
    Ok(OpenView {
        form: form.unwrap_or_default(),
        deposit: id.to_string(),
        merchant_name: name_in(&merchant_names(auth).await?, standing.deposit.merchant),
        shop_name: standing.shop_name,
        available: standing.money.balance.get(),
        frozen: standing.money.frozen.get(),
        due: standing.deposit.due.get(),
        violations: Violation::ALL.iter().map(choice).collect(),
        days: terms.span.as_seconds() / 86_400,
        rule: terms.rule,
    })
}

async fn open_page(auth: Authed<perm::DepositCaseManage, Path<DepositId>>) -> PageAnswer {
    let view = open_view(&auth, auth.input.0, None).await?;
    auth.page("billing/open_case", view)
}

async fn open(auth: &Authed<perm::DepositCaseManage, (Path<DepositId>, Fields)>) -> Answer<DepositCase> {
    let (Path(id), fields) = &auth.input;
    let grant = on_depositor(&auth.state, &auth.grant, *id).await?;
    let mut errors = Vec::new();
    let amount = yuan(fields, &mut errors);
    let violation = Violation::from_text(fields.text("violation"));
    if violation.is_none() {
        let (en, zh) = ("choose a kind of violation", "请选择违规类型");
        errors.push(FieldError::new("violation", "unknown", en, zh));
    }
    let (order, aftersale) =
        (fields.parsed("order_id", &mut errors), fields.parsed("aftersale_id", &mut errors));
    let (Some(violation), true) = (violation, errors.is_empty()) else { return Err(errors.into()) };
    let facts = fields.text("facts").to_owned();
    let command = OpenCase { deposit: *id, violation, facts, amount, order, aftersale };
    let terms = appeal_terms(&auth.state, grant.ctx()).await?;
    let mut tx = auth.state.db.begin(grant.ctx()).await?;
    let case = open_in(&auth.state, &mut tx, auth.caller.tenant_name(), &terms, &command).await?;
    tx.commit().await?;
    Ok(case)
}

/// An order or after-sale that is not this shop's is said at the form: its address is typed by hand.
fn at_field(fields: &Fields, error: ApiError) -> ApiError {
    if error.code().status() != 404 {
        return error;
    }
    let field = if fields.text("aftersale_id").is_empty() { "order_id" } else { "aftersale_id" };
    let (en, zh) = ("this shop has none with this id", "该店铺没有此编号的记录");
    FieldError::new(field, "not_found", en, zh).into()
}

async fn open_form(auth: Authed<perm::DepositCaseManage, (Path<DepositId>, Fields)>) -> PageAnswer {
    providers_only(&auth)?;
    let (Path(id), fields) = &auth.input;
    // Another provider's deposit is not found, whatever the form says.
    on_depositor(&auth.state, &auth.grant, *id).await?;
    match open(&auth).await.map_err(|error| at_field(fields, error)) {
        Ok(case) => {
            let told = Flash::success("billing.case_opened");
            Ok(auth.redirect_with(&told, &format!("{CASES}/{}", case.id)))
        }
        Err(error) if may_be_mended(&error) => {
            let form = refused_form(&auth.call, fields, &error);
            let view = open_view(&auth, *id, Some(form)).await?;
            auth.refused_page("billing/open_case", view)
        }
        Err(error) => Err(error),
    }
}
