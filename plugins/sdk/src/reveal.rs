//! Reading a receiver's data in the clear. The platforms mask it in orders; asking for it is an operation of its own,
//! which the caller writes into the audit log with the name of whoever asked.

use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use qianpu_domain::time::Timestamp;
use std::fmt;

/// Reading a receiver's data in the clear.
pub trait Reveal: Send + Sync {
    /// Asks for the receiver of one order. Platforms count these calls and may refuse them.
    fn receiver(&self, cx: &Context<'_>, order_id: &str) -> Turn<ClearReceiver>;
    /// Goes on with [`Reveal::receiver`].
    fn resume_receiver(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ClearReceiver>;
}

/// A receiver, not masked. It has no serialised form and does not print: whoever shows it spells the fields out.
#[derive(Clone, PartialEq, Eq)]
pub struct ClearReceiver {
    /// Name.
    pub name: String,
    /// Phone, or the virtual number that reaches it for a while.
    pub phone: String,
    /// Set when `phone` is a virtual number.
    pub virtual_phone: Option<VirtualPhone>,
    /// Province.
    pub province: String,
    /// City.
    pub city: String,
    /// District or county.
    pub district: String,
    /// Street and number.
    pub detail: String,
}

/// What has to be known of a virtual number.
#[derive(Clone, PartialEq, Eq)]
pub struct VirtualPhone {
    /// To be dialled after the number.
    pub extension: Option<String>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for ClearReceiver {
    /// Without anything of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClearReceiver").finish_non_exhaustive()
    }
}
