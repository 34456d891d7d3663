//! Mail. A use case enqueues a [`Mail`] in its transaction; the job `mail.send` renders and sends it. A
//! mail is three texts of the catalogues below one prefix — `subject`, `body` and, with a link, `action` —
//! put into one design (`templates/mail`), as text and as HTML, in the recipient's language.
//!
//! The queued mail is sealed, because it holds an address and often a one-time link.

mod outbox_folder;
pub mod own;
mod transport;

pub use outbox_folder::{StoredMail, stored_mail, stored_mails};
pub use own::Dress;
pub use transport::{Failure, Mailer, SendError};

use crate::pages::lang::Lang;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::jobs::{NewJob, job_enqueue};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;

const PURPOSE: &str = "mail";

/// A mail to one person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mail {
    pub to: String,
    pub lang: Lang,
    /// Prefix of its texts with the final dot, for example `"applications.mail_returned."`.
    pub texts: Cow<'static, str>,
    /// Arguments of the texts.
    pub arguments: Vec<(String, String)>,
    /// Points listed below the body, such as the reasons of a refusal.
    pub points: Vec<String>,
    /// Where the button leads; a whole address.
    pub link: Option<String>,
    /// Who it comes from, for people: the provider's name.
    pub from_name: String,
}

impl Mailer {
    /// Queues a mail in the transaction of the change it tells of.
    pub async fn enqueue(&self, tx: &mut TenantTx, mail: &Mail) -> StoreResult<()> {
        let plain = serde_json::to_vec(mail).map_err(|_| StoreError::Corrupt("a mail"))?;
        let sealed = STANDARD.encode(self.sealer().seal(tx.ctx(), PURPOSE, &plain)?);
        let job = NewJob {
            kind: crate::jobs::mail_send::KIND,
            dedup_key: None,
            payload: json!({"sealed": sealed}),
            run_at: None,
            priority: 3,
        };
        job_enqueue(tx, job).await.map(drop)
    }

    /// The mail in a job's payload.
    pub fn opened(&self, ctx: &TenantCtx, payload: &Value) -> Result<Mail, String> {
        let sealed = payload.get("sealed").and_then(Value::as_str).ok_or("the payload has no mail")?;
        let sealed = STANDARD.decode(sealed).map_err(|error| error.to_string())?;
        let plain = self.sealer().open(ctx, PURPOSE, &sealed).map_err(|error| error.to_string())?;
        serde_json::from_slice(&plain).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests;
