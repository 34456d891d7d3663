//! The step machine: how an operation that needs several exchanges runs without doing I/O.

use crate::error::ChannelError;
use crate::http::Request;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One turn of an operation.
///
/// `state` is opaque to the host, which may keep it (in a job row) and resume later, in another process.
/// Invariant: it holds no secrets and everything the operation needs; plugin memory survives no call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step<T> {
    /// Make these requests and resume with one answer for each, in the same order.
    Call {
        /// At least one.
        requests: Vec<Request>,
        /// Whether they may be made at the same time. When false the host stops at the first network error
        /// or time-out; the requests after it are answered with `NetworkError`, unsent.
        parallel: bool,
        /// Given back to `resume`.
        state: Vec<u8>,
    },
    /// Nothing to do now: resume with no answers after this long.
    Wait {
        /// Milliseconds.
        ms: u32,
        /// Given back to `resume`.
        state: Vec<u8>,
    },
    /// Finished.
    Done(T),
}

/// The result of one turn.
pub type Turn<T> = Result<Step<T>, ChannelError>;

impl<T> Step<T> {
    /// One request.
    pub fn call(request: Request, state: Vec<u8>) -> Self {
        Self::Call { requests: vec![request], parallel: false, state }
    }
    /// Maps the finished value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Self::Call { requests, parallel, state } => Step::Call { requests, parallel, state },
            Self::Wait { ms, state } => Step::Wait { ms, state },
            Self::Done(value) => Step::Done(f(value)),
        }
    }
}

/// Writes a state value down as JSON bytes.
pub fn encode_state(state: &impl Serialize) -> Result<Vec<u8>, ChannelError> {
    serde_json::to_vec(state)
        .map_err(|error| ChannelError::unexpected(format!("state could not be written: {error}")))
}

/// Reads a state value back.
pub fn decode_state<S: DeserializeOwned>(state: &[u8]) -> Result<S, ChannelError> {
    serde_json::from_slice(state)
        .map_err(|error| ChannelError::unexpected(format!("state could not be read: {error}")))
}
