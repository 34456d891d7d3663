//! Operations about templates and the notices sent by them.

use crate::drive::Host;
use crate::refresh::turn;
use crate::vault::AccountRef;
use qianpu_sdk::{ChannelError, MessageTemplate, NoticeOutcome, TemplateKind, TemplateNotice};

impl Host {
    /// The templates of a kind that the account has.
    pub async fn message_templates(
        &self,
        account: &AccountRef,
        kind: TemplateKind,
    ) -> Result<Vec<MessageTemplate>, ChannelError> {
        self.account_operation(
            account,
            "template.list",
            |channel, cx| turn(channel.templates(), "templates", |c| c.list(cx, kind)),
            |channel, cx, state, answers| {
                turn(channel.templates(), "templates", |c| c.resume_list(cx, state, answers))
            },
        )
        .await
    }

    /// Sends a notice to a person.
    pub async fn send_notice(
        &self,
        account: &AccountRef,
        to: &str,
        notice: &TemplateNotice,
    ) -> Result<NoticeOutcome, ChannelError> {
        self.account_operation(
            account,
            "template.send",
            |channel, cx| turn(channel.templates(), "templates", |c| c.send(cx, to, notice)),
            |channel, cx, state, answers| {
                turn(channel.templates(), "templates", |c| c.resume_send(cx, state, answers))
            },
        )
        .await
    }
}
