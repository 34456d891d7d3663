//! A run that publishes many products on many accounts: its words and its bounds.

/// Products of one run.
pub const MOST_PRODUCTS: usize = 1_000;
/// Accounts of one run.
pub const MOST_ACCOUNTS: usize = 10;
/// Tries of one product on one account before it counts as refused; waiting for a quota is no try.
pub const MOST_ATTEMPTS: i64 = 12;

words! {
    /// Why a run was begun.
    pub enum RunOrigin {
        /// Somebody asked for it.
        Merchant = "merchant",
        /// Rules of listings changed.
        Rules = "rules",
    }
}

words! {
    /// Where a run stands.
    pub enum RunState {
        /// Some products have no result yet.
        Running = "running",
        /// Every product has a result.
        Done = "done",
        /// It was stopped.
        Cancelled = "cancelled",
    }
}

words! {
    /// What became of one product on one account.
    pub enum TargetState {
        /// Its turn has not come.
        Waiting = "waiting",
        /// It was begun.
        Sending = "sending",
        /// Buyers see it.
        Published = "published",
        /// The platform looks at it.
        InAudit = "in_audit",
        /// The channel had it already.
        Unchanged = "unchanged",
        /// It cannot be published; the reason stands beside it.
        Refused = "refused",
        /// The run was stopped before its turn.
        Cancelled = "cancelled",
    }
}

impl TargetState {
    /// Whether something will still happen to it in this run.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Sending)
    }
}
