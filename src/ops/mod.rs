//! Running it: configuration, command line, daemon.

pub mod app;
pub mod cli;
pub mod config;
pub mod control;
pub mod daemon;
pub mod demo;
pub mod driver;
pub mod keys;
pub mod private;
pub mod shutdown;
pub mod telemetry;
