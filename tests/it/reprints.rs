//! One text from several sources is one article, whatever each made of it; and it can be split.

use std::fs;

use courant::{
    id::ArticleId,
    library::{Article, Query},
};

use crate::support::app::TestApp;

/// Sentences of which no two say the same, from the `from`th on.
fn sentences(from: usize, n: usize) -> Vec<String> {
    let word = |n: usize| format!("w{}", n * 7_919 % 30_011);
    let sentence = |n: usize| {
        let words: Vec<String> = (0..12).map(|k| word(n * 12 + k)).collect();
        words.join(" ") + "."
    };
    (from..from + n).map(sentence).collect()
}

const SOURCES: &str = "[library]\nreprint_window = \"7d\"\n\
    [[source]]\nname = \"wire\"\nfolder = \"wire\"\ninterval = \"5m\"\n\
    [[source]]\nname = \"post\"\nfolder = \"post\"\ninterval = \"5m\"\n\
    [[source]]\nname = \"star\"\nfolder = \"star\"\ninterval = \"5m\"\npriority = 5\n";

async fn started() -> TestApp {
    let app = TestApp::start(SOURCES).await;
    for source in ["wire", "post", "star"] {
        fs::create_dir(app.path().join(source)).unwrap();
    }
    app
}

fn tell(app: &TestApp, source: &str, title: &str, text: &[String]) {
    let name = title.to_lowercase().replace(' ', "-");
    let text = text.join(" ");
    let page = format!("---\ntitle: {title}\ndate: 2026-11-23T05:00:00Z\n---\n\n{text}\n");
    fs::write(app.path().join(source).join(format!("{name}.md")), page).unwrap();
}

async fn ingest(app: &TestApp) -> Vec<Article> {
    app.advance(chrono::TimeDelta::hours(2));
    let report = app.activate("ingest_due_sources").await;
    assert_eq!(report.errors, [""; 0]);
    let mut articles = app.app.store.list(&Query::default()).await.unwrap();
    articles.sort_by_key(|article| article.id);
    articles
}

#[tokio::test]
async fn an_edited_reprint_is_folded_and_the_feed_says_who_carries_it() {
    let app = started().await;
    let story = sentences(0, 30);
    tell(&app, "wire", "Ferry returns", &story);
    let first = ingest(&app).await;
    tell(&app, "post", "The ferry is back", &story[..20]);
    tell(&app, "post", "Bridge closed", &sentences(500, 20));

    let articles = ingest(&app).await;

    assert_eq!(articles.len(), 2);
    assert_eq!(articles[0].id, first[0].id);
    assert_eq!(articles[0].title, "Ferry returns");
    let [reprint] = &articles[0].reprints[..] else {
        panic!("{:?}", articles[0].reprints);
    };
    assert_eq!(reprint.source.as_str(), "post");
    assert!(reprint.measure.unwrap().contained > 0.9);
    let feed = app.client.get("/e/daily/feed.json").await;
    let feed = String::from_utf8(feed.body).unwrap();
    assert!(!feed.contains("The ferry is back"), "{feed}");
    assert!(feed.contains("\"post\""), "{feed}");
}

#[tokio::test]
async fn the_source_with_the_higher_priority_represents_the_article_which_keeps_its_id() {
    let app = started().await;
    let story = sentences(0, 30);
    tell(&app, "wire", "Ferry returns", &story);
    let first = ingest(&app).await;
    tell(&app, "star", "Star on the ferry", &story[..15]);

    let articles = ingest(&app).await;

    assert_eq!(articles.len(), 1);
    assert_eq!(articles[0].id, first[0].id);
    assert_eq!(articles[0].first_seen, first[0].first_seen);
    assert_eq!(articles[0].title, "Star on the ferry");
    assert_eq!(articles[0].reprints[0].source.as_str(), "wire");
    let body = app.app.store.body(first[0].id).await.unwrap().unwrap();
    assert!(body.text.contains(&story[14]) && !body.text.contains(&story[15]));
}

#[tokio::test]
async fn two_articles_that_a_third_text_shows_to_be_one_become_one() {
    let app = started().await;
    let story = sentences(0, 30);
    tell(&app, "wire", "Ferry returns", &story[..14]);
    tell(&app, "post", "Old pier busy", &story[16..]);
    assert_eq!(ingest(&app).await.len(), 2);
    tell(&app, "star", "Ferry returns", &story);

    let articles = ingest(&app).await;

    assert_eq!(articles.len(), 1);
    assert_eq!(articles[0].reprints.len(), 2);
    for id in 1..4 {
        let found = app.app.store.article(ArticleId(id)).await.unwrap();
        assert_eq!(found.map(|found| found.id), Some(articles[0].id), "{id}");
    }
}

#[tokio::test]
async fn what_the_operator_split_stays_split_across_restarts() {
    let app = started().await;
    let story = sentences(0, 30);
    tell(&app, "wire", "Ferry returns", &story);
    tell(&app, "post", "The ferry is back", &story[..20]);
    let [article] = &ingest(&app).await[..] else {
        panic!("one article");
    };
    let split = article.reprints[0].id.unwrap();

    app.app.ingest.split(split).await.unwrap();
    let app = app.restart().await;
    let mut both = story.clone();
    both.push("And a last word.".to_owned());
    tell(&app, "star", "Star on the ferry", &both);
    let articles = ingest(&app).await;

    let titles: Vec<(ArticleId, usize)> = articles
        .iter()
        .map(|article| (article.id, article.reprints.len()))
        .collect();
    assert_eq!(titles.len(), 2, "{articles:?}");
    assert_eq!(titles.iter().map(|(_, n)| n).sum::<usize>(), 1);
    assert!(titles.iter().any(|(id, _)| *id == split));

    let unchanged = ingest(&app).await;
    assert_eq!(unchanged, articles);
}

#[tokio::test]
async fn a_wire_story_in_forty_outlets_is_shown_once_with_its_carriers() {
    const OUTLETS: usize = 40;
    const OTHERS: usize = 20;
    let source = |n: usize| {
        format!(
            "[[source]]\nname = \"outlet-{n:02}\"\nfolder = \"outlet-{n:02}\"\nmail_first = 99\n"
        )
    };
    let app = TestApp::start(&(0..OUTLETS).map(source).collect::<String>()).await;
    app.import("ada@lund.example").await;
    let story = sentences(0, 25);
    for n in 0..OUTLETS {
        let outlet = format!("outlet-{n:02}");
        fs::create_dir(app.path().join(&outlet)).unwrap();
        let footer = sentences(2_000 + n, 1);
        let copy = [&story[..story.len() - n % 11], &footer].concat();
        tell(&app, &outlet, &format!("Ferry by {n}"), &copy);
        if n < OTHERS {
            let text = [&sentences(100 + 20 * n, 20)[..], &footer].concat();
            tell(&app, &outlet, &format!("Own {n}"), &text);
        }
    }

    app.next_morning().await;

    let articles = app.app.store.list(&Query::default()).await.unwrap();
    assert_eq!(articles.len(), 1 + OTHERS);
    let carried = articles.iter().filter(|one| !one.reprints.is_empty());
    let [ferry] = &carried.collect::<Vec<_>>()[..] else {
        panic!("one story has carriers");
    };
    assert_eq!(ferry.reprints.len(), OUTLETS - 1);
    let feed = app.client.get("/e/daily/feed.json").await;
    let [mail] = &app.mails()[..] else {
        panic!("one digest");
    };
    for shown in [feed.text(), &mail.text] {
        assert_eq!(shown.matches("Own 7").count(), 1, "{shown}");
        assert_eq!(shown.matches(&ferry.title).count(), 1, "{shown}");
        assert_eq!(shown.matches("Ferry by ").count(), 1, "{shown}");
        let carriers = (0..OUTLETS).map(|n| format!("outlet-{n:02}"));
        for outlet in carriers {
            assert!(shown.contains(&outlet), "{outlet} is no carrier in {shown}");
        }
    }
}
