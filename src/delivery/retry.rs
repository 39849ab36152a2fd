//! When a delivery that was put off is tried again, and a relay that was away is asked again (RFC
//! 5321, section 4.5.4.1).

use chrono::{DateTime, TimeDelta, Utc};

/// How long a delivery that is put off is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// The wait after the first attempt; RFC 5321 asks for at least half an hour.
    pub first_wait: TimeDelta,
    /// Waits double until they are this long.
    pub longest_wait: TimeDelta,
    /// No wait begins that would end later than this after the first attempt.
    pub give_up: TimeDelta,
}

impl Default for Patience {
    /// Thirteen attempts in four and a half days.
    fn default() -> Self {
        Patience {
            first_wait: TimeDelta::minutes(30),
            longest_wait: TimeDelta::hours(12),
            give_up: TimeDelta::hours(108),
        }
    }
}

/// The wait after a connection broke, once: the message may have arrived, and if it did not, the
/// relay said nothing against it.
const AFTER_LOSS: TimeDelta = TimeDelta::minutes(5);

impl Patience {
    /// When to try again after `attempts` attempts, the last of them at `now`; `None` gives up.
    ///
    /// Up to a tenth is added to each wait, so that what was put off together does not come back
    /// together. The same `salt` adds the same.
    pub fn next_try(&self, attempts: u32, salt: u64, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let attempts = attempts.max(1);
        let mut life = TimeDelta::zero();
        for n in 1..=attempts {
            life += self.wait(n);
            if life > self.give_up {
                return None;
            }
        }
        let wait = self.wait(attempts);
        now.checked_add_signed(wait + wait * jitter_per_mille(attempts, salt) / 1000)
    }

    /// The same after a connection that broke: soon at first, then as any other failure.
    pub fn after_loss(
        &self,
        attempts: u32,
        salt: u64,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        match attempts {
            0 | 1 => now.checked_add_signed(AFTER_LOSS),
            _ => self.next_try(attempts, salt, now),
        }
    }

    /// After that many attempts.
    fn wait(&self, attempts: u32) -> TimeDelta {
        let doublings = attempts.saturating_sub(1).min(16);
        (self.first_wait * (1 << doublings)).min(self.longest_wait)
    }
}

/// How long a relay is left alone after it turned us away; doubles each time it does so again.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(30);
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(30);

/// A relay is left alone after it refused a connection, answered 421, or kept breaking off.
#[derive(Debug, Default)]
pub struct Pause {
    /// In a row.
    refusals: u32,
    until: Option<DateTime<Utc>>,
}

impl Pause {
    pub fn until(&self) -> Option<DateTime<Utc>> {
        self.until
    }

    /// Notes that the relay turned us away at `now`, after it had taken `sent` messages.
    pub fn extend(&mut self, sent: u64, now: DateTime<Utc>) {
        if sent > 0 {
            // It is there, and only busy.
            self.refusals = 0;
        }
        let wait = (FIRST_PAUSE * (1 << self.refusals.min(10))).min(LONGEST_PAUSE);
        self.until = now.checked_add_signed(wait);
        self.refusals = self.refusals.saturating_add(1);
    }
}

/// 0 to 99, scattered by the finalizer of `SplitMix64`.
fn jitter_per_mille(attempts: u32, salt: u64) -> i32 {
    let mut x = salt ^ (u64::from(attempts) << 56);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    (x % 100) as i32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn patience() -> Patience {
        Patience::default()
    }

    #[test]
    fn an_operator_who_has_less_patience_gives_up_sooner() {
        let hurried = Patience {
            first_wait: TimeDelta::minutes(10),
            longest_wait: TimeDelta::minutes(20),
            give_up: TimeDelta::hours(1),
        };
        let tries: Vec<_> = (1..=5)
            .map(|n| hurried.next_try(n, 7, START).is_some())
            .collect();
        assert_eq!(tries, [true, true, true, false, false]);
    }

    /// When each attempt is made, the first at [`START`].
    fn attempts(salt: u64) -> Vec<DateTime<Utc>> {
        let mut times = vec![START];
        let mut n = 1;
        while let Some(at) = patience().next_try(n, salt, times[times.len() - 1]) {
            times.push(at);
            n += 1;
        }
        times
    }

    proptest! {
        #[test]
        fn waits_start_at_half_an_hour_and_never_shrink_by_more_than_the_jitter(salt: u64) {
            let times = attempts(salt);
            let waits: Vec<_> = times.windows(2).map(|w| w[1] - w[0]).collect();

            prop_assert!(waits[0] >= patience().first_wait);
            prop_assert!(waits.windows(2).all(|w| w[1] * 11 >= w[0] * 10));
            prop_assert!(waits.iter().all(|w| *w * 10 <= patience().longest_wait * 11));
        }

        #[test]
        fn giving_up_takes_four_to_five_days(salt: u64) {
            let times = attempts(salt);
            let life = times[times.len() - 1] - START;

            prop_assert!(TimeDelta::days(4) < life && life < TimeDelta::days(5), "{}", life);
        }

        #[test]
        fn the_next_try_is_always_later(attempts: u32, salt: u64, seconds in 0..4_000_000_000_i64) {
            let now = DateTime::from_timestamp_secs(seconds).unwrap();
            for next in [patience().next_try(attempts % 100, salt, now), patience().after_loss(attempts % 100, salt, now)] {
                prop_assert!(next.is_none_or(|at| at > now));
            }
        }
    }

    #[test]
    fn what_was_put_off_together_does_not_come_back_together() {
        let due: std::collections::BTreeSet<_> = (0..1000)
            .map(|salt| patience().next_try(1, salt, START))
            .collect();
        assert_eq!(due.len(), 100);
    }

    #[test]
    fn a_broken_connection_is_retried_soon_once() {
        let patience = patience();
        assert_eq!(patience.after_loss(1, 7, START), Some(START + AFTER_LOSS));
        assert_eq!(
            patience.after_loss(2, 7, START),
            patience.next_try(2, 7, START)
        );
        assert_eq!(patience.after_loss(13, 7, START), None);
    }

    #[test]
    fn a_relay_that_stays_away_is_asked_less_and_less_often() {
        let mut pause = Pause::default();
        assert_eq!(pause.until(), None);

        let mut waits = Vec::new();
        for _ in 0..9 {
            pause.extend(0, START);
            waits.push((pause.until.unwrap() - START).num_seconds());
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]);

        pause.extend(1, START);
        assert_eq!(pause.until, Some(START + FIRST_PAUSE));
    }
}
