use super::*;

fn at(millis: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::milliseconds(millis)
}

fn relay(name: &str) -> RelayName {
    RelayName::parse(name).unwrap()
}

fn group(name: &str) -> GroupName {
    GroupName::parse(name).unwrap()
}

fn pace(limits: &str, connections: usize) -> Pace {
    let connections = NonZeroUsize::new(connections).unwrap();
    Pace::new(limits.parse().unwrap(), connections, None)
}

/// Sends one message to `to`, if there is leave; tells whether it went.
fn send(traffic: &Traffic, by: &str, to: &str, now: DateTime<Utc>) -> bool {
    let Ok(mut ticket) = traffic.reserve(&relay(by), now) else {
        return false;
    };
    if ticket.closed.contains(&group(to)) {
        traffic.refund(ticket);
        return false;
    }
    traffic.narrow(&mut ticket, &group(to));
    traffic.redeem(ticket, &group(to), Came::Sent, now);
    true
}

#[test]
fn a_destination_that_is_full_does_not_hold_up_the_others() {
    let traffic = Traffic::new([(relay("mx"), None, 1)], [(group("gmail"), pace("2/s", 8))]);

    let went = |to| (0..10).filter(|_| send(&traffic, "mx", to, at(0))).count();

    assert_eq!(went("gmail"), 2);
    assert_eq!(went("other"), 10);
    let ticket = traffic.reserve(&relay("mx"), at(1)).unwrap();
    assert!(ticket.opens.is_some_and(|opens| opens <= at(1_100)));
}

#[test]
fn a_message_that_goes_elsewhere_costs_a_destination_nothing() {
    let traffic = Traffic::new([(relay("mx"), None, 1)], [(group("gmail"), pace("1/s", 1))]);

    for _ in 0..10 {
        assert!(send(&traffic, "mx", "other", at(0)));
    }

    assert!(send(&traffic, "mx", "gmail", at(0)));
    assert!(!send(&traffic, "mx", "gmail", at(10)));
}

#[test]
fn a_destination_gets_no_more_connections_than_it_may() {
    let traffic = Traffic::new([(relay("mx"), None, 1)], [(group("gmail"), pace("", 1))]);
    let mut first = traffic.reserve(&relay("mx"), at(0)).unwrap();
    traffic.narrow(&mut first, &group("gmail"));

    assert!(!send(&traffic, "mx", "gmail", at(1)));
    traffic.redeem(first, &group("gmail"), Came::Sent, at(2));
    assert!(send(&traffic, "mx", "gmail", at(3)));
}

#[test]
fn a_relay_that_is_full_says_when_it_is_not() {
    let traffic = Traffic::new([(relay("mx"), Some(pace("1/s", 8)), 1)], []);
    assert!(send(&traffic, "mx", "other", at(0)));

    let Err(Wait::Until(when)) = traffic.reserve(&relay("mx"), at(10)) else {
        panic!("it is not full");
    };

    assert!(!send(&traffic, "mx", "other", at(900)));
    assert!(send(&traffic, "mx", "other", when));
}

#[test]
fn relays_share_the_work_by_weight_and_wait_for_none_that_is_idle() {
    let relays = [(relay("big"), None, 3), (relay("small"), None, 1)];
    let traffic = Traffic::new(relays, []);
    let mut sent = [0_i64, 0];
    for n in 0..400 {
        for (name, sent) in ["big", "small"].iter().zip(&mut sent) {
            *sent += i64::from(send(&traffic, name, "other", at(n)));
        }
    }
    assert!(
        (sent[0] - 3 * sent[1]).abs() <= 4 * SLACK as i64,
        "{sent:?}"
    );

    let alone = (0..400).filter(|n| send(&traffic, "big", "other", at(5_000 + n)));
    assert_eq!(alone.count(), 400);
}

#[test]
fn a_relay_that_has_all_it_may_have_does_not_hold_up_the_others() {
    let relays = [
        (relay("slow"), Some(pace("10/s", 8)), 1),
        (relay("fast"), None, 1),
    ];
    let traffic = Traffic::new(relays, []);
    let mut sent = [0, 0];
    for n in 0..1_000 {
        for (name, sent) in ["slow", "fast"].iter().zip(&mut sent) {
            *sent += i32::from(send(&traffic, name, "other", at(n)));
        }
    }
    assert!(sent[0] <= 10 && sent[1] > 900, "{sent:?}");
}

#[test]
fn a_destination_that_complains_gets_less_though_nothing_limits_it() {
    let traffic = Traffic::new([(relay("mx"), None, 1)], []);
    for n in 0..100 {
        assert!(send(&traffic, "mx", "gmail", at(n * 100)));
    }

    traffic.rate_limited(&group("gmail"), at(10_000));

    let went = (0..100).filter(|n| send(&traffic, "mx", "gmail", at(10_000 + n * 100)));
    assert!((40..=55).contains(&went.count()));
    assert!(send(&traffic, "mx", "other", at(20_000)));
}

#[test]
fn a_quota_outlives_the_process() {
    let relays = || [(relay("mx"), Some(pace("100/d", 8)), 1)];
    let traffic = Traffic::new(relays(), []);
    let usage = [("gmail", 60), ("other", 30)].map(|(name, attempts)| Usage {
        relay: relay("mx"),
        group: group(name),
        hour: at(0),
        attempts,
    });

    traffic.resume(&usage, at(1_000));

    let went = (0..100).filter(|_| send(&traffic, "mx", "other", at(2_000)));
    assert_eq!(went.count(), 10);
}
