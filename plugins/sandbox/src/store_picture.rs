//! Pictures: the upload calls (the only multipart ones) and showing an uploaded picture again.

use crate::calls::{BODY_LIMIT, admit_upload, query_of, upload_answer, upload_fault};
use crate::clock::random_text;
use crate::core::Core;
use crate::errors::{Answer, WxError, error, error_with, ok_with};
use crate::product_rules::PICTURE_PREFIX;
use crate::push_sender::is_loopback;
use crate::state::LIMIT;
use actix_multipart::Multipart;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use serde_json::{Value, json};

const PICTURE_LIMIT: usize = 10 << 20;
const SMALL_LIMIT: usize = 2 << 20;

pub fn routes(config: &mut web::ServiceConfig) {
    for path in ["/channels/ec/basics/img/upload", "/shop/ec/basics/img/upload"] {
        config.service(web::resource(path).route(web::post().to(upload)));
    }
    for path in ["/channels/ec/basics/qualification/upload", "/shop/ec/basics/qualification/upload"] {
        config.service(web::resource(path).route(web::post().to(upload_qualification)));
    }
    config
        .service(web::resource("/channels/ec/basics/media/get").route(web::get().to(download)))
        .service(web::resource("/cgi-bin/media/uploadimg").route(web::post().to(upload_article_picture)))
        .service(web::resource("/cgi-bin/media/upload").route(web::post().to(upload_media)))
        .service(web::resource("/cgi-bin/material/add_material").route(web::post().to(upload_media)))
        .service(web::resource("/sandbox/pictures/{key}").route(web::get().to(show)));
}

async fn upload(request: HttpRequest, payload: web::Payload, core: web::Data<Core>) -> HttpResponse {
    if let Some(answer) = upload_fault(&core, &request).await {
        return answer;
    }
    upload_answer(&core, accept(&request, payload, &core).await)
}

async fn accept(request: &HttpRequest, payload: web::Payload, core: &Core) -> Answer {
    let appid = admit_upload(core, request)?;
    let query = query_of(request);
    let by_address = query.get("upload_type").is_some_and(|kind| kind == "1");
    let as_link = query.get("resp_type").is_some_and(|kind| kind == "1");
    let bytes = if by_address { fetched(payload, core).await? } else { sent(request, payload).await? };
    let limit = if as_link { PICTURE_LIMIT } else { SMALL_LIMIT };
    let key = keep(core, bytes, limit)?;
    let file = if as_link {
        json!({"img_url": format!("https://{PICTURE_PREFIX}{appid}/{key}")})
    } else {
        json!({"media_id": key, "pay_media_id": format!("pay_{key}")})
    };
    Ok(ok_with(json!({"pic_file": file})))
}

async fn upload_qualification(
    request: HttpRequest,
    payload: web::Payload,
    core: web::Data<Core>,
) -> HttpResponse {
    if let Some(answer) = upload_fault(&core, &request).await {
        return answer;
    }
    let work = async {
        admit_upload(&core, &request)?;
        let key = keep(&core, sent(&request, payload).await?, SMALL_LIMIT)?;
        Ok(ok_with(json!({"data": {"file_id": key}})))
    };
    upload_answer(&core, work.await)
}

async fn upload_article_picture(
    request: HttpRequest,
    payload: web::Payload,
    core: web::Data<Core>,
) -> HttpResponse {
    if let Some(answer) = upload_fault(&core, &request).await {
        return answer;
    }
    let work = async {
        admit_upload(&core, &request)?;
        let key = keep(&core, sent(&request, payload).await?, SMALL_LIMIT)?;
        Ok(json!({"url": format!("https://mmbiz.qpic.cn/{key}")}))
    };
    upload_answer(&core, work.await)
}

async fn upload_media(request: HttpRequest, payload: web::Payload, core: web::Data<Core>) -> HttpResponse {
    if let Some(answer) = upload_fault(&core, &request).await {
        return answer;
    }
    let work = async {
        admit_upload(&core, &request)?;
        let kind = query_of(&request).get("type").cloned().unwrap_or_default();
        if kind != "image" && kind != "thumb" {
            return Err(error_with(40004, "invalid media type"));
        }
        let key = keep(&core, sent(&request, payload).await?, PICTURE_LIMIT)?;
        if request.path().ends_with("add_material") {
            return Ok(json!({"media_id": key, "url": format!("https://mmbiz.qpic.cn/{key}")}));
        }
        Ok(json!({"type": kind, "media_id": key, "created_at": core.now().seconds()}))
    };
    upload_answer(&core, work.await)
}

/// The file in a multipart body: the part named `media`, or the only part that is a file.
async fn sent(request: &HttpRequest, payload: web::Payload) -> Result<Vec<u8>, WxError> {
    let mut parts = Multipart::new(request.headers(), payload);
    let mut found = None;
    let mut total = 0;
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(|_| error(41005))?;
        let is_file = part.name() == Some("media")
            || part.content_disposition().is_some_and(|d| d.get_filename().is_some());
        let mut bytes = Vec::new();
        while let Some(piece) = part.next().await {
            let piece = piece.map_err(|_| error(44001))?;
            total += piece.len();
            if total > PICTURE_LIMIT + (64 << 10) {
                return Err(error(45001));
            }
            bytes.extend_from_slice(&piece);
        }
        if is_file {
            found = Some(bytes);
        }
    }
    found.ok_or_else(|| error(41005))
}

async fn fetched(payload: web::Payload, core: &Core) -> Result<Vec<u8>, WxError> {
    let body =
        payload.to_bytes_limited(BODY_LIMIT).await.map_err(|_| error(45002))?.map_err(|_| error(44002))?;
    let body: Value = serde_json::from_slice(&body).map_err(|_| error(47001))?;
    let address = body.get("img_url").and_then(Value::as_str).unwrap_or_default();
    let url = url::Url::parse(address).ok().filter(is_loopback);
    let url = url
        .ok_or_else(|| error_with(40066, "invalid url: the sandbox fetches from loopback addresses only"))?;
    let unreachable = |_| error_with(40066, "invalid url: the picture could not be fetched");
    let mut response = core.http.get(url).send().await.map_err(unreachable)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(error_with(40066, "invalid url: the picture was not answered with 200"));
    }
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unreachable)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > PICTURE_LIMIT {
            return Err(error(45001));
        }
    }
    Ok(bytes)
}

fn keep(core: &Core, bytes: Vec<u8>, limit: usize) -> Result<String, WxError> {
    if bytes.is_empty() {
        return Err(error(44001));
    }
    if bytes.len() > limit {
        return Err(error(45001));
    }
    let kind = kind_of(&bytes).ok_or_else(|| error(40005))?;
    let key = random_text(32);
    core.with(|state, _| {
        if state.images.len() >= LIMIT {
            return Err(error(45009));
        }
        state.images.insert(key.clone(), kind.to_owned());
        Ok(())
    })?;
    core.keep_picture(&key, bytes);
    Ok(key)
}

fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if starts(b"\xff\xd8\xff") {
        Some("image/jpeg")
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if starts(b"BM") {
        Some("image/bmp")
    } else if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some("image/webp")
    } else if starts(b"GIF8") {
        Some("image/gif")
    } else {
        None
    }
}

/// An uploaded file by its id; what went wrong is JSON, as everywhere.
async fn download(request: HttpRequest, core: web::Data<Core>) -> HttpResponse {
    if let Some(answer) = upload_fault(&core, &request).await {
        return answer;
    }
    if let Err(refused) = admit_upload(&core, &request) {
        return upload_answer(&core, Err(refused));
    }
    let key = query_of(&request).get("media_id").cloned().unwrap_or_default();
    let kind = core.peek(|state| state.images.get(&key).cloned());
    match kind.and_then(|kind| core.picture(&key).map(|bytes| (kind, bytes))) {
        Some((kind, bytes)) => {
            let name = format!("attachment; filename=\"{key}.{}\"", kind.trim_start_matches("image/"));
            HttpResponse::Ok().content_type(kind).insert_header(("content-disposition", name)).body(bytes)
        }
        None => upload_answer(&core, Err(error(40007))),
    }
}

async fn show(key: web::Path<String>, core: web::Data<Core>) -> HttpResponse {
    let kind = core.peek(|state| state.images.get(key.as_str()).cloned());
    match kind.and_then(|kind| core.picture(&key).map(|bytes| (kind, bytes))) {
        Some((kind, bytes)) => HttpResponse::Ok()
            .content_type(kind)
            .insert_header(("cache-control", "max-age=86400"))
            .insert_header(("x-content-type-options", "nosniff"))
            .body(bytes),
        None => HttpResponse::NotFound().finish(),
    }
}
