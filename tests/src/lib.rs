//! The test harness: what an integration test of Qianpu stands on.
//!
//! * [`postgres`] finds or starts one PostgreSQL server per test process; [`db`] hands out one fresh, migrated
//!   database per test on SQLite or PostgreSQL and holds the [`both!`] macro.
//! * [`app`] is the whole application on a free port; [`http`] calls the application; [`sandbox`] is the platforms' stand-in.
//! * [`receiver`] is somebody else's system that gets webhooks.
//! * [`push`] makes pushes by hand, well or badly.
//! * [`stage`] puts the application beside the stand-in, with a provider, a merchant and a trading shop.
//! * [`standing`] says which plugin stands for 视频号: the built-in one or a component.
//! * [`program`] is the program as a process of its own, on a test's data, that can be killed.
//! * [`books`] looks into every test's books when it is over; [`planted`] puts rows past the application;
//!   [`rows`] is all that is stored, to see that nothing changed.
//! * [`smtp`] is a real SMTP server on loopback that keeps what it is sent.
//! * [`sql_lint`] reads the SQL that PostgreSQL logged during a run and knows the rules a distributed database asks for.
//! * [`workspace`] walks the sources for the architecture checks.
//!
//! Rule: a test never sleeps for a fixed time; it waits for a condition with a deadline ([`deadline`]).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test harness stops the test by panicking, with a message that says what was expected"
)]

pub mod app;
pub mod books;
pub mod browser;
pub mod components;
pub mod db;
pub mod deadline;
pub mod dns;
pub mod goods;
pub mod http;
pub mod left_out;
pub mod onboarding;
pub mod openapi;
pub mod people;
pub mod planted;
pub mod postgres;
mod postgres_docker;
mod postgres_local;
pub mod program;
pub mod push;
pub mod receiver;
pub mod rows;
pub mod sandbox;
pub mod smtp;
pub mod sql_lint;
pub mod stage;
pub mod standing;
pub mod totp;
pub mod workspace;

pub use db::{Backend, TestDb};
