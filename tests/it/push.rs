//! Articles that are pushed to us, and articles that are taken away again.

use chrono::TimeDelta;
use courant::library::{Article, Mail, Query};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    app::{DESK, TestApp, feed_source, fetching_from, rss},
    binary::Courant,
    client::Answer,
    http::{Reply, Server},
};

const TOKEN: &str = "0123456789abcdef";
const OTHER: &str = "fedcba9876543210";

/// Two sources that are pushed to.
const PUSHED: &str = "[[source]]\nname = \"newsroom\"\npush = true\ntoken = \"0123456789abcdef\"\n\
                      [[source]]\nname = \"agency\"\npush = true\ntoken = \"fedcba9876543210\"\n";

impl TestApp {
    /// `fields` are further header lines.
    async fn api(&self, line: &str, token: &str, fields: &str, body: &str) -> Answer {
        let head = format!(
            "{line}\nAuthorization: Bearer {token}\nContent-Type: application/json\n{fields}"
        );
        self.client.send(&head, body).await
    }

    async fn push(&self, body: &Value) -> Answer {
        self.api("POST /api/articles", TOKEN, "", &body.to_string())
            .await
    }

    async fn push_as(&self, key: &str, body: &Value) -> Answer {
        let key = format!("Idempotency-Key: {key}");
        self.api("POST /api/articles", TOKEN, &key, &body.to_string())
            .await
    }

    async fn put(&self, guid: &str, body: &Value) -> Answer {
        let line = format!("PUT /api/articles/{guid}");
        self.api(&line, TOKEN, "", &body.to_string()).await
    }

    async fn delete(&self, guid: &str, token: &str) -> u16 {
        let line = format!("DELETE /api/articles/{guid}");
        self.api(&line, token, "", "").await.status
    }

    async fn library(&self) -> Vec<Article> {
        self.app.store.list(&Query::default()).await.unwrap()
    }

    async fn titles(&self) -> Vec<String> {
        let articles = self.library().await.into_iter();
        articles.map(|article| article.title).collect()
    }
}

fn article(id: &str, title: &str) -> Value {
    json!({
        "id": id,
        "url": format!("https://newsroom.example/{id}"),
        "title": title,
        "content_html": format!("<p>All that is known of {title}.</p><script>x()</script>"),
        "date_published": "2026-11-23T05:00:00Z",
    })
}

/// The outcomes of an answer with the articles' numbers.
#[track_caller]
fn outcomes(answer: &Answer) -> Vec<(String, u64)> {
    let told: Value = serde_json::from_str(answer.text()).unwrap();
    let items = told["items"].as_array().unwrap_or_else(|| panic!("{told}"));
    let outcome = |item: &Value| {
        let outcome = item["outcome"].as_str().unwrap().to_owned();
        (outcome, item["article"].as_u64().unwrap())
    };
    items.iter().map(outcome).collect()
}

#[track_caller]
fn is_problem(answer: &Answer, status: u16, part: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem: Value = serde_json::from_str(answer.text()).unwrap();
    assert_eq!(problem["status"], status);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(part), "{detail}");
}

#[tokio::test]
async fn a_pushed_article_is_sanitised_shown_and_mailed_like_any_other() {
    let app = TestApp::start(PUSHED).await;
    app.import("ann@example.org").await;
    app.work().await;

    let answer = app.push(&article("ferry", "Ferry")).await;

    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    let told: Value = serde_json::from_str(answer.text()).unwrap();
    let [item] = &told["items"].as_array().unwrap()[..] else {
        panic!("{told}");
    };
    let id = item["article"].as_u64().unwrap();
    assert_eq!(item["id"], "ferry");
    assert_eq!(item["outcome"], "new");
    assert_eq!(
        item["url"],
        format!("https://courant.example/articles/{id}")
    );
    let page = app.client.get(&format!("/articles/{id}")).await;
    assert!(page.text().contains("All that is known of Ferry."));
    assert!(!page.text().contains("x()"));
    app.next_morning().await;
    assert!(
        app.mails()[0].text.contains("Ferry"),
        "pushed articles are news at once"
    );
}

#[tokio::test]
async fn a_document_is_taken_as_a_whole_and_each_outcome_is_told() {
    let app = TestApp::start(PUSHED).await;
    app.push(&article("a", "Ferry")).await;
    let revised =
        json!({ "id": "a", "url": "https://elsewhere.example/", "title": "Ferry is back" });
    let agency = json!({
        "id": "z",
        "url": "https://agency.example/z",
        "title": "Observatory",
        "content_text": "The telescope on the hill has a new mirror, and the town may look through it on Sunday.",
    });
    let other = app
        .api("POST /api/articles", OTHER, "", &agency.to_string())
        .await;
    let mut reprint = agency.clone();
    reprint["id"] = "b".into();
    reprint["url"] = "https://newsroom.example/b".into();
    let feed = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "items": [revised, reprint, article("c", "Lighthouse")],
    });

    let answer = app.push(&feed).await;
    let again = app.push(&feed).await;

    assert_eq!(answer.status, 201);
    let told = outcomes(&answer);
    let names: Vec<&str> = told.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["revised", "reprint", "new"]);
    assert_eq!(
        told[1].1,
        outcomes(&other)[0].1,
        "the article that it repeats"
    );
    assert_eq!(again.status, 200);
    let known: Vec<(String, u64)> = told
        .iter()
        .map(|(_, id)| ("known".to_owned(), *id))
        .collect();
    assert_eq!(outcomes(&again), known);
    assert_eq!(app.library().await.len(), 3);
}

#[tokio::test]
async fn of_a_request_with_one_bad_article_nothing_is_kept() {
    let app = TestApp::start(PUSHED).await;
    let feed = json!({ "items": [article("a", "Ferry"), { "title": "No id" }] });

    is_problem(&app.push(&feed).await, 422, "item 1: `id` is missing");
    is_problem(&app.push(&json!([])).await, 422, "no object");
    let cut = app.api("POST /api/articles", TOKEN, "", "{\"id\":").await;
    is_problem(&cut, 400, "not valid JSON");
    assert_eq!(app.library().await, []);
}

#[tokio::test]
async fn two_items_with_one_link_are_one_article_and_both_guids_lead_to_it() {
    let app = TestApp::start(PUSHED).await;
    let mut twin = article("a", "Ferry");
    twin["id"] = "b".into();

    let answer = app
        .push(&json!({ "items": [article("a", "Ferry"), twin] }))
        .await;

    let told = outcomes(&answer);
    assert_eq!(told[1], ("known".to_owned(), told[0].1));
    assert_eq!(app.library().await.len(), 1);
    assert_eq!(app.delete("b", TOKEN).await, 204);
    assert_eq!(app.library().await, []);
}

#[tokio::test]
async fn who_has_no_token_is_told_so_as_json_whatever_is_accepted() {
    let app = TestApp::start(PUSHED).await;
    let body = article("a", "Ferry").to_string();

    let none = app
        .client
        .send("POST /api/articles\nAccept: text/html", &body)
        .await;
    is_problem(&none, 401, "Bearer");
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"courant\"");
    for wrong in [
        "0123456789abcdeX",
        "0123456789abcde",
        "0123456789abcdef0",
        "",
        "Basic",
    ] {
        let answer = app.api("POST /api/articles", wrong, "", &body).await;
        assert_eq!(answer.status, 401, "{wrong}");
        assert!(
            answer.header("www-authenticate").contains("Bearer"),
            "{wrong}"
        );
    }
    let basic = "POST /api/articles\nAuthorization: Basic 0123456789abcdef";
    assert_eq!(app.client.send(basic, &body).await.status, 401);
    is_problem(&app.client.get("/api/nothing").await, 404, "");
    is_problem(&app.client.send("DELETE /api/articles", "").await, 405, "");
    assert_eq!(app.library().await, []);
}

#[tokio::test]
async fn only_json_of_bounded_size_is_read() {
    let app = TestApp::start(PUSHED).await;
    let send = async |kind: &str, body: &str| {
        let head =
            format!("POST /api/articles\nAuthorization: bearer {TOKEN}\nContent-Type: {kind}");
        app.client.send(&head, body).await
    };
    let body = article("a", "Ferry").to_string();

    is_problem(
        &send("text/plain", &body).await,
        415,
        "application/feed+json",
    );
    let zipped = send("application/json\nContent-Encoding: gzip", &body).await;
    is_problem(&zipped, 415, "without a content coding");
    let long = json!({ "id": "x", "title": "T", "content_text": "x".repeat(5_000_000) });
    is_problem(
        &send("application/json", &long.to_string()).await,
        413,
        "5 MB",
    );
    let most = json!({ "id": "y", "title": "T", "content_text": "x".repeat(4_000_000) });
    assert_eq!(
        send("application/json", &most.to_string()).await.status,
        201
    );
    let feed = send("Application/Feed+JSON; charset=utf-8", &body).await;
    assert_eq!(feed.status, 201);
}

#[tokio::test]
async fn a_request_that_is_sent_again_gets_the_same_answer_also_after_a_restart() {
    let app = TestApp::start(PUSHED).await;

    let first = app.push_as("\"k-1\"", &article("a", "Ferry")).await;
    let second = app.push_as("k-1", &article("a", "Ferry")).await;
    let app = app.restart().await;
    let third = app.push_as("\"k-1\"", &article("a", "Ferry")).await;

    assert_eq!(first.status, 201);
    for later in [&second, &third] {
        assert_eq!((later.status, &later.body), (201, &first.body));
    }
    is_problem(
        &app.push_as("k-1", &article("b", "Barrier")).await,
        422,
        "another body",
    );
    assert_eq!(app.titles().await, ["Ferry"]);
    let other = json!({ "id": "z", "title": "Lighthouse" }).to_string();
    let other = app
        .api("POST /api/articles", OTHER, "Idempotency-Key: k-1", &other)
        .await;
    assert_eq!(other.status, 201, "a key means something within its source");

    app.advance(TimeDelta::hours(24));
    let late = app.push_as("k-1", &article("a", "Ferry")).await;
    assert_eq!((late.status, &*outcomes(&late)[0].0), (200, "known"));
}

#[tokio::test]
async fn a_refused_request_uses_up_no_key_and_a_bad_key_is_refused() {
    let app = TestApp::start(PUSHED).await;

    assert_eq!(app.push_as("k", &json!({})).await.status, 422);
    assert_eq!(app.push_as("k", &article("a", "Ferry")).await.status, 201);
    for bad in ["", "\"\"", "\u{e4}", &"k".repeat(256)] {
        let answer = app.push_as(bad, &article("b", "Barrier")).await;
        is_problem(&answer, 400, "1 to 255");
    }
    let longest = app
        .push_as(&"k".repeat(255), &article("b", "Barrier"))
        .await;
    assert_eq!(longest.status, 201);
}

#[tokio::test]
async fn of_two_equal_requests_at_once_one_makes_the_article() {
    let app = TestApp::start(PUSHED).await;
    let body = article("a", "Ferry");

    let both = tokio::join!(app.push_as("k", &body), app.push_as("k", &body));

    let mut statuses = [both.0.status, both.1.status];
    statuses.sort_unstable();
    assert!([[201, 201], [201, 409]].contains(&statuses), "{statuses:?}");
    assert_eq!(app.library().await.len(), 1);
}

#[tokio::test]
async fn an_article_is_put_shown_and_deleted_by_its_guid() {
    let app = TestApp::start(PUSHED).await;
    let guid = "urn%3Ax%2F1%20%C3%A4";
    let body = json!({ "title": "Ferry", "content_text": "It is back." });

    let created = app.put(guid, &body).await;
    let same = app.put(guid, &body).await;
    let revised = app
        .put(guid, &json!({ "id": "urn:x/1 ä", "title": "Ferry back" }))
        .await;

    assert_eq!(
        (created.status, same.status, revised.status),
        (201, 200, 200)
    );
    let id = outcomes(&created)[0].1;
    assert_eq!(outcomes(&same), [("known".to_owned(), id)]);
    assert_eq!(outcomes(&revised), [("revised".to_owned(), id)]);
    is_problem(
        &app.put(guid, &json!({ "id": "y", "title": "T" })).await,
        422,
        "address",
    );
    let line = format!("GET /api/articles/{guid}");
    let shown = app.api(&line, TOKEN, "", "").await;
    let shown: Value = serde_json::from_str(shown.text()).unwrap();
    assert_eq!(
        (&shown["id"], &shown["title"]),
        (&json!("urn:x/1 ä"), &json!("Ferry back"))
    );
    assert_eq!(
        app.api(&line, OTHER, "", "").await.status,
        404,
        "not theirs to know"
    );

    assert_eq!(app.delete(guid, OTHER).await, 404);
    assert_eq!(app.delete(guid, TOKEN).await, 204);
    assert_eq!(app.delete(guid, TOKEN).await, 204);
    assert_eq!(app.delete("never", TOKEN).await, 404);
    assert_eq!(app.api(&line, TOKEN, "", "").await.status, 410);
    assert_eq!(app.client.get(&format!("/articles/{id}")).await.status, 410);
    assert_eq!(app.library().await, []);
}

#[tokio::test]
async fn a_removed_article_comes_back_by_put_alone_and_as_a_new_one() {
    let app = TestApp::start(PUSHED).await;
    let first = outcomes(&app.push(&article("a", "Ferry")).await)[0].1;
    app.delete("a", TOKEN).await;

    let posted = app.push(&article("a", "Ferry")).await;
    assert_eq!(
        (posted.status, outcomes(&posted)),
        (200, vec![("removed".to_owned(), first)])
    );
    let changed = app.push(&article("a", "Ferry again")).await;
    assert_eq!(outcomes(&changed), [("removed".to_owned(), first)]);
    assert_eq!(app.library().await, []);

    let put = app.put("a", &article("a", "Ferry")).await;
    assert_eq!(put.status, 201);
    let (outcome, second) = outcomes(&put)[0].clone();
    assert_eq!(outcome, "new");
    assert!(second > first);
    assert_eq!(app.titles().await, ["Ferry"]);
    let known = app.push(&article("a", "Ferry")).await;
    assert_eq!(outcomes(&known), [("known".to_owned(), second)]);
}

#[tokio::test]
async fn taking_back_a_reprint_leaves_the_article_to_its_own_source() {
    let app = TestApp::start(PUSHED).await;
    let text = "The telescope on the hill has a new mirror, and the town may look through it soon.";
    let item = |id: &str| json!({ "id": id, "title": "Mirror", "content_text": text });
    let theirs = app
        .api("POST /api/articles", OTHER, "", &item("z").to_string())
        .await;
    assert_eq!(theirs.status, 201);

    assert_eq!(outcomes(&app.push(&item("a")).await)[0].0, "reprint");
    assert_eq!(app.library().await[0].reprints.len(), 1);
    assert_eq!(app.delete("a", TOKEN).await, 204);
    assert_eq!(app.delete("a", TOKEN).await, 204);
    assert_eq!(app.library().await[0].reprints, []);

    let again = app.put("a", &item("a")).await;
    assert_eq!(outcomes(&again)[0].0, "reprint");
    assert_eq!(app.library().await[0].reprints.len(), 1);
}

#[tokio::test]
async fn a_removed_article_stays_away_whatever_kind_of_source_brings_it() {
    let text =
        "The ferry is back in service, and whoever has a bicycle may take it along for nothing.";
    let feed = format!(
        "<rss version=\"2.0\"><channel><title>P</title><item><guid>f</guid><title>Ferry</title>\
         <link>https://paper.example/ferry</link><description>{text}</description></item></channel></rss>"
    );
    let server = Server::start(move |_| Reply::new(&["200 OK"], feed.as_bytes())).await;
    let sources = format!(
        "{PUSHED}{DESK}{}{}",
        feed_source("paper", &server),
        fetching_from(&server)
    );
    let app = TestApp::start(&sources).await;
    app.work().await;
    let id = app.library().await[0].id;
    app.app.ingest.remove(&[id], app.now()).await.unwrap();

    let pushed = json!({ "id": "p", "title": "Ferry", "content_text": text });
    let answer = app.push(&pushed).await;
    assert_eq!(outcomes(&answer), [("removed".to_owned(), id.0)]);
    let put = app.put("p", &pushed).await;
    assert_eq!(outcomes(&put)[0].0, "removed", "it was another source's");
    let file = app.path().join("desk/ferry.md");
    std::fs::write(file, format!("---\ntitle: Ferry\n---\n\n{text}\n")).unwrap();
    app.advance(TimeDelta::hours(2));
    app.work().await;
    let app = app.restart().await;
    app.advance(TimeDelta::hours(2));
    app.work().await;

    assert_eq!(app.library().await, []);
}

#[tokio::test]
async fn a_removed_article_is_related_to_nothing_any_more() {
    let app = TestApp::start(PUSHED).await;
    let text =
        "The old lighthouse keeper of Saltmere lit the lamp by hand for forty years and a day.";
    let item = |id: &str, more: &str| json!({ "id": id, "url": format!("https://n.example/{id}"), "title": format!("Lighthouse keeper {more}"), "content_text": format!("{text} {more}") });
    app.push(&item("a", "retires")).await;
    let second = outcomes(&app.push(&item("b", "honoured")).await)[0].1;
    let related = async |id: u64| {
        let article = app.app.store.article(courant::id::ArticleId(id)).await;
        article.unwrap().unwrap().related.len()
    };
    assert_eq!(
        related(second).await,
        1,
        "the test needs two that go together"
    );
    let feed = app.client.get("/e/daily/feed.json").await;
    assert!(feed.text().contains("https://n.example/a"));

    app.delete("a", TOKEN).await;

    assert_eq!(related(second).await, 0);
    let feed = app.client.get("/e/daily/feed.json").await;
    assert!(
        !feed.text().contains("https://n.example/a"),
        "{}",
        feed.text()
    );
    let third = outcomes(&app.push(&item("c", "remembered")).await)[0].1;
    assert_eq!(related(third).await, 1, "to the second alone");
    let mut naming = item("d", "celebrated");
    naming["_courant"] =
        json!({ "named_related": [{ "url": "https://n.example/a", "title": "Retires" }] });
    let fourth = outcomes(&app.push(&naming).await)[0].1;
    let article = app.app.store.article(courant::id::ArticleId(fourth)).await;
    let article = article.unwrap().unwrap();
    assert!(
        article.related.iter().all(|related| !related.named),
        "{article:?}"
    );
}

#[tokio::test]
async fn an_archive_that_is_pushed_at_once_is_published_and_not_mailed() {
    let app = TestApp::start(PUSHED).await;
    let items: Vec<Value> = (0..21)
        .map(|n| article(&format!("n{n}"), &format!("Number {n}")))
        .collect();

    app.push(&json!({ "items": items })).await;
    app.push(&article("news", "News")).await;
    let mut old = article("old", "Old");
    old["date_published"] = "2026-10-01T00:00:00Z".into();
    app.push(&old).await;

    let due: Vec<String> = app
        .library()
        .await
        .into_iter()
        .filter(|article| article.mail == Mail::Due)
        .map(|article| article.title)
        .collect();
    assert_eq!(due, ["News"]);
}

#[tokio::test]
async fn a_source_that_is_pushed_to_is_never_polled() {
    let app = TestApp::start(PUSHED).await;

    for _ in 0..3 {
        app.advance(TimeDelta::days(40));
        let report = app.activate("ingest_due_sources").await;
        assert!(report.is_idle(), "{report:?}");
    }
}

#[tokio::test]
async fn nothing_is_taken_from_a_source_while_it_is_paused() {
    let app = TestApp::start(PUSHED).await;
    let newsroom = "newsroom".parse().unwrap();
    let (store, now) = (&app.app.store, app.app.clock.now());

    store.pause(&newsroom, now).await.unwrap();
    let refused = app.push(&article("1", "Strike")).await;
    let kept = app.library().await.len();
    store.resume(&newsroom, now).await.unwrap();
    let taken = app.push(&article("1", "Strike")).await;

    assert_eq!((refused.status, kept), (503, 0), "{}", refused.text());
    assert!(refused.text().contains("paused"), "{}", refused.text());
    assert_eq!(outcomes(&taken)[0].0, "new");
}

#[test]
fn a_source_that_is_pushed_to_is_listed_without_a_next_poll() {
    let shown = newsroom().ok(&["--json", "sources", "show", "newsroom"]);
    let shown = &shown.objects()[0];

    assert_eq!(
        (&shown["kind"], &shown["next"]),
        (&json!("push"), &Value::Null)
    );
}

#[tokio::test]
async fn a_poll_and_a_push_at_one_moment_share_one_article() {
    let server = Server::start(|_| Reply::new(&["200 OK"], &rss(["Ferry"]))).await;
    let sources = format!(
        "{PUSHED}{}{}",
        feed_source("paper", &server),
        fetching_from(&server)
    );
    let app = TestApp::start(&sources).await;
    let pushed = json!({ "id": "p", "url": "https://paper.example/Ferry", "title": "Ferry" });

    let (_, answer) = tokio::join!(app.work(), app.push(&pushed));

    assert!([200, 201].contains(&answer.status));
    assert_eq!(app.library().await.len(), 1);
}

/// The built program, with the sources of [`PUSHED`].
fn newsroom() -> Courant {
    let courant = Courant::new();
    courant.write("courant.toml", &format!("{}\n{PUSHED}", courant.config()));
    courant
}

fn line(token: &str) -> String {
    format!(
        "POST /api/articles\nAuthorization: Bearer {token}\nContent-Type: application/json\n\
         Idempotency-Key: k"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_is_there_after_a_kill_and_answered_the_same_again() {
    let courant = newsroom();
    let body = article("a", "Barrier").to_string();
    let daemon = courant.daemon();
    let first = daemon.client().send(&line(TOKEN), &body).await;
    daemon.kill();

    let daemon = courant.daemon();
    let again = daemon.client().send(&line(TOKEN), &body).await;
    daemon.stop();

    assert_eq!(first.status, 201, "{}", first.text());
    assert_eq!((again.status, again.body), (201, first.body));
    let listed = courant.ok(&["--json", "articles", "list", "--source", "newsroom"]);
    assert_eq!(listed.objects().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_and_no_hook_is_ever_logged() {
    let courant = newsroom();
    let daemon = courant.daemon_after("", &["--log", "debug", "run"]);
    let body = article("a", "Barrier").to_string();
    daemon.client().send(&line(TOKEN), &body).await;
    daemon
        .client()
        .send(&line("guessed-and-wrong"), &body)
        .await;
    daemon
        .client()
        .get("/hooks/c0ffee?hub.mode=subscribe")
        .await;
    let (_, log) = daemon.stop();

    for secret in [TOKEN, OTHER, "guessed", "c0ffee", "All that is known"] {
        assert!(!log.contains(secret), "{log}");
    }
    assert!(log.contains("/hooks/..."), "{log}");
}

/// Any member of an item, sound or not.
fn any_member() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u8>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "<[a-z]{1,3}>{0,2}[a-z &;]{0,60}".prop_map(Value::from),
        "https://[a-c].example/[a-c]".prop_map(Value::from),
        Just(json!("2026-11-23T05:00:00Z")),
        Just(json!([])),
        Just(json!([{ "url": "https://a.example/", "name": "A", "title": "T" }])),
        Just(json!({ "picture": { "url": "https://a.example/p" }, "guid": "a" })),
    ]
}

fn any_item() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "title",
        "url",
        "content_html",
        "content_text",
        "summary",
        "tags",
        "authors",
        "attachments",
        "image",
        "date_published",
        "language",
        "_courant",
        "other",
    ]);
    // Most items are sound, or nothing would ever be taken.
    let odd = prop::option::weighted(0.3, (names, any_member()));
    let id = prop_oneof![9 => "[a-d]{1,2}".prop_map(Value::from), 1 => any_member()];
    (id, "https://[a-c].example/[a-c]", "[a-z]{1,3}", odd).prop_map(|(id, url, title, odd)| {
        let mut item = json!({ "id": id, "url": url, "title": title });
        if let Some((name, value)) = odd {
            item[name] = value;
        }
        item
    })
}

#[test]
fn whatever_json_is_pushed_is_taken_as_a_whole_or_not_at_all() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = runtime.block_on(TestApp::start(PUSHED));
    let taken = std::cell::Cell::new(0);

    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(150)
    };
    proptest!(config, |(items in prop::collection::vec(any_item(), 0..5))| {
        let (before, answer, after) = runtime.block_on(async {
            let before = app.library().await.len();
            let answer = app.push(&json!({ "items": items })).await;
            (before, answer, app.library().await.len())
        });
        if answer.status == 422 {
            prop_assert_eq!(before, after);
        } else {
            prop_assert!([200, 201].contains(&answer.status), "{}", answer.text());
            let told = outcomes(&answer);
            let new = told.iter().filter(|(outcome, _)| outcome == "new").count();
            prop_assert_eq!(told.len(), items.len());
            prop_assert_eq!(before + new, after);
            taken.set(taken.get() + new);
        }
    });
    assert!(taken.get() > 0, "nothing was ever taken");
}
