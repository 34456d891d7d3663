//! The end of a merchant in the console: what has to be settled, the countdown, the listing. The same page for its
//! owner and its provider's.

use super::apply::may_be_mended;
use crate::app::whole::deletion;
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{DeletionId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::deletion::Blocker;
use serde::Serialize;

const OWN: &str = "/console/merchant/exports/deletion";
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

type Manages<T = ()> = Authed<perm::MerchantDelete, T>;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(OWN, own_page);
    pages.post(OWN, own_form);
    pages.post("/console/merchant/exports/deletion/{deletion_id}/withdraw", own_withdraw_form);
    pages.get("/console/provider/merchants/{merchant_id}/deletion", merchant_page);
    pages.post("/console/provider/merchants/{merchant_id}/deletion", merchant_form);
    pages.post("/console/provider/deletions/{deletion_id}/withdraw", merchant_withdraw_form);
}

#[derive(Serialize)]
struct Condition {
    code: &'static str,
    settled: bool,
    found: i64,
    money: bool,
}

#[derive(Serialize)]
struct DeletionLine {
    state: String,
    waiting: bool,
    done: bool,
    by_provider: bool,
    asked_by: String,
    reason: String,
    asked_at: i64,
    due_at: i64,
    days_left: i64,
    blocked: Vec<String>,
    deleted_at: Option<i64>,
    keep_until: Option<i64>,
    sha256: String,
    withdraw_href: String,
    proof_href: String,
}

#[derive(Serialize)]
struct DeletionPage {
    form: FormView,
    action: String,
    back: String,
    back_text: String,
    is_merchant: bool,
    conditions: Vec<Condition>,
    may_ask: bool,
    deletion: Option<DeletionLine>,
    gone: bool,
    waiting_days: i64,
    keep_years: i64,
}

async fn page<T>(auth: &Manages<T>, merchant: Option<TenantId>, form: FormView) -> Answer<DeletionPage> {
    let (open, newest) = deletion::conditions(&auth.state, &auth.grant, merchant).await?;
    let now = auth.state.clock().now().micros();
    let all = [
        Blocker::OpenOrders,
        Blocker::OpenShops,
        Blocker::UnpaidInvoices,
        Blocker::Deposit,
        Blocker::Money,
        Blocker::Subscription,
        Blocker::LinkedAccounts,
    ];
    let conditions = all
        .into_iter()
        .map(|blocker| {
            let found = open.iter().find(|(own, _)| *own == blocker).map_or(0, |(_, found)| *found);
            let money = matches!(blocker, Blocker::Deposit | Blocker::Money);
            Condition { code: blocker.as_str(), settled: found == 0, found, money }
        })
        .collect();
    let (action, back, desk) = match merchant {
        Some(merchant) => {
            let back = format!("/console/provider/merchants/{merchant}");
            (format!("{back}/deletion"), back, "/console/provider/deletions".to_owned())
        }
        None => (OWN.to_owned(), "/console/merchant/exports".to_owned(), OWN.to_owned()),
    };
    let deletion = newest.filter(|newest| newest.state != "withdrawn").map(|found| DeletionLine {
        waiting: found.state == "waiting",
        done: found.state == "deleted",
        state: found.state,
        by_provider: found.asked_by_kind == "provider",
        asked_by: found.asked_by_name,
        reason: found.reason,
        asked_at: found.asked_at.micros(),
        due_at: found.due_at.micros(),
        days_left: ((found.due_at.micros() - now).max(0) + DAY - 1) / DAY,
        blocked: found.blocked,
        deleted_at: found.deleted_at.map(|at| at.micros()),
        keep_until: found.keep_until.map(|at| at.micros()),
        sha256: found.proof_sha256.unwrap_or_default(),
        withdraw_href: format!("{desk}/{}/withdraw", found.id),
        proof_href: format!("/api/v1/deletions/{}/proof", found.id),
    });
    let catalogue = auth.state.pages.catalogue();
    Ok(DeletionPage {
        form,
        action,
        back,
        back_text: catalogue.say(
            auth.info.lang,
            if merchant.is_some() { "deletion.back" } else { "exports.title" },
            [],
        ),
        is_merchant: merchant.is_none(),
        conditions,
        may_ask: open.is_empty() && deletion.is_none(),
        gone: deletion.as_ref().is_some_and(|deletion| deletion.done),
        deletion,
        waiting_days: auth.state.config.deletion.waiting_days,
        keep_years: auth.state.config.deletion.keep_years,
    })
}

async fn asked<T>(auth: &Manages<T>, merchant: Option<TenantId>, fields: &Fields) -> PageAnswer {
    match deletion::ask(&auth.state, &auth.grant, merchant, fields.text("reason")).await {
        Ok(_) => {
            let view = page(auth, merchant, FormView::default()).await?;
            Ok(auth.redirect_with(&Flash::success("deletion.asked"), &view.action))
        }
        Err(error) if may_be_mended(&error) || error.code() == ErrorCode::DeletionBlocked => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = page(auth, merchant, form).await?;
            auth.refused_page("whole/deletion", view)
        }
        Err(error) => Err(error),
    }
}

async fn withdrawn<T>(auth: &Manages<T>, id: DeletionId) -> Result<TenantId, ApiError> {
    Ok(deletion::withdraw(&auth.state, &auth.grant, id).await?.merchant)
}

async fn own_page(auth: Manages) -> PageAnswer {
    let view = page(&auth, None, FormView::default()).await?;
    auth.page("whole/deletion", view)
}

async fn own_form(auth: Manages<Fields>) -> PageAnswer {
    asked(&auth, None, &auth.input).await
}

async fn own_withdraw_form(auth: Manages<(Path<DeletionId>, Fields)>) -> PageAnswer {
    withdrawn(&auth, auth.input.0.0).await?;
    Ok(auth.redirect_with(&Flash::success("deletion.was_withdrawn"), OWN))
}

async fn merchant_page(auth: Manages<Path<TenantId>>) -> PageAnswer {
    let view = page(&auth, Some(auth.input.0), FormView::default()).await?;
    auth.page("whole/deletion", view)
}

async fn merchant_form(auth: Manages<(Path<TenantId>, Fields)>) -> PageAnswer {
    asked(&auth, Some(auth.input.0.0), &auth.input.1).await
}

async fn merchant_withdraw_form(auth: Manages<(Path<DeletionId>, Fields)>) -> PageAnswer {
    let merchant = withdrawn(&auth, auth.input.0.0).await?;
    let to = format!("/console/provider/merchants/{merchant}/deletion");
    Ok(auth.redirect_with(&Flash::success("deletion.was_withdrawn"), &to))
}
