//! The pace of a destination: its limits, and how much less it gets after it complained.

use std::num::NonZeroUsize;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Limits, quota::Quota, warmup::Warmup};

/// What a destination group or a relay gets at most.
#[derive(Clone, Debug)]
pub struct Pace {
    quota: Quota,
    connections: NonZeroUsize,
    warmup: Option<Warmup>,
    slowed: Option<Slowed>,
}

/// A destination complains in every reply to what was already on its way: that is one complaint.
const ONE_COMPLAINT: TimeDelta = TimeDelta::minutes(1);
/// How often a slowed destination gets a tenth of its former rate more.
const STEP: TimeDelta = TimeDelta::minutes(10);
const STEP_PER_MILLE: i64 = 100;
/// However often it complained, a destination gets this much of its former rate, in per mille.
const LEAST_PER_MILLE: i64 = 10;
/// And at least one message in this time.
const LONGEST_GAP: TimeDelta = TimeDelta::minutes(10);

/// A destination that said "too much".
#[derive(Clone, Debug)]
struct Slowed {
    /// Between two messages, at the rate of the first complaint.
    gap: TimeDelta,
    /// The share of that rate that was left at the last complaint, in per mille.
    share: i64,
    /// The last complaint.
    since: DateTime<Utc>,
    /// No message before this.
    next: DateTime<Utc>,
}

impl Pace {
    /// `connections` is how many may be open at once.
    pub fn new(limits: Limits, connections: NonZeroUsize, warmup: Option<Warmup>) -> Self {
        Self {
            quota: Quota::new(limits),
            connections,
            warmup,
            slowed: None,
        }
    }

    /// The same after a restart; see [`Quota::resume`]. Complaints are forgotten: if we still send
    /// too much, there will be another.
    #[must_use]
    pub fn resume(
        self,
        hours: impl IntoIterator<Item = (DateTime<Utc>, u32)>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            quota: Quota::resume(self.quota.limits(), hours, now),
            ..self
        }
    }

    /// Admits one message, or tells when to ask again.
    pub fn admit(&mut self, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        let full = self.quota.full_until(self.per_day(now), now);
        let slow = self.slow_until(now);
        if let Some(later) = full.max(slow) {
            return Err(later);
        }
        self.quota.count(now);
        if let Some(slowed) = &mut self.slowed {
            slowed.next = now + slowed.gap(now);
        }
        Ok(())
    }

    /// Takes back what was admitted at `admitted` and not sent after all.
    pub fn refund(&mut self, admitted: DateTime<Utc>) {
        self.quota.refund(admitted);
        if let Some(slowed) = &mut self.slowed {
            slowed.next = slowed.next.min(admitted);
        }
    }

    /// Notes that the destination said "too much": half of what it got of late is what it gets
    /// now, over half the connections. Every ten minutes it gets a tenth of the whole more.
    pub fn rate_limited(&mut self, now: DateTime<Utc>) {
        self.forget_the_past(now);
        if let Some(slowed) = &mut self.slowed {
            if now - slowed.since >= ONE_COMPLAINT {
                slowed.share = (slowed.share(now) / 2).max(LEAST_PER_MILLE);
                slowed.since = now;
            }
            return;
        }
        let (sent, time) = self.quota.lately(now);
        let gap = time / i32::try_from(sent.max(1)).unwrap_or(i32::MAX);
        let slowed = Slowed {
            gap,
            share: 500,
            since: now,
            next: now,
        };
        let next = now + slowed.gap(now);
        self.slowed = Some(Slowed { next, ..slowed });
    }

    /// Returns how many connections may be open at `now`.
    pub fn connections(&self, now: DateTime<Utc>) -> NonZeroUsize {
        let share = self
            .slowed
            .as_ref()
            .map_or(1000, |slowed| slowed.share(now));
        let share = usize::try_from(share).unwrap_or(1000).min(1000);
        let allowed = self.connections.get().saturating_mul(share) / 1000;
        NonZeroUsize::new(allowed).unwrap_or(NonZeroUsize::MIN)
    }

    /// What was sent in each hour of the last day; see [`Quota::hours`].
    pub fn hours(&self) -> impl Iterator<Item = (DateTime<Utc>, u32)> + '_ {
        self.quota.hours()
    }

    fn per_day(&self, now: DateTime<Utc>) -> Option<std::num::NonZeroU32> {
        let ramp = self.warmup.and_then(|warmup| warmup.per_day(now));
        let limit = self.quota.limits().per_day;
        [ramp, limit].into_iter().flatten().min()
    }

    fn slow_until(&mut self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.forget_the_past(now);
        let slowed = self.slowed.as_ref()?;
        (slowed.next > now).then_some(slowed.next)
    }

    /// What of its former rate a destination gets that said "too much", in per cent; none if it gets all.
    pub fn slowed(&self, now: DateTime<Utc>) -> Option<i64> {
        let share = self.slowed.as_ref()?.share(now);
        (share < 1000).then_some(share / 10)
    }

    fn forget_the_past(&mut self, now: DateTime<Utc>) {
        if self
            .slowed
            .as_ref()
            .is_some_and(|slowed| slowed.share(now) >= 1000)
        {
            self.slowed = None;
        }
    }
}

impl Slowed {
    /// What of the former rate is left, or restored, in per mille.
    fn share(&self, now: DateTime<Utc>) -> i64 {
        let steps = (now - self.since).num_seconds().max(0) / STEP.num_seconds();
        self.share
            .saturating_add(steps.saturating_mul(STEP_PER_MILLE))
    }

    fn gap(&self, now: DateTime<Utc>) -> TimeDelta {
        let gap = self.gap.num_microseconds().unwrap_or(i64::MAX);
        let gap = gap.saturating_mul(1000) / self.share(now).max(1);
        TimeDelta::microseconds(gap).min(LONGEST_GAP)
    }
}

#[cfg(test)]
mod tests;
