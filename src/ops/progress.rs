//! How far the mail has got: for `outbox show`, for the log, and for Prometheus.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::app::App;
use crate::{
    delivery::{Held, Hold, Issue, Reach, Tally, traffic::Counts},
    id::GroupName,
    port,
};

/// Contents that are looked at, the latest ones.
const ISSUES: usize = 1_000;

#[derive(Debug, Serialize)]
pub(super) struct Progress {
    pub(super) holds: Vec<Kept>,
    /// Those that are not done, the latest first.
    pub(super) issues: Vec<Under>,
    pub(super) relays: Vec<Way>,
    pub(super) destinations: Vec<Way>,
}

/// A hold.
#[derive(Debug, Serialize)]
pub(super) struct Kept {
    /// None where everything is held.
    pub(super) edition: Option<String>,
    #[serde(flatten)]
    pub(super) hold: Hold,
}

impl From<Held> for Kept {
    fn from((reach, hold): Held) -> Self {
        let edition = match reach {
            Reach::Everything => None,
            Reach::Edition(edition) => Some(edition.to_string()),
        };
        Kept { edition, hold }
    }
}

impl Kept {
    /// Since when, what and why, and how it goes on.
    pub(super) fn told(&self) -> String {
        let what = self.edition.as_deref().unwrap_or("everything");
        let edition = self.edition.as_ref();
        let edition = edition.map_or(String::new(), |edition| format!(" {edition}"));
        let since = self.hold.at.format("%Y-%m-%d %H:%M:%S UTC");
        format!(
            "since {since}: {what}: {} (`courant outbox resume{edition}` goes on)",
            self.hold.reason
        )
    }
}

/// A content that is under way.
#[derive(Debug, Serialize)]
pub(super) struct Under {
    pub(super) content: u64,
    pub(super) purpose: &'static str,
    pub(super) edition: String,
    pub(super) planned: DateTime<Utc>,
    #[serde(flatten)]
    pub(super) tally: Tally,
    /// If all goes on as in the last minute, and not before its slowest destination.
    pub(super) ends: Option<DateTime<Utc>>,
}

/// A relay, or a group of destinations, since the daemon began or read its configuration again.
#[derive(Debug, Serialize)]
pub(super) struct Way {
    pub(super) name: String,
    pub(super) sent: u64,
    pub(super) deferred: u64,
    pub(super) failed: u64,
    pub(super) uncertain: u64,
    /// Messages a second, over the last minute.
    pub(super) rate: f64,
    /// Attempts at this moment.
    pub(super) open: usize,
    /// What waits for it. Of a relay it is the share of all that the last minute gives it, and none while nothing
    /// moves: any relay may take any message.
    pub(super) left: Option<u64>,
    /// When that is out, if all goes on as in the last minute.
    pub(super) ends: Option<DateTime<Utc>>,
    /// What of its former rate it gets since it said "too much", in per cent.
    pub(super) slowed: Option<i64>,
    /// Left alone until then, and why.
    pub(super) paused: Option<(DateTime<Utc>, String)>,
}

impl Progress {
    pub(super) async fn read(app: &App) -> port::Result<Self> {
        let now = app.clock.now();
        let deliver = app.deliver.as_ref();
        let mut relays = deliver.map_or_else(Vec::new, |deliver| {
            let mut ways = ways(deliver.traffic().relays(now), now);
            for (name, pause) in deliver.relays(now) {
                if let Some(way) = ways.iter_mut().find(|way| way.name == name.as_str()) {
                    way.paused = pause.map(|pause| (pause.until, pause.reason));
                }
            }
            ways
        });
        let groups = deliver.map_or_else(Vec::new, |deliver| deliver.traffic().groups(now));
        let mut destinations = destinations(groups, app.store.waiting().await?, now);
        let left = destinations.iter().filter_map(|way| way.left).sum();
        let rate = rate(&relays);
        share(&mut relays, left, now);
        let mut issues = app.store.issues(ISSUES).await?;
        issues.retain(|issue| issue.tally.waiting() > 0);
        let holds = app.store.holds().await?;
        let is_held = |issue: &Issue| holds.iter().any(|(reach, _)| reach.keeps(issue));
        if issues.iter().all(is_held) {
            destinations.iter_mut().for_each(|way| way.ends = None);
        }
        let slowest = destinations.iter().filter_map(|way| way.ends).max();
        let under = |issue: Issue| {
            let ends = match is_held(&issue) {
                true => None,
                false => ends(issue.tally.scheduled, rate, now).max(slowest),
            };
            Under::new(issue, ends)
        };
        let issues = issues.into_iter().map(under).collect();
        Ok(Progress {
            issues,
            holds: holds.into_iter().map(Kept::from).collect(),
            relays,
            destinations,
        })
    }

    /// Messages a second, over the last minute.
    pub(super) fn rate(&self) -> f64 {
        rate(&self.relays)
    }

    /// Messages that are due or will be.
    pub(super) fn left(&self) -> u64 {
        self.issues.iter().map(|issue| issue.tally.waiting()).sum()
    }
}

impl Under {
    fn new(issue: Issue, ends: Option<DateTime<Utc>>) -> Self {
        Under {
            content: issue.content.0,
            purpose: issue.purpose.name(),
            edition: issue.edition.to_string(),
            planned: issue.planned,
            tally: issue.tally,
            ends,
        }
    }
}

impl Way {
    pub(super) fn new(name: String, counts: &Counts, now: DateTime<Utc>) -> Self {
        Way {
            name,
            sent: counts.sent,
            deferred: counts.deferred,
            failed: counts.failed,
            uncertain: counts.uncertain,
            rate: counts.rate(now),
            open: counts.open,
            left: None,
            ends: None,
            slowed: counts.slowed,
            paused: None,
        }
    }
}

fn ways<N: ToString>(counted: Vec<(N, Counts)>, now: DateTime<Utc>) -> Vec<Way> {
    let ways = counted.iter();
    ways.map(|(name, counts)| Way::new(name.to_string(), counts, now))
        .collect()
}

/// Groups that were sent to, and those that wait for it.
fn destinations(
    mut counted: Vec<(GroupName, Counts)>,
    mut waiting: BTreeMap<GroupName, u64>,
    now: DateTime<Utc>,
) -> Vec<Way> {
    for group in waiting.keys() {
        if !counted.iter().any(|(name, _)| name == group) {
            counted.push((group.clone(), Counts::default()));
        }
    }
    let ways = counted.iter().map(|(name, counts)| {
        let left = waiting.remove(name).unwrap_or(0);
        let way = Way::new(name.to_string(), counts, now);
        Way {
            left: Some(left),
            ends: ends(left, way.rate, now),
            ..way
        }
    });
    ways.collect()
}

fn rate(relays: &[Way]) -> f64 {
    relays.iter().map(|way| way.rate).sum()
}

/// Gives each relay that is at work its share of what is `left`.
fn share(relays: &mut [Way], left: u64, now: DateTime<Utc>) {
    let all = rate(relays);
    for way in relays.iter_mut().filter(|way| way.rate > 0.0) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a guess"
        )]
        let own = (left as f64 * way.rate / all).round() as u64;
        way.left = Some(own);
        way.ends = ends(own, way.rate, now);
    }
}

/// When so many messages will be out at `rate` a second; none while nothing moves.
fn ends(left: u64, rate: f64, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if left == 0 || rate <= 0.0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a guess, and one that saturates"
    )]
    let seconds = (left as f64 / rate) as i64;
    now.checked_add_signed(TimeDelta::try_seconds(seconds)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_shared_by_the_relays_that_move() {
        let now = DateTime::UNIX_EPOCH;
        let mut relays = [30.0, 10.0, 0.0].map(|rate| Way {
            rate,
            ..Way::new("mx".to_owned(), &Counts::default(), now)
        });

        share(&mut relays, 400, now);

        let end = Some(now + TimeDelta::seconds(10));
        let shares = relays.map(|way| (way.left, way.ends));
        assert_eq!(shares, [(Some(300), end), (Some(100), end), (None, None)]);
    }

    #[test]
    fn the_end_is_guessed_from_the_rate_and_not_at_all_while_nothing_moves() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(ends(100, 10.0, now), Some(now + TimeDelta::seconds(10)));
        assert_eq!(ends(100, 0.0, now), None);
        assert_eq!(ends(0, 10.0, now), None);
        assert_eq!(ends(u64::MAX, 1e-300, now), None);
    }
}
