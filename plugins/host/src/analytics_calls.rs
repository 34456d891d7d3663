//! Figures of a day, with the account's token.

use crate::drive::Host;
use crate::refresh::turn;
use crate::vault::AccountRef;
use qianpu_sdk::{
    ChannelError, DayFigures, LiveDay, PeopleFigures, PeopleOfDay, ProductFigures, ProductOfDay,
    ProductsOfDay,
};

impl Host {
    /// A day of the account.
    pub async fn day_figures(&self, account: &AccountRef, day: &LiveDay) -> Result<DayFigures, ChannelError> {
        self.account_operation(
            account,
            "analytics.overview",
            |channel, cx| turn(channel.analytics(), "analytics", |c| c.overview(cx, day)),
            |channel, cx, state, answers| {
                turn(channel.analytics(), "analytics", |c| c.resume_overview(cx, state, answers))
            },
        )
        .await
    }

    /// The products of a day.
    pub async fn day_products(
        &self,
        account: &AccountRef,
        day: &LiveDay,
    ) -> Result<ProductsOfDay, ChannelError> {
        self.account_operation(
            account,
            "analytics.products",
            |channel, cx| turn(channel.analytics(), "analytics", |c| c.products(cx, day)),
            |channel, cx, state, answers| {
                turn(channel.analytics(), "analytics", |c| c.resume_products(cx, state, answers))
            },
        )
        .await
    }

    /// One product of a day; none where the platform has no figures of it.
    pub async fn day_product(
        &self,
        account: &AccountRef,
        asked: &ProductOfDay,
    ) -> Result<Option<ProductFigures>, ChannelError> {
        self.account_operation(
            account,
            "analytics.product",
            |channel, cx| turn(channel.analytics(), "analytics", |c| c.product(cx, asked)),
            |channel, cx, state, answers| {
                turn(channel.analytics(), "analytics", |c| c.resume_product(cx, state, answers))
            },
        )
        .await
    }

    /// What kind of people a group was on a day.
    pub async fn day_people(
        &self,
        account: &AccountRef,
        asked: &PeopleOfDay,
    ) -> Result<PeopleFigures, ChannelError> {
        self.account_operation(
            account,
            "analytics.people",
            |channel, cx| turn(channel.analytics(), "analytics", |c| c.people(cx, asked)),
            |channel, cx, state, answers| {
                turn(channel.analytics(), "analytics", |c| c.resume_people(cx, state, answers))
            },
        )
        .await
    }
}
