//! What goes wrong inside a component.

use qianpu_sdk::{ChannelError, ErrorClass};
use std::time::Duration;
use wasmtime::Trap;

/// Why a call into a component did not end well. It concerns that plugin only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It ran for too long and was stopped.
    #[error("the plugin was stopped: it took too long")]
    OutOfTime,
    /// It asked for more memory than it may have.
    #[error("the plugin was stopped: it asked for too much memory")]
    OutOfMemory,
    /// It called the host too often.
    #[error("the plugin was stopped: it called the host too often")]
    TooManyCalls,
    /// It answered with more than it may.
    #[error("the plugin was refused: its answer is too large ({0})")]
    TooLarge(&'static str),
    /// It asked for something that is not in its manifest, or not its to have.
    #[error("the plugin was refused: {0}")]
    Refused(String),
    /// It crashed.
    #[error("the plugin crashed: {0}")]
    Crashed(String),
    /// It crashed or was stopped several times in a row, and rests.
    #[error("the plugin rests after several failures in a row")]
    Resting(Duration),
}

impl Fault {
    /// Stable name, as a metric label.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::OutOfTime => "out_of_time",
            Self::OutOfMemory => "out_of_memory",
            Self::TooManyCalls => "too_many_calls",
            Self::TooLarge(_) => "too_large",
            Self::Refused(_) => "refused",
            Self::Crashed(_) => "crashed",
            Self::Resting(_) => "resting",
        }
    }

    /// From what the engine says.
    pub(crate) fn of(error: &wasmtime::Error, memory_denied: bool) -> Self {
        if let Some(fault) = error.downcast_ref::<Self>() {
            return fault.clone();
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Self::OutOfTime,
            // A guest that gets no memory aborts: the trap alone does not say why.
            _ if memory_denied => Self::OutOfMemory,
            Some(trap) => Self::Crashed(trap.to_string()),
            None => {
                let text = error.to_string();
                if text.contains("hostcall") { Self::TooLarge("values") } else { Self::Crashed(text) }
            }
        }
    }
}

impl From<Fault> for ChannelError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Resting(left) => Self::retry_later_seconds(
                i64::try_from(left.as_secs()).unwrap_or(30).max(1),
                fault.to_string(),
            ),
            other => Self::new(ErrorClass::Unexpected, other.to_string()),
        }
    }
}
