//! How fast something happens.

use chrono::{DateTime, Utc};

/// Seconds that are looked at.
const SPAN: usize = 60;

/// Counts events of the last minute, second by second.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    counts: [u32; SPAN],
    /// The second, since 1970, of the latest event.
    last: i64,
    /// That of the first one after a minute without any.
    first: i64,
}

impl Default for Meter {
    fn default() -> Self {
        Meter {
            counts: [0; SPAN],
            last: 0,
            first: 0,
        }
    }
}

impl Meter {
    pub(super) fn tick(&mut self, now: DateTime<Utc>) {
        let second = now.timestamp();
        if second - self.last >= SPAN as i64 {
            self.first = second;
        }
        self.forget(second);
        self.counts[slot(second)] += 1;
    }

    /// Events a second, over the last minute or since they began.
    pub(super) fn per_second(&self, now: DateTime<Utc>) -> f64 {
        let second = now.timestamp();
        let mut seen = self.clone();
        seen.forget(second);
        let events: u32 = seen.counts.iter().sum();
        let since = second - seen.first + 1;
        f64::from(events) / since.clamp(1, SPAN as i64) as f64
    }

    /// Clears the seconds that have passed since the latest event.
    fn forget(&mut self, second: i64) {
        let passed = (second - self.last).clamp(0, SPAN as i64);
        for n in 0..passed {
            self.counts[slot(second - n)] = 0;
        }
        self.last = self.last.max(second);
    }
}

fn slot(second: i64) -> usize {
    usize::try_from(second.rem_euclid(SPAN as i64)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_secs(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_rate_is_that_of_the_last_minute_or_since_it_began() {
        let mut meter = Meter::default();
        assert_eq!(meter.per_second(at(0)), 0.0);
        for second in 0..10 {
            for _ in 0..5 {
                meter.tick(at(second));
            }
        }
        assert_eq!(meter.per_second(at(9)), 5.0);
        assert_eq!(meter.per_second(at(60)), 45.0 / 60.0);
        assert_eq!(meter.per_second(at(1_000)), 0.0);
        meter.tick(at(1_000));
        assert_eq!(meter.per_second(at(1_000)), 1.0);
        assert_eq!(meter.per_second(at(1_009)), 0.1);
    }
}
