//! A short message shown once, on the page after a redirect. It travels in a cookie as a key of the
//! catalogues with its arguments, so whatever somebody plants there is only ever a text of ours.

use super::catalogue::Catalogue;
use super::lang::Lang;
use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const COOKIE: &str = "qp_flash";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    tone: String,
    key: String,
    arguments: Vec<(String, String)>,
}

impl Flash {
    /// Something was done.
    pub fn success(key: &'static str) -> Self {
        Self { tone: "success".to_owned(), key: key.to_owned(), arguments: Vec::new() }
    }
    /// Something could not be done.
    pub fn failure(key: &'static str) -> Self {
        Self { tone: "danger".to_owned(), key: key.to_owned(), arguments: Vec::new() }
    }
    /// Adds an argument of the text.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.arguments.push((name.to_owned(), value.to_string()));
        self
    }

    pub(super) fn cookie(&self) -> Cookie<'static> {
        let text = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default());
        Cookie::build(COOKIE, text).path("/").http_only(true).same_site(SameSite::Lax).finish()
    }

    /// The message that waits in this request, as the frame shows it.
    pub(super) fn shown(request: &HttpRequest, catalogue: &Catalogue, lang: Lang) -> Option<Value> {
        let cookie = request.cookie(COOKIE)?;
        let bytes = URL_SAFE_NO_PAD.decode(cookie.value()).ok()?;
        let flash: Self = serde_json::from_slice(&bytes).ok()?;
        catalogue.find(lang, &flash.key)?;
        let arguments = flash.arguments.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let tone = super::catalogue::TONES.into_iter().find(|tone| *tone == flash.tone)?;
        Some(json!({"tone": tone, "text": catalogue.say(lang, &flash.key, arguments)}))
    }

    pub(super) fn removal() -> Cookie<'static> {
        let mut cookie = Cookie::build(COOKIE, "").path("/").finish();
        cookie.make_removal();
        cookie
    }
}
