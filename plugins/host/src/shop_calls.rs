//! Operations of a shop's desk, with the token of its account.

use crate::drive::Host;
use crate::refresh::turn;
use crate::vault::AccountRef;
use qianpu_sdk::{AddressAnswer, ChannelError, NewAddress, Repricing};

impl Host {
    /// Sets the merchant's remark of an order.
    pub async fn note_order(
        &self,
        account: &AccountRef,
        order_id: &str,
        words: &str,
    ) -> Result<(), ChannelError> {
        self.account_operation(
            account,
            "order.note",
            |channel, cx| turn(channel.order_desk(), "order desk", |c| c.note(cx, order_id, words)),
            |channel, cx, state, answers| {
                turn(channel.order_desk(), "order desk", |c| c.resume_note(cx, state, answers))
            },
        )
        .await
    }

    /// Sets prices of an order that is not paid.
    pub async fn reprice_order(&self, account: &AccountRef, wanted: &Repricing) -> Result<(), ChannelError> {
        self.account_operation(
            account,
            "order.reprice",
            |channel, cx| turn(channel.order_desk(), "order desk", |c| c.reprice(cx, wanted)),
            |channel, cx, state, answers| {
                turn(channel.order_desk(), "order desk", |c| c.resume_reprice(cx, state, answers))
            },
        )
        .await
    }

    /// Agrees to the buyer's wish for another address, or refuses it.
    pub async fn answer_address_wish(
        &self,
        account: &AccountRef,
        order_id: &str,
        agreed: bool,
    ) -> Result<AddressAnswer, ChannelError> {
        self.account_operation(
            account,
            "order.answer_address",
            |channel, cx| {
                turn(channel.order_desk(), "order desk", |c| c.answer_address(cx, order_id, agreed))
            },
            |channel, cx, state, answers| {
                turn(channel.order_desk(), "order desk", |c| c.resume_answer_address(cx, state, answers))
            },
        )
        .await
    }

    /// Puts another address to an order that was not sent.
    pub async fn change_order_address(
        &self,
        account: &AccountRef,
        order_id: &str,
        address: &NewAddress,
    ) -> Result<(), ChannelError> {
        self.account_operation(
            account,
            "order.change_address",
            |channel, cx| {
                turn(channel.order_desk(), "order desk", |c| c.change_address(cx, order_id, address))
            },
            |channel, cx, state, answers| {
                turn(channel.order_desk(), "order desk", |c| c.resume_change_address(cx, state, answers))
            },
        )
        .await
    }
}
