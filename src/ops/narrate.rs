//! Says in the log how the mail is getting on.

use std::{sync::Arc, time::Duration};

use tracing::{info, warn};

use super::{
    app::App,
    guard,
    progress::{Progress, Way},
};
use crate::task::chain;

/// How often, while mail is leaving.
const PERIOD: Duration = Duration::from_secs(60);

/// Tells every minute what leaves, and what is held, until the app retires.
pub(super) async fn narrate(app: Arc<App>) {
    tell_holds(&app).await;
    loop {
        let retired = tokio::select! {
            () = app.retired.cancelled() => true,
            () = tokio::time::sleep(PERIOD) => false,
        };
        guard::seen(&app.config.data_dir, &*app.store, app.clock.now()).await;
        if retired {
            return;
        }
        match Progress::read(&app).await {
            Ok(progress) => tell(&progress),
            Err(err) => warn!("{}", chain(&err)),
        }
    }
}

async fn tell_holds(app: &App) {
    match Progress::read(app).await {
        Ok(progress) => {
            for kept in &progress.holds {
                let what = kept.edition.as_deref().unwrap_or("everything");
                warn!("{what} is held: {}", kept.hold.logged());
            }
        }
        Err(err) => warn!("{}", chain(&err)),
    }
}

fn tell(progress: &Progress) {
    let rate = progress.rate();
    if rate <= 0.0 {
        return;
    }
    let ends = progress.issues.iter().filter_map(|issue| issue.ends).max();
    info!(
        left = progress.left(),
        a_second = format!("{rate:.1}"),
        ends = ends.map(|ends| ends.format("%H:%M").to_string()),
        relays = rates(&progress.relays),
        destinations = rates(&progress.destinations),
        "mail is leaving"
    );
}

fn rates(ways: &[Way]) -> String {
    let moving = ways.iter().filter(|way| way.rate > 0.0);
    let rates: Vec<_> = moving.map(rate).collect();
    rates.join(", ")
}

fn rate(way: &Way) -> String {
    let rate = format!("{} {:.1}/s", way.name, way.rate);
    match (way.left, way.ends) {
        (Some(left), Some(ends)) => format!("{rate} ({left} left until {})", ends.format("%H:%M")),
        _ => rate,
    }
}
