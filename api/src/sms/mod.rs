//! Text messages. A use case queues one in the provider's tenant; the job `sms.send` hands it to the provider's sender.
//!
//! The number and the text travel sealed and are gone from the database as soon as the message is sent or given up.
//! Neither is ever logged. While a provider has no sender, development writes messages into a folder that the demo
//! shows; production says that messages cannot be sent.
//!
//! A sender is a pure `build` and `read` ([`gateway`], [`aliyun`]); the call between them is made by [`crate::outside`].

pub mod aliyun;
mod folder;
pub mod gateway;

pub use folder::{StoredSms, stored_messages};

use crate::outside::{Bounds, Failure};
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::subject::Phone;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::sms_sender::{StoredSender, sender_find};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

const PURPOSE: &str = "sms";
/// Of one call: a page waits for a test message.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(10), bytes: 64 * 1024 };
/// What a sender's secret is sealed for.
pub const SECRET: &str = "sms sender";

/// A message to one person.
#[derive(Clone, Serialize, Deserialize)]
pub struct Sms {
    /// The 11 digits.
    pub phone: String,
    pub lang: Lang,
    /// The code, for senders that fill a template of their own.
    pub code: String,
    /// The whole text, for senders that take one.
    pub text: String,
}

impl std::fmt::Debug for Sms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sms(…)")
    }
}

/// What a sender's service answered.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmsError {
    /// The sender may take it later.
    Later { code: String, text: String },
    /// It will never be taken.
    Never { code: String, text: String },
}

impl SmsError {
    /// The service's words without the number, should it repeat it.
    fn without(self, phone: &str) -> Self {
        let masked = Phone::parse(phone).map_or_else(|_| "***".to_owned(), |phone| phone.masked());
        match self {
            Self::Later { code, text } => Self::Later { code, text: text.replace(phone, &masked) },
            Self::Never { code, text } => Self::Never { code, text: text.replace(phone, &masked) },
        }
    }
}

/// Where a provider's messages go.
#[derive(Debug, Clone)]
pub enum SmsSender {
    /// Into a folder, shown on a page of the demo.
    Folder(PathBuf),
    /// To an address of the provider's own.
    Gateway { url: Url, secret: Plain },
    /// To Alibaba Cloud.
    Aliyun { url: Url, settings: aliyun::Settings, secret: Plain },
}

impl SmsSender {
    /// The provider's sender, when it has one.
    pub async fn of(state: &AppState, provider: &TenantCtx) -> StoreResult<Option<Self>> {
        let stored = sender_find(&*state.db.read(provider).await?).await?;
        match stored.filter(|stored| stored.active) {
            Some(stored) => Self::opened(state, provider, &stored).map(Some),
            None => Ok(state.config.is_development().then(|| Self::Folder(state.config.sms_dir()))),
        }
    }

    /// A stored sender with its secret.
    pub fn opened(state: &AppState, provider: &TenantCtx, stored: &StoredSender) -> StoreResult<Self> {
        let secret = state.keys.sealer.open_text(provider, SECRET, &stored.secret)?;
        let text = |name: &str| stored.settings[name].as_str().unwrap_or_default().to_owned();
        let corrupt = StoreError::Corrupt("sms_senders.settings");
        match stored.kind.as_str() {
            "gateway" => {
                let url = Url::parse(&text("url")).map_err(|_| corrupt)?;
                Ok(Self::Gateway { url, secret })
            }
            "aliyun" => {
                let stand_in = state.config.sms.aliyun_url.as_str();
                let endpoint = if stand_in.is_empty() { aliyun::ENDPOINT } else { stand_in };
                let settings = aliyun::Settings {
                    access_key_id: text("access_key_id"),
                    sign_name: text("sign_name"),
                    template_code: text("template_code"),
                };
                Ok(Self::Aliyun { url: Url::parse(endpoint).map_err(|_| corrupt)?, settings, secret })
            }
            _ => Err(corrupt),
        }
    }

    /// Hands a message over; the sender's own id of it, when it gives one.
    pub async fn send(&self, state: &AppState, sms: &Sms, id: &str) -> Result<Option<String>, SmsError> {
        self.hand_over(state, sms, id).await.map_err(|error| error.without(&sms.phone))
    }

    async fn hand_over(&self, state: &AppState, sms: &Sms, id: &str) -> Result<Option<String>, SmsError> {
        let now = state.clock().now();
        match self {
            Self::Folder(folder) => {
                let (folder, sms, id) = (folder.clone(), sms.clone(), id.to_owned());
                let written = tokio::task::spawn_blocking(move || folder::store(&folder, &sms, &id, now));
                let failed = |text: String| SmsError::Later { code: "folder".to_owned(), text };
                let written = written.await.map_err(|error| failed(error.to_string()))?;
                written.map_err(|error| failed(error.to_string()))?;
                Ok(None)
            }
            Self::Gateway { url, secret } => {
                let (headers, body) = gateway::build(secret, sms, id, now)?;
                gateway::read(&post(state, url, headers, body).await?)
            }
            Self::Aliyun { url, settings, secret } => {
                let nonce = qianpu_tenants::random::token();
                let host = match url.port() {
                    Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
                    None => url.host_str().unwrap_or_default().to_owned(),
                };
                let signed = aliyun::build(settings, secret.expose(), &host, sms, now, &nonce);
                let wrong = |_| SmsError::Never { code: "address".to_owned(), text: "no address".to_owned() };
                let target = url.join(&signed.path).map_err(wrong)?;
                aliyun::read(&post(state, &target, signed.headers, String::new()).await?)
            }
        }
    }
}

/// The call of a sender. Its failures have words of ours: those of a client would repeat the address, where the
/// number may be.
async fn post(
    state: &AppState,
    url: &Url,
    headers: Vec<(&'static str, String)>,
    body: String,
) -> Result<Reply, SmsError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let value = HeaderValue::from_str(&value).map_err(|_| SmsError::Never {
            code: "settings".to_owned(),
            text: "a setting has characters that no header may have".to_owned(),
        })?;
        map.insert(HeaderName::from_static(name), value);
    }
    let agent = HeaderValue::from_static(concat!("qianpu/", env!("CARGO_PKG_VERSION")));
    map.insert(reqwest::header::USER_AGENT, agent);
    let answer = state.outside.post(url, map, body, BOUNDS).await.map_err(|failure| {
        let code = failure.as_str().to_owned();
        match failure {
            Failure::Refused => {
                SmsError::Never { code, text: "the address is not one that may be called".to_owned() }
            }
            _ => SmsError::Later { code, text: String::new() },
        }
    })?;
    if answer.cut {
        let (code, text) = ("answer_too_large".to_owned(), String::new());
        return Err(SmsError::Later { code, text });
    }
    Ok(Reply { status: answer.status, body: answer.body })
}

/// Seals a message for the provider's tenant.
pub fn sealed(state: &AppState, provider: &TenantCtx, sms: &Sms) -> StoreResult<Vec<u8>> {
    let plain = serde_json::to_vec(sms).map_err(|_| StoreError::Corrupt("a text message"))?;
    state.keys.sealer.seal(provider, PURPOSE, &plain)
}

/// Opens what [`sealed`] made.
pub fn opened(state: &AppState, provider: &TenantCtx, payload: &[u8]) -> StoreResult<Sms> {
    let plain = state.keys.sealer.open(provider, PURPOSE, payload)?;
    serde_json::from_slice(&plain).map_err(|_| StoreError::Corrupt("a text message"))
}
