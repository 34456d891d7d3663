//! Values that must not reach a log: tokens, secrets, keys, tickets.

use std::fmt;

/// A value whose `Debug` is masked. There is no `Display` and no `Serialize`: writing it down has to be
/// spelt [`Secret::expose`], which is easy to find in a review.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
    /// The value itself, for building a request or for sealing.
    pub const fn expose(&self) -> &T {
        &self.0
    }
    /// Unwraps the value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Secret<String> {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Secret<String> {
    fn from(text: String) -> Self {
        Self(text)
    }
}
