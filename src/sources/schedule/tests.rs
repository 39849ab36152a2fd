use super::*;
use crate::sources::{
    FeedUrl, FullText, Origin,
    entry::{Entry, Hints},
};

const MINUTES: u64 = 60;
const HOURS: u64 = 3600;
const DAYS: u64 = 24 * HOURS;

fn now() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn source() -> Source {
    Source {
        name: SourceName::parse("wire").unwrap(),
        title: "Wire".to_owned(),
        origin: Origin::Feed(FeedUrl::parse("https://wire.example/feed").unwrap()),
        interval: HOUR,
        topics: Vec::new(),
        mail_first: 0,
        full_text: FullText::Stated,
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
    check(HOURS, Outcome::Gone, 30 * DAYS);
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
    let gone = twice.gone(&source(), now() + DAY);
    let well = gone.unchanged(&source(), validators(b"2"), None, now() + DAY);

    assert_eq!((once.failures, once.failing_since), (1, Some(now())));
    assert_eq!((twice.failures, twice.failing_since), (2, Some(now())));
    assert_eq!(twice.result, "timed out");
    assert!(twice.next >= now() + 3 * HOUR);
    assert_eq!(gone.next, now() + DAY + 30 * DAY);
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
