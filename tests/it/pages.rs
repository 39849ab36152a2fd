//! Web pages as sources, and pages that complete what a feed states: what is fetched, what is left
//! alone, and what becomes of it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chrono::TimeDelta;
use courant::library::{Article, Query};

use crate::support::{
    app::{TestApp, fetching_from},
    http::{Reply, Server},
};

fn html(head: &[&str], body: &str) -> Reply {
    let mut lines = vec!["200 OK", "Content-Type: text/html; charset=utf-8"];
    lines.extend(head);
    Reply::new(&lines, body.as_bytes())
}

fn not_found() -> Reply {
    Reply::new(&["404 Not Found"], b"")
}

/// A page of one article, with everything around it that such pages have.
fn story(name: &str) -> String {
    let told = format!(
        "<p>The {name} was seen again on Thursday, said the harbour master, who has watched the \
         water since the spring and keeps a book of all that passes.</p>"
    );
    let more = format!(
        "<p>Nobody in the town had expected the {name} before the winter, and the council has \
         called a meeting at which the matter of the {name} will be spoken about at length.</p>"
    );
    format!(
        "<html lang=en><head><title>{name} | Gazette</title>\
         <meta property=og:image content=/img/{name}.jpg>\
         <meta property=article:published_time content=2026-11-20T09:00:00Z></head><body>\
         <nav><a href=/>Home</a> <a href=/sport>Sport</a></nav><article><h1>{name}</h1>\
         {told}{more}<p>Related: <a href=/news/{name}-of-old>The {name} of old</a></p></article>\
         <footer>All rights reserved</footer></body></html>"
    )
}

fn listing(names: &[&str]) -> String {
    let card = |name: &&str| format!("<li><h3><a href=\"/news/{name}\">{name}</a></h3></li>");
    let cards: String = names.iter().map(card).collect();
    format!("<html><body><main><ul>{cards}</ul></main></body></html>")
}

fn source(server: &Server) -> String {
    let url = server.url("/news/");
    let fetch = fetching_from(server);
    format!(
        "{fetch}\n[[source]]\nname = \"gazette\"\npage = \"{url}\"\ninterval = \"5m\"\n\
         select = {{ link = \"h3 a\" }}\n"
    )
}

fn feed_source(server: &Server) -> String {
    source(server)
        .replace("page = ", "feed = ")
        .replace("select = { link = \"h3 a\" }", "full_text = true")
}

/// A feed that states a teaser of each article.
fn feed(server_url: &str, names: &[&str]) -> Reply {
    let item = |name: &&str| {
        format!(
            "<item><guid isPermaLink=\"false\">{name}</guid><title>Feed: {name}</title>\
             <link>{server_url}news/{name}</link><description>Only a word of {name}.</description>\
             </item>"
        )
    };
    let items: String = names.iter().map(item).collect();
    Reply::new(
        &["200 OK", "Content-Type: application/rss+xml", "ETag: \"f\""],
        format!(
            "<rss version=\"2.0\"><channel><title>G</title><link>{server_url}</link>\
             <description>d</description>{items}</channel></rss>"
        )
        .as_bytes(),
    )
}

async fn articles(app: &TestApp) -> Vec<Article> {
    app.app.store.list(&Query::default()).await.unwrap()
}

async fn text(app: &TestApp, article: &Article) -> String {
    app.app.store.body(article.id).await.unwrap().unwrap().text
}

/// The paths asked for, in order, and since the last time.
fn asked(server: &Server, before: &mut usize) -> Vec<String> {
    let heads = server.heads();
    let new = &heads[*before..];
    *before = heads.len();
    let path = |head: &Vec<u8>| {
        let line = String::from_utf8_lossy(head);
        line.split(' ').nth(1).unwrap().to_owned()
    };
    new.iter().map(path).collect()
}

/// Polls whatever is due after two hours, longer than any wait for a retry of the first kind.
async fn poll(app: &TestApp) -> Vec<String> {
    app.advance(TimeDelta::hours(2));
    app.activate("ingest_due_sources").await.errors
}

async fn result(app: &TestApp) -> String {
    let poll = app.app.store.poll(&"gazette".parse().unwrap()).await;
    poll.unwrap().unwrap().result
}

#[tokio::test]
async fn a_listing_becomes_articles_and_what_is_known_is_not_fetched_again() {
    let server = Server::start(|path| match path {
        "/news/" => html(&["ETag: \"1\""], &listing(&["ferry", "pier"])),
        "/news/ferry" => html(&[], &story("ferry")),
        "/news/pier" => html(&[], &story("pier")),
        _ => not_found(),
    })
    .await;
    let app = TestApp::start(&source(&server)).await;
    let mut seen = 0;

    assert_eq!(poll(&app).await, [""; 0]);

    assert_eq!(
        asked(&server, &mut seen),
        ["/robots.txt", "/news/", "/news/ferry", "/news/pier"]
    );
    let found = articles(&app).await;
    assert_eq!(found.len(), 2);
    let ferry = found
        .iter()
        .find(|article| article.title == "ferry")
        .unwrap();
    assert_eq!(ferry.url.as_ref().unwrap().path(), "/news/ferry");
    assert_eq!(ferry.picture.as_ref().unwrap().url.path(), "/img/ferry.jpg");
    assert_eq!(ferry.named_related[0].title, "The ferry of old");
    assert_eq!(ferry.published.date_naive().to_string(), "2026-11-20");
    let told = text(&app, ferry).await;
    assert!(told.starts_with("The ferry was seen again"), "{told}");
    assert!(!told.contains("Related") && !told.contains("rights") && !told.contains("Sport"));

    assert_eq!(poll(&app).await, [""; 0]);

    assert_eq!(asked(&server, &mut seen), ["/news/"]);
    let heads = server.heads();
    let last = String::from_utf8_lossy(heads.last().unwrap()).to_lowercase();
    assert!(last.contains("if-none-match: \"1\""), "{last}");
    assert!(last.contains("accept: text/html"), "{last}");
    assert_eq!(articles(&app).await.len(), 2);
}

#[tokio::test]
async fn robots_txt_is_obeyed_for_listing_and_articles() {
    let server = Server::start(|path| match path {
        "/robots.txt" => Reply::new(&["200 OK"], b"User-agent: Courant\nDisallow: /news/pier\n"),
        "/news/" => html(&[], &listing(&["ferry", "pier"])),
        "/news/ferry" => html(&[], &story("ferry")),
        _ => panic!("{path} is disallowed"),
    })
    .await;
    let app = TestApp::start(&source(&server)).await;

    poll(&app).await;

    assert_eq!(articles(&app).await.len(), 1);
    let told = result(&app).await;
    assert!(
        told.contains("/news/pier was not read: not asked: robots.txt of 127.0.0.1 disallows it"),
        "{told}"
    );
}

#[tokio::test]
async fn a_site_whose_robots_txt_fails_is_left_alone() {
    let server = Server::start(|path| match path {
        "/robots.txt" => Reply::new(&["500 Oops"], b""),
        _ => panic!("{path} may not be asked for"),
    })
    .await;
    let app = TestApp::start(&source(&server)).await;

    let errors = poll(&app).await;

    assert_eq!(
        errors,
        [
            "source gazette: not asked: robots.txt of 127.0.0.1 could not be had: answered 500 Internal Server Error"
        ]
    );
}

#[tokio::test]
async fn robots_txt_has_its_say_about_where_a_redirect_leads() {
    let server = Server::start(|path| match path {
        "/robots.txt" => Reply::new(&["200 OK"], b"User-agent: *\nDisallow: /secret\n"),
        "/news/" => html(&[], &listing(&["ferry"])),
        "/news/ferry" => Reply::new(&["302 Found", "Location: /secret"], b""),
        _ => panic!("{path} is disallowed"),
    })
    .await;
    let app = TestApp::start(&source(&server)).await;

    poll(&app).await;

    assert!(result(&app).await.contains("disallows it"));
}

#[tokio::test]
async fn a_page_that_fails_costs_no_other_and_is_asked_for_a_few_times_only() {
    let server = Server::start(|path| match path {
        "/news/" => html(
            &["ETag: \"1\""],
            &listing(&["broken", "empty", "ferry", "file", "gone"]),
        ),
        "/news/broken" => Reply::new(&["500 Oops"], b""),
        "/news/empty" => html(&[], "<html><body><h1>empty</h1></body></html>"),
        "/news/file" => Reply::new(&["200 OK", "Content-Type: application/pdf"], b"%PDF"),
        "/news/gone" => Reply::new(&["410 Gone"], b""),
        "/news/ferry" => html(&[], &story("ferry")),
        _ => not_found(),
    })
    .await;
    let app = TestApp::start(&source(&server)).await;
    let mut seen = 0;

    assert_eq!(poll(&app).await, [""; 0]);

    assert_eq!(articles(&app).await.len(), 1);
    let told = result(&app).await;
    assert!(told.starts_with("read 1 entry; "), "{told}");
    assert!(
        told.contains("/news/broken was not read: answered 500"),
        "{told}"
    );
    assert!(
        told.contains("/news/empty was not read: holds no article"),
        "{told}"
    );
    assert!(
        told.contains("/news/file was not read: answered `application/pdf`"),
        "{told}"
    );

    asked(&server, &mut seen);
    let mut again = Vec::new();
    for _ in 0..60 {
        poll(&app).await;
        again.extend(asked(&server, &mut seen));
    }
    let times = |path: &str| again.iter().filter(|asked| *asked == path).count();
    assert_eq!(
        ["broken", "empty", "file", "gone", "ferry"].map(|name| times(&format!("/news/{name}"))),
        [3, 3, 3, 0, 0]
    );
    // Its rules are believed for a day.
    assert_eq!(times("/robots.txt"), 5);
}

#[tokio::test]
async fn a_poll_fetches_so_many_pages_and_the_next_one_goes_on() {
    let names: Vec<String> = (0..70).map(|n| format!("story-{n}")).collect();
    let page = listing(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let server = Server::start(move |path| match path {
        "/news/" => html(&["ETag: \"1\""], &page),
        _ => match path.strip_prefix("/news/") {
            Some(name) => html(&[], &story(name)),
            None => not_found(),
        },
    })
    .await;
    let app =
        TestApp::start(&source(&server).replace("interval", "mail_first = 5\ninterval")).await;

    let mut counts = Vec::new();
    for _ in 0..4 {
        assert_eq!(poll(&app).await, [""; 0]);
        counts.push(articles(&app).await.len());
    }

    assert_eq!(counts, [30, 60, 70, 70]);
    // All of it is the first fetch, of which digests carry as many as the operator said.
    let due = |article: &&Article| article.mail == courant::library::Mail::Due;
    assert_eq!(articles(&app).await.iter().filter(due).count(), 5);
    let conditional = |head: &Vec<u8>| {
        String::from_utf8_lossy(head)
            .to_lowercase()
            .contains("if-none-match")
    };
    let heads = server.heads();
    let listings: Vec<bool> = heads
        .iter()
        .filter(|head| head.starts_with(b"GET /news/ "))
        .map(conditional)
        .collect();
    assert_eq!(listings, [false, false, false, true]);
}

#[tokio::test]
async fn a_page_without_links_to_articles_is_a_failure_that_is_told() {
    let server = Server::start(|path| match path {
        "/news/" => html(&[], "<p>Nothing here</p>"),
        _ => not_found(),
    })
    .await;
    let app = TestApp::start(&source(&server)).await;

    assert_eq!(
        poll(&app).await,
        ["source gazette: no link on this page leads to an article, or none is selected"]
    );
}

#[tokio::test]
async fn full_text_comes_from_the_page_of_each_new_entry_and_only_once() {
    let whole = Arc::new(AtomicBool::new(false));
    let has_more = whole.clone();
    let server = Server::start(move |path| match path {
        "/news/" => feed(
            "/",
            if has_more.load(Ordering::Relaxed) {
                &["ferry", "pier", "quay"]
            } else {
                &["ferry", "pier"]
            },
        ),
        "/news/ferry" => html(&[], &story("ferry")),
        "/news/quay" => html(&[], &story("quay")),
        "/news/pier" => Reply::new(&["503 Busy"], b""),
        _ => not_found(),
    })
    .await;
    let app = TestApp::start(&feed_source(&server)).await;
    let mut seen = 0;

    assert_eq!(poll(&app).await, [""; 0]);

    assert_eq!(
        asked(&server, &mut seen),
        ["/news/", "/robots.txt", "/news/ferry", "/news/pier"]
    );
    let found = articles(&app).await;
    let of = |name: &str| {
        found
            .iter()
            .find(|article| article.title == format!("Feed: {name}"))
            .unwrap()
    };
    let (ferry, pier) = (of("ferry"), of("pier"));
    assert_eq!(ferry.guid.as_deref(), Some("ferry"));
    assert!(
        text(&app, ferry)
            .await
            .starts_with("The ferry was seen again")
    );
    assert_eq!(ferry.summary, "Only a word of ferry.");
    assert_eq!(ferry.named_related[0].title, "The ferry of old");
    assert_eq!(ferry.picture.as_ref().unwrap().url.path(), "/img/ferry.jpg");
    assert_eq!(text(&app, pier).await, "Only a word of pier.");
    assert!(
        result(&app)
            .await
            .contains("/news/pier was not read: answered 503")
    );

    poll(&app).await;
    assert_eq!(asked(&server, &mut seen), ["/news/"]);

    whole.store(true, Ordering::Relaxed);
    poll(&app).await;
    assert_eq!(asked(&server, &mut seen), ["/news/", "/news/quay"]);
    let revised = articles(&app)
        .await
        .iter()
        .filter(|article| article.revised.is_some())
        .count();
    assert_eq!(revised, 0);
}

#[tokio::test]
async fn full_text_goes_on_at_the_next_poll_where_there_are_many_new_entries() {
    let names: Vec<String> = (0..40).map(|n| format!("story-{n}")).collect();
    let server = Server::start(move |path| match path {
        "/news/" => feed("/", &names.iter().map(String::as_str).collect::<Vec<_>>()),
        _ => match path.strip_prefix("/news/") {
            Some(name) => html(&[], &story(name)),
            None => not_found(),
        },
    })
    .await;
    let app = TestApp::start(&feed_source(&server)).await;

    poll(&app).await;
    assert_eq!(articles(&app).await.len(), 30);
    poll(&app).await;
    let found = articles(&app).await;
    assert_eq!(found.len(), 40);
    for article in &found {
        assert!(text(&app, article).await.contains("was seen again"));
    }
}

#[tokio::test]
async fn a_host_that_asks_to_be_left_alone_is_asked_for_no_further_page() {
    let server = Server::start(|path| match path {
        "/news/" => html(&[], &listing(&["ferry", "pier", "quay"])),
        "/robots.txt" => not_found(),
        _ => Reply::new(&["429 Too Many", "Retry-After: 20000"], b""),
    })
    .await;
    let app = TestApp::start(&source(&server)).await;
    let mut seen = 0;

    poll(&app).await;
    assert_eq!(
        asked(&server, &mut seen),
        ["/robots.txt", "/news/", "/news/ferry"]
    );
    assert!(
        result(&app)
            .await
            .ends_with("2 pages wait for the next poll")
    );

    for _ in 0..2 {
        poll(&app).await;
        assert_eq!(asked(&server, &mut seen), [""; 0]);
    }
    app.advance(TimeDelta::hours(24));
    poll(&app).await;
    assert_eq!(asked(&server, &mut seen)[..2], ["/robots.txt", "/news/"]);
}
