use super::*;
use crate::sources::{FeedUrl, Origin, fixture};

const NOBODY: [usize; 0] = [];

fn now() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> DateTime<Utc> {
    now() + TimeDelta::seconds(seconds)
}

fn source(n: usize, address: &str) -> Source {
    let name = format!("source-{n}");
    match FeedUrl::parse(address) {
        Ok(_) => fixture::feed(&name, address),
        Err(_) => Source {
            origin: Origin::Folder(address.into()),
            ..fixture::feed(&name, "https://a.example/")
        },
    }
}

fn due(source: &Source, seconds: i64) -> Poll {
    Poll::unpolled(&source.origin, after(seconds))
}

/// Sources at these addresses, due so many seconds from now.
fn agenda(sources: &[(&str, i64)]) -> Agenda {
    let mut agenda = empty();
    for (n, (address, seconds)) in sources.iter().enumerate() {
        let source = source(n, address);
        agenda.add(&source, &due(&source, *seconds), Polling::Active);
    }
    agenda
}

fn empty() -> Agenda {
    Agenda::new(Duration::from_secs(1), now())
}

fn taken(agenda: &mut Agenda, seconds: i64) -> Vec<usize> {
    std::iter::from_fn(|| agenda.take(after(seconds))).collect()
}

fn next_poll_in(agenda: &mut Agenda, n: usize, seconds: i64, at: i64) {
    let poll = due(&source(n, "http://a.example/"), seconds);
    agenda.done(n, &poll, after(at));
}

#[test]
fn what_is_due_comes_first_come_first_served() {
    let mut agenda = agenda(&[
        ("http://a.example/", 5),
        ("http://b.example/", -5),
        ("http://c.example/", -9),
        ("desk", -7),
    ]);

    assert_eq!(taken(&mut agenda, 0), [2, 3, 1]);
    assert_eq!(agenda.next(), Some(after(5)));
    assert_eq!(taken(&mut agenda, 5), [0]);
    assert_eq!(agenda.next(), None);
}

#[test]
fn one_host_is_asked_one_thing_at_a_time_with_room_between() {
    let mut agenda = agenda(&[
        ("http://a.example/1", 0),
        ("https://A.example:8443/2", 0),
        ("http://a.example./3", 0),
        ("http://b.example/", 0),
        ("desk", 0),
        ("attic", 0),
    ]);

    assert_eq!(taken(&mut agenda, 0), [0, 3, 4, 5]);
    assert_eq!(taken(&mut agenda, 100), NOBODY);
    next_poll_in(&mut agenda, 0, 3600, 100);
    assert_eq!(agenda.next(), Some(after(101)));
    assert_eq!(taken(&mut agenda, 100), NOBODY);
    assert_eq!(taken(&mut agenda, 101), [1]);
    next_poll_in(&mut agenda, 1, 3600, 101);
    assert_eq!(taken(&mut agenda, 102), [2]);
}

#[test]
fn a_host_that_wants_to_rest_rests_with_all_that_is_on_it() {
    let mut agenda = agenda(&[
        ("http://a.example/1", 0),
        ("http://a.example/2", 0),
        ("http://b.example/", 60),
    ]);
    assert_eq!(taken(&mut agenda, 0), [0]);
    let poll = Poll {
        rests_until: Some(after(600)),
        ..due(&source(0, ""), 300)
    };
    agenda.done(0, &poll, after(1));

    assert_eq!(agenda.claim(1, after(2)), Claim::Resting(after(600)));
    assert_eq!(taken(&mut agenda, 599), [2]);
    assert_eq!(agenda.next(), Some(after(600)));
    assert_eq!(taken(&mut agenda, 600), [1]);
    next_poll_in(&mut agenda, 1, 3600, 600);
    assert_eq!(taken(&mut agenda, 601), [0]);
}

#[test]
fn a_wish_to_rest_is_known_after_a_restart() {
    let (first, second) = (
        source(0, "http://a.example/1"),
        source(1, "http://a.example/2"),
    );
    let resting = Poll {
        rests_until: Some(after(600)),
        ..due(&first, 900)
    };
    let mut agenda = empty();
    agenda.add(&second, &due(&second, 0), Polling::Active);
    agenda.add(&first, &resting, Polling::Active);

    assert_eq!(taken(&mut agenda, 599), NOBODY);
    assert_eq!(taken(&mut agenda, 600), [0]);
}

#[test]
fn a_believed_redirect_is_counted_to_the_host_that_is_asked() {
    let (moved, other) = (
        source(0, "http://a.example/"),
        source(1, "http://b.example/"),
    );
    let poll = Poll {
        address: FeedUrl::parse("http://b.example/new").ok(),
        ..due(&moved, 0)
    };
    let mut agenda = empty();
    agenda.add(&moved, &poll, Polling::Active);
    agenda.add(&other, &due(&other, 0), Polling::Active);

    assert_eq!(taken(&mut agenda, 0), [0]);
}

#[test]
fn what_is_gone_is_never_due_and_may_still_be_claimed() {
    let gone = source(0, "http://a.example/");
    let poll = Poll {
        gone: true,
        ..due(&gone, 0)
    };
    let mut agenda = empty();
    agenda.add(&gone, &poll, Polling::Active);

    assert_eq!(agenda.next(), None);
    assert_eq!(taken(&mut agenda, 9_999_999), NOBODY);
    assert_eq!(agenda.claim(0, after(0)), Claim::Taken);
    agenda.done(0, &poll, after(1));
    assert_eq!(agenda.next(), None);

    let resumed = Poll {
        gone: false,
        ..poll
    };
    agenda.reconsider(&gone.name, &resumed, Polling::Active);
    assert_eq!(taken(&mut agenda, 2), [0]);
    agenda.reconsider(&gone.name, &resumed, Polling::Active);
    assert_eq!(taken(&mut agenda, 9), NOBODY, "it is in hand");
}

#[test]
fn a_claim_waits_like_everybody_else() {
    let mut agenda = agenda(&[("http://a.example/1", 900), ("http://a.example/2", 900)]);

    assert_eq!(agenda.claim(0, after(0)), Claim::Taken);
    assert_eq!(agenda.claim(1, after(0)), Claim::Busy);
    next_poll_in(&mut agenda, 0, 3600, 5);
    assert_eq!(agenda.claim(1, after(5)), Claim::At(after(6)));
    assert_eq!(agenda.claim(1, after(6)), Claim::Taken);
    assert_eq!(taken(&mut agenda, 950), NOBODY, "nobody takes it twice");
    agenda.put_back(1, after(7));
    assert_eq!(agenda.next(), Some(after(7) + UNRECORDED));
}

#[test]
fn no_more_are_in_hand_than_may_be() {
    let hosts: Vec<String> = (0..MOST_IN_HAND + 8)
        .map(|n| format!("http://host-{n}.example/"))
        .collect();
    let listed: Vec<(&str, i64)> = hosts.iter().map(|host| (host.as_str(), 0)).collect();
    let mut agenda = agenda(&listed);

    assert_eq!(taken(&mut agenda, 0).len(), MOST_IN_HAND);
    assert_eq!(agenda.next(), None);
    assert_eq!(agenda.claim(MOST_IN_HAND, after(0)), Claim::Busy);
    next_poll_in(&mut agenda, 0, 3600, 0);
    assert_eq!(taken(&mut agenda, 0), [MOST_IN_HAND]);
}

#[test]
fn a_clock_that_was_set_back_is_noticed() {
    let mut agenda = agenda(&[("http://a.example/", 0)]);
    assert!(!agenda.is_outdated(after(-1800)));
    assert!(agenda.is_outdated(after(-7200)));
    assert_eq!(taken(&mut agenda, 0), [0]);
    assert!(!agenda.is_outdated(after(-7200)), "somebody is in hand");
}

#[test]
fn ten_thousand_sources_are_worked_through_in_order() {
    let addresses: Vec<String> = (0..10_000)
        .map(|n| format!("http://host-{}.example/{n}", n % 500))
        .collect();
    let listed: Vec<(&str, i64)> = addresses
        .iter()
        .map(|address| (address.as_str(), 0))
        .collect();
    let mut agenda = agenda(&listed);

    let mut asked = std::collections::HashSet::new();
    let mut last = vec![i64::MIN; 500];
    let mut clock = 0;
    while asked.len() < 10_000 {
        let round = taken(&mut agenda, clock);
        for n in &round {
            assert!(asked.insert(*n));
            assert!(clock > last[n % 500], "host {}", n % 500);
            last[n % 500] = clock;
        }
        for n in round {
            next_poll_in(&mut agenda, n, 999_999, clock);
        }
        let next = agenda.next().unwrap();
        clock = clock.max((next - now()).num_seconds());
    }
    assert_eq!(last.iter().max(), Some(&19));
}

#[test]
fn a_paused_source_is_left_alone_until_it_is_resumed() {
    let paused = source(0, "https://a.example/feed");
    let poll = due(&paused, 0);
    let mut agenda = empty();
    agenda.add(&paused, &poll, Polling::Off);

    assert_eq!((agenda.take(now()), agenda.next()), (None, None));
    agenda.reconsider(&paused.name, &poll, Polling::Active);
    assert_eq!(agenda.take(now()), Some(0));
    agenda.reconsider(&paused.name, &poll, Polling::Off);
    agenda.done(0, &poll, now());
    assert_eq!(agenda.take(after(9)), None);
}

#[test]
fn a_source_that_stirs_is_due_at_once_also_while_it_is_in_hand() {
    let mut agenda = agenda(&[("desk", 3600)]);
    let desk = source(0, "desk");

    assert_eq!(agenda.take(now()), None);
    agenda.stir(&desk.name);
    assert_eq!(agenda.take(now()), Some(0));
    agenda.stir(&desk.name);
    agenda.done(0, &due(&desk, 3600), now());
    assert_eq!(agenda.take(now()), Some(0));
    agenda.done(0, &due(&desk, 3600), now());
    assert_eq!(agenda.take(now()), None);
}
