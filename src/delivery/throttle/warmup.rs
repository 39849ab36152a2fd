//! The ramp of a new address or domain: little at first, more each day.

use std::num::NonZeroU32;

use chrono::{DateTime, Utc};

/// Allows `start` messages on the first day, and `growth` times as many on each day after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Warmup {
    start: NonZeroU32,
    growth: f64,
    since: DateTime<Utc>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a warm-up grows by a factor of more than 1 and at most 10 a day")]
pub struct BadGrowth;

impl Warmup {
    pub fn new(start: NonZeroU32, growth: f64, since: DateTime<Utc>) -> Result<Self, BadGrowth> {
        if !(growth > 1.0 && growth <= 10.0) {
            return Err(BadGrowth);
        }
        Ok(Self {
            start,
            growth,
            since,
        })
    }

    /// Returns how many messages may be sent in the day before `now`; `None` is any number.
    ///
    /// Days are 24 hours from the start.
    pub fn per_day(&self, now: DateTime<Utc>) -> Option<NonZeroU32> {
        let days = (now - self.since).num_days().max(0);
        let days = i32::try_from(days).unwrap_or(i32::MAX);
        let allowed = f64::from(self.start.get()) * self.growth.powi(days);
        if allowed > f64::from(u32::MAX) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is between 1 and u32::MAX"
        )]
        NonZeroU32::new(allowed as u32)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn days(growth: f64, days: impl IntoIterator<Item = i64>) -> Vec<u32> {
        let warmup = Warmup::new(NonZeroU32::new(50).unwrap(), growth, START).unwrap();
        days.into_iter()
            .map(|day| {
                let now = START + TimeDelta::days(day);
                warmup.per_day(now).map_or(0, NonZeroU32::get)
            })
            .collect()
    }

    #[test]
    fn each_day_allows_more_until_anything_is_allowed() {
        assert_eq!(days(2.0, [-3, 0, 1, 2, 10]), [50, 50, 100, 200, 51_200]);
        assert_eq!(days(1.5, [1, 2, 3]), [75, 112, 168]);
        assert_eq!(days(2.0, [26, 27, 100_000]), [3_355_443_200, 0, 0]);
    }

    #[test]
    fn a_warmup_that_does_not_grow_is_none() {
        let start = NonZeroU32::new(50).unwrap();
        for growth in [1.0, 0.5, -2.0, 11.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Warmup::new(start, growth, START), Err(BadGrowth));
        }
    }
}
