//! Articles of different text about one event: shown together, never one, in whatever order they
//! are read.

use std::fs;

use chrono::TimeDelta;
use courant::library::{Article, Query};

use crate::support::app::TestApp;

const OUTLETS: [&str; 5] = ["wire", "post", "star", "echo", "mail"];

async fn started(more: &str) -> TestApp {
    let source = |name: &&str| {
        format!(
            "[[source]]\nname = \"{name}\"\nfolder = \"{name}\"\ninterval = \"5m\"\nmail_first = 9\n"
        )
    };
    let sources: String = OUTLETS.iter().map(source).collect();
    let app = TestApp::start(&format!("{more}\n{sources}")).await;
    for name in OUTLETS {
        fs::create_dir(app.path().join(name)).unwrap();
    }
    for n in 0..20 {
        let event = format!("other{n}e");
        publish(&app, 4, &format!("Other {n}"), 1, &account(&event, n));
    }
    ingest(&app).await;
    app
}

/// The event's own words in an order of the outlet's, among words that only it has.
fn account(event: &str, outlet: usize) -> String {
    let words: Vec<String> = (0..120)
        .map(|n| match n % 2 {
            0 => format!("{event}{}", (n / 2 * (7 + 4 * outlet) + outlet) % 59),
            _ => format!("only{event}{outlet}x{n}"),
        })
        .collect();
    words
        .chunks(12)
        .map(|words| words.join(" ") + ". ")
        .collect()
}

fn publish(app: &TestApp, outlet: usize, title: &str, hour: usize, text: &str) {
    let page = format!("---\ntitle: {title}\ndate: 2026-11-22T{hour:02}:00:00Z\n---\n\n{text}\n");
    let name = title.to_lowercase().replace(' ', "-");
    let folder = app.path().join(OUTLETS[outlet]);
    fs::write(folder.join(format!("{name}.md")), page).unwrap();
}

async fn ingest(app: &TestApp) -> Vec<Article> {
    app.advance(TimeDelta::minutes(10));
    let report = app.activate("ingest_due_sources").await;
    assert_eq!(report.errors, [""; 0]);
    app.app.store.list(&Query::default()).await.unwrap()
}

/// Four outlets tell of the ferry, one after the other, and one of them of the bridge.
fn publish_all(app: &TestApp) {
    for (outlet, name) in OUTLETS.iter().enumerate().take(4) {
        let title = format!("Ferry by {name}");
        publish(
            app,
            outlet,
            &title,
            10 + 2 * outlet,
            &account("ferry", outlet),
        );
    }
    publish(app, 1, "Bridge closed", 13, &account("bridge", 1));
}

#[tokio::test]
async fn articles_about_one_event_are_one_story_and_a_digest_has_so_many_of_it() {
    let app = started("").await;
    app.import("ada@lund.example").await;
    publish_all(&app);
    let articles = ingest(&app).await;

    assert_eq!(articles.len(), 25, "nothing is folded");
    let story = |title: &str| {
        let mut named = articles.iter().filter(|article| article.title == title);
        named.next().unwrap().story
    };
    assert_eq!(story("Ferry by post"), story("Ferry by wire"));
    assert_ne!(story("Ferry by post"), story("Bridge closed"));
    app.next_morning().await;
    let [mail] = &app.mails()[..] else {
        panic!("one digest");
    };
    let text = &mail.text;
    let [first, rest] = ["Ferry by echo", "More on this:"].map(|part| text.find(part).unwrap());
    assert!(first < rest, "{text}");
    for (title, times) in [
        ("Ferry by star", 1),
        ("Ferry by post", 1),
        ("Bridge closed", 1),
    ] {
        assert_eq!(text.matches(title).count(), times, "{title}");
    }
    assert!(text.find("Ferry by post").unwrap() < text.find("Bridge closed").unwrap());
    let listed = text.matches("- Ferry by wire").count();
    assert!(
        !text.contains(". Ferry by wire") && listed <= 1,
        "the fourth of one story: {text}"
    );
    let feed = app.client.get("/e/daily/feed.json").await;
    let feed = String::from_utf8(feed.body).unwrap();
    assert!(feed.contains("\"title\":\"Ferry by wire\""), "{feed}");
    let page = app.client.get("/e/daily").await;
    assert_eq!(page.text().matches("More on this").count(), 1);
}

#[tokio::test]
async fn what_is_related_does_not_depend_on_which_source_is_read_first() {
    let at_once = started("").await;
    publish_all(&at_once);
    let one_by_one = started("").await;
    ingest(&at_once).await;
    for outlet in (0..4).rev() {
        let scratch = started("").await;
        publish_all(&scratch);
        for file in fs::read_dir(scratch.path().join(OUTLETS[outlet])).unwrap() {
            let file = file.unwrap();
            let to = one_by_one
                .path()
                .join(OUTLETS[outlet])
                .join(file.file_name());
            fs::copy(file.path(), to).unwrap();
        }
        ingest(&one_by_one).await;
    }

    let related = async |app: &TestApp| {
        let articles = ingest(app).await;
        let title = |id| {
            let mut with_id = articles.iter().filter(|article| article.id == id);
            with_id.next().unwrap().title.clone()
        };
        let mut told: Vec<(String, Vec<(String, bool)>)> = articles
            .iter()
            .map(|article| {
                let related = article.related.iter();
                let related = related.map(|one| (title(one.id), one.same_story));
                (article.title.clone(), related.collect())
            })
            .collect();
        told.sort();
        told
    };
    let (expected, found) = (related(&at_once).await, related(&one_by_one).await);
    let last = expected.iter().find(|(title, _)| title == "Ferry by echo");
    let titles: Vec<&str> = last
        .unwrap()
        .1
        .iter()
        .map(|(title, _)| title.as_str())
        .collect();
    assert_eq!(titles, ["Ferry by star", "Ferry by post", "Ferry by wire"]);
    assert_eq!(found, expected);
}
