//! Forms of console pages: `Fields` (what was typed, kept as text so that a refused form can be shown
//! again) and `Upload` (the same with files). The form token `_csrf` never reaches the handler.

use super::body::Body;
use super::input::{Input, zero_refused};
use crate::error::ApiError;
use crate::http::describe::Draft;
use actix_multipart::Multipart;
use actix_web::HttpRequest;
use actix_web::web::Bytes;
use futures_util::{StreamExt, stream};
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::money::{Fen, MAX_FEN};
use std::str::FromStr;

/// Name of the form token's field.
pub const CSRF_FIELD: &str = "_csrf";
const FORM_LIMIT: usize = 256 * 1024;
/// A product of 200 SKUs has nine fields for each.
const MOST_PARTS: usize = 2_500;

/// The fields of a form in their order; a name may repeat (check boxes).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// The first value of a field without surrounding space; empty when absent.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value.trim())
    }
    /// All values of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.trim())
    }
    /// Whether a box was ticked.
    pub fn ticked(&self, name: &str) -> bool {
        !matches!(self.text(name), "" | "0" | "false" | "off")
    }
    /// A required text of at most `most` characters. Problems are collected, the answer is then empty.
    pub fn required(&self, name: &str, most: usize, errors: &mut Vec<FieldError>) -> String {
        let text = self.text(name);
        if text.is_empty() {
            errors.push(FieldError::required(name));
        } else if text.chars().count() > most {
            let (en, zh) = (format!("at most {most} characters"), format!("最多 {most} 个字"));
            errors.push(FieldError::new(name, "too_long", en, zh));
        }
        text.to_owned()
    }
    /// An amount typed in yuan, `1,234.5`; empty is `None`.
    pub fn yuan(&self, name: &str, errors: &mut Vec<FieldError>) -> Option<Fen> {
        let text = self.text(name);
        if text.is_empty() {
            return None;
        }
        let fen = parse_yuan(text);
        if fen.is_none() {
            let (en, zh) = ("an amount in yuan such as 1234.50", "请填写金额（元），例如 1234.50");
            errors.push(FieldError::new(name, "money", en, zh));
        }
        fen
    }
    /// A whole number; empty is `None`.
    pub fn whole(&self, name: &str, errors: &mut Vec<FieldError>) -> Option<i64> {
        let text = self.text(name);
        if text.is_empty() {
            return None;
        }
        let number = text.parse().ok();
        if number.is_none() {
            errors.push(FieldError::new(name, "whole_number", "a whole number", "请填写整数"));
        }
        number
    }
    /// A value with a textual form, such as an id or a whole number; empty is `None`.
    pub fn parsed<T: FromStr>(&self, name: &str, errors: &mut Vec<FieldError>) -> Option<T> {
        let text = self.text(name);
        if text.is_empty() {
            return None;
        }
        let value = text.parse().ok();
        if value.is_none() {
            errors.push(FieldError::new(name, "invalid", "this is not valid", "填写不正确"));
        }
        value
    }
}

/// Yuan as people type it, in fen: at most two decimals, thousands separators allowed, no sign.
pub fn parse_yuan(text: &str) -> Option<Fen> {
    let plain: String = text.trim().trim_start_matches(['¥', '￥']).replace([',', ' '], "");
    let (whole, part) = plain.split_once('.').unwrap_or((plain.as_str(), ""));
    if whole.is_empty() || part.len() > 2 || !plain.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let cents: i64 = format!("{part:0<2}").parse().ok()?;
    let fen = whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)?;
    (fen <= MAX_FEN).then_some(Fen::new(fen))
}

impl Input for Fields {
    const LIMIT: usize = FORM_LIMIT;
    const FORM: bool = true;
    async fn read(_: &HttpRequest, body: &Body) -> Result<Self, ApiError> {
        if !body.content_type_is("application/x-www-form-urlencoded") {
            let error = ApiError::new(ErrorCode::UnsupportedMediaType);
            return Err(error.with_detail("expected a form"));
        }
        let fields: Vec<_> = pairs(&body.bytes).filter(|(name, _)| name != CSRF_FIELD).collect();
        if fields.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            Err(zero_refused())
        } else {
            Ok(Self(fields))
        }
    }
    fn describe(draft: &mut Draft) {
        draft.binary_body("application/x-www-form-urlencoded");
    }
}

fn pairs(bytes: &[u8]) -> impl Iterator<Item = (String, String)> {
    url::form_urlencoded::parse(bytes)
        .take(MOST_PARTS)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
}

/// A file that came with a form.
#[derive(Debug, Clone)]
pub struct UploadedFile {
    pub field: String,
    /// As the client calls it; for showing only.
    pub file_name: String,
    /// As the client says; look at the bytes before believing it.
    pub content_type: String,
    pub bytes: Bytes,
}

/// A `multipart/form-data` body of at most `LIMIT` bytes.
#[derive(Debug, Clone)]
pub struct Upload<const LIMIT: usize> {
    pub fields: Fields,
    pub files: Vec<UploadedFile>,
}

impl<const LIMIT: usize> Upload<LIMIT> {
    /// The file of a field; an empty file input counts as none.
    pub fn file(&self, field: &str) -> Option<&UploadedFile> {
        self.files.iter().find(|file| file.field == field && !file.bytes.is_empty())
    }
}

impl<const LIMIT: usize> Input for Upload<LIMIT> {
    const LIMIT: usize = LIMIT;
    const FORM: bool = true;
    async fn read(request: &HttpRequest, body: &Body) -> Result<Self, ApiError> {
        let (mut fields, files) = parts(request, body).await?;
        fields.0.retain(|(name, _)| name != CSRF_FIELD);
        Ok(Self { fields, files })
    }
    fn describe(draft: &mut Draft) {
        draft.binary_body("multipart/form-data");
    }
}

async fn parts(request: &HttpRequest, body: &Body) -> Result<(Fields, Vec<UploadedFile>), ApiError> {
    if !body.content_type_is("multipart/form-data") {
        let error = ApiError::new(ErrorCode::UnsupportedMediaType);
        return Err(error.with_detail("expected content-type multipart/form-data"));
    }
    let bytes = body.bytes.clone();
    let chunk = Ok::<_, actix_web::error::PayloadError>(bytes);
    let mut multipart = Multipart::new(request.headers(), stream::iter([chunk]));
    let mut fields = Fields::default();
    let mut files = Vec::new();
    while let Some(part) = multipart.next().await {
        let mut part = part.map_err(ApiError::bad_request)?;
        if fields.0.len() + files.len() >= MOST_PARTS {
            return Err(ApiError::bad_request(format!("at most {MOST_PARTS} parts are accepted")));
        }
        let mut bytes = actix_web::web::BytesMut::new();
        while let Some(chunk) = part.next().await {
            bytes.extend_from_slice(&chunk.map_err(ApiError::bad_request)?);
        }
        let field = part.name().unwrap_or_default().to_owned();
        let file_name = part.content_disposition().and_then(|it| it.get_filename()).map(str::to_owned);
        match file_name {
            None => {
                let text = String::from_utf8(bytes.to_vec())
                    .map_err(|_| ApiError::bad_request(format!("{field}: expected UTF-8")))?;
                if field.contains('\0') || text.contains('\0') {
                    return Err(zero_refused());
                }
                fields.0.push((field, text));
            }
            Some(file_name) => {
                let content_type = part.content_type().map_or_else(String::new, ToString::to_string);
                files.push(UploadedFile { field, file_name, content_type, bytes: bytes.freeze() });
            }
        }
    }
    Ok((fields, files))
}

/// The form token in a body, whichever kind of form it is.
pub(super) async fn csrf_token(request: &HttpRequest, body: &Body) -> Option<String> {
    if body.content_type_is("application/x-www-form-urlencoded") {
        return pairs(&body.bytes).find(|(name, _)| name == CSRF_FIELD).map(|(_, value)| value);
    }
    if body.content_type_is("multipart/form-data") {
        let (fields, _) = parts(request, body).await.ok()?;
        return Some(fields.text(CSRF_FIELD).to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_is_read_as_people_type_it() {
        for (text, expected) in [
            ("12", Some(1200)),
            ("12.5", Some(1250)),
            ("¥1,234.56", Some(123_456)),
            ("0.01", Some(1)),
            ("1000000000000", Some(MAX_FEN)),
            ("1000000000000.01", None),
            ("12.345", None),
            ("-1", None),
            ("1e3", None),
            ("1.2.3", None),
            (".", None),
            ("", None),
        ] {
            assert_eq!(parse_yuan(text).map(Fen::get), expected, "{text}");
        }
    }

    #[test]
    fn form_problems_are_collected() {
        let fields = Fields(vec![("name".into(), "  ".into()), ("price".into(), "abc".into())]);
        let mut errors = Vec::new();
        fields.required("name", 10, &mut errors);
        assert_eq!(fields.yuan("price", &mut errors), None);
        assert_eq!(fields.parsed::<u32>("count", &mut errors), None);
        assert_eq!(errors.len(), 2);
    }
}
