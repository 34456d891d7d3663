//! A linked channel account and how its state moves.
//!
//! What moves it comes from three sides: the merchant (link, unlink), the platform's pushes (grant taken
//! back, shop closed), and what calls find out (the token is no longer accepted). A `closed` account is
//! gone at the platform; only a new link brings it back.

words! {
    /// Where a linked account stands.
    pub enum AccountState {
        /// Linked, not yet checked by a call.
        Pending = "pending",
        /// Works.
        Active = "active",
        /// Works in part: the platform limits it or took a permission away.
        Limited = "limited",
        /// The platform no longer accepts our token; the merchant has to authorise again.
        Expired = "expired",
        /// The merchant unlinked it, here or at the platform.
        Revoked = "revoked",
        /// The account no longer exists at the platform.
        Closed = "closed",
        /// Its kind is switched off by the policy calendar; it comes back when it is switched on again.
        Retired = "retired",
    }
}

const UNUSABLE: &str = "account_unusable:";

impl AccountState {
    /// What is kept where something could not be brought to a channel because its account stood so: a word for programs,
    /// said in the language of whoever reads it.
    pub fn unusable(self) -> String {
        [UNUSABLE, self.as_str()].concat()
    }
    /// The state a kept text speaks of; none for the platform's own words.
    pub fn of_unusable(kept: &str) -> Option<Self> {
        kept.strip_prefix(UNUSABLE).and_then(Self::from_text)
    }
    /// The word in Chinese.
    pub const fn title_zh(self) -> &'static str {
        match self {
            Self::Pending => "待确认",
            Self::Active => "正常",
            Self::Limited => "受限",
            Self::Expired => "授权失效",
            Self::Revoked => "已解除",
            Self::Closed => "已注销",
            Self::Retired => "已停用",
        }
    }
    /// Whether it counts against the quota. A lost authorisation still counts: the place is kept for it.
    pub const fn counts(self) -> bool {
        !matches!(self, Self::Revoked | Self::Closed)
    }
    /// Whether calls may be made in its name.
    pub const fn usable(self) -> bool {
        matches!(self, Self::Pending | Self::Active | Self::Limited)
    }
}

/// What happened to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountEvent {
    /// Linked or authorised again.
    Linked,
    /// A call succeeded.
    Worked,
    /// Somebody had it checked and the platform answered: what was thought lost is not.
    Confirmed,
    /// The platform limits it.
    Limited,
    /// The platform no longer accepts our token.
    AuthorisationLost,
    /// The grant was taken back, here or at the platform.
    Unlinked,
    /// The platform says the account is gone.
    Closed,
}

/// The state after an event. Events about an account that is no longer ours change nothing.
pub const fn next(state: AccountState, event: AccountEvent) -> AccountState {
    use AccountEvent as E;
    use AccountState as S;
    match (state, event) {
        (_, E::Linked) => S::Active,
        (S::Revoked | S::Closed, _) => state,
        (_, E::Closed) => S::Closed,
        (_, E::Unlinked) => S::Revoked,
        // What was under way when the kind was switched off says nothing any more.
        (S::Retired, _) => state,
        (_, E::AuthorisationLost) => S::Expired,
        // A call that was under way while the grant was lost proves nothing; a check made afterwards does.
        (_, E::Confirmed) | (S::Pending | S::Limited, E::Worked) => S::Active,
        (S::Pending | S::Active, E::Limited) => S::Limited,
        (_, E::Worked | E::Limited) => state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves() {
        use AccountEvent as E;
        use AccountState::*;
        for (state, event, expected) in [
            (Pending, E::Worked, Active),
            (Active, E::Worked, Active),
            (Expired, E::Worked, Expired),
            (Active, E::Limited, Limited),
            (Limited, E::Worked, Active),
            (Active, E::AuthorisationLost, Expired),
            (Expired, E::Linked, Active),
            (Expired, E::Confirmed, Active),
            (Revoked, E::Confirmed, Revoked),
            (Revoked, E::Linked, Active),
            (Active, E::Unlinked, Revoked),
            (Revoked, E::AuthorisationLost, Revoked),
            (Closed, E::Unlinked, Closed),
            (Active, E::Closed, Closed),
            (Closed, E::Linked, Active),
            (Retired, E::Worked, Retired),
            (Retired, E::AuthorisationLost, Retired),
            (Retired, E::Unlinked, Revoked),
            (Retired, E::Closed, Closed),
        ] {
            assert_eq!(next(state, event), expected, "{state} {event:?}");
        }
        let counted: Vec<_> = AccountState::ALL.iter().filter(|state| state.counts()).collect();
        assert_eq!(counted, [&Pending, &Active, &Limited, &Expired, &Retired]);
    }
}
