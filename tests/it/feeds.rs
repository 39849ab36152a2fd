//! Feeds as readers ask for them: conditionally, compressed, over and over.

use std::io::Read;

use chrono::TimeDelta;
use flate2::read::GzDecoder;

use crate::support::{
    app::{DESK, TestApp},
    client::Answer,
};

const FEEDS: [&str; 3] = [
    "/e/daily/rss.xml",
    "/e/daily/atom.xml",
    "/e/daily/feed.json",
];

/// The headers that a cache goes by.
fn validators(answer: &Answer) -> [&str; 4] {
    ["etag", "last-modified", "cache-control", "vary"].map(|name| answer.header(name))
}

async fn published() -> TestApp {
    let app = TestApp::start(DESK).await;
    app.write(&["Ferry", "Lighthouse"]);
    app.work().await;
    app
}

#[tokio::test]
async fn a_reader_that_is_up_to_date_gets_no_body() {
    let app = published().await;
    for path in FEEDS {
        let first = app.client.get(path).await;
        assert_eq!(first.status, 200);
        let [tag, modified, ..] = validators(&first);

        for (fields, status) in [
            (format!("If-None-Match: {tag}"), 304),
            (format!("If-None-Match: W/{tag}"), 304),
            (format!("If-None-Match: \"x\", {tag}"), 304),
            ("If-None-Match: *".to_owned(), 304),
            ("If-None-Match: \"x\"".to_owned(), 200),
            (format!("If-Modified-Since: {modified}"), 304),
            (
                "If-Modified-Since: Sat, 21 Nov 2026 00:00:00 GMT".to_owned(),
                200,
            ),
            ("If-Modified-Since: yesterday".to_owned(), 200),
            (
                format!("If-None-Match: \"x\"\nIf-Modified-Since: {modified}"),
                200,
            ),
        ] {
            let again = app.client.send(&format!("GET {path}\n{fields}"), "").await;
            assert_eq!(again.status, status, "{path} {fields}");
            assert_eq!(validators(&again), validators(&first), "{path} {fields}");
            assert_eq!(again.body.is_empty(), status == 304, "{path} {fields}");
        }
    }
}

#[tokio::test]
async fn head_says_what_get_would() {
    let app = published().await;
    for path in FEEDS {
        for fields in ["", "\nAccept-Encoding: gzip"] {
            let mut get = app.client.send(&format!("GET {path}{fields}"), "").await;
            let mut head = app.client.send(&format!("HEAD {path}{fields}"), "").await;

            assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
            get.headers.remove("date");
            head.headers.remove("date");
            assert_eq!(head.headers, get.headers, "{path}");
            let length: usize = get.header("content-length").parse().unwrap();
            assert_eq!(length, get.body.len(), "{path}");
        }
    }
}

#[tokio::test]
async fn each_coding_has_a_tag_of_its_own_and_the_same_text() {
    let app = published().await;
    for path in FEEDS {
        let plain = app.client.get(path).await;
        let zipped = format!("GET {path}\nAccept-Encoding: gzip");
        let gzip = app.client.send(&zipped, "").await;

        assert!(!plain.headers.contains_key("content-encoding"));
        assert_eq!(gzip.header("content-encoding"), "gzip");
        assert_ne!(plain.header("etag"), gzip.header("etag"));
        for answer in [&plain, &gzip] {
            assert!(!answer.header("etag").starts_with("W/"), "strong: {path}");
        }
        let mut text = String::new();
        GzDecoder::new(&*gzip.body)
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, plain.text());

        let tag = gzip.header("etag");
        let again = app
            .client
            .send(&format!("{zipped}\nIf-None-Match: {tag}"), "")
            .await;
        assert_eq!((again.status, again.header("etag")), (304, tag));
    }
}

#[tokio::test]
async fn a_restart_and_another_day_change_nothing() {
    let app = published().await;
    let mut before = Vec::new();
    for path in FEEDS {
        before.push(app.client.get(path).await);
    }

    let app = app.restart().await;
    app.advance(TimeDelta::days(1));
    app.work().await;

    for (path, before) in FEEDS.into_iter().zip(before) {
        let after = app.client.get(path).await;
        assert_eq!(validators(&after), validators(&before), "{path}");
        assert_eq!(after.text(), before.text());
    }
}

#[tokio::test]
async fn a_new_article_makes_a_new_tag_at_once() {
    let app = published().await;
    for (path, title) in FEEDS.into_iter().zip(["One", "Two", "Three"]) {
        let before = app.client.get(path).await;
        app.write(&[title]);
        app.advance(TimeDelta::minutes(6));
        app.work().await;

        let tag = before.header("etag");
        let after = app
            .client
            .send(&format!("GET {path}\nIf-None-Match: {tag}"), "")
            .await;

        assert_eq!(after.status, 200);
        assert!(
            after
                .text()
                .contains(&format!("All that is known of {title}.")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn topics_and_sources_have_feeds_and_strangers_have_none() {
    let app = published().await;
    for (path, status) in [
        ("/sources/desk/atom.xml", 200),
        ("/sources/other/atom.xml", 404),
        ("/topics/none/atom.xml", 404),
        ("/e/weekly/rss.xml", 404),
        ("/e/daily/rss.json", 404),
    ] {
        assert_eq!(app.client.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn feeds_are_only_read() {
    let app = published().await;
    for path in FEEDS {
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let refused = app.client.send(&format!("{method} {path}"), "").await;
            assert_eq!(refused.status, 405, "{method}");
            let allowed = refused.header("allow");
            assert!(
                allowed.contains("GET") && allowed.contains("HEAD"),
                "{allowed}"
            );
        }
    }
}
