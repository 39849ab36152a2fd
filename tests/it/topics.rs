//! Topics by rule: at ingest, in feeds and editions, and tried on the library.

use std::fs;

use chrono::TimeDelta;
use courant::{
    id::TopicSlug,
    library::{Article, Query},
};
use serde_json::json;

use crate::support::{
    app::{DESK, TestApp},
    binary::Courant,
};

const RULES: &str = "[[topic]]\nslug = \"sea\"\ntitle = \"Of the sea\"\nwords = [\"ferry\"]\n\
    [[topic]]\nslug = \"ports\"\ncategories = [\"Harbor\"]\nregex = [\"\\\\bpiers?\\\\b\"]\nsources = [\"desk\"]\n\
    [[topic]]\nslug = \"elsewhere\"\nwords = [\"ferry\"]\nsources = [\"wire\"]\n\
    [[source]]\nname = \"wire\"\nfolder = \"wire\"\ntopics = [\"wired\"]\ninterval = \"5m\"\n\
    [[edition]]\nslug = \"shore\"\ntitle = \"The Shore\"\nselect = { topics = [\"sea\"] }\n";

async fn ingested(app: &TestApp) -> Vec<Article> {
    app.advance(TimeDelta::hours(2));
    let report = app.activate("ingest_due_sources").await;
    assert_eq!(report.errors, [""; 0]);
    let mut articles = app.app.store.list(&Query::default()).await.unwrap();
    articles.sort_by(|a, b| a.title.cmp(&b.title));
    articles
}

fn tell(app: &TestApp, file: &str, title: &str, text: &str) {
    let page =
        format!("---\ntitle: {title}\ndate: 2026-11-23T05:00:00Z\ntags: [harbor]\n---\n\n{text}\n");
    fs::write(app.path().join(file), page).unwrap();
}

#[track_caller]
fn check_topics(article: &Article, expected: &[&str]) {
    let topics: Vec<&str> = article.topics.iter().map(TopicSlug::as_str).collect();
    assert_eq!(topics, expected, "{}", article.title);
}

#[tokio::test]
async fn an_article_has_the_topics_of_its_rules_and_of_its_source() {
    let app = TestApp::start(&format!("{DESK}{RULES}")).await;
    fs::create_dir(app.path().join("wire")).unwrap();
    tell(&app, "desk/a.md", "A quiet day", "Nothing happened.");
    tell(&app, "desk/b.md", "Back at sea", "The Ferry sails.");
    tell(&app, "wire/c.md", "Calm", "No ferry today.");

    let articles = ingested(&app).await;

    check_topics(&articles[0], &["ports"]);
    check_topics(&articles[1], &["sea", "ports"]);
    check_topics(&articles[2], &["wired", "sea", "elsewhere"]);
    let feed = app.client.get("/topics/sea/rss.xml").await;
    let feed = String::from_utf8(feed.body).unwrap();
    assert!(feed.contains("Of the sea</title>"), "{feed}");
    let edition = app.client.get("/e/shore/feed.json").await;
    let edition = String::from_utf8(edition.body).unwrap();
    assert!(edition.contains("Back at sea") && !edition.contains("A quiet day"));
}

#[tokio::test]
async fn a_revised_article_is_judged_anew() {
    let app = TestApp::start(&format!("{DESK}{RULES}")).await;
    fs::create_dir(app.path().join("wire")).unwrap();
    tell(&app, "desk/a.md", "Back at sea", "The ferry sails.");
    check_topics(&ingested(&app).await[0], &["sea", "ports"]);
    tell(&app, "desk/a.md", "Back at sea", "The liner sails.");

    let articles = ingested(&app).await;

    assert!(articles[0].revised.is_some());
    check_topics(&articles[0], &["ports"]);
}

const SEA: &str = "[[topic]]\nslug = \"sea\"\nwords = [\"ferry\"]\n";

fn with_rule(rule: &str) -> Courant {
    let courant = Courant::new();
    courant.write("courant.toml", &format!("{}{rule}", courant.config()));
    courant
}

#[test]
fn topics_are_listed_with_their_rules_and_articles() {
    let courant = with_rule(SEA);
    courant.ok(&["ingest"]);

    let listed = courant.ok(&["--json", "topics", "list"]);

    assert_eq!(
        listed.objects(),
        [json!({
            "slug": "sea",
            "title": "sea",
            "rule": "words ferry",
            "given_by": [],
            "articles": 1,
        })]
    );
    let table = courant.ok(&["topics", "list"]).stdout;
    assert_eq!(
        table,
        "TOPIC  TITLE  ARTICLES  RULE\nsea    sea    1         words ferry\n"
    );
}

#[test]
fn a_changed_rule_is_tried_on_the_library_before_any_daemon_reads_it() {
    let courant = with_rule(SEA);
    courant.ok(&["ingest"]);
    let daemon = courant.daemon();
    let changed = courant
        .config()
        .replace("[\"ferry\"]", "[\"known of\"]\nregex = [\"^ferry$\"]");
    courant.write("courant.toml", &changed.replace("known of", "light house"));
    let kept = courant.ok(&["--json", "topics", "test", "sea"]).objects();
    courant.write(
        "courant.toml",
        &changed.replace("known of", "of lighthouse"),
    );
    let gained = courant.ok(&["--json", "topics", "test", "sea"]).objects();
    courant.write("courant.toml", &changed.replace("^ferry$", "^no$"));
    let all = courant.ok(&["topics", "test", "sea"]).stdout;

    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0]["title"], "Ferry");
    assert_eq!(kept[0]["topic"], "keeps");
    assert_eq!(
        kept[0]["caught_by"],
        json!({ "kind": "regex", "what": "^ferry$" })
    );
    assert_eq!(gained.len(), 2, "{gained:?}");
    let gain = gained.iter().find(|row| row["topic"] == "gains").unwrap();
    assert_eq!(gain["title"], "Lighthouse");
    assert_eq!(
        gain["caught_by"],
        json!({ "kind": "words", "what": "of lighthouse" })
    );
    assert!(
        all.ends_with("2 caught: 1 have `sea` already, 1 would gain it; 0 would lose it\n"),
        "{all}"
    );
    drop(daemon);
}

#[test]
fn a_daemon_goes_by_new_rules_once_it_has_read_them() {
    let courant = Courant::new();
    let mut daemon = courant.daemon();
    let more = format!("{}{SEA}", courant.config());
    courant.write("courant.toml", &more);
    daemon.signal("HUP");
    daemon.wait_for("is running");
    courant.write_article("Ferry strike");
    courant.ok(&["ingest"]);

    let sea = courant.ok(&["--json", "articles", "list", "--topic", "sea"]);

    let titles: Vec<_> = sea
        .objects()
        .iter()
        .map(|row| row["title"].clone())
        .collect();
    assert!(titles.contains(&json!("Ferry strike")), "{titles:?}");
    assert!(!titles.contains(&json!("Lighthouse")), "{titles:?}");
    drop(daemon);
}

#[test]
fn what_would_lose_its_topic_is_marked() {
    let courant = with_rule(SEA);
    courant.ok(&["ingest"]);

    let tried = courant.ok(&["--json", "topics", "test", "sea", "--words", "lighthouse"]);

    let rows = tried.objects();
    let effect = |title: &str| {
        let row = rows.iter().find(|row| row["title"] == title).unwrap();
        row["topic"].as_str().unwrap().to_owned()
    };
    assert_eq!(rows.len(), 2);
    assert_eq!(effect("Ferry"), "loses");
    assert_eq!(effect("Lighthouse"), "gains");
    let given = courant
        .config()
        .replace("name = \"desk\"", "name = \"desk\"\ntopics = [\"sea\"]");
    courant.write("courant.toml", &given);
    let tried = courant.ok(&["--json", "topics", "test", "sea", "--words", "lighthouse"]);
    assert_eq!(tried.objects().len(), 1, "{tried:?}");
}

#[test]
fn a_rule_can_be_tried_without_a_topic_and_only_on_what_came_lately() {
    let courant = Courant::new();
    courant.ok(&["ingest"]);

    let tried = courant.ok(&["topics", "test", "--words", "known of", "--days", "1"]);
    let none = courant.ok(&[
        "topics", "test", "--regex", "^ferry$", "--source", "desk", "--days", "0",
    ]);

    let plain = courant.ok(&["--json", "topics", "test", "--category", "no such"]);

    assert!(tried.stdout.ends_with("2 caught\n"), "{tried:?}");
    assert!(plain.objects().is_empty(), "{plain:?}");
    assert_eq!(none.stdout, "0 caught\n");
}

#[test]
fn what_cannot_be_tried_is_said() {
    let courant = with_rule(SEA);

    let unknown = courant.run(&["topics", "test", "see"]);
    let nothing = courant.run(&["topics", "test"]);
    let broken = courant.run(&["topics", "test", "--regex", "(port"]);

    assert_eq!(unknown.code, 1);
    assert!(
        unknown
            .stderr
            .contains("no rule gives `see`; topics that have one: sea"),
        "{unknown:?}"
    );
    assert_eq!(nothing.code, 64);
    assert_eq!(broken.code, 64);
    assert!(broken.stderr.contains("unclosed group"), "{broken:?}");
}
