//! The life of a tenant after it was set up: a provider is suspended, resumed and closed by the operator, a
//! merchant by its provider. A closed tenant does not come back.

use crate::error::{ErrorCode, FieldError};
use crate::subject::is_invisible;

words! {
    /// Where a tenant stands.
    pub enum TenantState {
        /// A merchant that fills in its application.
        Applying = "applying",
        /// In business.
        Active = "active",
        /// Stopped by its provider or the operator; may log in and read.
        Suspended = "suspended",
        /// Gone; nobody may log in.
        Closed = "closed",
    }
}

/// What may be done with a tenant by whoever stands above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantCommand {
    /// Its people may look and change nothing.
    Suspend,
    /// It goes on.
    Resume,
    /// Its people are out for good.
    Close {
        /// What still hangs on it: a provider's merchants, a merchant's open orders and deposits with money.
        in_use: u64,
    },
}

/// Why a tenant cannot do this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TenancyError {
    /// The move does not exist in this state.
    #[error("the tenant is {state}")]
    WrongState {
        /// The state it is in.
        state: TenantState,
    },
    /// Something still hangs on it.
    #[error("{count} merchants, open orders or deposits with money are left")]
    InUse {
        /// How many.
        count: u64,
    },
}

impl TenancyError {
    /// The stable code.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::WrongState { .. } => ErrorCode::TenantWrongState,
            Self::InUse { .. } => ErrorCode::TenantInUse,
        }
    }
}

/// The state that follows.
pub fn decide(state: TenantState, command: TenantCommand) -> Result<TenantState, TenancyError> {
    use TenantState::{Active, Closed, Suspended};
    match (state, command) {
        (Active, TenantCommand::Suspend) => Ok(Suspended),
        (Suspended, TenantCommand::Resume) => Ok(Active),
        (Active | Suspended, TenantCommand::Close { in_use: 0 }) => Ok(Closed),
        (Active | Suspended, TenantCommand::Close { in_use }) => Err(TenancyError::InUse { count: in_use }),
        _ => Err(TenancyError::WrongState { state }),
    }
}

/// Where a merchant stands in fact: no better than its provider. It is closed with it, and suspended with it when
/// the suspension stops the merchants too.
pub const fn under_provider(own: TenantState, provider: TenantState, stops_merchants: bool) -> TenantState {
    match (own, provider) {
        (_, TenantState::Closed) => TenantState::Closed,
        (TenantState::Closed, _) => TenantState::Closed,
        (_, TenantState::Suspended) if stops_merchants => TenantState::Suspended,
        _ => own,
    }
}

/// The longest reason.
pub const LONGEST_REASON: usize = 500;

/// A reason that somebody else will read: a few words that can be seen.
pub fn reason(text: &str) -> Result<&str, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldError::required("reason"));
    }
    if text.chars().count() > LONGEST_REASON {
        let (en, zh) =
            (format!("at most {LONGEST_REASON} characters"), format!("最多 {LONGEST_REASON} 个字"));
        return Err(FieldError::new("reason", "too_long", en, zh));
    }
    if text.chars().any(|c| is_invisible(c) || (c.is_control() && c != '\n' && c != '\r')) {
        let (en, zh) = ("expected no invisible characters", "不能包含不可见字符");
        return Err(FieldError::new("reason", "invisible", en, zh));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use TenantState::{Active, Applying, Closed, Suspended};

    #[test]
    fn each_state_has_its_moves_and_closed_has_none() {
        let close = TenantCommand::Close { in_use: 0 };
        for (state, command, next) in [
            (Active, TenantCommand::Suspend, Some(Suspended)),
            (Suspended, TenantCommand::Resume, Some(Active)),
            (Active, close, Some(Closed)),
            (Suspended, close, Some(Closed)),
            (Suspended, TenantCommand::Suspend, None),
            (Active, TenantCommand::Resume, None),
            (Closed, TenantCommand::Resume, None),
            (Closed, TenantCommand::Suspend, None),
            (Closed, close, None),
            (Applying, TenantCommand::Suspend, None),
            (Applying, close, None),
        ] {
            assert_eq!(decide(state, command).ok(), next, "{state} {command:?}");
        }
        let used = TenantCommand::Close { in_use: 3 };
        assert_eq!(decide(Active, used), Err(TenancyError::InUse { count: 3 }));
    }

    #[test]
    fn a_merchant_stands_no_better_than_its_provider() {
        assert_eq!(under_provider(Active, Active, false), Active);
        assert_eq!(under_provider(Active, Suspended, false), Active);
        assert_eq!(under_provider(Active, Suspended, true), Suspended);
        assert_eq!(under_provider(Applying, Suspended, true), Suspended);
        assert_eq!(under_provider(Closed, Suspended, true), Closed);
        assert_eq!(under_provider(Active, Closed, false), Closed);
        assert_eq!(under_provider(Suspended, Active, false), Suspended);
    }

    #[test]
    fn a_reason_is_a_few_visible_words() {
        assert_eq!(reason("  unpaid since May "), Ok("unpaid since May"));
        for (text, code) in [(" ", "required"), ("a\u{202e}b", "invisible"), ("a\u{0}b", "invisible")] {
            assert_eq!(reason(text).map_err(|error| error.code), Err(code));
        }
        assert_eq!(reason(&"长".repeat(501)).unwrap_err().code, "too_long");
    }
}
