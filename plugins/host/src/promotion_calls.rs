//! Discounts and coupons of an account, with the account's token.

use crate::drive::Host;
use crate::refresh::turn;
use crate::vault::AccountRef;
use qianpu_sdk::{
    ChannelError, Coupon, CouponChange, CouponHolder, CouponMove, Discount, DiscountEnding, HeldCoupon,
    NewCoupon, NewDiscount, Page,
};

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

    /// One page of the account's coupons.
    pub async fn coupons(
        &self,
        account: &AccountRef,
        cursor: Option<&str>,
    ) -> Result<Page<Coupon>, ChannelError> {
        self.account_operation(
            account,
            "coupon.list",
            |channel, cx| turn(channel.promotions(), "promotions", |c| c.coupons(cx, cursor)),
            |channel, cx, state, answers| {
                turn(channel.promotions(), "promotions", |c| c.resume_coupons(cx, state, answers))
            },
        )
        .await
    }

    /// One coupon; nothing when it was deleted, or never was.
    pub async fn coupon(
        &self,
        account: &AccountRef,
        coupon_id: &str,
    ) -> Result<Option<Coupon>, ChannelError> {
        self.account_operation(
            account,
            "coupon.fetch",
            |channel, cx| turn(channel.promotions(), "promotions", |c| c.coupon(cx, coupon_id)),
            |channel, cx, state, answers| {
                turn(channel.promotions(), "promotions", |c| c.resume_coupon(cx, state, answers))
            },
        )
        .await
    }

    /// Makes a coupon, or finds the one that a lost answer left; the channel's id of it.
    pub async fn add_coupon(&self, account: &AccountRef, wanted: &NewCoupon) -> Result<String, ChannelError> {
        self.account_operation(
            account,
            "coupon.add",
            |channel, cx| turn(channel.promotions(), "promotions", |c| c.add_coupon(cx, wanted)),
            |channel, cx, state, answers| {
                turn(channel.promotions(), "promotions", |c| c.resume_add_coupon(cx, state, answers))
            },
        )
        .await
    }

    /// Changes a coupon that nobody can receive yet.
    pub async fn change_coupon(
        &self,
        account: &AccountRef,
        wanted: &CouponChange,
    ) -> Result<(), ChannelError> {
        self.account_operation(
            account,
            "coupon.change",
            |channel, cx| turn(channel.promotions(), "promotions", |c| c.change_coupon(cx, wanted)),
            |channel, cx, state, answers| {
                turn(channel.promotions(), "promotions", |c| c.resume_change_coupon(cx, state, answers))
            },
        )
        .await
    }

    /// Takes a coupon one step on.
    pub async fn move_coupon(&self, account: &AccountRef, wanted: &CouponMove) -> Result<(), ChannelError> {
        self.account_operation(
            account,
            "coupon.move",
            |channel, cx| turn(channel.promotions(), "promotions", |c| c.move_coupon(cx, wanted)),
            |channel, cx, state, answers| {
                turn(channel.promotions(), "promotions", |c| c.resume_move_coupon(cx, state, answers))
            },
        )
        .await
    }

    /// One page of coupons that a buyer received.
    pub async fn held_coupons(
        &self,
        account: &AccountRef,
        holder: &CouponHolder,
    ) -> Result<Page<HeldCoupon>, ChannelError> {
        self.account_operation(
            account,
            "coupon.held",
            |channel, cx| turn(channel.promotions(), "promotions", |c| c.held_coupons(cx, holder)),
            |channel, cx, state, answers| {
                turn(channel.promotions(), "promotions", |c| c.resume_held_coupons(cx, state, answers))
            },
        )
        .await
    }
}
