//! How a source is doing, as lists and pages of it say.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::sources::{Poll, Source, Standing, websub::Subscription};

/// In the order of how much an operator should care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// It answered 410: never polled again by itself.
    Gone,
    Failing,
    Ok,
    Unpolled,
    Paused,
}

/// A source with what is kept about it.
#[derive(Debug)]
pub(super) struct Stand<'a> {
    pub(super) source: &'a Source,
    /// As it goes on from; that of another address is not it.
    pub(super) poll: Poll,
    pub(super) paused: Option<DateTime<Utc>>,
    pub(super) articles: u64,
    pub(super) subscription: Option<Subscription>,
    pub(super) state: State,
}

impl<'a> Stand<'a> {
    pub(super) fn new(source: &'a Source, standing: Standing, now: DateTime<Utc>) -> Self {
        let Standing {
            poll,
            paused,
            articles,
            subscription,
        } = standing;
        let kept = poll.filter(|poll| poll.origin == source.origin.to_string());
        let is_polled = kept.is_some();
        let poll = Poll::resumed(kept, source, now);
        let state = match () {
            () if paused.is_some() => State::Paused,
            () if poll.gone => State::Gone,
            () if poll.failures > 0 => State::Failing,
            () if is_polled => State::Ok,
            () => State::Unpolled,
        };
        Stand {
            source,
            poll,
            paused,
            articles,
            subscription,
            state,
        }
    }

    /// None before the first poll.
    pub(super) fn last(&self) -> Option<DateTime<Utc>> {
        self.is_polled().then_some(self.poll.last)
    }

    /// None where no poll will come by itself.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        let may_come =
            self.source.is_polled() && !matches!(self.state, State::Paused | State::Gone);
        may_come.then_some(self.poll.next)
    }

    /// The state in words, with how long it has lasted.
    pub(super) fn in_words(&self, now: DateTime<Utc>) -> String {
        let lasting = |what: &str, since: Option<DateTime<Utc>>| match since {
            Some(since) => format!("{what} {}", span(now - since)),
            None => what.to_owned(),
        };
        match self.state {
            State::Gone => "gone".to_owned(),
            State::Failing => lasting("failing", self.poll.failing_since),
            State::Ok => "ok".to_owned(),
            State::Unpolled => "new".to_owned(),
            State::Paused => lasting("paused", self.paused),
        }
    }

    fn is_polled(&self) -> bool {
        self.poll.result != Poll::NEVER
    }
}

/// A length of time in its largest unit: `45s`, `12m`, `3h`, `5d`.
pub(super) fn span(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

pub(super) fn when(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        let told = |seconds| span(TimeDelta::seconds(seconds));

        assert_eq!(
            [-5, 59, 60, 7199, 172_799, 172_800].map(told),
            ["0s", "59s", "1m", "1h", "47h", "2d"]
        );
    }
}
