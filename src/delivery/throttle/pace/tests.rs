//! Simulations of a sender that always has more to send.

use std::num::NonZeroU32;

use super::*;

const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn pace(limits: &str) -> Pace {
    let connections = NonZeroUsize::new(8).unwrap();
    Pace::new(limits.parse().unwrap(), connections, None)
}

/// How many are sent from `now` on in `time`, by somebody whose every message takes `work`.
fn sent_in(pace: &mut Pace, time: TimeDelta, work: TimeDelta, now: DateTime<Utc>) -> u32 {
    let end = now + time;
    let (mut at, mut sent) = (now, 0);
    while at < end {
        match pace.admit(at) {
            Ok(()) => {
                sent += 1;
                at += work;
            }
            Err(later) => {
                assert!(later > at);
                at = later;
            }
        }
    }
    sent
}

#[track_caller]
fn check_about(expected: f64, n: u32) {
    let n = f64::from(n);
    assert!((expected * 0.9..=expected * 1.1).contains(&n), "{n}");
}

fn minutes(n: i64) -> DateTime<Utc> {
    START + TimeDelta::minutes(n)
}

#[test]
fn a_complaint_halves_the_rate_and_an_hour_restores_it() {
    // With a rate and without one: then what was sent of late counts.
    for limits in ["10/s", "", "1000000/d"] {
        let mut pace = pace(limits);
        let work = TimeDelta::milliseconds(100);
        let per_minute =
            |pace: &mut Pace, at| f64::from(sent_in(pace, TimeDelta::minutes(1), work, at));
        for minute in 0..5 {
            per_minute(&mut pace, minutes(minute));
        }

        pace.rate_limited(minutes(5));
        assert_eq!(pace.connections(minutes(5)).get(), 4);
        let shares: Vec<_> = (5..75)
            .step_by(10)
            .map(|minute| per_minute(&mut pace, minutes(minute)) / 600.0)
            .collect();

        for (share, expected) in shares.iter().zip([0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0]) {
            assert!((share - expected).abs() < 0.05, "{limits} {shares:?}");
        }
        assert_eq!(pace.connections(minutes(75)).get(), 8);
    }
}

#[test]
fn complaints_in_a_row_halve_again_but_never_stop_it() {
    let mut pace = pace("");
    let work = TimeDelta::milliseconds(100);
    sent_in(&mut pace, TimeDelta::minutes(2), work, START);

    let mut now = minutes(2);
    for expected in [300.0, 150.0, 75.0, 37.0] {
        pace.rate_limited(now);
        check_about(
            expected,
            sent_in(&mut pace, TimeDelta::minutes(1), work, now),
        );
        now += TimeDelta::minutes(1);
    }
    for _ in 0..1000 {
        pace.rate_limited(now);
        now += TimeDelta::minutes(1);
    }
    assert_eq!(pace.connections(now).get(), 1);
    assert!(sent_in(&mut pace, TimeDelta::minutes(10), work, now) >= 1);
}

#[test]
fn replies_to_what_was_on_its_way_are_one_complaint() {
    let mut pace = pace("");
    let work = TimeDelta::milliseconds(100);
    sent_in(&mut pace, TimeDelta::minutes(2), work, START);
    for n in 0..20 {
        pace.rate_limited(minutes(2) + TimeDelta::seconds(n));
    }
    assert_eq!(pace.connections(minutes(2)).get(), 4);
    check_about(
        300.0,
        sent_in(&mut pace, TimeDelta::minutes(1), work, minutes(3)),
    );
}

#[test]
fn a_destination_that_got_little_and_complains_gets_something_at_last() {
    let mut pace = pace("");
    pace.rate_limited(START);
    let Err(later) = pace.admit(START) else {
        panic!("admitted at once");
    };
    assert!(later - START <= LONGEST_GAP);
    assert_eq!(pace.admit(later), Ok(()));
}

#[test]
fn a_warmup_binds_until_the_limits_do() {
    let warmup = Warmup::new(NonZeroU32::new(50).unwrap(), 2.0, START).unwrap();
    let connections = NonZeroUsize::new(8).unwrap();
    let mut pace = Pace::new("1000/d".parse().unwrap(), connections, Some(warmup));

    let mut now = START;
    let mut sent = Vec::new();
    for _ in 0..7 {
        sent.push(sent_in(
            &mut pace,
            TimeDelta::days(1),
            TimeDelta::seconds(1),
            now,
        ));
        now += TimeDelta::days(1);
    }
    assert!(
        sent.iter()
            .zip([50, 100, 200, 400, 800, 1000, 1000])
            .all(|(n, most)| *n <= most)
    );
    let total: u32 = sent.iter().sum();
    assert!(total >= 2500, "{sent:?}");
}

#[test]
fn what_was_not_sent_is_given_back() {
    let mut pace = pace("1/d");
    assert_eq!(pace.admit(START), Ok(()));
    pace.refund(START);
    assert_eq!(pace.admit(START), Ok(()));
    assert!(pace.admit(START).is_err());
}

#[test]
fn a_restart_remembers_the_day() {
    let mut pace = pace("2/d");
    assert_eq!(pace.admit(START), Ok(()));
    let hours: Vec<_> = pace.hours().collect();
    let mut pace = self::pace("2/d").resume(hours, minutes(1));
    assert_eq!(pace.admit(minutes(1)), Ok(()));
    assert_eq!(pace.admit(minutes(1)), Err(START + TimeDelta::hours(25)));
}
