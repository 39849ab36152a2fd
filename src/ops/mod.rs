//! Running it: configuration, command line, daemon.

pub mod app;
pub mod cli;
pub mod config;
pub mod control;
pub mod daemon;
pub mod demo;
pub mod driver;
mod guard;
pub mod keys;
mod metrics;
mod narrate;
pub mod private;
mod progress;
pub mod shutdown;
pub mod telemetry;
