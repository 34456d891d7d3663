//! What is left of an account's calls, with the account's token.

use crate::buckets::Owner;
use crate::drive::Host;
use crate::refresh::turn;
use crate::vault::AccountRef;
use qianpu_sdk::{ChannelError, InterfaceQuota};

impl Host {
    /// What the platform says is left of these interfaces, in the same order.
    pub async fn call_quotas(
        &self,
        account: &AccountRef,
        interfaces: &[String],
    ) -> Result<Vec<InterfaceQuota>, ChannelError> {
        self.account_operation(
            account,
            "quota.ask",
            |channel, cx| turn(channel.call_quotas(), "call quotas", |c| c.ask(cx, interfaces)),
            |channel, cx, state, answers| {
                turn(channel.call_quotas(), "call quotas", |c| c.resume_ask(cx, state, answers))
            },
        )
        .await
    }

    /// Has the platform count the account's calls anew.
    pub async fn clear_call_quotas(&self, account: &AccountRef) -> Result<(), ChannelError> {
        self.account_operation(
            account,
            "quota.clear",
            |channel, cx| turn(channel.call_quotas(), "call quotas", |c| c.clear(cx)),
            |channel, cx, state, answers| {
                turn(channel.call_quotas(), "call quotas", |c| c.resume_clear(cx, state, answers))
            },
        )
        .await?;
        self.spent.forget(Owner::Account(*account));
        Ok(())
    }

    /// Forgets which quotas of an account were used up, because a person wants to know how it stands.
    pub fn forget_call_quotas(&self, account: &AccountRef) {
        self.spent.forget(Owner::Account(*account));
    }
}
