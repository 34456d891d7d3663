//! Components through the same trait as built-in plugins: the same conformance suite, and guests that misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops by panicking")]

mod conformance;
mod guests;
mod hostile;
mod loading;
