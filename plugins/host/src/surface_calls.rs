//! Operations of an account that shows and sells what comes from elsewhere: its window, its live rooms, its leads.

use crate::drive::Host;
use crate::refresh::turn;
use crate::vault::AccountRef;
use qianpu_sdk::{
    ChannelError, Lead, LeadForm, LiveDay, LiveNow, LiveSessions, Page, ShowcaseItem, ShowcaseRef, TimeWindow,
};

impl Host {
    /// One page of what stands in the account's window.
    pub async fn showcase(
        &self,
        account: &AccountRef,
        cursor: Option<&str>,
    ) -> Result<Page<ShowcaseItem>, ChannelError> {
        self.account_operation(
            account,
            "showcase.list",
            |channel, cx| turn(channel.showcase(), "showcase", |c| c.list(cx, cursor)),
            |channel, cx, state, answers| {
                turn(channel.showcase(), "showcase", |c| c.resume_list(cx, state, answers))
            },
        )
        .await
    }

    /// Puts a product into the account's window.
    pub async fn showcase_add(
        &self,
        account: &AccountRef,
        item: &ShowcaseRef,
    ) -> Result<ShowcaseItem, ChannelError> {
        self.account_operation(
            account,
            "showcase.add",
            |channel, cx| turn(channel.showcase(), "showcase", |c| c.add(cx, item)),
            |channel, cx, state, answers| {
                turn(channel.showcase(), "showcase", |c| c.resume_add(cx, state, answers))
            },
        )
        .await
    }

    /// Asks for a product to be taken off the account's window; what the platform shows afterwards.
    pub async fn showcase_remove(
        &self,
        account: &AccountRef,
        item: &ShowcaseRef,
    ) -> Result<ShowcaseItem, ChannelError> {
        self.account_operation(
            account,
            "showcase.remove",
            |channel, cx| turn(channel.showcase(), "showcase", |c| c.remove(cx, item)),
            |channel, cx, state, answers| {
                turn(channel.showcase(), "showcase", |c| c.resume_remove(cx, state, answers))
            },
        )
        .await
    }

    /// Rooms that are on, reservations, and the account's own figures.
    pub async fn live_now(&self, account: &AccountRef) -> Result<LiveNow, ChannelError> {
        self.account_operation(
            account,
            "live.now",
            |channel, cx| turn(channel.live(), "live", |c| c.now(cx)),
            |channel, cx, state, answers| turn(channel.live(), "live", |c| c.resume_now(cx, state, answers)),
        )
        .await
    }

    /// The rooms of a day with their figures.
    pub async fn live_day(&self, account: &AccountRef, day: &LiveDay) -> Result<LiveSessions, ChannelError> {
        self.account_operation(
            account,
            "live.day",
            |channel, cx| turn(channel.live(), "live", |c| c.day(cx, day)),
            |channel, cx, state, answers| turn(channel.live(), "live", |c| c.resume_day(cx, state, answers)),
        )
        .await
    }

    /// One page of the account's forms.
    pub async fn lead_forms(
        &self,
        account: &AccountRef,
        cursor: Option<&str>,
    ) -> Result<Page<LeadForm>, ChannelError> {
        self.account_operation(
            account,
            "lead.forms",
            |channel, cx| turn(channel.leads(), "leads", |c| c.forms(cx, cursor)),
            |channel, cx, state, answers| {
                turn(channel.leads(), "leads", |c| c.resume_forms(cx, state, answers))
            },
        )
        .await
    }

    /// One page of what was left in a form. The caller writes down who asked.
    pub async fn leads(
        &self,
        account: &AccountRef,
        form_id: &str,
        window: TimeWindow,
        cursor: Option<&str>,
    ) -> Result<Page<Lead>, ChannelError> {
        self.account_operation(
            account,
            "lead.list",
            |channel, cx| turn(channel.leads(), "leads", |c| c.leads(cx, form_id, window, cursor)),
            |channel, cx, state, answers| {
                turn(channel.leads(), "leads", |c| c.resume_leads(cx, state, answers))
            },
        )
        .await
    }
}
