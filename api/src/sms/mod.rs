//! Text messages. A use case queues one in the provider's tenant; the job `sms.send` hands it to the provider's sender.
//!
//! The number and the text travel sealed and are gone from the database as soon as the message is sent or given up.
//! Neither is ever logged. While a provider has no sender, development writes messages into a folder that the demo
//! shows; production says that messages cannot be sent.

mod folder;

pub use folder::{StoredSms, stored_messages};

use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::error::{StoreError, StoreResult};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

const PURPOSE: &str = "sms";

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

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmsError {
    /// The sender may take it later.
    Later { code: String, text: String },
    /// It will never be taken.
    Never { code: String, text: String },
}

/// Where a provider's messages go.
#[derive(Debug, Clone)]
pub enum SmsSender {
    /// Into a folder, shown on a page of the demo.
    Folder(PathBuf),
}

impl SmsSender {
    /// The provider's sender, when it has one.
    pub async fn of(state: &AppState, _provider: &TenantCtx) -> StoreResult<Option<Self>> {
        Ok(state.config.is_development().then(|| Self::Folder(state.config.sms_dir())))
    }

    /// Hands a message over; the sender's own id of it, when it gives one.
    pub async fn send(&self, state: &AppState, sms: &Sms, id: &str) -> Result<Option<String>, SmsError> {
        match self {
            Self::Folder(folder) => {
                let (folder, sms, id) = (folder.clone(), sms.clone(), id.to_owned());
                let now = state.clock().now();
                let written = tokio::task::spawn_blocking(move || folder::store(&folder, &sms, &id, now));
                let failed = |text: String| SmsError::Later { code: "folder".to_owned(), text };
                written
                    .await
                    .map_err(|error| failed(error.to_string()))?
                    .map_err(|error| failed(error.to_string()))?;
                Ok(None)
            }
        }
    }
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
