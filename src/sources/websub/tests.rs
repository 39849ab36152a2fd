use proptest::prelude::*;

use super::*;
use crate::sources::fixture;

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn hub(hubs: &[&str]) -> Hub {
    Hub {
        hubs: hubs.iter().map(|hub| url(hub)).collect(),
        topic: url("https://wire.example/feed"),
    }
}

fn begun() -> Subscription {
    let hub = hub(&["https://hub.example/"]);
    Subscription::begin(&hub, "1d".to_owned(), "key".to_owned(), at(0)).unwrap()
}

fn asking(mode: Mode) -> Subscription {
    begun().asking(mode, None, at(0))
}

fn verification(mode: &str, topic: &str, lease_seconds: Option<i64>) -> Verification {
    Verification {
        mode: mode.to_owned(),
        topic: topic.to_owned(),
        challenge: "c".to_owned(),
        lease_seconds,
        reason: "no".to_owned(),
    }
}

const TOPIC: &str = "https://wire.example/feed";

#[track_caller]
fn subscribed(verified: Verified) -> Subscription {
    match verified {
        Verified::Subscribed(subscription) => subscription,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lease_is_renewed_after_two_thirds_of_it() {
    #[track_caller]
    fn check(lease: Option<i64>, until: i64, next: i64) {
        let asked = verification("subscribe", TOPIC, lease);
        let live = subscribed(asking(Mode::Subscribe).verify(&asked, at(10)));
        assert_eq!(live.until, Some(at(10 + until)), "{lease:?}");
        assert_eq!(live.next, at(10 + next), "{lease:?}");
        assert!(live.is_live(at(10)) && !live.is_live(at(10 + until)));
    }

    check(Some(3 * 86_400), 3 * 1440, 2 * 1440);
    check(None, 10 * 1440, 9600);
    check(Some(60), 1, 60);
    assert_eq!(begun().failures, 0);
}

#[test]
fn what_was_not_asked_for_is_not_confirmed() {
    #[track_caller]
    fn check(subscription: &Subscription, asked: &Verification) {
        assert_eq!(
            subscription.verify(asked, at(1)),
            Verified::Unasked,
            "{asked:?}"
        );
    }
    let pending = asking(Mode::Subscribe);
    let good = verification("subscribe", TOPIC, None);

    check(
        &pending,
        &verification("subscribe", "https://wire.example/feed/", None),
    );
    check(&pending, &verification("subscribe", "", None));
    check(&pending, &verification("unsubscribe", TOPIC, None));
    check(&pending, &verification("", TOPIC, None));
    for challenge in ["", &"c".repeat(LONGEST_CHALLENGE + 1)] {
        let asked = Verification {
            challenge: challenge.to_owned(),
            ..good.clone()
        };
        check(&pending, &asked);
    }
    check(&begun(), &good);
    check(&asking(Mode::Unsubscribe), &good);
    let live = subscribed(pending.verify(&good, at(1)));
    check(&live, &good);
    check(&live, &verification("denied", TOPIC, None));
    check(
        &pending,
        &verification("denied", "https://other.example/", None),
    );
}

#[test]
fn leaving_ends_when_the_hub_asks_back() {
    let leaving = asking(Mode::Unsubscribe);

    let verified = leaving.verify(&verification("unsubscribe", TOPIC, None), at(1));

    assert_eq!(verified, Verified::Ended);
}

#[test]
fn a_refusal_is_kept_in_words_and_asked_again_later() {
    let verified = asking(Mode::Subscribe).verify(&verification("denied", TOPIC, None), at(1));

    let Verified::Denied(refused) = verified else {
        panic!("{verified:?}")
    };
    assert_eq!(refused.error.as_deref(), Some("the hub refused: no"));
    assert_eq!(
        (refused.asked, refused.failures, refused.next),
        (None, 1, at(61))
    );
}

#[test]
fn failures_double_the_wait_up_to_a_day_and_a_lease_outlives_them() {
    let mut subscription =
        subscribed(asking(Mode::Subscribe).verify(&verification("subscribe", TOPIC, None), at(0)));
    let mut waits = Vec::new();
    for _ in 0..12 {
        subscription = subscription.failed("timed out".to_owned(), at(0));
        waits.push((subscription.next - at(0)).num_hours());
    }

    assert_eq!(waits, [1, 2, 4, 8, 16, 24, 24, 24, 24, 24, 24, 24]);
    assert!(subscription.is_live(at(1)));
}

#[test]
fn a_hub_that_does_not_ask_back_has_failed_and_the_next_one_is_asked() {
    let hubs = hub(&[
        "https://a.example/",
        "ftp://b.example/",
        "https://c.example/",
    ]);
    let first = Subscription::begin(&hubs, String::new(), String::new(), at(0)).unwrap();
    let asking = first.asking(Mode::Subscribe, Some(&hubs), at(0));

    assert_eq!(asking.hub.as_str(), "https://a.example/");
    assert_eq!(asking.overdue(at(59)), None);
    let late = asking.overdue(at(60)).unwrap();
    assert_eq!((late.failures, late.next), (1, at(120)));
    let second = late.asking(Mode::Subscribe, Some(&hubs), at(60));
    assert_eq!(second.hub.as_str(), "https://c.example/");
    let third = second
        .overdue(at(120))
        .unwrap()
        .asking(Mode::Subscribe, Some(&hubs), at(120));
    assert_eq!(third.hub.as_str(), "https://a.example/");
}

#[test]
fn a_secret_goes_over_https_or_stays_on_this_machine() {
    #[track_caller]
    fn check(stated: &str, expected: Option<&str>) {
        let chosen = choose(&hub(&[stated]), 0);
        assert_eq!(chosen.as_ref().map(Url::as_str), expected, "{stated}");
    }

    check("https://hub.example/x", Some("https://hub.example/x"));
    check("http://hub.example/x", Some("https://hub.example/x"));
    check("http://hub.example:8080/", None);
    check("http://127.0.0.1:8080/", Some("http://127.0.0.1:8080/"));
    check("http://[::1]/", Some("http://[::1]/"));
    check("http://localhost/", Some("http://localhost/"));
    check("file:///etc/passwd", None);
    assert_eq!(choose(&hub(&[]), 3), None);
}

#[test]
fn the_form_tells_a_hub_what_it_needs_and_a_farewell_no_secret() {
    let callback = url("https://courant.example/hooks/1d");

    assert_eq!(
        begun().form(Mode::Subscribe, &callback),
        "hub.callback=https%3A%2F%2Fcourant.example%2Fhooks%2F1d&hub.mode=subscribe\
         &hub.topic=https%3A%2F%2Fwire.example%2Ffeed&hub.lease_seconds=864000&hub.secret=key"
    );
    assert!(
        !begun()
            .form(Mode::Unsubscribe, &callback)
            .contains("secret")
    );
}

#[test]
fn only_what_the_hub_signed_is_believed() {
    #[track_caller]
    fn check(header: &str, sha1: Sha1, expected: bool) {
        let body = b"what do ya want for nothing?";
        let subscription = Subscription {
            secret: "Jefe".to_owned(),
            ..begun()
        };
        assert_eq!(
            subscription.is_signed(header, body, sha1),
            expected,
            "{header}"
        );
    }
    // RFC 4231, section 4.3, and RFC 2202, section 3.
    let sha256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let sha384 = "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649";
    let sha512 = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";
    let sha1 = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";

    check(&format!("sha256={sha256}"), Sha1::Refused, true);
    check(
        &format!("SHA256={}", sha256.to_uppercase()),
        Sha1::Refused,
        true,
    );
    check(&format!("sha384={sha384}"), Sha1::Refused, true);
    check(&format!("sha512={sha512}"), Sha1::Refused, true);
    check(&format!("sha1={sha1}"), Sha1::Refused, false);
    check(&format!("sha1={sha1}"), Sha1::Accepted, true);
    check(&format!("sha512={sha256}"), Sha1::Accepted, false);
    check(&format!("md5={sha256}"), Sha1::Accepted, false);
    check(
        &format!("sha256={}", sha256.replace('5', "6")),
        Sha1::Accepted,
        false,
    );
    check(&format!("sha256={}", &sha256[..62]), Sha1::Accepted, false);
    for nothing in [
        "",
        "sha256",
        "sha256=",
        "sha256=5",
        "sha256=zz",
        "=",
        sha256,
    ] {
        check(nothing, Sha1::Accepted, false);
    }
}

#[test]
fn a_source_that_is_pushed_is_polled_all_the_same_but_less_often() {
    let every = |hours: u64| Source {
        interval: Some(Duration::from_secs(hours * 3600)),
        ..fixture::feed("wire", TOPIC)
    };
    let live = subscribed(
        asking(Mode::Subscribe).verify(&verification("subscribe", TOPIC, Some(86_400)), at(0)),
    );
    let begun = begun();
    let learned = fixture::feed("wire", TOPIC);
    let hours = |source: &Source, subscription, minutes| {
        let before = Poll::unpolled(&source.origin, at(0));
        let paced = paced(source, &before, subscription, at(minutes));
        own_interval(&paced, &before, at(minutes)).as_secs() / 3600
    };

    assert_eq!(hours(&every(1), None, 1), 1);
    assert_eq!(hours(&every(1), Some(&begun), 1), 1);
    assert_eq!(hours(&every(1), Some(&live), 1), 6);
    assert_eq!(hours(&learned, Some(&live), 1), 6);
    assert_eq!(hours(&every(24), Some(&live), 1), 24);
    assert_eq!(
        hours(&every(1), Some(&live), 1440),
        1,
        "the lease has ended"
    );
}

#[test]
fn neither_the_address_nor_the_secret_is_printed() {
    let printed = format!("{:?}", begun());

    assert!(
        !printed.contains("1d") && !printed.contains("key"),
        "{printed}"
    );
}

proptest! {
    /// No way leads to a live subscription but an answer to what we asked.
    #[test]
    fn nobody_subscribes_us_but_a_hub_that_we_asked(
        steps in prop::collection::vec((0..5_u8, 0..200_i64, any::<Option<i64>>()), 0..30)
    ) {
        let mut subscription = begun();
        let mut now = 0;
        for (step, minutes, lease) in steps {
            now += minutes;
            let was_asked = subscription.asked.is_some_and(|asked| asked.mode == Mode::Subscribe);
            let was_live = subscription.is_live(at(now));
            subscription = match step {
                0 => subscription.asking(Mode::Subscribe, None, at(now)),
                1 => subscription.asking(Mode::Unsubscribe, None, at(now)),
                2 => subscription.failed("timed out".to_owned(), at(now)),
                3 => subscription.overdue(at(now)).unwrap_or(subscription),
                _ => match subscription.verify(&verification("subscribe", TOPIC, lease), at(now)) {
                    Verified::Subscribed(live) => live,
                    _ => subscription,
                },
            };
            if subscription.is_live(at(now)) && !was_live {
                prop_assert!(was_asked && step == 4);
            }
            prop_assert!(step >= 3 || subscription.next > at(now));
        }
    }
}
