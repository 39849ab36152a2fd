//! The promises of `docs/ARCHITECTURE.md`, a test for each.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use chrono::TimeDelta;
use courant::{
    delivery::{Claim, Outcome, Settle},
    library::{Article, Mail as Due, Query},
};

use crate::{
    subscribe::ONE_CLICK,
    support::{
        app::{DESK, TestApp, feed_source, fetching_from, rss},
        binary::{Courant, Ran},
        client::FORM,
        http::{Reply, Server},
        mail::Mail,
        smtp::{Act, Received, SmtpServer, Stage},
    },
};

#[test]
fn every_promise_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let doc = fs::read_to_string(root.join("docs/ARCHITECTURE.md")).unwrap();
    let tests = fs::read_to_string(root.join("tests/it/promises.rs")).unwrap();
    let section = doc
        .split("\n## ")
        .find(|section| section.starts_with("Promises"));

    let mut promises = 0;
    for n in 1.. {
        let section = section.unwrap();
        let Some(at) = section.find(&format!("\n{n}. **")) else {
            break;
        };
        let rest = &section[at + 1..];
        let end = rest.find(&format!("\n{}. **", n + 1)).unwrap_or(rest.len());
        let names: Vec<&str> = rest[..end].split('`').skip(1).step_by(2).collect();
        let names = names.iter().filter(|name| name.contains('_'));
        for name in names.clone() {
            assert!(tests.contains(&format!("fn {name}()")), "{n}: {name}");
        }
        assert!(names.count() > 0, "promise {n} names no test");
        promises += 1;
    }
    assert_eq!(promises, 10);
}

pub(crate) fn smtp(server: &SmtpServer) -> String {
    format!("smtp://127.0.0.1:{}?tls=none", server.port)
}

fn mails(server: &SmtpServer) -> Vec<Mail> {
    let messages = server.messages();
    messages.iter().map(|one| Mail::parse(&one.data)).collect()
}

#[tokio::test]
async fn an_opt_out_is_obeyed_from_the_moment_it_is_answered() {
    let relay = SmtpServer::start().await;
    let app = TestApp::start_with_relay(DESK, &smtp(&relay)).await;
    app.import("ann@example.org").await;
    app.import("bob@example.org").await;
    app.work().await;
    app.write(&["Ferry"]);
    app.next_morning().await;
    let first = mails(&relay);
    let leave = |name: &str| {
        let mail = first.iter().find(|mail| mail.to.starts_with(name)).unwrap();
        mail.one_click.clone().unwrap()
    };

    // Planned, and then withdrawn: the gate before the relay asks again.
    app.write(&["Lighthouse"]);
    app.advance(TimeDelta::minutes(10));
    app.activate("ingest_due_sources").await;
    app.advance(TimeDelta::days(1));
    app.activate("publish_digests").await;
    let answer = app.client.post(&leave("ann"), FORM, ONE_CLICK).await;
    assert_eq!(answer.status, 200);

    // In hand while it is withdrawn: the answer waits until that is over.
    let now = app.now();
    let store = &app.app.store;
    let claimed = store
        .claim_due(Claim::until(now + TimeDelta::hours(1)), now)
        .await;
    let claimed = claimed.unwrap().unwrap().delivery;
    let order = Mutex::new(Vec::new());
    let leaving = async {
        app.client.post(&leave("bob"), FORM, ONE_CLICK).await;
        order.lock().unwrap().push("answered");
    };
    let sending = async {
        while app.profile("bob@example.org").await.subscriptions[0]
            .1
            .name()
            == "confirmed"
        {
            tokio::task::yield_now().await;
        }
        let due = now;
        let reason = "450 later".to_owned();
        order.lock().unwrap().push("settled");
        let settle = Settle {
            id: claimed.id,
            outcome: Outcome::Deferred { due, reason },
            via: None,
        };
        store.settle(settle, now).await.unwrap();
    };
    tokio::join!(leaving, sending);
    assert_eq!(*order.lock().unwrap(), ["settled", "answered"]);

    let app = app.restart().await;
    app.work().await;
    app.write(&["Barrier"]);
    app.next_morning().await;
    assert_eq!(
        relay.messages().len(),
        first.len(),
        "nobody is mailed again"
    );
    for name in ["ann@example.org", "bob@example.org"] {
        assert_eq!(
            app.profile(name).await.subscriptions[0].1.name(),
            "unsubscribed"
        );
    }
}

/// Forty addresses as a CSV file.
fn forty() -> String {
    let lines: String = (0..40)
        .map(|n| format!("reader{n}@example.org\n"))
        .collect();
    format!("address\n{lines}")
}

impl Courant {
    pub(crate) fn import_forty(&self) {
        self.write("forty.csv", &forty());
        self.ok(&[
            "subscribers",
            "import",
            "forty.csv",
            "--edition",
            "daily",
            "--basis",
            "a test",
        ]);
    }

    /// Deliveries of that status.
    pub(crate) fn count(&self, status: &str) -> usize {
        let listed = self.ok(&["--json", "outbox", "list", "--limit", "100"]);
        let deliveries = listed.objects().into_iter();
        deliveries.filter(|one| one["status"] == status).count()
    }

    fn ids(&self) -> Vec<u64> {
        let listed = self.ok(&["--json", "articles", "list", "--all"]);
        let ids = listed.objects().into_iter();
        ids.map(|article| article["id"].as_u64().unwrap()).collect()
    }
}

pub(crate) fn recipients(messages: &[Received]) -> Vec<&str> {
    let mut all: Vec<&str> = messages.iter().map(|message| &*message.rcpt).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_due_subscriber_gets_each_digest_once() {
    let relay = SmtpServer::start().await;
    let courant = Courant::with_relay(&smtp(&relay));
    courant.import_forty();
    courant.ok(&["ingest"]);
    relay.ration(11);
    relay.next(Stage::Rcpt, Act::Reply("451 4.7.1 greylisted"));
    relay.next(Stage::Dot, Act::HangUp);

    let mut sending = courant.spawn(&["digest", "send", "daily"], "");
    relay.until(|messages| messages.len() == 10).await;
    sending.kill().unwrap();
    sending.wait().unwrap();
    relay.lift_ration();
    let daemon = courant.daemon();
    // Whom a reply deferred is tried again a good while later.
    while courant.count("scheduled") + courant.count("leased") > 0 {
        tokio::task::yield_now().await;
    }
    daemon.stop();

    let messages = relay.messages();
    let doubled = messages.len() - recipients(&messages).len();
    assert!(doubled <= 2, "{doubled} repeats on two connections");
    for message in &messages {
        let again = messages.iter().filter(|other| other.rcpt == message.rcpt);
        let ids: Vec<String> = again.map(|one| Mail::parse(&one.data).id).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
    assert_eq!(courant.count("sent"), recipients(&messages).len());
    assert_eq!(courant.count("sent") + courant.count("deferred"), 40);
}

#[tokio::test]
async fn a_digest_is_planned_once_per_edition_and_slot() {
    let app = TestApp::start(DESK).await;
    app.import("ann@example.org").await;
    app.work().await;
    app.write(&["Ferry"]);
    app.next_morning().await;
    app.work().await;
    assert_eq!(app.mails().len(), 1);

    let app = app.restart().await;
    app.work().await;
    // The clock is set back over the slot, and comes by again.
    app.write(&["Lighthouse"]);
    app.advance(TimeDelta::hours(-3));
    app.work().await;
    app.advance(TimeDelta::hours(3));
    app.work().await;
    let app = app.restart().await;
    app.work().await;
    assert_eq!(app.mails().len(), 1);
    let digests = app
        .app
        .store
        .digests(&app.app.config.editions[0].slug, 9)
        .await;
    assert_eq!(digests.unwrap().len(), 1);

    app.next_morning().await;
    assert_eq!(
        app.mails().len(),
        2,
        "what came meanwhile is in the next one"
    );
}

#[test]
fn an_accepted_article_is_durable_before_it_is_acknowledged() {
    let courant = Courant::new();
    let daemon = courant.daemon();
    courant.write_article("Barrier");
    courant.ok(&["ingest"]);
    let ids = courant.ids();
    assert_eq!(ids.len(), 3);
    daemon.kill();

    assert_eq!(courant.ids(), ids);
    courant.write_article("Barrier");
    let again = courant.ok(&["--json", "ingest"]);
    let [polled] = &again.objects()[..] else {
        panic!("{again:?}");
    };
    assert_eq!((&polled["new"], &polled["known"]), (&0.into(), &3.into()));
    assert_eq!(courant.ids(), ids);

    let import = [
        "subscribers",
        "add",
        "ann@example.org",
        "--edition",
        "daily",
    ];
    courant.ok(&[&import[..], &["--confirmed", "--basis", "a test"]].concat());
    for _ in 0..2 {
        courant.ok(&["digest", "send", "daily"]);
    }
    let mails = Mail::in_folder(&courant.path().join("mail"));
    assert_eq!(mails.len(), 1, "no article is mailed twice");
}

/// What each path of the server of `no_source_can_hurt_another` answers in each round.
fn answer(path: &str, round: usize) -> Reply {
    let feed = ["HTTP/1.1 200 OK", "Content-Type: application/rss+xml"];
    let ok = |body: &[u8]| Reply::new(&feed.map(|line| line.trim_start_matches("HTTP/1.1 ")), body);
    match (path, round) {
        ("/slow", _) => Reply::Stalled(b"HTTP/1.1 200 OK\r\n\r\n<rss>".to_vec()),
        ("/huge", _) => ok(&vec![b' '; 300_000]),
        ("/broken", _) => ok(b"<html><p>We are moving.</p>"),
        ("/hostile", _) => ok(BILLION_LAUGHS),
        ("/gone", _) => Reply::new(&["410 Gone"], b""),
        ("/flaky", 1) => Reply::new(&["503 Service Unavailable"], b""),
        ("/flaky", 2) => ok(b""),
        ("/flaky", _) => ok(&rss(["Old one", "Old two"])),
        (_, 0) => ok(&rss(["Good"])),
        (_, _) => ok(&rss(["Good", &format!("Good {round}")])),
    }
}

const BILLION_LAUGHS: &[u8] = br#"<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">
<!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;"><!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;"><!ENTITY x SYSTEM "file:///etc/passwd">]>
<rss version="2.0"><channel><title>&g;&x;</title></channel></rss>"#;

#[tokio::test]
async fn no_source_can_hurt_another() {
    let round = Arc::new(AtomicUsize::new(0));
    let told = round.clone();
    let server = Server::start(move |path| answer(path, told.load(Ordering::SeqCst))).await;
    let names = ["slow", "huge", "broken", "hostile", "gone", "flaky", "good"];
    let sources: String = names.map(|name| feed_source(name, &server)).concat();
    let limits = "timeout = \"1s\"\nmax_bytes = \"100KB\"\n";
    let app = TestApp::start(&format!("{}{limits}{sources}", fetching_from(&server))).await;
    app.import("ann@example.org").await;
    app.activate("publish_digests").await;

    for n in 0..4 {
        round.store(n, Ordering::SeqCst);
        let report = app.activate("ingest_due_sources").await;
        if n == 0 {
            for name in ["slow", "huge", "broken"] {
                let told = report
                    .errors
                    .iter()
                    .any(|err| err.contains(&format!("source {name}:")));
                assert!(told, "{name}: {:?}", report.errors);
            }
        }
        app.advance(TimeDelta::days(2));
        app.activate("publish_digests").await;
        app.activate("deliver_outbox").await;
    }

    let articles = app.app.store.list(&Query::default()).await.unwrap();
    let from = |name: &str| {
        articles
            .iter()
            .filter(|one| one.source.as_str() == name)
            .count()
    };
    assert_eq!((from("good"), from("flaky")), (4, 2));
    assert_eq!(articles.len(), 6);
    let text: String = app.mails().iter().map(|mail| &*mail.text).collect();
    assert!(text.contains("Good 1") && text.contains("Good 2"), "{text}");
    let old = |one: &&Article| one.source.as_str() == "flaky";
    for article in articles.iter().filter(old) {
        assert_eq!(article.mail, Due::Held, "a failed fetch makes nothing new");
    }
}

#[tokio::test]
async fn a_first_fetch_and_a_flood_mail_nothing() {
    let round = Arc::new(AtomicUsize::new(0));
    let told = round.clone();
    let server = Server::start(move |_| {
        let n = told.load(Ordering::SeqCst);
        let old = (0..[5, 40, 40][n]).map(|n| format!("Old {n}"));
        let new = (n == 2).then(|| "Fresh".to_owned());
        Reply::new(&["200 OK"], &rss(old.chain(new)))
    })
    .await;
    let source = feed_source("paper", &server);
    let app = TestApp::start(&format!("{}{source}", fetching_from(&server))).await;
    app.import("ann@example.org").await;
    app.work().await;
    for n in [0, 1] {
        round.store(n, Ordering::SeqCst);
        app.next_morning().await;
        assert_eq!(app.mails().len(), 0, "round {n}");
    }
    let held = Query {
        mail: Some(Due::Held),
        ..Query::default()
    };
    assert_eq!(app.app.store.list(&held).await.unwrap().len(), 40);

    round.store(2, Ordering::SeqCst);
    app.advance(TimeDelta::hours(2));
    app.next_morning().await;
    let [digest] = &app.mails()[..] else {
        panic!("one digest");
    };
    assert!(digest.text.contains("Fresh") && !digest.text.contains("Old 1"));
}

/// Everything that an operator can get wrong at once, and the key that each is reported with.
const BROKEN: &str = r#"
[site]
title = ""
base_url = "ftp://courant.example"
sender = "editor"
time_zone = "Mars/Olympus"
colour = "red"

[[source]]
name = "desk"
folder = "desk"
feed = "https://paper.example/"
interval = "soon"

[[edition]]
slug = "The Daily"
select = { sources = ["nobody"] }

[[edition.digest]]
name = "morning"
schedule = "61 7 * * *"

[[relay]]
name = "main"
url = "carrier-pigeon:coop"
"#;

const PROBLEMS: [&str; 14] = [
    "site.title",
    "site.base_url",
    "site.sender",
    "site.time_zone",
    "site.colour",
    "site.data_dir",
    "site.postal_address",
    "source[0].folder",
    "source[0].interval",
    "edition[0].slug",
    "edition[0].title",
    "edition[0].select.sources",
    "edition[0].digest[0].schedule",
    "relay[0].url",
];

#[test]
fn a_bad_configuration_at_start_names_every_problem() {
    let courant = Courant::new();
    courant.write("courant.toml", BROKEN);
    for command in [&["run"][..], &["check"], &["ingest"], &["outbox", "list"]] {
        let Ran { code, stderr, .. } = courant.run(command);
        assert_eq!(code, 64, "{command:?}");
        for key in PROBLEMS {
            let told = stderr
                .lines()
                .filter(|line| line.contains(&format!("courant.toml: {key}")));
            assert_eq!(told.count(), 1, "{key}: {stderr}");
        }
    }
    assert!(!courant.path().join("data").exists(), "nothing was touched");
}

#[tokio::test]
async fn a_bad_configuration_never_stops_a_running_daemon() {
    let courant = Courant::new();
    let mut daemon = courant.daemon();
    let client = daemon.client();

    let good = courant.config();
    let bad = good.replace("title = \"The Courant\"", "colour = \"red\"");
    courant.write("courant.toml", &bad.replace("0 7 29 2 *", "61 7 * * *"));
    daemon.signal("HUP");
    daemon.wait_for("the old one stays");
    for key in ["site.title", "site.colour", "edition[0].digest[0].schedule"] {
        let named = |line: &&str| line.contains("ERROR") && line.contains(key);
        assert_eq!(
            daemon.log.lines().filter(named).count(),
            1,
            "{}",
            daemon.log
        );
    }
    assert!(client.get("/").await.text().contains("The Courant"));

    courant.write("more/Barrier.md", "# Barrier\n\nIt holds.\n");
    let source = "[[source]]\nname = \"more\"\nfolder = \"more\"\n\n[[edition]]";
    let better = good.replace("title = \"The Courant\"", "title = \"The New Courant\"");
    courant.write("courant.toml", &better.replace("[[edition]]", source));
    daemon.signal("HUP");
    daemon.wait_for("is running");
    assert!(client.get("/").await.text().contains("The New Courant"));
    courant.ok(&["ingest"]);
    assert_eq!(courant.ids().len(), 3, "the new source is read");

    courant.write("courant.toml", &good.replace("\"data\"", "\"elsewhere\""));
    daemon.signal("HUP");
    daemon.wait_for("site.data_dir has changed");
    daemon.wait_for("is running");
    assert!(client.get("/").await.text().contains("The Courant"));
    assert_eq!(daemon.stop().0, 0);
    assert!(!courant.path().join("elsewhere").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_it_cannot_record_it_does_not_send() {
    let relay = SmtpServer::start().await;
    let courant = Courant::with_relay(&smtp(&relay));
    courant.import_forty();
    courant.ok(&["ingest"]);
    let daemon = courant.daemon_after("trap '' XFSZ;", &["run"]);
    let limit = |bytes: &str| {
        let fsize = format!("--fsize={bytes}:unlimited");
        let mut prlimit = Command::new("prlimit");
        let set = prlimit.args(["--pid", &daemon.pid(), &fsize]).status();
        assert!(set.unwrap().success());
    };

    limit("1");
    let refused = courant.run(&["digest", "send", "daily"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("the store cannot"), "{refused:?}");
    assert_eq!(relay.messages().len(), 0);

    limit("unlimited");
    relay.ration(10);
    let sending = courant.spawn(&["digest", "send", "daily"], "");
    relay.until(|messages| messages.len() == 10).await;
    limit("1");
    relay.lift_ration();
    let stopped = sending.wait_with_output().unwrap();
    let told = String::from_utf8(stopped.stderr).unwrap();
    assert!(told.contains("the store cannot"), "{told}");
    let sent = relay.messages().len();
    assert!(
        sent <= 12,
        "{sent} were sent, at most one a connection unrecorded"
    );

    limit("unlimited");
    // Whatever is planned wakes the task before its time.
    courant.ok(&[
        "subscribers",
        "add",
        "ann@example.org",
        "--edition",
        "daily",
    ]);
    relay
        .until(|messages| recipients(messages).len() == 41)
        .await;
    assert_eq!(
        relay.messages().len(),
        41,
        "what was taken is not sent again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_address_token_or_body_is_ever_logged() {
    let relay = SmtpServer::start().await;
    let courant = Courant::with_relay(&smtp(&relay));
    courant.write(
        "people.csv",
        "address,name\nzoe.quill@example.org,Zoe Quill\nnot-an-address-quill\n",
    );
    let mut daemon = courant.daemon_after("", &["--log", "trace", "run"]);
    let client = daemon.client();
    courant.ok(&["ingest"]);
    let import = ["subscribers", "import", "people.csv", "--edition", "daily"];
    courant.run(&[&import[..], &["--basis", "a test"]].concat());

    let form = "email=ivy.quill%40example.org&edition=daily";
    assert_eq!(client.post("/subscribe", FORM, form).await.status, 200);
    client
        .post("/subscribe", FORM, "email=quill&edition=daily")
        .await;
    relay.until(|messages| messages.len() == 1).await;
    let confirm = mails(&relay)[0].link("/confirm/");
    client.get(&confirm).await;
    assert_eq!(client.post(&confirm, FORM, "").await.status, 200);
    client.post(&format!("{confirm}x"), FORM, "").await;

    relay.next(
        Stage::Rcpt,
        Act::Reply("550 5.1.1 <zoe.quill@example.org>: no such mailbox quill"),
    );
    courant.run(&["digest", "send", "daily"]);
    courant.run(&["digest", "send", "daily", "--test", "ann.quill@example.org"]);
    let leave = mails(&relay)[1].one_click.clone().unwrap();
    assert_eq!(client.post(&leave, FORM, ONE_CLICK).await.status, 200);
    client
        .get(&format!("{leave}?email=quill@example.org"))
        .await;
    courant.ok(&["subscribers", "unsubscribe", "max.quill@example.org"]);
    courant.ok(&["--json", "outbox", "list"]);
    relay.next(
        Stage::Mail,
        Act::Reply("421 4.3.2 quill@example.org is away"),
    );
    let form = "email=eve.quill%40example.org&edition=daily";
    client.post("/subscribe", FORM, form).await;
    daemon.wait_for("it takes nothing at present");

    let (_, log) = daemon.stop();
    assert!(log.lines().count() > 10, "{log}");
    let tokens = [&confirm, &leave].map(|path| path.rsplit('/').next().unwrap());
    for secret in ["quill", "Quill", "All that is known", tokens[0], tokens[1]] {
        let said: Vec<&str> = log.lines().filter(|line| line.contains(secret)).collect();
        assert_eq!(said, [""; 0], "{secret}");
    }
}

#[tokio::test]
async fn parsing_never_fails_as_a_whole_while_one_entry_can_be_kept() {
    let good =
        "<item><title>Kept</title><guid>kept</guid><description>It stands.</description></item>";
    let broken = [
        // The end is missing.
        format!("<rss><channel>{good}<item><title>Half an it"),
        // The connection of the program that wrote it failed, which said so in the middle.
        format!("<rss><channel>{good}\nWarning: mysql_connect() on line 3\n</channel></rss>"),
        format!("<br /><b>Notice</b>: x\n<?xml version=\"1.0\"?><rss><channel>{good}</channel></rss>"),
        format!("<rss><channel>{good}<item><title>A & B &nosuch; <b</title></item></channel></rss>"),
        format!("<rss><channel><item><pubDate>yesterday</pubDate></item>{good}</channel></rss>"),
        format!("<rss><channel></item><itm>{good}</rss>"),
        format!("\u{0}\u{1b}<rss><channel>\u{8}{good}</channel></rss>"),
        r#"{"version": "https://jsonfeed.org/version/1.1", "items": [7, null, {"id": []}, {"id": "kept", "title": "Kept"}]}"#.to_owned(),
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry/><entry><id>kept</id><title>Kept</title></entry>".to_owned(),
    ];
    let n = broken.len();
    let server = Server::start(move |path| {
        let n: usize = path.trim_start_matches("/s").parse().unwrap();
        Reply::new(&["200 OK"], broken[n].as_bytes())
    })
    .await;
    let sources: String = (0..n)
        .map(|n| feed_source(&format!("s{n}"), &server))
        .collect();
    let app = TestApp::start(&format!("{}{sources}", fetching_from(&server))).await;

    app.work().await;

    for source in app.app.config.sources.iter() {
        let query = Query {
            sources: vec![source.name.clone()],
            ..Query::default()
        };
        let articles = app.app.store.list(&query).await.unwrap();
        let kept = articles.iter().filter(|one| one.title == "Kept").count();
        assert_eq!(kept, 1, "{}: {articles:?}", source.name);
    }
}
