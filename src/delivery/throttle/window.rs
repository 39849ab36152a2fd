//! Counts over a sliding window, in buckets.

use std::num::NonZeroU32;

use chrono::{DateTime, Utc};

/// Counts what happened in the last `BUCKETS` buckets of `MS` milliseconds.
///
/// A window as long as all buckets but one, wherever it starts, touches no more buckets than these:
/// if they hold at most N together, so does every such window. The price is that up to one bucket's
/// length is waited too long.
#[derive(Clone, Debug)]
pub(super) struct Window<const BUCKETS: usize, const MS: i64> {
    /// A ring; the bucket numbered n since 1970 is at n modulo `BUCKETS`.
    counts: [u32; BUCKETS],
    /// The number of the newest bucket.
    newest: i64,
    total: u64,
}

impl<const BUCKETS: usize, const MS: i64> Window<BUCKETS, MS> {
    pub(super) fn new() -> Self {
        Self {
            counts: [0; BUCKETS],
            newest: 0,
            total: 0,
        }
    }

    /// Returns when fewer than `limit` are in the window, if at `now` there are not.
    pub(super) fn full_until(
        &mut self,
        limit: NonZeroU32,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        self.slide(number::<MS>(now));
        let mut left = self.total;
        let mut bucket = self.newest;
        while left >= u64::from(limit.get()) {
            // The bucket that enters takes the place of the one that leaves.
            bucket += 1;
            left -= u64::from(self.counts[index::<BUCKETS>(bucket)]);
        }
        (bucket > self.newest).then(|| start::<MS>(bucket))
    }

    /// Counts `n` more at `at`, which is no earlier than what was counted before.
    pub(super) fn add(&mut self, n: u32, at: DateTime<Utc>) {
        self.slide(number::<MS>(at));
        let count = &mut self.counts[index::<BUCKETS>(self.newest)];
        let added = n.min(u32::MAX - *count);
        *count += added;
        self.total += u64::from(added);
    }

    /// Takes one back that was counted at `at`, if it is still held.
    pub(super) fn take_back(&mut self, at: DateTime<Utc>) {
        let bucket = number::<MS>(at);
        if !self.holds(bucket) {
            return;
        }
        let count = &mut self.counts[index::<BUCKETS>(bucket)];
        if *count > 0 {
            *count -= 1;
            self.total -= 1;
        }
    }

    /// The start of each bucket that holds something, and how much; the oldest first.
    pub(super) fn counts(&self) -> impl Iterator<Item = (DateTime<Utc>, u32)> + '_ {
        let oldest = self.newest.saturating_sub(length::<BUCKETS>() - 1);
        (oldest..=self.newest)
            .map(|bucket| (start::<MS>(bucket), self.counts[index::<BUCKETS>(bucket)]))
            .filter(|(_, count)| *count > 0)
    }

    fn holds(&self, bucket: i64) -> bool {
        (0..length::<BUCKETS>()).contains(&(self.newest - bucket))
    }

    /// Makes room up to `bucket`.
    ///
    /// A clock that was set back is waited for, but no longer than the window is: then all that is
    /// known counts as of now.
    fn slide(&mut self, bucket: i64) {
        let ahead = bucket.saturating_sub(self.newest);
        if ahead.abs() >= length::<BUCKETS>() {
            self.counts = [0; BUCKETS];
            self.newest = bucket;
            if ahead > 0 {
                self.total = 0;
            }
            let known = u32::try_from(self.total).unwrap_or(u32::MAX);
            self.counts[index::<BUCKETS>(bucket)] = known;
            self.total = u64::from(known);
        }
        while self.newest < bucket {
            self.newest += 1;
            let count = &mut self.counts[index::<BUCKETS>(self.newest)];
            self.total -= u64::from(std::mem::take(count));
        }
    }
}

fn number<const MS: i64>(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis().div_euclid(MS)
}

fn start<const MS: i64>(bucket: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(bucket.saturating_mul(MS)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn length<const BUCKETS: usize>() -> i64 {
    i64::try_from(BUCKETS).unwrap_or(i64::MAX)
}

fn index<const BUCKETS: usize>(bucket: i64) -> usize {
    usize::try_from(bucket.rem_euclid(length::<BUCKETS>())).unwrap_or_default()
}
