//! The life of a process: configuration, telemetry, admin listener, tasks, clock, shutdown.
//!
//! Charter: everything a long-running Stoa process needs that is not about threads, comments or queues.
//! A role is a function from a configuration and a [`Context`] to a result; this crate reads the one,
//! makes the other, and turns the result into an exit code.
//!
//! **Invariant:** this is the only crate that reads the environment, the wall clock and the `config` crate.

pub mod admin;
pub mod auth;
pub mod clock;
pub mod config;
pub mod context;
pub mod folder;
pub mod http;
pub mod lifecycle;
pub mod openapi;
pub mod problem;
pub mod readiness;
pub mod telemetry;

pub use self::clock::Clock;
pub use self::config::ConfigError;
pub use self::context::Context;
pub use self::problem::Problem;
pub use self::readiness::Readiness;
