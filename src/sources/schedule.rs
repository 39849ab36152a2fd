//! When to poll next, and what a poll leaves behind.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    FeedUrl, Poll, Source, Validators,
    entry::{Defect, Document, Hints, Hub},
    page::Missed,
    rhythm::{outside_skipped, own_interval, rhythm},
};
use crate::id::SourceName;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// No server's wish keeps us away longer.
pub(super) const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// A source that has failed for so long is asked once a week.
const DEAD: TimeDelta = TimeDelta::days(30);

/// No poll is due later than this, except by the operator's own interval: a later one was set by a
/// clock that was wrong.
const FARTHEST: Duration = Duration::from_secs(8 * 24 * 3600);

/// What the next poll depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A document, or nothing new. `quiet` is the longest that HTTP or the feed itself asks for.
    Reached { quiet: Option<Duration> },
    /// `failures` in a row, this one counted, the first of them at `since`.
    Failed {
        failures: u32,
        since: DateTime<Utc>,
        retry_after: Option<Duration>,
    },
}

/// Returns when to poll `source` again.
///
/// The source's own interval and every wish of the server are floors: up to a tenth is added so
/// that polls spread, the same for a source all day, and nothing is taken off. Failures double the
/// wait from an hour to a day, and after 30 days make it a week. Only the operator's interval may
/// exceed seven days.
pub fn next_poll(
    source: &SourceName,
    interval: Duration,
    outcome: Outcome,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let wait = match outcome {
        Outcome::Reached { quiet } => quiet.unwrap_or_default().min(LONGEST),
        Outcome::Failed {
            failures,
            since,
            retry_after,
        } => {
            let doublings = failures.saturating_sub(1).min(5);
            let backoff = match now - since >= DEAD {
                true => LONGEST,
                false => (HOUR * 2_u32.pow(doublings)).min(DAY),
            };
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
    ///
    /// An address that the operator takes over from a believed redirect is not another one. A poll
    /// that is due farther away than any wish reaches was planned by a clock that was wrong: it
    /// falls due within the hour.
    pub fn resumed(kept: Option<Poll>, source: &Source, now: DateTime<Utc>) -> Self {
        let takes_over = |poll: &Poll| {
            poll.address.is_some() && poll.address.as_ref() == source.origin.address()
        };
        let Some(mut poll) = kept else {
            return Poll::unpolled(&source.origin, now);
        };
        if takes_over(&poll) {
            poll.origin = source.origin.to_string();
            poll.address = None;
        }
        if poll.origin != source.origin.to_string() {
            return Poll::unpolled(&source.origin, now);
        }
        let farthest = FARTHEST.max(source.interval.unwrap_or_default());
        if poll.next > now + farthest {
            poll.next = now + HOUR.mul_f64(jitter(&source.name, now));
        }
        poll.rests_until = poll.rests_until.filter(|until| *until <= now + FARTHEST);
        poll
    }

    /// Whether the source is polled at all.
    pub fn is_active(&self) -> bool {
        !self.gone
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
        let read = Poll {
            validators: arrival.validators.clone(),
            result: [read]
                .iter()
                .chain(&arrival.unread)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join("; "),
            hints: arrival.hints.clone(),
            rhythm: rhythm(&arrival.dates, now).or(self.rhythm),
            defects: arrival.defects.clone(),
            hub: arrival.hub.clone(),
            // As long as pages of a first listing wait, what comes is still part of the first fetch.
            entries: match (self.entries, arrival.left) {
                (None, 1..) => None,
                (seen, _) => Some(seen.unwrap_or(0) + arrival.new),
            },
            newest: dates.filter(|date| *date <= now).chain(self.newest).max(),
            left: arrival.left,
            missed: arrival.missed.clone(),
            ..self.clone()
        };
        let reached =
            read.led(source, arrival.moved.as_ref(), now)
                .reached(source, arrival.max_age, now);
        Poll {
            next: arrival.again.map_or(reached.next, |again| now + again),
            ..reached
        }
    }

    /// Nothing new. `validators` and `moved` as `Fetched::NotModified` has them; what the last
    /// document wished holds on.
    pub fn unchanged(
        &self,
        source: &Source,
        validators: Validators,
        max_age: Option<Duration>,
        moved: Option<&FeedUrl>,
        now: DateTime<Utc>,
    ) -> Self {
        let unchanged = Poll {
            validators,
            result: "not modified".to_owned(),
            ..self.clone()
        };
        unchanged
            .led(source, moved, now)
            .reached(source, max_age, now)
    }

    /// Nothing came, for a reason that may pass. A server that says when to come back speaks for
    /// everything on its host.
    pub fn failed(
        &self,
        source: &Source,
        reason: String,
        retry_after: Option<Duration>,
        now: DateTime<Utc>,
    ) -> Self {
        let failed = self.unwell(reason, now);
        let outcome = Outcome::Failed {
            failures: failed.failures,
            since: failed.failing_since.unwrap_or(now),
            retry_after,
        };
        let interval = own_interval(source, &failed, now);
        let next = next_poll(&source.name, interval, outcome, now);
        Poll {
            next: failed.admitted(next, now),
            rests_until: retry_after.map(|wait| now + wait.min(LONGEST)),
            ..failed
        }
    }

    /// The server says that nothing will ever come.
    pub fn gone(&self, now: DateTime<Utc>) -> Self {
        let reason = "answered 410 Gone: not polled any more, remove or resume this source";
        Poll {
            gone: true,
            ..self.unwell(reason.to_owned(), now)
        }
    }

    /// What the log should say of this poll, which came after `before`: a source that begins to
    /// fail, once a day while it fails, and that it has moved.
    pub fn news_since(&self, before: &Poll) -> Option<String> {
        if let Some(since) = self.failing_since {
            let day = |at: DateTime<Utc>| (at - since).num_days();
            let is_news =
                before.failing_since.is_none() || self.gone || day(before.last) != day(self.last);
            return is_news.then(|| self.result.clone());
        }
        let address = self.address.as_ref()?;
        let is_news = before.address.as_ref() != Some(address);
        is_news.then(|| {
            let to = address.as_str();
            format!("has moved to {to}: change its address in the configuration")
        })
    }

    fn reached(self, source: &Source, max_age: Option<Duration>, now: DateTime<Utc>) -> Self {
        let ttl = self.hints.ttl_minutes;
        let ttl = ttl.map(|minutes| Duration::from_secs(u64::from(minutes) * 60));
        let outcome = Outcome::Reached {
            quiet: max_age.max(ttl),
        };
        let interval = own_interval(source, &self, now);
        let next = next_poll(&source.name, interval, outcome, now);
        Poll {
            last: now,
            next: self.admitted(next, now),
            failures: 0,
            failing_since: None,
            gone: false,
            rests_until: None,
            ..self
        }
    }

    fn unwell(&self, result: String, now: DateTime<Utc>) -> Self {
        let unwell = Poll {
            last: now,
            result,
            failures: self.failures.saturating_add(1),
            failing_since: self.failing_since.or(Some(now)),
            ..self.clone()
        };
        unwell.led_nowhere(now)
    }

    /// `next`, or the first time after it that the source does not want for itself.
    fn admitted(&self, next: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        let room = (now + FARTHEST - next).to_std().unwrap_or_default();
        outside_skipped(&self.hints, next, room)
    }
}

/// What came along with a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    pub validators: Validators,
    /// For how long the server promises nothing new.
    pub max_age: Option<Duration>,
    /// Where a chain of permanent redirects led.
    pub moved: Option<FeedUrl>,
    /// How often the feed itself wants to be polled.
    pub hints: Hints,
    /// At most [`Poll::MOST_DEFECTS`].
    pub defects: Vec<Defect>,
    pub hub: Option<Hub>,
    /// Of all entries.
    pub entries: usize,
    /// The dates that the entries bear.
    pub dates: Vec<DateTime<Utc>>,
    /// Entries that were never seen before; known once they are judged.
    pub new: u64,
    /// Parts that could not be read, each with its reason.
    pub unread: Vec<String>,
    /// How soon to ask again, whatever the interval: a part of it was still being written.
    pub again: Option<Duration>,
    /// As [`Poll::left`].
    pub left: u32,
    /// As [`Poll::missed`].
    pub missed: Vec<Missed>,
}

impl Arrival {
    pub fn of(document: &Document, validators: Validators, max_age: Option<Duration>) -> Self {
        let defects = document.defects.iter().take(Poll::MOST_DEFECTS);
        Arrival {
            validators,
            max_age,
            hints: document.hints.clone(),
            defects: defects.cloned().collect(),
            hub: document.hub.clone(),
            entries: document.entries.len(),
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
