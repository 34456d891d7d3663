//! The mails of the demo, as their recipients would see them. There is no such page when mails are sent.

use crate::error::{Answer, ApiError};
use crate::http::extract::{Open, Path};
use crate::http::route::PageRoutes;
use crate::mail::{StoredMail, stored_mail, stored_mails};
use crate::pages::respond::PageAnswer;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use std::path::PathBuf;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/demo/mail", mail_list);
    pages.get("/demo/mail/{name}", mail_page);
    pages.get("/demo/mail/{name}/html", mail_html);
}

#[derive(Serialize)]
struct ListView {
    mails: Vec<StoredMail>,
}

fn folder<T>(open: &Open<T>) -> Answer<PathBuf> {
    let folder = open.state.mailer.folder().filter(|_| open.state.config.is_development());
    folder.map(std::path::Path::to_owned).ok_or_else(ApiError::not_found)
}

async fn find(open: &Open<Path<String>>) -> Answer<StoredMail> {
    let (folder, name) = (folder(open)?, open.input.0.clone());
    let found = web::block(move || stored_mail(&folder, &name)).await.map_err(ApiError::internal)?;
    found.map_err(|_| ApiError::not_found())
}

async fn mail_list(open: Open) -> PageAnswer {
    let folder = folder(&open)?;
    let mails = web::block(move || stored_mails(&folder)).await.map_err(ApiError::internal)?;
    open.page("demo/mails", ListView { mails: mails.map_err(ApiError::internal)? })
}

async fn mail_page(open: Open<Path<String>>) -> PageAnswer {
    let mail = find(&open).await?;
    open.page("demo/mail", mail)
}

/// The HTML part alone; framed by the page above and locked into a sandbox.
async fn mail_html(open: Open<Path<String>>) -> PageAnswer {
    let mail = find(&open).await?;
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox";
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("Content-Security-Policy", policy))
        .insert_header(("X-Frame-Options", "SAMEORIGIN"))
        .body(mail.html))
}
