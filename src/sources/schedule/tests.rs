use super::*;
use crate::sources::{
    FeedUrl, Origin,
    entry::{Entry, Hints},
    fixture,
};

const MINUTES: u64 = 60;
const HOURS: u64 = 3600;
const DAYS: u64 = 24 * HOURS;

fn now() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn source() -> Source {
    Source {
        interval: Some(HOUR),
        ..fixture::feed("wire", "https://wire.example/feed")
    }
}

fn reached(quiet: u64) -> Outcome {
    Outcome::Reached {
        quiet: Some(Duration::from_secs(quiet)),
    }
}

fn failed(failures: u32, retry_after: u64) -> Outcome {
    Outcome::Failed {
        failures,
        since: now(),
        retry_after: Some(Duration::from_secs(retry_after)),
    }
}

#[test]
fn the_longest_wish_is_granted_within_a_week() {
    /// For 50 sources: none earlier than `floor`, none later than a tenth above it.
    #[track_caller]
    fn check(interval: u64, outcome: Outcome, floor: u64) {
        let floor = Duration::from_secs(floor);
        for n in 0..50 {
            let source = SourceName::parse(&format!("source-{n}")).unwrap();
            let next = next_poll(&source, Duration::from_secs(interval), outcome, now());
            let wait = (next - now()).to_std().unwrap();
            assert!(floor <= wait, "{wait:?} is less than {floor:?}");
            assert!(
                wait <= floor.mul_f64(1.1),
                "{wait:?} is far more than {floor:?}"
            );
        }
    }

    check(HOURS, Outcome::Reached { quiet: None }, HOURS);
    check(HOURS, reached(10 * MINUTES), HOURS);
    check(HOURS, reached(6 * HOURS), 6 * HOURS);
    check(5 * MINUTES, reached(0), 5 * MINUTES);
    check(HOURS, reached(365 * DAYS), 7 * DAYS);
    check(HOURS, reached(u64::MAX), 7 * DAYS);
    check(14 * DAYS, reached(0), 14 * DAYS);
    check(5 * MINUTES, failed(1, 0), HOURS);
    check(HOURS, failed(2, 0), 2 * HOURS);
    check(HOURS, failed(3, 0), 4 * HOURS);
    check(HOURS, failed(5, 0), 16 * HOURS);
    check(HOURS, failed(6, 0), DAYS);
    check(HOURS, failed(u32::MAX, 0), DAYS);
    check(2 * DAYS, failed(1, 0), 2 * DAYS);
    check(HOURS, failed(1, 3 * DAYS), 3 * DAYS);
    check(HOURS, failed(1, u64::MAX), 7 * DAYS);
    check(HOURS, failed(3, 60), 4 * HOURS);
    let dead = |days| Outcome::Failed {
        failures: 9,
        since: now() - TimeDelta::days(days),
        retry_after: None,
    };
    check(HOURS, dead(29), DAYS);
    check(HOURS, dead(30), 7 * DAYS);
    check(9 * DAYS, dead(30), 9 * DAYS);
}

#[test]
fn polls_spread_but_stay_the_same_all_day() {
    let next = |n: u32, now| {
        let source = SourceName::parse(&format!("source-{n}")).unwrap();
        next_poll(&source, HOUR, Outcome::Reached { quiet: None }, now) - now
    };
    let waits: std::collections::HashSet<_> = (0..100).map(|n| next(n, now())).collect();

    assert!(waits.len() > 90, "only {} different waits", waits.len());
    assert_eq!(next(1, now()), next(1, now() + HOUR));
    assert_ne!(next(1, now()), next(1, now() + DAY));
}

fn validators(etag: &[u8]) -> Validators {
    Validators {
        etag: Some(etag.to_vec()),
        ..Validators::default()
    }
}

fn document(dates: &[&str]) -> Document {
    let entries = dates.iter().map(|date| Entry {
        published: date.parse().ok(),
        ..Entry::default()
    });
    Document {
        entries: entries.collect(),
        ..Document::default()
    }
}

#[test]
fn a_document_is_counted_and_its_validators_replace_the_old() {
    let first = Poll::unpolled(&source().origin, now()).read(
        &source(),
        &Arrival {
            new: 3,
            ..Arrival::of(
                &document(&["2026-11-20T00:00:00Z", "2099-01-01T00:00:00Z", "undated"]),
                validators(b"\"1\""),
                None,
            )
        },
        now(),
    );
    assert_eq!(first.entries, Some(3));
    assert_eq!(first.newest, "2026-11-20T00:00:00Z".parse().ok());
    assert_eq!(first.result, "read 3 entries");
    assert_eq!(first.validators, validators(b"\"1\""));

    let second = first.read(
        &source(),
        &Arrival {
            new: 1,
            ..Arrival::of(
                &document(&["2026-11-01T00:00:00Z"]),
                Validators::default(),
                None,
            )
        },
        now() + HOUR,
    );
    assert_eq!(second.entries, Some(4));
    assert_eq!(second.newest, first.newest);
    assert_eq!(second.result, "read 1 entry");
    assert_eq!(second.validators, Validators::default());
    assert_eq!(second.last, now() + HOUR);
}

#[test]
fn a_feed_that_asks_for_rest_gets_it() {
    let poll = Poll::unpolled(&source().origin, now());
    let hints = Hints {
        ttl_minutes: Some(180),
        ..Hints::default()
    };
    let document = Document {
        hints,
        ..document(&[])
    };
    let arrival = Arrival::of(&document, Validators::default(), Some(2 * HOUR));

    let next = poll.read(&source(), &arrival, now()).next;

    assert!(next >= now() + 3 * HOUR && next < now() + 4 * HOUR);
}

#[test]
fn failures_are_counted_from_the_first_and_forgotten_on_success() {
    let fresh = Poll::unpolled(&source().origin, now());
    let once = fresh.failed(&source(), "answered 503".to_owned(), None, now());
    let twice = once.failed(&source(), "timed out".to_owned(), None, now() + HOUR);
    let gone = twice.gone(now() + DAY);
    let well = gone.unchanged(&source(), validators(b"2"), None, None, now() + DAY);

    assert_eq!((once.failures, once.failing_since), (1, Some(now())));
    assert_eq!((twice.failures, twice.failing_since), (2, Some(now())));
    assert_eq!(twice.result, "timed out");
    assert!(twice.next >= now() + 3 * HOUR);
    assert!(gone.gone && !gone.is_active());
    assert!(well.is_active());
    assert_eq!((well.failures, well.failing_since), (0, None));
    assert_eq!(well.result, "not modified");
    assert_eq!(well.validators, validators(b"2"));
    assert_eq!(well.entries, None);
}

#[test]
fn another_address_starts_afresh() {
    let kept = Poll {
        entries: Some(9),
        ..Poll::unpolled(&source().origin, now())
    };
    let moved = Source {
        origin: Origin::Feed(FeedUrl::parse("https://wire.example/atom").unwrap()),
        ..source()
    };

    assert_eq!(Poll::resumed(Some(kept.clone()), &source(), now()), kept);
    assert_eq!(Poll::resumed(Some(kept), &moved, now()).entries, None);
    assert_eq!(Poll::resumed(None, &source(), now()).entries, None);
}

#[test]
fn what_the_last_document_wished_holds_while_it_is_not_modified() {
    let document = Document {
        hints: Hints {
            ttl_minutes: Some(600),
            skip_hours: vec![18, 19],
            ..Hints::default()
        },
        ..document(&[])
    };
    let arrival = Arrival::of(&document, validators(b"1"), None);
    let read = Poll::unpolled(&source().origin, now()).read(&source(), &arrival, now());
    let again = read.unchanged(&source(), validators(b"1"), None, None, now() + DAY);

    for (next, asked) in [(read.next, now()), (again.next, now() + DAY)] {
        let wait = (next - asked).to_std().unwrap();
        assert!(wait >= 10 * HOUR && wait <= 13 * HOUR, "{wait:?}");
        assert!(![18, 19].contains(&chrono::Timelike::hour(&next)));
    }
    assert_eq!(again.hints, document.hints);
}

#[test]
fn a_document_leaves_its_rhythm_its_defects_and_its_hub() {
    let defect = |n: u32| Defect {
        line: Some(n),
        what: "bare &".to_owned(),
    };
    let hub = Hub {
        hubs: vec!["https://hub.example/".parse().unwrap()],
        topic: "https://wire.example/feed".parse().unwrap(),
    };
    let document = Document {
        defects: (0..30).map(defect).collect(),
        hub: Some(hub.clone()),
        ..document(&[
            "2026-11-22T00:00:00Z",
            "2026-11-21T00:00:00Z",
            "2026-11-20T00:00:00Z",
        ])
    };
    let arrival = Arrival::of(&document, validators(b"1"), None);
    let adaptive = Source {
        interval: None,
        ..source()
    };
    let read = Poll::unpolled(&source().origin, now()).read(&adaptive, &arrival, now());

    assert_eq!(read.rhythm, Some(DAY));
    assert_eq!(read.defects, document.defects[..20]);
    assert_eq!(read.hub, Some(hub));
    let wait = (read.next - now()).to_std().unwrap();
    assert!(wait >= 12 * HOUR && wait <= 14 * HOUR, "{wait:?}");
}

#[test]
fn a_host_that_names_a_time_rests_until_then_and_no_longer_than_a_week() {
    let fresh = Poll::unpolled(&source().origin, now());
    let busy = |wait| fresh.failed(&source(), "answered 429".to_owned(), wait, now());

    assert_eq!(busy(None).rests_until, None);
    assert_eq!(busy(Some(HOUR)).rests_until, Some(now() + HOUR));
    assert_eq!(busy(Some(90 * DAY)).rests_until, Some(now() + 7 * DAY));
    let well = busy(Some(HOUR)).unchanged(&source(), validators(b"1"), None, None, now());
    assert_eq!(well.rests_until, None);
}

#[test]
fn a_poll_planned_by_a_clock_that_was_wrong_is_brought_back() {
    let due_in = |days: u32, interval: Option<Duration>| {
        let source = Source {
            interval,
            ..source()
        };
        let kept = Poll {
            next: now() + DAY * days,
            rests_until: Some(now() + DAY * days),
            ..Poll::unpolled(&source.origin, now())
        };
        let resumed = Poll::resumed(Some(kept), &source, now());
        (resumed.next - now(), resumed.rests_until.is_some())
    };

    assert_eq!(due_in(8, None), (TimeDelta::days(8), true));
    let (brought_back, rests) = due_in(9, None);
    assert!(brought_back <= TimeDelta::hours(1) && !rests);
    assert_eq!(due_in(20, Some(30 * DAY)).0, TimeDelta::days(20));
}

#[test]
fn an_address_taken_over_from_a_redirect_goes_on_where_it_was() {
    let new = FeedUrl::parse("https://wire.example/new").unwrap();
    let kept = Poll {
        entries: Some(9),
        address: Some(new.clone()),
        ..Poll::unpolled(&source().origin, now())
    };
    let renamed = Source {
        origin: Origin::Feed(new.clone()),
        ..source()
    };
    let resumed = Poll::resumed(Some(kept), &renamed, now());

    assert_eq!(resumed.entries, Some(9));
    assert_eq!(
        (resumed.origin.as_str(), resumed.address),
        (new.as_str(), None)
    );
}

#[test]
fn a_failing_source_is_news_once_a_day() {
    let fresh = Poll::unpolled(&source().origin, now());
    let mut poll = fresh.clone();
    let mut told = Vec::new();
    for hours in 0..72 {
        let now = now() + HOUR * hours;
        let next = poll.failed(&source(), "answered 500".to_owned(), None, now);
        if next.news_since(&poll).is_some() {
            told.push(hours);
        }
        poll = next;
    }
    assert_eq!(told, [0, 24, 48]);

    let well = poll.unchanged(&source(), validators(b"1"), None, None, now() + 3 * DAY);
    assert_eq!(well.news_since(&poll), None);
    let gone = poll.gone(now() + 2 * DAY);
    assert!(gone.news_since(&poll).unwrap().contains("410 Gone"));
}

#[test]
fn a_source_that_has_moved_is_news_once() {
    let new = FeedUrl::parse("https://wire.example/new").unwrap();
    let mut poll = Poll::unpolled(&source().origin, now());
    let mut told = Vec::new();
    for day in 0..6 {
        let arrival = Arrival {
            moved: (poll.address.is_none()).then(|| new.clone()),
            ..Arrival::default()
        };
        let next = poll.read(&source(), &arrival, now() + DAY * day);
        told.extend(next.news_since(&poll));
        poll = next;
    }

    assert_eq!(
        told,
        ["has moved to https://wire.example/new: change its address in the configuration"]
    );
}
