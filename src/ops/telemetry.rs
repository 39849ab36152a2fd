//! Logs: text on a terminal, JSON Lines otherwise, always on standard error.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging. `lettre` would print whole messages and logins below `warn`, so it is held there.
pub fn start(level: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!(
        "{level},lettre=warn,hyper=warn,reqwest=warn,sled=warn,h2=warn,html5ever=error,selectors=error"
    ))?;
    let logs = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    let started = match std::io::stderr().is_terminal() {
        true => logs.with_ansi(true).try_init(),
        false => logs
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init(),
    };
    started.map_err(|err| anyhow::anyhow!("cannot start logging: {err}"))
}
