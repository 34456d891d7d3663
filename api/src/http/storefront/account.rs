//! A buyer's own page at a shop: name, phone, orders, devices.

use super::channel::{ChannelView, channel_view};
use super::sign_in::left;
use super::{Share, ShopView, home_of, visit};
use crate::app::buyers::own::{self, OwnOrder};
use crate::app::buyers::{erasure, export, person};
use crate::error::Answer;
use crate::http::console::buyers::download;
use crate::http::extract::{BuyerAuthed, Fields, Path, Path2, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::{PageAnswer, render};
use crate::pages::{Flash, FormView, device_name};
use actix_web::http::StatusCode;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::BuyerSessionId;
use qianpu_tenants::store::buyer_session::BuyerSession;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/s/{slug}/account", account_page);
    pages.post("/s/{slug}/account/name", name_form);
    pages.post("/s/{slug}/account/sign-out", sign_out_form);
    pages.post("/s/{slug}/account/sessions/end_all", end_all_form);
    pages.post("/s/{slug}/account/link", link_form);
    pages.post("/s/{slug}/account/export", export_form);
    pages.post("/s/{slug}/account/erase", erase_form);
    pages.post("/s/{slug}/account/keep", keep_form);
    pages.post("/s/{slug}/account/sessions/{buyer_session_id}/end", end_form);
}

#[derive(Debug, Deserialize, IntoParams)]
struct AccountQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct AccountView {
    shop: ShopView,
    share: Share,
    form: FormView,
    name: String,
    initial: String,
    phone: Option<String>,
    orders: Vec<OrderView>,
    next_page: Option<String>,
    sessions: Vec<SessionView>,
    base: String,
    /// What people call the platforms where the buyer is known.
    platforms: Vec<String>,
    /// The channel's page where they can be joined with their id there, while they are not.
    channel: Option<ChannelView>,
    /// Whether the person's rows in other shops of the provider are joined, where the provider does that.
    link: Option<LinkView>,
    /// When the request to erase that waits is due.
    erasure_due: Option<i64>,
}

#[derive(Serialize)]
struct LinkView {
    state: &'static str,
    shops: u64,
}

#[derive(Serialize)]
struct OrderView {
    number: String,
    state: &'static str,
    total: i64,
    placed_at: i64,
    lines: Vec<LineView>,
}

#[derive(Serialize)]
struct LineView {
    title: String,
    specification: String,
    quantity: i64,
    total: i64,
}

#[derive(Serialize)]
struct SessionView {
    id: String,
    client: String,
    program: bool,
    current: bool,
    created_at: i64,
}

fn order_view(own: OwnOrder) -> OrderView {
    let line = |line: qianpu_tenants::store::order_line::OrderLine| LineView {
        title: line.title,
        specification: line.spec_text,
        quantity: line.quantity,
        total: line.total.get(),
    };
    OrderView {
        number: own.order.number,
        state: own.order.progress.state.as_str(),
        total: own.order.facts.amounts.total.get(),
        placed_at: own.order.placed_at.micros(),
        lines: own.lines.into_iter().map(line).collect(),
    }
}

async fn account_view<T>(auth: &BuyerAuthed<T>, slug: &str, cursor: Option<&str>) -> Answer<AccountView> {
    let visit = visit(&auth.call, slug).await?;
    let profile = own::profile(&auth.state, &auth.buyer).await?;
    let orders = own::orders(&auth.state, &auth.buyer, page_request(Some(20), cursor)?).await?;
    let current = auth.buyer.session().id;
    let session = |session: BuyerSession| SessionView {
        id: session.id.to_string(),
        program: session.kind == qianpu_domain::buyer::BuyerSessionKind::Api,
        client: device_name(auth.info.lang, &session.user_agent),
        current: session.id == current,
        created_at: session.created_at.micros(),
    };
    let base = format!("{}account", home_of(&visit.shop.slug));
    let link = person::told(&auth.state, auth.buyer.ctx(), &profile.buyer).await?;
    let name = profile.buyer.name.clone();
    let proven = profile.identities.iter().any(|one| one.channel.is_some() && one.verified_at.is_some());
    let platforms = profile.platforms(auth.info.lang);
    Ok(AccountView {
        share: Share::hidden(auth, visit.shop.name.clone()),
        shop: ShopView::of(&visit),
        form: FormView::filled([("name", name.clone())]),
        initial: name.chars().next().map(String::from).unwrap_or_default(),
        name,
        platforms,
        link: link.on.then(|| LinkView { state: link.state.as_str(), shops: link.shops }),
        channel: if proven { None } else { channel_view(auth, &visit).await? },
        phone: profile.phone_masked(),
        next_page: orders.next.map(|cursor| format!("{base}?cursor={}", cursor_text(&cursor))),
        orders: orders.items.into_iter().map(order_view).collect(),
        erasure_due: erasure::own_waiting(&auth.state, &auth.buyer).await?.map(|one| one.due_at.micros()),
        sessions: own::sessions(&auth.state, &auth.buyer).await?.into_iter().map(session).collect(),
        base,
    })
}

async fn account_page(auth: BuyerAuthed<(Path<String>, Query<AccountQuery>)>) -> PageAnswer {
    let (Path(slug), Query(query)) = &auth.input;
    let view = account_view(&auth, slug, query.cursor.as_deref()).await?;
    render(&auth, None, StatusCode::OK, "storefront/account", view)
}

async fn name_form(auth: BuyerAuthed<(Path<String>, Fields)>) -> PageAnswer {
    let (Path(slug), fields) = &auth.input;
    match own::rename(&auth.state, &auth.buyer, fields.text("name")).await {
        Ok(()) => {
            let to = format!("{}account", home_of(slug));
            Ok(auth.redirect_with(&Flash::success("buyers.name_saved"), &to))
        }
        Err(error) if error.code() == ErrorCode::InvalidField => {
            let mut view = account_view(&auth, slug, None).await?;
            view.form = FormView::refused_by(fields, &error, auth.info.lang);
            render(&auth, None, StatusCode::UNPROCESSABLE_ENTITY, "storefront/account", view)
        }
        Err(error) => Err(error),
    }
}

async fn sign_out_form(auth: BuyerAuthed<(Path<String>, Fields)>) -> PageAnswer {
    own::end_session(&auth.state, &auth.buyer, auth.buyer.session().id).await?;
    Ok(left(&auth.input.0.0))
}

async fn end_all_form(auth: BuyerAuthed<(Path<String>, Fields)>) -> PageAnswer {
    own::end_all(&auth.state, &auth.buyer).await?;
    Ok(left(&auth.input.0.0))
}

async fn end_form(auth: BuyerAuthed<(Path2<String, BuyerSessionId>, Fields)>) -> PageAnswer {
    let Path2(slug, session) = &auth.input.0;
    own::end_session(&auth.state, &auth.buyer, *session).await?;
    if *session == auth.buyer.session().id {
        return Ok(left(slug));
    }
    let to = format!("{}account", home_of(slug));
    Ok(auth.redirect_with(&Flash::success("buyers.session_ended"), &to))
}

async fn link_form(auth: BuyerAuthed<(Path<String>, Fields)>) -> PageAnswer {
    let (Path(slug), fields) = &auth.input;
    let allowed = fields.text("decision") == "allow";
    person::decide(&auth.state, &auth.buyer, allowed).await?;
    let said = if allowed { "buyers.link_allowed" } else { "buyers.link_refused" };
    Ok(auth.redirect_with(&Flash::success(said), &format!("{}account", home_of(slug))))
}

async fn export_form(auth: BuyerAuthed<(Path<String>, Fields)>) -> PageAnswer {
    let document = export::own(&auth.state, &auth.buyer).await?;
    download(&document, &auth.buyer.id().to_string())
}

async fn erase_form(auth: BuyerAuthed<(Path<String>, Fields)>) -> PageAnswer {
    let to = format!("{}account", home_of(&auth.input.0.0));
    let flash = match erasure::ask_own(&auth.state, &auth.buyer).await {
        Ok(_) => Flash::success("buyers.erasure_asked"),
        Err(error) if error.code() == ErrorCode::ErasureRequested => Flash::failure("buyers.erasure_waits"),
        Err(error) => return Err(error),
    };
    Ok(auth.redirect_with(&flash, &to))
}

async fn keep_form(auth: BuyerAuthed<(Path<String>, Fields)>) -> PageAnswer {
    erasure::cancel_own(&auth.state, &auth.buyer).await?;
    let to = format!("{}account", home_of(&auth.input.0.0));
    Ok(auth.redirect_with(&Flash::success("buyers.erasure_cancelled"), &to))
}
