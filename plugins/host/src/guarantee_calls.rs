//! Claims under a platform's guarantee, with the account's token.

use crate::drive::Host;
use crate::refresh::turn;
use crate::vault::AccountRef;
use qianpu_sdk::{ChannelError, GuaranteeAnswer, GuaranteeClaim, GuaranteeOutcome, GuaranteeQuery, Page};

impl Host {
    /// A page of claims.
    pub async fn guarantees(
        &self,
        account: &AccountRef,
        query: &GuaranteeQuery,
    ) -> Result<Page<GuaranteeClaim>, ChannelError> {
        self.account_operation(
            account,
            "guarantee.list",
            |channel, cx| turn(channel.guarantees(), "guarantees", |c| c.list(cx, query)),
            |channel, cx, state, answers| {
                turn(channel.guarantees(), "guarantees", |c| c.resume_list(cx, state, answers))
            },
        )
        .await
    }

    /// One claim; none where there is no such claim.
    pub async fn guarantee(
        &self,
        account: &AccountRef,
        claim_id: &str,
    ) -> Result<Option<GuaranteeClaim>, ChannelError> {
        self.account_operation(
            account,
            "guarantee.fetch",
            |channel, cx| turn(channel.guarantees(), "guarantees", |c| c.fetch(cx, claim_id)),
            |channel, cx, state, answers| {
                turn(channel.guarantees(), "guarantees", |c| c.resume_fetch(cx, state, answers))
            },
        )
        .await
    }

    /// Tells what the merchant says about a claim.
    pub async fn guarantee_answer(
        &self,
        account: &AccountRef,
        answer: &GuaranteeAnswer,
    ) -> Result<GuaranteeOutcome, ChannelError> {
        self.account_operation(
            account,
            "guarantee.answer",
            |channel, cx| turn(channel.guarantees(), "guarantees", |c| c.answer(cx, answer)),
            |channel, cx, state, answers| {
                turn(channel.guarantees(), "guarantees", |c| c.resume_answer(cx, state, answers))
            },
        )
        .await
    }
}
