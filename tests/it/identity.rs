//! What a publisher changes about its entries makes none of them new.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;

use crate::support::{
    app::{TestApp, feed_source, fetching_from},
    http::{Reply, Server},
};

const ENTRIES: usize = 500;

/// How the publisher writes its entries.
#[derive(Clone, Copy)]
struct Manner {
    guid: &'static str,
    scheme: &'static str,
    title: &'static str,
}

const BEFORE: Manner = Manner {
    guid: "old",
    scheme: "http",
    title: "Story",
};

fn feed(manner: Manner) -> Vec<u8> {
    let Manner {
        guid,
        scheme,
        title,
    } = manner;
    let item = |n: usize| {
        let words: String = (0..30).map(|k| format!("word{n}x{k} ")).collect();
        format!(
            "<item><guid isPermaLink=\"false\">{guid}-{n}</guid><title>{title} {n}</title>\
             <link>{scheme}://paper.example/stories/{n}</link>\
             <description>{words}</description></item>"
        )
    };
    let items: String = (0..ENTRIES).map(item).collect();
    format!(
        "<rss version=\"2.0\"><channel><title>P</title><link>{scheme}://paper.example/</link>\
         <description>d</description>{items}</channel></rss>"
    )
    .into_bytes()
}

#[tokio::test]
async fn guids_that_flip_a_move_to_https_and_edited_titles_make_nothing_new() {
    let manner = Arc::new(Mutex::new(BEFORE));
    let served = manner.clone();
    let server = Server::start(move |_| {
        let head = ["200 OK", "Content-Type: application/rss+xml"];
        Reply::new(&head, &feed(*served.lock().unwrap()))
    })
    .await;
    let source = feed_source("paper", &server);
    let app = TestApp::start(&format!("{source}\n{}", fetching_from(&server))).await;
    app.import("ada@lund.example").await;
    let count = async |what: &str| {
        app.advance(TimeDelta::days(2));
        let report = app.activate("ingest_due_sources").await;
        assert_eq!(report.errors, [""; 0]);
        let mut counts = report.counts.into_iter();
        counts.find(|(name, _)| *name == what).unwrap().1
    };
    assert_eq!(count("new").await, ENTRIES as u64);

    for change in [
        |manner: &mut Manner| manner.guid = "new",
        |manner: &mut Manner| manner.scheme = "https",
        |manner: &mut Manner| manner.title = "Edited story",
    ] {
        change(&mut manner.lock().unwrap());
        assert_eq!(count("new").await, 0);
        app.next_morning().await;
    }

    assert_eq!(app.mails().len(), 0);
    let articles = app
        .app
        .store
        .list(&courant::library::Query::default())
        .await
        .unwrap();
    assert_eq!(articles.len(), ENTRIES);
    assert!(
        articles
            .iter()
            .all(|article| article.title.starts_with("Edited"))
    );
}
