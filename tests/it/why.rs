//! `why`: what became of a digest or an article for one person, and for what reason.

use crate::support::binary::Courant;

const ADA: &str = "ada@lund.example";

fn subscribed() -> Courant {
    let courant = Courant::new();
    let consent = ["--confirmed", "--basis", "a list on paper"];
    let add = ["subscribers", "add", ADA, "--edition", "daily"];
    courant.ok(&[&add[..], &consent[..]].concat());
    courant.ok(&["ingest"]);
    courant
}

#[track_caller]
fn check(courant: &Courant, asked: [&str; 2], expected: &[&str]) {
    let told = courant.ok(&[&["why"], &asked[..]].concat()).stdout;
    for part in expected {
        assert!(told.contains(part), "no {part:?} in\n{told}");
    }
}

#[test]
fn a_digest_that_was_sent_is_told_from_consent_to_the_relays_words() {
    let courant = subscribed();
    courant.ok(&["digest", "send", "daily"]);

    let sent = ["daily: subscribed since ", "daily No. 1 of ", ": sent "];
    check(&courant, [ADA, "daily"], &sent);
    check(
        &courant,
        [ADA, "daily"],
        &["a list on paper", "confirmed for daily"],
    );
    check(
        &courant,
        [ADA, "1"],
        &["article    1 ", "daily No. 1 of ", ": sent "],
    );
    let daemon = courant.daemon();
    check(&courant, [ADA, "daily"], &sent);
    drop(daemon);

    let told = courant.ok(&["--json", "why", ADA, "daily"]).objects();
    let digest = &told[0]["editions"][0]["digests"][0];
    assert_eq!(digest["number"], 1);
    assert!(
        digest["delivery"]["status"]["Sent"]["reply"].is_string(),
        "{digest}"
    );
}

#[test]
fn what_somebody_did_not_get_has_a_reason() {
    let courant = subscribed();
    check(
        &courant,
        [ADA, "1"],
        &["no digest  it waits for the next digest"],
    );
    courant.ok(&["digest", "send", "daily"]);
    courant.write_article("Bridge");
    courant.ok(&["ingest"]);

    check(
        &courant,
        [ADA, "3"],
        &["article    3 Bridge", "it waits for the next digest"],
    );
    let stranger = [
        "nobody we know",
        "never subscribed",
        "no subscription was confirmed",
    ];
    check(&courant, ["bo@lund.example", "daily"], &stranger);
    courant.ok(&["subscribers", "unsubscribe", ADA]);
    check(
        &courant,
        [ADA, "daily"],
        &[
            "this address gets no mail of any edition since ",
            ": they left everything",
        ],
    );
    for (what, reason) in [("weekly", "no edition `weekly`"), ("77", "no article 77")] {
        let refused = courant.run(&["why", ADA, what]);
        assert_eq!(refused.code, 1);
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
    }
}

#[test]
fn a_site_that_moves_forgets_nothing_and_a_hold_is_told() {
    let courant = subscribed();
    courant.ok(&["digest", "send", "daily"]);
    courant.ok(&["outbox", "hold", "daily", "--reason", "a wrong photograph"]);
    let config = courant.config();
    let moved = config.replace("https://courant.example/", "https://courant.example.net/");
    courant.write("courant.toml", &moved);

    let told = [
        "held       since ",
        "daily: a wrong photograph (`courant outbox resume daily` goes on)",
        ": sent ",
    ];
    check(&courant, [ADA, "daily"], &told);
}
