//! `sms.send`: hands one text message to the provider's sender. It may arrive twice when the process dies between
//! sending and noting it. A code is useless after minutes, so it is tried a few times and not for hours.

use super::{JobError, JobResult, finish};
use crate::sms::{self, SmsError, SmsSender};
use crate::state::AppState;
use qianpu_domain::ids::SmsMessageId;
use qianpu_domain::time::Span;
use qianpu_tenants::jobs::ClaimedJob;
use qianpu_tenants::store::sms_message::{SmsOutcome, sms_get, sms_note};
use serde_json::Value;

pub const KIND: &str = "sms.send";

/// A message that waited longer is given up: its code is dead.
const USEFUL: Span = Span::minutes(5);

pub async fn run(state: &AppState, job: &ClaimedJob) -> JobResult {
    let id = job.payload.get("message_id").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let id: SmsMessageId = id.ok_or_else(|| JobError::dead("payload", "the payload has no message"))?;
    let message = sms_get(&*state.db.read(&job.ctx).await?, id).await?;
    // Sent by a try whose end was not noted: there is nothing left to send.
    let Some(payload) = message.payload else {
        return finish(state.db.begin(&job.ctx).await?, job).await;
    };
    let late = state.clock().now().since(message.created_at) > USEFUL;
    let outcome = if late {
        Err(SmsError::Never {
            code: "too_late".to_owned(),
            text: "it waited too long to be of use".to_owned(),
        })
    } else {
        match SmsSender::of(state, &job.ctx).await? {
            Some(sender) => {
                let sms = sms::opened(state, &job.ctx, &payload)?;
                sender.send(state, &sms, &id.to_string()).await
            }
            None => Err(SmsError::Never {
                code: "not_configured".to_owned(),
                text: "the provider has no sender of text messages".to_owned(),
            }),
        }
    };
    let mut tx = state.db.begin(&job.ctx).await?;
    match outcome {
        Ok(remote_id) => {
            sms_note(&mut tx, id, SmsOutcome::Sent { remote_id: remote_id.as_deref() }).await?;
            finish(tx, job).await
        }
        Err(SmsError::Never { code, text }) => {
            metrics::counter!("qianpu_sms_failures_total").increment(1);
            sms_note(&mut tx, id, SmsOutcome::Failed { code: &code, text: &text, last: true }).await?;
            // The provider sees it in the list of messages; a job laid aside would tell the same twice.
            finish(tx, job).await
        }
        Err(SmsError::Later { code, text }) => {
            metrics::counter!("qianpu_sms_failures_total").increment(1);
            sms_note(&mut tx, id, SmsOutcome::Failed { code: &code, text: &text, last: false }).await?;
            tx.commit().await?;
            Err(JobError::Retry { after: Some(Span::seconds(5)), code, text })
        }
    }
}
