//! Signals. The first asks everything to finish what it has in hand; the second does not wait.

use std::convert::Infallible;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels `stop` at the first SIGTERM or SIGINT, and leaves the process at the second.
///
/// Leaving at once is safe: what was acknowledged is durable, and a delivery in hand is repeated
/// with the same bytes. Signals count from this call on, not from the first poll of what it returns,
/// which never ends.
pub fn on_signal(stop: CancellationToken) -> anyhow::Result<impl Future<Output = Infallible>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        for last in [false, true] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if last {
                std::process::exit(130);
            }
            stop.cancel();
            tracing::info!("stopping: finishing what is in hand; a second signal stops at once");
        }
        std::future::pending().await
    })
}
