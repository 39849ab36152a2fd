//! No window ever holds more than its limit, whoever asks and when.

use proptest::prelude::*;

use super::*;

const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn limits(text: &str) -> Limits {
    text.parse().unwrap()
}

/// When messages are admitted to somebody who asks at `START`, and then whenever told to.
fn greedy(mut quota: Quota, start: DateTime<Utc>, n: usize) -> Vec<DateTime<Utc>> {
    let mut now = start;
    let mut admitted = Vec::new();
    while admitted.len() < n {
        match quota.admit(now) {
            Ok(()) => admitted.push(now),
            Err(later) => {
                assert!(later > now);
                now = later;
            }
        }
    }
    admitted
}

/// The most that any half-open window of `length` holds.
fn most_in(length: TimeDelta, sorted: &[DateTime<Utc>]) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (i, at) in sorted.iter().enumerate() {
        while *at - sorted[first] >= length {
            first += 1;
        }
        most = most.max(i + 1 - first);
    }
    most
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_window_holds_more_than_its_limit(
        per_second in 1_u32..20,
        per_hour in 1_u32..80,
        per_day in 1_u32..150,
        gaps in prop::collection::vec(
            prop_oneof![8 => 0_i64..300, 3 => 0_i64..600_000, 1 => 0_i64..20_000_000],
            1..600,
        ),
        start in 0_i64..4_000_000_000_000,
    ) {
        let mut quota = Quota::new(limits(&format!("{per_second}/s,{per_hour}/h,{per_day}/d")));
        let mut now = DateTime::from_timestamp_millis(start).unwrap();
        let mut admitted = Vec::new();
        for gap in gaps {
            now += TimeDelta::milliseconds(gap);
            match quota.admit(now) {
                Ok(()) => admitted.push(now),
                Err(later) => prop_assert!(later > now && later <= now + TimeDelta::hours(26)),
            }
        }
        prop_assert!(most_in(TimeDelta::seconds(1), &admitted) <= per_second as usize);
        prop_assert!(most_in(TimeDelta::hours(1), &admitted) <= per_hour as usize);
        prop_assert!(most_in(TimeDelta::days(1), &admitted) <= per_day as usize);
    }

    #[test]
    fn who_comes_when_told_is_admitted(
        per_second in 1_u32..20,
        per_hour in 1_u32..200,
        per_day in 1_u32..400,
        start in 0_i64..4_000_000_000_000,
    ) {
        let mut quota = Quota::new(limits(&format!("{per_second}/s,{per_hour}/h,{per_day}/d")));
        let mut now = DateTime::from_timestamp_millis(start).unwrap();
        for _ in 0..500 {
            if let Err(later) = quota.admit(now) {
                now = later;
                prop_assert_eq!(quota.admit(now), Ok(()));
            }
        }
    }

    #[test]
    fn a_restart_allows_nothing_more(
        per_hour in 1_u32..30,
        per_day in 1_u32..60,
        restart in 1_usize..120,
        start in 0_i64..4_000_000_000_000,
    ) {
        let limits = limits(&format!("5/s,{per_hour}/h,{per_day}/d"));
        let start = DateTime::from_timestamp_millis(start).unwrap();
        let mut quota = Quota::new(limits);
        let mut now = start;
        let mut admitted = Vec::new();
        while admitted.len() < 120 {
            match quota.admit(now) {
                Ok(()) => admitted.push(now),
                Err(later) => now = later,
            }
            if admitted.len() == restart {
                let hours: Vec<_> = quota.hours().collect();
                quota = Quota::resume(limits, hours, now);
            }
        }
        prop_assert!(most_in(TimeDelta::seconds(1), &admitted) <= 5);
        prop_assert!(most_in(TimeDelta::hours(1), &admitted) <= per_hour as usize);
        prop_assert!(most_in(TimeDelta::days(1), &admitted) <= per_day as usize);
    }
}

#[test]
fn a_clock_that_is_set_back_neither_frees_nor_stops_the_quota() {
    for back in [1, 10, 3600, 1_000_000] {
        let mut quota = Quota::new(limits("2/s"));
        let now = START + TimeDelta::days(100);
        assert_eq!(quota.admit(now), Ok(()));
        let now = now - TimeDelta::seconds(back);
        assert_eq!(quota.admit(now), Ok(()));
        let later = quota.admit(now).unwrap_err();
        assert!(
            later <= now + TimeDelta::milliseconds(2040),
            "{back}: {later}"
        );
        assert_eq!(quota.admit(later), Ok(()));
    }
}

#[test]
fn what_is_allowed_is_nearly_used_up() {
    for (text, length, least) in [
        ("10/s", TimeDelta::minutes(10), 5880),
        ("1/s", TimeDelta::minutes(10), 585),
        ("500/h", TimeDelta::days(1), 11_800),
        ("20000/d", TimeDelta::days(25), 480_000),
    ] {
        let admitted = greedy(Quota::new(limits(text)), START, least);
        let time = admitted[least - 1] - START;
        assert!(time <= length, "{text}: {time}");
    }
}

#[test]
fn no_limit_admits_everything() {
    let mut quota = Quota::new(Limits::default());
    assert!((0..100_000).all(|_| quota.admit(START).is_ok()));
}

#[test]
fn what_was_not_sent_is_given_back() {
    let mut quota = Quota::new(limits("2/s,2/h,2/d"));
    let later = START + TimeDelta::hours(2);
    assert_eq!(quota.admit(START), Ok(()));
    assert_eq!(quota.admit(later), Ok(()));
    assert!(quota.admit(later).is_err());

    quota.refund(START);
    assert_eq!(quota.admit(later), Ok(()));
    assert!(quota.admit(later).is_err());

    // Nothing was admitted then, or it is long forgotten.
    quota.refund(START + TimeDelta::hours(1));
    quota.refund(START - TimeDelta::days(9));
    assert!(quota.admit(later).is_err());
}

#[test]
fn a_full_day_survives_a_restart() {
    let limits = limits("100/d");
    let now = START + TimeDelta::minutes(90);
    let hours = [(START, 60), (START + TimeDelta::hours(1), 40)];
    let mut quota = Quota::resume(limits, hours, now);
    assert_eq!(quota.admit(now), Err(START + TimeDelta::hours(25)));
    assert_eq!(quota.hours().collect::<Vec<_>>(), hours);

    let long_ago = [(START - TimeDelta::days(2), 100)];
    assert_eq!(Quota::resume(limits, long_ago, now).admit(now), Ok(()));
}
