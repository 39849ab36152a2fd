//! A quota: at most so many messages in any second, any hour and any day.

use std::num::NonZeroU32;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::{Limits, window::Window};

/// What was sent lately, against [`Limits`] that hold in every window of their length, not only in
/// those that start on the hour. Takes half a kilobyte.
#[derive(Clone, Debug)]
pub struct Quota {
    limits: Limits,
    /// In 20 ms, minutes and hours: a wait is too long by as much at most.
    second: Window<51, 20>,
    hour: Window<61, 60_000>,
    day: Window<25, 3_600_000>,
}

impl Quota {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            second: Window::new(),
            hour: Window::new(),
            day: Window::new(),
        }
    }

    /// Goes on after a restart from what was sent in each hour, given by any moment of that hour.
    ///
    /// Of each hour all is taken to have been sent at its end.
    pub fn resume(
        limits: Limits,
        hours: impl IntoIterator<Item = (DateTime<Utc>, u32)>,
        now: DateTime<Utc>,
    ) -> Self {
        let mut quota = Self::new(limits);
        let mut hours: Vec<_> = hours.into_iter().collect();
        hours.sort();
        for (at, n) in hours {
            let start = at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at);
            let end = start.checked_add_signed(TimeDelta::hours(1) - TimeDelta::milliseconds(1));
            let latest = end.unwrap_or(start).min(now);
            quota.second.add(n, latest);
            quota.hour.add(n, latest);
            quota.day.add(n, latest);
        }
        quota
    }

    /// Admits one message, or tells when to ask again: then it is admitted, unless others were.
    pub fn admit(&mut self, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        match self.full_until(self.limits.per_day, now) {
            Some(later) => Err(later),
            None => {
                self.count(now);
                Ok(())
            }
        }
    }

    /// Takes back what was admitted at `admitted` and not sent after all.
    pub fn refund(&mut self, admitted: DateTime<Utc>) {
        self.second.take_back(admitted);
        self.hour.take_back(admitted);
        self.day.take_back(admitted);
    }

    /// What was sent in each hour of the last day, for [`resume`](Self::resume); the oldest first.
    pub fn hours(&self) -> impl Iterator<Item = (DateTime<Utc>, u32)> + '_ {
        self.day.counts()
    }

    /// With a limit a day that may be another than the configured one.
    pub(super) fn full_until(
        &mut self,
        per_day: Option<NonZeroU32>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let per_second = self.limits.per_second;
        let per_hour = self.limits.per_hour;
        [
            per_second.and_then(|limit| self.second.full_until(limit, now)),
            per_hour.and_then(|limit| self.hour.full_until(limit, now)),
            per_day.and_then(|limit| self.day.full_until(limit, now)),
        ]
        .into_iter()
        .flatten()
        .max()
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn count(&mut self, now: DateTime<Utc>) {
        self.second.add(1, now);
        self.hour.add(1, now);
        self.day.add(1, now);
    }

    /// What was sent in the last one to two minutes, and in how long a time.
    pub(super) fn lately(&self, now: DateTime<Utc>) -> (u32, TimeDelta) {
        let before = now - TimeDelta::minutes(2);
        let mut minutes = self.hour.counts().filter(|(start, _)| *start > before);
        let Some((start, first)) = minutes.next() else {
            return (0, TimeDelta::minutes(1));
        };
        let n = minutes.fold(first, |sum, (_, n)| sum.saturating_add(n));
        (n, (now - start).max(TimeDelta::seconds(1)))
    }
}

#[cfg(test)]
mod tests;
