//! When to poll next, and what a poll leaves behind.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use chrono::{DateTime, Days, Utc};

use super::{
    Poll, Source, Validators,
    entry::{Document, Hub},
};
use crate::id::SourceName;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// No server's wish keeps us away longer.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long a source that is gone for good is left alone.
const GONE: Days = Days::new(30);

/// What the next poll depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A document, or nothing new. `quiet` is the longest that HTTP or the feed itself asks for.
    Reached {
        quiet: Option<Duration>,
    },
    /// `failures` in a row, this one counted.
    Failed {
        failures: u32,
        retry_after: Option<Duration>,
    },
    Gone,
}

/// Returns when to poll `source` again.
///
/// The source's own interval and every wish of the server are floors: up to a tenth is added so
/// that polls spread, the same for a source all day, and nothing is taken off. Failures double the
/// wait from an hour to a day. Only the operator's interval may exceed seven days.
pub fn next_poll(
    source: &SourceName,
    interval: Duration,
    outcome: Outcome,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let wait = match outcome {
        Outcome::Gone => return now + GONE,
        Outcome::Reached { quiet } => quiet.unwrap_or_default().min(LONGEST),
        Outcome::Failed {
            failures,
            retry_after,
        } => {
            let doublings = failures.saturating_sub(1).min(5);
            let backoff = (HOUR * 2_u32.pow(doublings)).min(DAY);
            backoff.max(retry_after.unwrap_or_default().min(LONGEST))
        }
    };
    let wait = interval.max(wait);
    let spread = wait.mul_f64(jitter(source, now) / 10.0);
    now + wait.max((wait + spread).min(LONGEST))
}

/// From 0 to 1, by source and day.
fn jitter(source: &SourceName, now: DateTime<Utc>) -> f64 {
    let mut hasher = DefaultHasher::new();
    (source.as_str(), now.date_naive()).hash(&mut hasher);
    f64::from(u16::try_from(hasher.finish() >> 48).unwrap_or(0)) / f64::from(u16::MAX)
}

impl Poll {
    /// The state to go on from: what is kept, unless it belongs to another address.
    pub fn resumed(kept: Option<Poll>, source: &Source, now: DateTime<Utc>) -> Self {
        kept.filter(|poll| poll.origin == source.origin.to_string())
            .unwrap_or_else(|| Poll::unpolled(&source.origin, now))
    }

    /// A document came. The validators are its own: those it lacks are forgotten.
    ///
    /// `new` is how many of its entries were never seen before. Dates to come are not believed:
    /// one typing error would make all that follows look old.
    pub fn read(&self, source: &Source, arrival: &Arrival, now: DateTime<Utc>) -> Self {
        let read = match arrival.entries {
            1 => "read 1 entry".to_owned(),
            n => format!("read {n} entries"),
        };
        let dates = arrival.dates.iter().copied();
        Poll {
            validators: arrival.validators.clone(),
            result: [read]
                .iter()
                .chain(&arrival.unread)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join("; "),
            hub: arrival.hub.as_deref().cloned(),
            entries: Some(self.entries.unwrap_or(0) + arrival.new),
            newest: dates.filter(|date| *date <= now).chain(self.newest).max(),
            ..self.reached(source, arrival.quiet, now)
        }
    }

    /// Nothing new. `validators` as `Fetched::NotModified` has them.
    pub fn unchanged(
        &self,
        source: &Source,
        validators: Validators,
        max_age: Option<Duration>,
        now: DateTime<Utc>,
    ) -> Self {
        Poll {
            validators,
            result: "not modified".to_owned(),
            ..self.reached(source, max_age, now)
        }
    }

    /// Nothing came, for a reason that may pass.
    pub fn failed(
        &self,
        source: &Source,
        reason: String,
        retry_after: Option<Duration>,
        now: DateTime<Utc>,
    ) -> Self {
        let failures = self.failures.saturating_add(1);
        let outcome = Outcome::Failed {
            failures,
            retry_after,
        };
        self.unwell(source, outcome, reason, now)
    }

    /// The server says that nothing will ever come.
    pub fn gone(&self, source: &Source, now: DateTime<Utc>) -> Self {
        let reason = "answered 410 Gone: remove this source".to_owned();
        self.unwell(source, Outcome::Gone, reason, now)
    }

    fn reached(&self, source: &Source, quiet: Option<Duration>, now: DateTime<Utc>) -> Self {
        Poll {
            last: now,
            next: next_poll(
                &source.name,
                source.interval,
                Outcome::Reached { quiet },
                now,
            ),
            failures: 0,
            failing_since: None,
            ..self.clone()
        }
    }

    fn unwell(
        &self,
        source: &Source,
        outcome: Outcome,
        result: String,
        now: DateTime<Utc>,
    ) -> Self {
        Poll {
            last: now,
            next: next_poll(&source.name, source.interval, outcome, now),
            result,
            failures: self.failures.saturating_add(1),
            failing_since: self.failing_since.or(Some(now)),
            ..self.clone()
        }
    }
}

/// What came along with a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    pub validators: Validators,
    /// The longest that HTTP or the feed itself asks to be left alone.
    pub quiet: Option<Duration>,
    /// Of all entries.
    pub entries: usize,
    /// The dates that the entries bear.
    pub dates: Vec<DateTime<Utc>>,
    /// Who pushes what is new.
    pub hub: Option<Box<Hub>>,
    /// Entries that were never seen before; known once they are judged.
    pub new: u64,
    /// Parts that could not be read, each with its reason.
    pub unread: Vec<String>,
}

impl Arrival {
    pub fn of(document: &Document, validators: Validators, max_age: Option<Duration>) -> Self {
        let ttl = document
            .hints
            .ttl_minutes
            .map(|minutes| Duration::from_secs(u64::from(minutes) * 60));
        Arrival {
            validators,
            quiet: max_age.max(ttl),
            entries: document.entries.len(),
            hub: document.hub.clone().map(Box::new),
            dates: document
                .entries
                .iter()
                .filter_map(|entry| entry.published)
                .collect(),
            ..Arrival::default()
        }
    }
}

#[cfg(test)]
mod tests;
