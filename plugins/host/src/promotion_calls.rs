//! Discounts of an account, with the account's token.

use crate::drive::Host;
use crate::refresh::turn;
use crate::vault::AccountRef;
use qianpu_sdk::{ChannelError, Discount, DiscountEnding, NewDiscount, Page};

impl Host {
    /// One page of the account's discounts.
    pub async fn discounts(
        &self,
        account: &AccountRef,
        cursor: Option<&str>,
    ) -> Result<Page<Discount>, ChannelError> {
        self.account_operation(
            account,
            "discount.list",
            |channel, cx| turn(channel.promotions(), "promotions", |c| c.discounts(cx, cursor)),
            |channel, cx, state, answers| {
                turn(channel.promotions(), "promotions", |c| c.resume_discounts(cx, state, answers))
            },
        )
        .await
    }

    /// Makes a discount, or finds the same one; the channel's id of it.
    pub async fn add_discount(
        &self,
        account: &AccountRef,
        wanted: &NewDiscount,
    ) -> Result<String, ChannelError> {
        self.account_operation(
            account,
            "discount.add",
            |channel, cx| turn(channel.promotions(), "promotions", |c| c.add_discount(cx, wanted)),
            |channel, cx, state, answers| {
                turn(channel.promotions(), "promotions", |c| c.resume_add_discount(cx, state, answers))
            },
        )
        .await
    }

    /// Stops a discount, or takes one away that is over.
    pub async fn end_discount(
        &self,
        account: &AccountRef,
        ending: &DiscountEnding,
    ) -> Result<(), ChannelError> {
        self.account_operation(
            account,
            "discount.end",
            |channel, cx| turn(channel.promotions(), "promotions", |c| c.end_discount(cx, ending)),
            |channel, cx, state, answers| {
                turn(channel.promotions(), "promotions", |c| c.resume_end_discount(cx, state, answers))
            },
        )
        .await
    }
}
