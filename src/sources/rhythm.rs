//! How often a source is worth asking, by what it publishes and by the hours it wants for itself.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};

use super::{Origin, Poll, Source, entry::Hints};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// A source that has been silent for so long is asked once a day, and then once a week.
const QUIET: TimeDelta = TimeDelta::days(30);
const SILENT: TimeDelta = TimeDelta::days(180);

/// The latest dates of a document that its rhythm is taken from.
const LOOKED_AT: usize = 20;

/// How long to wait when nobody wishes otherwise: what the operator states, else what is learned.
///
/// A source is asked twice in the usual time between two of its entries, at least once a day and
/// at most once an hour; less often when it has fallen silent. One that gives no validators costs
/// its server a whole document each time, so it is asked once a day. A folder costs nobody anything.
pub fn own_interval(source: &Source, poll: &Poll, now: DateTime<Utc>) -> Duration {
    if let Some(stated) = source.interval {
        return stated;
    }
    if matches!(source.origin, Origin::Folder(_)) {
        return HOUR;
    }
    let silence = poll.newest.map_or(TimeDelta::zero(), |newest| now - newest);
    let learned = match poll.rhythm {
        _ if silence >= SILENT => WEEK,
        _ if silence >= QUIET => DAY,
        Some(gap) => (gap / 2).clamp(HOUR, DAY),
        None => HOUR,
    };
    match poll.validators.is_empty() && poll.entries.is_some() {
        true => learned.max(DAY),
        false => learned,
    }
}

/// The usual time between two entries: the median gap of their latest dates, from two gaps on.
///
/// Dates to come are not believed.
pub fn rhythm(dates: &[DateTime<Utc>], now: DateTime<Utc>) -> Option<Duration> {
    let past: BTreeSet<_> = dates.iter().filter(|date| **date <= now).collect();
    let latest: Vec<_> = past.into_iter().rev().take(LOOKED_AT).collect();
    let mut gaps: Vec<Duration> = latest
        .windows(2)
        .filter_map(|pair| (*pair[0] - *pair[1]).to_std().ok())
        .collect();
    if gaps.len() < 2 {
        return None;
    }
    gaps.sort_unstable();
    Some(gaps[gaps.len() / 2])
}

/// Moves `at` out of the hours and days that the source wants to be left alone, never by more than
/// `longest`; hours and days that leave no room at all are a mistake and count for nothing.
pub fn outside_skipped(hints: &Hints, at: DateTime<Utc>, longest: Duration) -> DateTime<Utc> {
    let distinct = |stated: &[u8], n: u8| {
        let stated: BTreeSet<u8> = stated.iter().copied().filter(|one| *one < n).collect();
        if stated.len() < usize::from(n) {
            stated
        } else {
            BTreeSet::new()
        }
    };
    let hours = distinct(&hints.skip_hours, 24);
    let days = distinct(&hints.skip_days, 7);
    let is_skipped = |at: &DateTime<Utc>| {
        let holds = |set: &BTreeSet<u8>, n: u32| set.iter().any(|one| u32::from(*one) == n);
        holds(&hours, at.hour()) || holds(&days, at.weekday().num_days_from_monday())
    };
    // By whole hours, so that sources which skip the same ones do not all come back at once.
    let steps = i64::try_from(longest.as_secs() / 3600).unwrap_or(i64::MAX);
    (0..=steps)
        .map(|hours| at + TimeDelta::hours(hours))
        .find(|at| !is_skipped(at))
        .unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::fixture;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn source(interval: Option<Duration>) -> Source {
        Source {
            interval,
            ..fixture::feed("wire", "https://wire.example/feed")
        }
    }

    #[test]
    fn a_source_is_asked_as_often_as_it_publishes() {
        let now = at("2026-11-23T08:00:00Z");
        let fresh = Poll::unpolled(&source(None).origin, now);
        /// A source that gives an `ETag`, with a rhythm in hours and a silence in days.
        #[track_caller]
        fn check(fresh: &Poll, rhythm: Option<u32>, silent: i64, expected: Duration) {
            let now = fresh.next;
            let mut poll = Poll {
                rhythm: rhythm.map(|hours| HOUR * hours),
                newest: Some(now - TimeDelta::days(silent)),
                entries: Some(9),
                ..fresh.clone()
            };
            poll.validators.etag = Some(b"\"1\"".to_vec());
            assert_eq!(own_interval(&source(None), &poll, now), expected);
            let stated = Duration::from_secs(900);
            assert_eq!(own_interval(&source(Some(stated)), &poll, now), stated);
            poll.validators.etag = None;
            assert_eq!(own_interval(&source(None), &poll, now), expected.max(DAY));
            assert_eq!(own_interval(&source(Some(stated)), &poll, now), stated);
        }

        assert_eq!(own_interval(&source(None), &fresh, now), HOUR);
        check(&fresh, None, 0, HOUR);
        check(&fresh, Some(1), 0, HOUR);
        check(&fresh, Some(10), 1, 5 * HOUR);
        check(&fresh, Some(100), 9, DAY);
        check(&fresh, Some(1), 29, HOUR);
        check(&fresh, Some(1), 30, DAY);
        check(&fresh, Some(1), 180, WEEK);
    }

    #[test]
    fn a_folder_is_looked_into_every_hour() {
        let now = at("2026-11-23T08:00:00Z");
        let folder = Source {
            origin: Origin::Folder("desk".into()),
            ..source(None)
        };
        let poll = Poll {
            entries: Some(1),
            newest: Some(now - TimeDelta::days(400)),
            ..Poll::unpolled(&folder.origin, now)
        };

        assert_eq!(own_interval(&folder, &poll, now), HOUR);
    }

    #[test]
    fn the_rhythm_is_the_median_gap_of_what_was_published() {
        let now = at("2026-11-23T08:00:00Z");
        let ago = |hours: &[i64]| -> Vec<_> {
            let dates = hours.iter().map(|hours| now - TimeDelta::hours(*hours));
            dates.collect()
        };

        assert_eq!(rhythm(&ago(&[]), now), None);
        assert_eq!(rhythm(&ago(&[1, 2]), now), None);
        assert_eq!(rhythm(&ago(&[3, 3, 3, 3]), now), None);
        assert_eq!(rhythm(&ago(&[9, 1, 5]), now), Some(4 * HOUR));
        assert_eq!(rhythm(&ago(&[0, 1, 2, 500]), now), Some(HOUR));
        assert_eq!(rhythm(&ago(&[-100, -50, 1, 2, 3]), now), Some(HOUR));
        let old_habits: Vec<i64> = (0..30).chain((1..100).map(|n| n * 50)).collect();
        assert_eq!(rhythm(&ago(&old_habits), now), Some(HOUR));
    }

    #[test]
    fn hours_and_days_that_are_skipped_are_left_alone() {
        #[track_caller]
        fn check(hours: &[u8], days: &[u8], from: &str, to: &str) {
            let hints = Hints {
                skip_hours: hours.to_vec(),
                skip_days: days.to_vec(),
                ..Hints::default()
            };
            assert_eq!(outside_skipped(&hints, at(from), WEEK), at(to));
        }

        // A Monday.
        let monday = "2026-11-23T08:12:00Z";
        check(&[], &[], monday, monday);
        check(&[7, 9], &[1], monday, monday);
        check(&[8, 9], &[], monday, "2026-11-23T10:12:00Z");
        check(&[], &[0, 1], monday, "2026-11-25T00:12:00Z");
        check(&[0, 1], &[0], monday, "2026-11-24T02:12:00Z");
        check(
            &[23, 0],
            &[],
            "2026-11-23T23:00:00Z",
            "2026-11-24T01:00:00Z",
        );
        let all_day: Vec<u8> = (0..24).collect();
        check(&all_day, &[], monday, monday);
        check(&[8], &[0, 1, 2, 3, 4, 5, 6], monday, "2026-11-23T09:12:00Z");
        check(&[24, 99], &[7], monday, monday);
        let all_but_three: Vec<u8> = (0..24).filter(|hour| *hour != 3).collect();
        check(
            &all_but_three,
            &[0, 1, 2, 3, 4, 5],
            monday,
            "2026-11-29T03:12:00Z",
        );
    }

    #[test]
    fn skipping_ends_somewhere() {
        let hints = Hints {
            skip_days: vec![0, 1, 2],
            ..Hints::default()
        };
        let monday = at("2026-11-23T08:00:00Z");

        assert_eq!(outside_skipped(&hints, monday, DAY), monday);
        assert_eq!(outside_skipped(&hints, monday, Duration::ZERO), monday);
    }
}
