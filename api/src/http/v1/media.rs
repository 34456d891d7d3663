//! `/media`: uploaded files.

use crate::app::media::{self, Purpose};
use crate::error::Answer;
use crate::http::describe::Created;
use crate::http::extract::{Authed, Json, Path, Upload};
use crate::http::route::Api;
use crate::http::wire::{Id, Time};
use actix_web::HttpResponse;
use actix_web::http::header;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::MediaId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::media::Media;
use serde::Serialize;
use utoipa::ToSchema;

/// Room for the largest configured file and the rest of the form; the configuration is checked after.
pub const UPLOAD_LIMIT: usize = 21 * 1024 * 1024;

pub(super) fn routes(api: &mut Api<'_>) {
    api.post("/media", upload_media, "Upload a file: fields `purpose` (document, picture) and `file`");
    api.get("/media/{media_id}", get_media, "What is known about a file");
    api.get("/media/{media_id}/content", get_media_content, "The file itself");
}

#[derive(Debug, Serialize, ToSchema)]
struct MediaView {
    #[schema(value_type = String)]
    id: Id<MediaId>,
    purpose: String,
    file_name: String,
    /// As found in the bytes.
    content_type: String,
    size_bytes: i64,
    width: Option<i64>,
    height: Option<i64>,
    created_at: Time,
}

fn view(media: Media) -> MediaView {
    MediaView {
        id: Id(media.id),
        purpose: media.purpose,
        file_name: media.file_name,
        content_type: media.content_type,
        size_bytes: media.size_bytes,
        width: media.dimensions.map(|(width, _)| width),
        height: media.dimensions.map(|(_, height)| height),
        created_at: Time(media.created_at),
    }
}

async fn upload_media(auth: Authed<perm::MediaWrite, Upload<UPLOAD_LIMIT>>) -> Answer<Created<MediaView>> {
    let upload = &auth.input;
    let (en, zh) = ("document or picture", "应为 document 或 picture");
    let unknown = || FieldError::new("purpose", "unknown", en, zh);
    let purpose = Purpose::parse(upload.fields.text("purpose")).ok_or_else(unknown)?;
    let file = upload.file("file").ok_or_else(|| FieldError::required("file"))?;
    let stored = media::store(&auth.state, &auth.grant, purpose, &file.file_name, file.bytes.clone()).await?;
    Ok(Created(view(stored)))
}

async fn get_media(auth: Authed<perm::MediaRead, Path<MediaId>>) -> Answer<Json<MediaView>> {
    Ok(Json(view(media::get(&auth.state, &auth.caller, &auth.grant, auth.input.0).await?)))
}

async fn get_media_content(auth: Authed<perm::MediaRead, Path<MediaId>>) -> Answer<HttpResponse> {
    let found = media::get(&auth.state, &auth.caller, &auth.grant, auth.input.0).await?;
    let bytes = media::read_bytes(&auth.state, &found).await?;
    Ok(content(&found, bytes))
}

/// A stored file as a response. What somebody uploaded is shown as a picture at most: it is never run,
/// never cached by others, and its own name does not reach the header.
pub(in crate::http) fn content(media: &Media, bytes: Vec<u8>) -> HttpResponse {
    let extension = media.content_type.rsplit('/').next().unwrap_or("bin");
    let disposition = if media.content_type.starts_with("image/") { "inline" } else { "attachment" };
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, media.content_type.as_str()))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("{disposition}; filename=\"{}.{extension}\"", media.id),
        ))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header(("Cross-Origin-Resource-Policy", "same-origin"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "private, max-age=300"))
        .body(bytes)
}
