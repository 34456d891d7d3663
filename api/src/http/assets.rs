//! Style sheets, scripts and icons, compiled in. Pages link them with the hash of their content, so they
//! can be kept for a year and still change at once.

use crate::error::{Answer, ApiError};
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

static ASSETS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/assets");

/// The address of an asset with its hash; none when there is no such asset.
pub fn address(name: &str) -> Option<String> {
    let file = ASSETS.get_file(name)?;
    let hash = hex::encode(Sha256::digest(file.contents()));
    Some(format!("/assets/{name}?v={}", hash.get(..10).unwrap_or_default()))
}

pub(super) async fn asset(name: web::Path<String>, request: actix_web::HttpRequest) -> Answer<HttpResponse> {
    let file = ASSETS.get_file(name.as_str()).ok_or_else(ApiError::not_found)?;
    let hashed = request.query_string().starts_with("v=");
    let keep = if hashed { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
    Ok(HttpResponse::Ok()
        .content_type(content_type(&name))
        .insert_header((header::CACHE_CONTROL, keep))
        .body(file.contents()))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        _ => "application/octet-stream",
    }
}
