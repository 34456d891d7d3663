//! The chart of accounts (specification §3): code, normal side, floor, and what the owner key names.

/// The side on which an account grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Side {
    /// Assets and expenses.
    Debit,
    /// Liabilities and income.
    Credit,
}

impl Side {
    /// Wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debit => "debit",
            Self::Credit => "credit",
        }
    }
    /// From the wire form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Debit, Self::Credit].into_iter().find(|side| side.as_str() == text)
    }
    /// The one across.
    pub const fn other(self) -> Self {
        match self {
            Self::Debit => Self::Credit,
            Self::Credit => Self::Debit,
        }
    }
}

/// Whether the balance may fall below zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Floor {
    /// It may.
    None,
    /// It may not; the database refuses.
    Zero,
}

impl Floor {
    /// Wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Zero => "zero",
        }
    }
}

macro_rules! chart {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $side:ident, $floor:ident, $en:literal, $zh:literal;)*) => {
        /// An account of the chart.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
        pub enum AccountCode { $($(#[$doc])* $name,)* }
        impl AccountCode {
            /// Every account, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// The number.
            pub const fn number(self) -> i64 { match self { $(Self::$name => $number),* } }
            /// The normal side.
            pub const fn side(self) -> Side { match self { $(Self::$name => Side::$side),* } }
            /// The floor.
            pub const fn floor(self) -> Floor { match self { $(Self::$name => Floor::$floor),* } }
            /// Name in English.
            pub const fn name_en(self) -> &'static str { match self { $(Self::$name => $en),* } }
            /// Name in Chinese.
            pub const fn name_zh(self) -> &'static str { match self { $(Self::$name => $zh),* } }
            /// By number.
            pub fn from_number(number: i64) -> Option<Self> { Self::ALL.iter().copied().find(|code| code.number() == number) }
        }
    };
}

chart! {
    /// Owner: the bank account.
    Bank = 1010, Debit, None, "Bank", "银行存款";
    /// Owner: payment provider and its merchant number.
    PspClearing = 1020, Debit, None, "Payment provider clearing", "支付机构清算";
    /// Buyers' money for orders, a mirror of what the payment provider or platform holds. Owner: who holds it.
    PspEscrow = 1030, Debit, None, "Buyers' money held by the platform", "平台代收货款";
    /// Issued, unpaid invoices.
    Receivable = 1110, Debit, Zero, "Invoices receivable", "应收账单";
    /// A party owes after a refund or deduction. Owner: the party.
    ClawbackReceivable = 1120, Debit, Zero, "Claims after refunds", "应追回款";
    /// Withdrawable.
    MerchantAvailable = 2010, Credit, Zero, "Merchant's available money", "可用余额";
    /// Inside the after-sale window.
    MerchantPending = 2020, Credit, Zero, "Merchant's pending money", "待结算货款";
    /// Prepaid platform balance.
    MerchantWallet = 2030, Credit, Zero, "Prepaid wallet", "预存余额";
    /// Expires. Owner: the grant.
    PromoCredit = 2040, Credit, Zero, "Promotional credit", "赠送余额";
    /// Owner: the scheme and the shop, such as `basic:shp_…`, since each shop keeps its own.
    DepositAvailable = 2100, Credit, Zero, "Deposit", "保证金";
    /// One per violation case. Owner: the case under its scheme and shop, such as `basic:shp_…/case_…`.
    DepositFrozen = 2110, Credit, Zero, "Frozen deposit", "冻结保证金";
    /// After closing, in the waiting period.
    DepositRefunding = 2120, Credit, Zero, "Deposit waiting for refund", "待退保证金";
    /// May still be reversed. Owner: order line and party.
    CommissionAccrued = 2200, Credit, Zero, "Commission accrued", "预估佣金";
    /// Settled. Owner: the party.
    CommissionPayable = 2210, Credit, Zero, "Commission payable", "应付佣金";
    /// Asked of the payment provider, not confirmed. Owner: the payout and not the party, since a second try is
    /// another payout.
    PayoutInTransit = 2220, Credit, Zero, "Payouts in transit", "提现在途";
    /// Tax collected inside prices.
    TaxPayable = 2300, Credit, None, "Tax payable", "应交税费";
    /// Issued, not yet earned. Owner: the subscription.
    UnearnedRevenue = 2400, Credit, Zero, "Unearned revenue", "预收服务费";
    /// Asked, not confirmed. Owner: the refund.
    BuyerRefundInTransit = 2500, Credit, Zero, "Refunds in transit", "退款在途";
    /// Money that cannot be placed yet.
    UnmatchedReceipts = 2900, Credit, Zero, "Unmatched receipts", "待认领款";
    /// Plans.
    SubscriptionIncome = 4010, Credit, None, "Subscription income", "套餐收入";
    /// Metered use.
    UsageIncome = 4020, Credit, None, "Usage income", "用量收入";
    /// Share of orders.
    TakeRateIncome = 4030, Credit, None, "Take-rate income", "交易服务费收入";
    /// Penalties.
    PenaltyIncome = 4040, Credit, None, "Penalty income", "违约金收入";
    /// Payment provider's fees. Owner: the payment provider.
    PspFee = 5010, Debit, None, "Payment fees", "支付手续费";
    /// Written off.
    BadDebt = 5020, Debit, None, "Bad debt", "坏账";
    /// Promotional credit given.
    PromoCost = 5030, Debit, None, "Promotion cost", "赠送成本";
    /// Paid by the provider in a merchant's place and given up: until then it is a claim (1120).
    PlatformAdvance = 5040, Debit, None, "Advances", "平台垫付";
}

impl AccountCode {
    /// What the owner key names; empty = one account per merchant.
    pub const fn owner(self) -> &'static str {
        match self {
            Self::Bank => "bank account",
            Self::PspClearing | Self::PspEscrow | Self::PspFee => "holder",
            Self::ClawbackReceivable | Self::CommissionPayable => "party",
            Self::PromoCredit => "grant",
            Self::DepositAvailable => "scheme and shop",
            Self::DepositFrozen => "case",
            Self::CommissionAccrued => "order line and party",
            Self::PayoutInTransit => "payout",
            Self::UnearnedRevenue => "subscription",
            Self::BuyerRefundInTransit => "refund",
            _ => "",
        }
    }
    /// Whether somebody is told when the balance is below zero: mirrors of money that is elsewhere.
    pub const fn alarms_below_zero(self) -> bool {
        matches!(self, Self::Bank | Self::PspClearing | Self::PspEscrow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_and_say_the_side() {
        for pair in AccountCode::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number());
        }
        for code in AccountCode::ALL {
            let debit = matches!(code.number() / 1000, 1 | 5);
            assert_eq!(code.side() == Side::Debit, debit, "{code:?}");
            assert_eq!(AccountCode::from_number(code.number()), Some(*code));
        }
    }
}
