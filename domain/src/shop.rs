//! The life of a shop. 开通 is not 开张: a shop is `opened` when the application is accepted and becomes
//! `trading` when its owner opens the doors; only a trading shop may link channel accounts.

use crate::error::ErrorCode;
use crate::onboarding::ApplicationState;

words! {
    /// Where a shop stands.
    pub enum ShopState {
        /// 开通: exists, nothing sold yet.
        Opened = "opened",
        /// 开张: sells and may link channel accounts.
        Trading = "trading",
        /// Stopped by the provider, with a reason.
        Suspended = "suspended",
        /// The merchant closes it: no new orders, open ones are finished.
        Closing = "closing",
        /// Gone for buyers; kept for the books.
        Closed = "closed",
    }
}

impl ShopState {
    /// The word in Chinese.
    pub const fn title_zh(self) -> &'static str {
        match self {
            Self::Opened => "已开通",
            Self::Trading => "营业中",
            Self::Suspended => "已暂停",
            Self::Closing => "关店中",
            Self::Closed => "已关店",
        }
    }
    /// Whether buyers may see the shop.
    pub const fn visible(self) -> bool {
        matches!(self, Self::Trading | Self::Closing)
    }
    /// Whether buyers may order.
    pub const fn sells(self) -> bool {
        matches!(self, Self::Trading)
    }
}

words! {
    /// Why a shop was suspended.
    pub enum SuspensionCause {
        /// The provider's staff did it, with a reason in their words.
        Provider = "provider",
        /// A document of its application expired and was not renewed in time.
        DocumentExpired = "document_expired",
    }
}

/// The rule that only a trading shop may link channel accounts.
pub const RULE_LINK_NEEDS_TRADING: &str = "link.needs_trading";
/// The rule that trading needs a signed agreement.
pub const RULE_TRADING_NEEDS_AGREEMENT: &str = "shop.trading_needs_agreement";
/// The rule that a closing shop finishes its orders first.
pub const RULE_CLOSE_NEEDS_NO_ORDERS: &str = "shop.close_needs_no_open_orders";

/// What may be done with a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShopCommand {
    /// Open the doors; needs the application to be through.
    StartTrading {
        /// Where the application stands.
        application: ApplicationState,
    },
    /// The provider stops it.
    Suspend,
    /// The provider lets it go on.
    Resume,
    /// The merchant begins to close it.
    StartClosing,
    /// The last order is done.
    Close {
        /// Orders that are not completed or cancelled.
        open_orders: u64,
    },
}

/// Why a shop cannot do this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShopError {
    /// The move does not exist in this state.
    #[error("the shop is {state}")]
    WrongState {
        /// The state it is in.
        state: ShopState,
    },
    /// Trading before the agreement is signed.
    #[error("the agreement is not signed, the application is {application}")]
    AgreementNotSigned {
        /// Where the application stands.
        application: ApplicationState,
    },
    /// Closing with open orders.
    #[error("{open_orders} orders are still open")]
    OrdersOpen {
        /// How many.
        open_orders: u64,
    },
}

impl ShopError {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::WrongState { .. } | Self::OrdersOpen { .. } => ErrorCode::ShopWrongState,
            Self::AgreementNotSigned { .. } => ErrorCode::ShopNeedsAgreement,
        }
    }
    /// The rule that refused, where one applies.
    pub const fn rule(self) -> Option<&'static str> {
        match self {
            Self::WrongState { .. } => None,
            Self::AgreementNotSigned { .. } => Some(RULE_TRADING_NEEDS_AGREEMENT),
            Self::OrdersOpen { .. } => Some(RULE_CLOSE_NEEDS_NO_ORDERS),
        }
    }
}

/// The next state of a shop.
pub fn decide(state: ShopState, command: ShopCommand) -> Result<ShopState, ShopError> {
    match (state, command) {
        (ShopState::Opened, ShopCommand::StartTrading { application }) => match application {
            ApplicationState::AgreementSigned => Ok(ShopState::Trading),
            _ => Err(ShopError::AgreementNotSigned { application }),
        },
        (ShopState::Trading, ShopCommand::Suspend) => Ok(ShopState::Suspended),
        (ShopState::Suspended, ShopCommand::Resume) => Ok(ShopState::Trading),
        (ShopState::Opened | ShopState::Trading | ShopState::Suspended, ShopCommand::StartClosing) => {
            Ok(ShopState::Closing)
        }
        (ShopState::Closing, ShopCommand::Close { open_orders: 0 }) => Ok(ShopState::Closed),
        (ShopState::Closing, ShopCommand::Close { open_orders }) => {
            Err(ShopError::OrdersOpen { open_orders })
        }
        _ => Err(ShopError::WrongState { state }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves() {
        use ShopState::*;
        let start = |application| ShopCommand::StartTrading { application };
        for (state, command, expected) in [
            (Opened, start(ApplicationState::AgreementSigned), Ok(Trading)),
            (Opened, start(ApplicationState::Approved), Err("shop_needs_agreement")),
            (Trading, start(ApplicationState::AgreementSigned), Err("shop_wrong_state")),
            (Trading, ShopCommand::Suspend, Ok(Suspended)),
            (Opened, ShopCommand::Suspend, Err("shop_wrong_state")),
            (Suspended, ShopCommand::Resume, Ok(Trading)),
            (Trading, ShopCommand::StartClosing, Ok(Closing)),
            (Closing, ShopCommand::Resume, Err("shop_wrong_state")),
            (Closing, ShopCommand::Close { open_orders: 1 }, Err("shop_wrong_state")),
            (Closing, ShopCommand::Close { open_orders: 0 }, Ok(Closed)),
            (Closed, ShopCommand::StartClosing, Err("shop_wrong_state")),
        ] {
            let got = decide(state, command).map_err(|error| error.code().as_str());
            assert_eq!(got, expected, "{state} {command:?}");
        }
    }
}
