//! After-sale cases: bringing them in from channels, deciding about them, their refunds.
//!
//! * [`sync`] fetches one case and [`apply`]s it; a push, the [`reconcile`]r, a deadline and a decision all lead here.
//! * [`apply`] is the only place where a channel's report changes a case, and the only one that books its refund.
//! * [`decide`] takes a person's decision, [`act`] tells the channel, [`remind`] tells people before time is up.
//! * [`dispute`] is what is said in a dispute about a case.
//! * [`guarantees`] are claims under a platform's guarantee, which stand beside cases.
//! * [`read`] is what people look at.

pub mod act;
pub mod apply;
pub mod decide;
pub mod dispute;
pub mod guarantees;
pub mod read;
pub mod reconcile;
pub mod remind;
pub mod report;
pub mod sync;
