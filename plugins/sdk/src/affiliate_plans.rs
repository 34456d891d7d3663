//! Changing what the alliance of a shop says: a plan's commission, taking it down and putting it up, and putting a product
//! into the alliance. Commissions are money: whole hundredths, and what was read goes along with each change.

use crate::affiliate::{CommissionShare, PlanState, PlanTerms, PlanWay};
use serde::{Deserialize, Serialize};

/// The greatest commission there is, in hundredths of the price.
pub const COMMISSION_MOST: i64 = 90;

/// What is to become of a plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PlanWish {
    /// Promoters get another part. A plan that was taken down is put up by this as well.
    Commission {
        /// Hundredths of the price; 0 to [`COMMISSION_MOST`].
        percent: i64,
    },
    /// Products are not sold by it any more.
    TakeDown,
    /// Products are sold by it again.
    PutUp,
}

/// A change of a plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlanChange {
    /// The product's id at the platform.
    pub product_id: String,
    /// The plan's id at the platform.
    pub plan_id: String,
    /// What is wanted.
    pub wish: PlanWish,
    /// What the plan says, as it was read just before. [`PlanTerms::takes`] the wish.
    pub terms: PlanTerms,
}

/// A product for the alliance, to be sold by every promoter.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AllianceAddition {
    /// The product's id at the platform.
    pub product_id: String,
    /// Hundredths of the price; 0 to [`COMMISSION_MOST`].
    pub percent: i64,
}

/// A product that was put into the alliance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AllianceAdded {
    /// The plan it is sold by, where the platform names it.
    pub plan_id: Option<String>,
}

impl CommissionShare {
    /// The same in hundredths; none where those are not whole, or it is no part of a price.
    ///
    /// ```
    /// use qianpu_sdk::CommissionShare;
    /// let share = |parts, of| CommissionShare { parts, of }.hundredths();
    /// assert_eq!((share(10, 100), share(12_000, 100_000), share(0, 100)), (Some(10), Some(12), Some(0)));
    /// assert_eq!((share(1_250, 10_000), share(101, 100), share(1, 0)), (None, None, None));
    /// ```
    pub fn hundredths(self) -> Option<i64> {
        if self.of <= 0 || !(0..=self.of).contains(&self.parts) {
            return None;
        }
        let parts = self.parts.checked_mul(100)?;
        (parts % self.of == 0).then(|| parts / self.of)
    }
}

impl PlanTerms {
    /// Whether the plan says already what is wanted: nothing has to be called.
    pub fn fulfils(&self, wish: &PlanWish) -> bool {
        let stands = match self.state {
            PlanState::On | PlanState::Pending => Some(true),
            PlanState::Off => Some(false),
            PlanState::Deleted | PlanState::Unfit | PlanState::Other(_) => None,
        };
        match wish {
            PlanWish::Commission { percent } => {
                stands.is_some() && self.commission.and_then(CommissionShare::hundredths) == Some(*percent)
            }
            PlanWish::TakeDown => stands == Some(false),
            PlanWish::PutUp => stands == Some(true),
        }
    }

    /// Whether enough is known of the plan to ask the platform for this: how the product is offered, a state there is a word
    /// for, and, for another commission of a plan that is not for everybody, the times it runs, since those go along.
    pub fn takes(&self, wish: &PlanWish) -> bool {
        let known = !matches!(self.way, PlanWay::Other(_));
        let stands =
            matches!(self.state, PlanState::On | PlanState::Off | PlanState::Pending | PlanState::Unfit);
        let timed = self.way == PlanWay::Ordinary
            || self.for_ever == Some(true)
            || (self.begins_at.is_some() && self.ends_at.is_some());
        known && stands && (timed || !matches!(wish, PlanWish::Commission { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qianpu_domain::time::Timestamp;

    fn terms(way: PlanWay, state: PlanState) -> PlanTerms {
        PlanTerms {
            way,
            state,
            commission: Some(CommissionShare { parts: 10, of: 100 }),
            begins_at: None,
            ends_at: None,
            for_ever: None,
            category_barred: None,
            barred: None,
        }
    }

    const DEARER: PlanWish = PlanWish::Commission { percent: 12 };
    const SAME: PlanWish = PlanWish::Commission { percent: 10 };

    #[test]
    fn what_a_plan_says_already_is_not_wanted_again() {
        for (state, down, up, same) in [
            (PlanState::On, false, true, true),
            (PlanState::Pending, false, true, true),
            (PlanState::Off, true, false, true),
            (PlanState::Unfit, false, false, false),
            (PlanState::Deleted, false, false, false),
            (PlanState::Other("9".to_owned()), false, false, false),
        ] {
            let terms = terms(PlanWay::Ordinary, state);
            let said =
                (terms.fulfils(&PlanWish::TakeDown), terms.fulfils(&PlanWish::PutUp), terms.fulfils(&SAME));
            assert_eq!(said, (down, up, same), "{:?}", terms.state);
            assert!(!terms.fulfils(&DEARER));
        }
    }

    #[test]
    fn a_plan_is_changed_only_where_enough_is_known_of_it() {
        for state in [PlanState::On, PlanState::Off, PlanState::Pending, PlanState::Unfit] {
            for wish in [DEARER, PlanWish::TakeDown, PlanWish::PutUp] {
                assert!(terms(PlanWay::Ordinary, state.clone()).takes(&wish), "{state:?} {wish:?}");
            }
        }
        for (way, state) in [
            (PlanWay::Other("7".to_owned()), PlanState::On),
            (PlanWay::Ordinary, PlanState::Deleted),
            (PlanWay::Ordinary, PlanState::Other(String::new())),
        ] {
            for wish in [DEARER, PlanWish::TakeDown, PlanWish::PutUp] {
                assert!(!terms(way.clone(), state.clone()).takes(&wish), "{way:?} {state:?} {wish:?}");
            }
        }
        // Times go along with another commission of a plan for some, so they have to be known.
        let mut directed = terms(PlanWay::Directed, PlanState::On);
        assert!(!directed.takes(&DEARER) && directed.takes(&PlanWish::TakeDown));
        directed.begins_at = Some(Timestamp::from_seconds(1));
        assert!(!directed.takes(&DEARER));
        directed.ends_at = Some(Timestamp::from_seconds(2));
        assert!(directed.takes(&DEARER));
        let for_ever = PlanTerms { for_ever: Some(true), ..terms(PlanWay::Exclusive, PlanState::On) };
        assert!(for_ever.takes(&DEARER));
    }

    #[test]
    fn a_commission_that_was_not_told_is_never_the_wanted_one() {
        let mut terms = terms(PlanWay::Ordinary, PlanState::On);
        terms.commission = None;
        assert!(!terms.fulfils(&PlanWish::Commission { percent: 0 }) && terms.takes(&SAME));
        terms.commission = Some(CommissionShare { parts: 1_250, of: 10_000 });
        assert!(!terms.fulfils(&PlanWish::Commission { percent: 12 }));
    }
}
