//! Operations of a shop's furniture and money, with the token of its account.

use crate::drive::Host;
use crate::refresh::turn;
use crate::vault::AccountRef;
use qianpu_sdk::{
    Balance, ChannelError, CodePicture, CodeStanding, FlowQuery, FreightTemplate, FundsFlow, Page,
    ShopAddress, TimeWindow, WantedWithdrawal, Withdrawal, WithdrawalAsked,
};

impl Host {
    /// Every freight template of the shop.
    pub async fn freight_templates(
        &self,
        account: &AccountRef,
    ) -> Result<Vec<FreightTemplate>, ChannelError> {
        self.account_operation(
            account,
            "freight.list",
            |channel, cx| turn(channel.shop_desk(), "shop_desk", |c| c.freight_templates(cx)),
            |channel, cx, state, answers| {
                turn(channel.shop_desk(), "shop_desk", |c| c.resume_freight_templates(cx, state, answers))
            },
        )
        .await
    }

    /// Makes a freight template or changes one; its id.
    pub async fn save_freight_template(
        &self,
        account: &AccountRef,
        template: &FreightTemplate,
    ) -> Result<String, ChannelError> {
        self.account_operation(
            account,
            "freight.save",
            |channel, cx| turn(channel.shop_desk(), "shop_desk", |c| c.save_freight_template(cx, template)),
            |channel, cx, state, answers| {
                turn(channel.shop_desk(), "shop_desk", |c| c.resume_save_freight_template(cx, state, answers))
            },
        )
        .await
    }

    /// Every address of the shop.
    pub async fn shop_addresses(&self, account: &AccountRef) -> Result<Vec<ShopAddress>, ChannelError> {
        self.account_operation(
            account,
            "shop_address.list",
            |channel, cx| turn(channel.shop_desk(), "shop_desk", |c| c.addresses(cx)),
            |channel, cx, state, answers| {
                turn(channel.shop_desk(), "shop_desk", |c| c.resume_addresses(cx, state, answers))
            },
        )
        .await
    }

    /// Makes an address or changes one; its id.
    pub async fn save_shop_address(
        &self,
        account: &AccountRef,
        address: &ShopAddress,
    ) -> Result<String, ChannelError> {
        self.account_operation(
            account,
            "shop_address.save",
            |channel, cx| turn(channel.shop_desk(), "shop_desk", |c| c.save_address(cx, address)),
            |channel, cx, state, answers| {
                turn(channel.shop_desk(), "shop_desk", |c| c.resume_save_address(cx, state, answers))
            },
        )
        .await
    }

    /// Takes an address away.
    pub async fn remove_shop_address(
        &self,
        account: &AccountRef,
        address_id: &str,
    ) -> Result<(), ChannelError> {
        self.account_operation(
            account,
            "shop_address.remove",
            |channel, cx| turn(channel.shop_desk(), "shop_desk", |c| c.remove_address(cx, address_id)),
            |channel, cx, state, answers| {
                turn(channel.shop_desk(), "shop_desk", |c| c.resume_remove_address(cx, state, answers))
            },
        )
        .await
    }

    /// What the shop has at the platform.
    pub async fn balance(&self, account: &AccountRef) -> Result<Balance, ChannelError> {
        self.account_operation(
            account,
            "funds.balance",
            |channel, cx| turn(channel.funds(), "funds", |c| c.balance(cx)),
            |channel, cx, state, answers| {
                turn(channel.funds(), "funds", |c| c.resume_balance(cx, state, answers))
            },
        )
        .await
    }

    /// One page of what moved the shop's money.
    pub async fn funds_flows(
        &self,
        account: &AccountRef,
        wanted: &FlowQuery,
    ) -> Result<Page<FundsFlow>, ChannelError> {
        self.account_operation(
            account,
            "funds.flows",
            |channel, cx| turn(channel.funds(), "funds", |c| c.flows(cx, wanted)),
            |channel, cx, state, answers| {
                turn(channel.funds(), "funds", |c| c.resume_flows(cx, state, answers))
            },
        )
        .await
    }

    /// One page of withdrawals within a window.
    pub async fn withdrawals(
        &self,
        account: &AccountRef,
        window: TimeWindow,
        cursor: Option<&str>,
    ) -> Result<Page<Withdrawal>, ChannelError> {
        self.account_operation(
            account,
            "withdrawal.list",
            |channel, cx| turn(channel.funds(), "funds", |c| c.withdrawals(cx, window, cursor)),
            |channel, cx, state, answers| {
                turn(channel.funds(), "funds", |c| c.resume_withdrawals(cx, state, answers))
            },
        )
        .await
    }

    /// One withdrawal.
    pub async fn withdrawal(
        &self,
        account: &AccountRef,
        withdrawal_id: &str,
    ) -> Result<Withdrawal, ChannelError> {
        self.account_operation(
            account,
            "withdrawal.fetch",
            |channel, cx| turn(channel.funds(), "funds", |c| c.withdrawal(cx, withdrawal_id)),
            |channel, cx, state, answers| {
                turn(channel.funds(), "funds", |c| c.resume_withdrawal(cx, state, answers))
            },
        )
        .await
    }

    /// Asks for a withdrawal, after looking for one with the same reference.
    pub async fn withdraw(
        &self,
        account: &AccountRef,
        wanted: &WantedWithdrawal,
    ) -> Result<WithdrawalAsked, ChannelError> {
        self.account_operation(
            account,
            "withdrawal.ask",
            |channel, cx| turn(channel.funds(), "funds", |c| c.withdraw(cx, wanted)),
            |channel, cx, state, answers| {
                turn(channel.funds(), "funds", |c| c.resume_withdraw(cx, state, answers))
            },
        )
        .await
    }

    /// The picture of a withdrawal's code.
    pub async fn withdrawal_code(
        &self,
        account: &AccountRef,
        ticket: &str,
    ) -> Result<CodePicture, ChannelError> {
        self.account_operation(
            account,
            "withdrawal.code",
            |channel, cx| turn(channel.funds(), "funds", |c| c.code(cx, ticket)),
            |channel, cx, state, answers| {
                turn(channel.funds(), "funds", |c| c.resume_code(cx, state, answers))
            },
        )
        .await
    }

    /// How far the scanning of a withdrawal's code is.
    pub async fn withdrawal_code_standing(
        &self,
        account: &AccountRef,
        ticket: &str,
    ) -> Result<CodeStanding, ChannelError> {
        self.account_operation(
            account,
            "withdrawal.code_standing",
            |channel, cx| turn(channel.funds(), "funds", |c| c.code_standing(cx, ticket)),
            |channel, cx, state, answers| {
                turn(channel.funds(), "funds", |c| c.resume_code_standing(cx, state, answers))
            },
        )
        .await
    }
}
