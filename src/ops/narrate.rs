//! Says in the log how the mail is getting on.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tracing::{info, warn};

use super::{
    app::App,
    guard,
    progress::{Progress, Way},
};
use crate::{delivery::without_addresses, task::chain};

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
        ends = ends.map(minute),
        relays = told(&progress.relays),
        destinations = told(&progress.destinations),
        "mail is leaving"
    );
}

fn told(ways: &[Way]) -> String {
    let told: Vec<_> = ways.iter().filter_map(state).collect();
    told.join(", ")
}

/// What a relay or a destination does, if it does anything.
fn state(way: &Way) -> Option<String> {
    let Way { name, rate, .. } = way;
    match (&way.paused, way.left, way.ends) {
        (Some((until, reason)), ..) => {
            let (until, reason) = (minute(*until), without_addresses(reason));
            Some(format!("{name} left alone until {until}: {reason}"))
        }
        _ if *rate <= 0.0 => None,
        (None, Some(left), Some(ends)) => {
            let ends = minute(ends);
            Some(format!("{name} {rate:.1}/s ({left} left until {ends})"))
        }
        _ => Some(format!("{name} {rate:.1}/s")),
    }
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%MZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::traffic::Counts;

    #[test]
    fn a_relay_is_told_of_when_it_sends_and_when_it_is_left_alone() {
        let now = DateTime::UNIX_EPOCH;
        let way = |name: &str| Way::new(name.to_owned(), &Counts::default(), now);
        let busy = Way {
            rate: 2.0,
            left: Some(7),
            ends: Some(now),
            ..way("one")
        };
        let reason = "it takes nothing: ann@example.org".to_owned();
        let away = Way {
            paused: Some((now, reason)),
            ..way("two")
        };

        assert_eq!(
            told(&[busy, away, way("three")]),
            "one 2.0/s (7 left until 1970-01-01T00:00Z), \
             two left alone until 1970-01-01T00:00Z: it takes nothing: …"
        );
    }
}
