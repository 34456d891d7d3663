//! Buyers of the merchant's shops: list, search by exact phone or name, one buyer with orders, personal data.

use crate::app::buyers::desk::{self, Listed, Search};
use crate::app::buyers::own::OwnOrder;
use crate::app::buyers::{erasure, export};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use actix_web::HttpResponse;
use actix_web::http::header;
use qianpu_domain::access::Permission;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::BuyerId;
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::IntoParams;

const HOME: &str = "/console/merchant/buyers";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get(HOME, buyers_page);
    // A form that posts: a number in an address would stand in every log on the way.
    pages.post(&format!("{HOME}/search"), search_form);
    pages.get(&format!("{HOME}/{{buyer_id}}"), buyer_page);
    pages.post(&format!("{HOME}/{{buyer_id}}/export"), export_form);
    pages.post(&format!("{HOME}/{{buyer_id}}/erase"), erase_form);
    pages.post(&format!("{HOME}/{{buyer_id}}/keep"), keep_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct PageQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Line {
    id: String,
    name: String,
    phone: Option<String>,
    state: &'static str,
    orders: i64,
    last_seen_at: Option<i64>,
    created_at: i64,
}

#[derive(Serialize)]
struct ListView {
    form: FormView,
    searched: bool,
    buyers: Vec<Line>,
    next_page: Option<String>,
}

fn line(listed: Listed) -> Line {
    Line {
        id: listed.buyer.id.to_string(),
        name: listed.buyer.name,
        phone: listed.phone_masked,
        state: listed.buyer.state.as_str(),
        orders: listed.orders,
        last_seen_at: listed.buyer.last_seen_at.map(|at| at.micros()),
        created_at: listed.buyer.created_at.micros(),
    }
}

async fn buyers_page(auth: Authed<perm::BuyerRead, Query<PageQuery>>) -> PageAnswer {
    let page = page_request(Some(50), auth.input.0.cursor.as_deref())?;
    let found = desk::list(&auth.state, &auth.grant, &Search::default(), page).await?;
    let view = ListView {
        form: FormView::default(),
        searched: false,
        next_page: found.next.map(|cursor| format!("{HOME}?cursor={}", cursor_text(&cursor))),
        buyers: found.items.into_iter().map(line).collect(),
    };
    auth.page("buyers/list", view)
}

async fn search_form(auth: Authed<perm::BuyerRead, Fields>) -> PageAnswer {
    let fields = &auth.input;
    let search =
        Search { shop: None, phone: fields.text("phone").to_owned(), name: fields.text("name").to_owned() };
    let form = FormView::filled(fields.0.iter().cloned());
    match desk::list(&auth.state, &auth.grant, &search, page_request(Some(100), None)?).await {
        Ok(found) => {
            let buyers = found.items.into_iter().map(line).collect();
            auth.page("buyers/list", ListView { form, searched: true, buyers, next_page: None })
        }
        Err(error) if error.code() == ErrorCode::InvalidField => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            auth.refused_page(
                "buyers/list",
                ListView { form, searched: true, buyers: Vec::new(), next_page: None },
            )
        }
        Err(error) => Err(error),
    }
}

#[derive(Serialize)]
struct OrderLine {
    id: String,
    number: String,
    state: &'static str,
    goods: String,
    total: i64,
    placed_at: i64,
}

#[derive(Serialize)]
struct ErasureLine {
    by: String,
    reason: String,
    state: String,
    due_at: i64,
    ended_at: Option<i64>,
    proof: Vec<ProofLine>,
}

#[derive(Serialize)]
struct ProofLine {
    table: String,
    what: String,
    rows: i64,
}

#[derive(Serialize)]
struct BuyerView {
    form: FormView,
    base: String,
    name: String,
    phone: Option<String>,
    state: &'static str,
    channels: Vec<String>,
    last_seen_at: Option<i64>,
    created_at: i64,
    orders: Vec<OrderLine>,
    next_page: Option<String>,
    /// How the row is joined with others of the provider, where the provider does that.
    link: Option<&'static str>,
    erasures: Vec<ErasureLine>,
    waiting: bool,
    may_erase: bool,
}

fn proof_line(value: &Value) -> ProofLine {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    ProofLine { table: text("table"), what: text("what"), rows: value["rows"].as_i64().unwrap_or_default() }
}

fn order_line(own: OwnOrder) -> OrderLine {
    let goods: Vec<String> =
        own.lines.iter().map(|line| format!("{} × {}", line.title, line.quantity)).collect();
    OrderLine {
        id: own.order.id.to_string(),
        number: own.order.number,
        state: own.order.progress.state.as_str(),
        goods: goods.join("、"),
        total: own.order.facts.amounts.total.get(),
        placed_at: own.order.placed_at.micros(),
    }
}

async fn view<T>(auth: &Authed<perm::BuyerRead, T>, id: BuyerId, cursor: Option<&str>) -> Answer<BuyerView> {
    let detail = desk::get(&auth.state, &auth.grant, id).await?;
    let orders = desk::orders(&auth.state, &auth.grant, id, page_request(Some(20), cursor)?).await?;
    let channels = detail.profile.platforms(auth.info.lang);
    let base = format!("{HOME}/{id}");
    let phone = detail.profile.phone_masked();
    let buyer = detail.profile.buyer;
    let erasures: Vec<ErasureLine> = detail
        .erasures
        .into_iter()
        .map(|one| ErasureLine {
            by: one.requested_by,
            reason: one.reason,
            state: one.state,
            due_at: one.due_at.micros(),
            ended_at: one.ended_at.map(|at| at.micros()),
            proof: one.proof.as_array().into_iter().flatten().map(proof_line).collect(),
        })
        .collect();
    Ok(BuyerView {
        form: FormView::default(),
        phone,
        name: buyer.name,
        state: buyer.state.as_str(),
        channels,
        last_seen_at: buyer.last_seen_at.map(|at| at.micros()),
        created_at: buyer.created_at.micros(),
        next_page: orders.next.map(|cursor| format!("{base}?cursor={}", cursor_text(&cursor))),
        orders: orders.items.into_iter().map(order_line).collect(),
        link: detail.link.on.then(|| detail.link.seen_by_merchant()),
        waiting: erasures.iter().any(|one| one.state == "waiting"),
        may_erase: auth.caller.may(Permission::BuyerErase),
        erasures,
        base,
    })
}

async fn buyer_page(auth: Authed<perm::BuyerRead, (Path<BuyerId>, Query<PageQuery>)>) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let view = view(&auth, *id, query.cursor.as_deref()).await?;
    auth.page("buyers/buyer", view)
}

/// A document as a file.
pub(in crate::http) fn download(document: &Value, name: &str) -> PageAnswer {
    let bytes = serde_json::to_vec_pretty(document).map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.json\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(bytes))
}

async fn export_form(auth: Authed<perm::BuyerErase, (Path<BuyerId>, Fields)>) -> PageAnswer {
    let Path(id) = auth.input.0;
    let document = export::by_merchant(&auth.state, &auth.grant, id).await?;
    download(&document, &id.to_string())
}

async fn erase_form(auth: Authed<perm::BuyerErase, (Path<BuyerId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let back = format!("{HOME}/{id}");
    let flash = match erasure::ask_by_merchant(&auth.state, &auth.grant, *id, fields.text("reason")).await {
        Ok(_) => Flash::success("buyers.erasure_asked"),
        Err(error) if error.code() == ErrorCode::InvalidField => Flash::failure("buyers.reason_missing"),
        Err(error) if error.code() == ErrorCode::ErasureRequested => Flash::failure("buyers.erasure_waits"),
        Err(error) => return Err(error),
    };
    Ok(auth.redirect_with(&flash, &back))
}

async fn keep_form(auth: Authed<perm::BuyerErase, (Path<BuyerId>, Fields)>) -> PageAnswer {
    let Path(id) = auth.input.0;
    erasure::cancel_by_merchant(&auth.state, &auth.grant, id).await?;
    Ok(auth.redirect_with(&Flash::success("buyers.erasure_cancelled"), &format!("{HOME}/{id}")))
}
