//! The public face from outside: a listener on loopback, and bytes.

mod shelf;

use std::{collections::HashMap, net::SocketAddr, sync::atomic::Ordering, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    editions::fixture::{article, edition, full, morning, site, source},
    id::{SubscriberId, TopicSlug},
    ingest::{
        memory::Merits,
        read::Reader,
        topics::{Rule, Topic},
        turns::Turns,
    },
    secret::Key,
    sources::{
        fetch::{FetchConfig, Fetcher},
        guard::Guard,
        visit::Visitor,
    },
    subscribers::{
        How, Scope,
        token::{CONFIRM_WITHIN, Keyring, TokenPurpose},
    },
};
use shelf::Shelf;

/// A site that is served as long as it lives.
struct Served {
    shelf: Arc<Shelf>,
    address: SocketAddr,
    wake_optin: Activator,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }
}

async fn serve(shelf: Shelf) -> Served {
    let shelf = Arc::new(shelf);
    let wake_optin = Activator::default();
    let state = State {
        store: shelf.clone(),
        ingest: Arc::new(ingest(&shelf)),
        hooks: Hooks {
            inbox: Arc::new(Inbox::new(0)),
            wake: Activator::default(),
            sha1: Sha1::Refused,
            max_bytes: 0,
        },
        site: Arc::new(site()),
        editions: Arc::new([edition()]),
        source_titles: Arc::new(
            [(source("courier"), "The Courier".to_owned())]
                .into_iter()
                .collect(),
        ),
        templates: Arc::new(Templates::load(None).unwrap()),
        tokens: Arc::new(tokens()),
        clock: Clock::standing_at(morning()),
        wake_optin: wake_optin.clone(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .merge(router(state.clone()))
        .nest("/admin", admin_router(state));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    Served {
        shelf,
        address,
        wake_optin,
        _tasks: tasks,
    }
}

fn topic(slug: &str, title: &str) -> Topic {
    Topic {
        slug: TopicSlug::parse(slug).unwrap(),
        title: title.to_owned(),
        rule: Rule::default(),
    }
}

/// Nothing is pushed in these tests.
fn ingest(shelf: &Arc<Shelf>) -> IngestDueSources {
    let config = FetchConfig::new("Courant".to_owned(), Guard::default());
    let fetcher = Fetcher::new(config).unwrap();
    let clock = Clock::standing_at(morning());
    IngestDueSources {
        polls: shelf.clone(),
        store: shelf.clone(),
        articles: shelf.clone(),
        reader: Reader {
            visitor: Visitor::new(fetcher.clone()),
            fetcher,
            store: shelf.clone(),
        },
        sources: Arc::default(),
        topics: Arc::new([topic("harbour", "At the harbour"), topic("quays", "Quays")]),
        turns: Turns::new(clock.clone(), Duration::ZERO),
        clock,
        retired: CancellationToken::new(),
        merits: Arc::new(Merits {
            window: TimeDelta::days(7),
            priorities: HashMap::new(),
        }),
        memory: Arc::default(),
    }
}

impl Served {
    /// Sends what stands in `head` (request line and further fields), and `body`.
    async fn send(&self, head: &str, body: &str) -> Answer {
        let (line, fields) = head.split_once('\n').unwrap_or((head, ""));
        let mut request = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        for field in fields.lines() {
            request.push_str(&format!("{}\r\n", field.trim()));
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();

        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let fields = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        Answer {
            status: head[9..12].parse().unwrap(),
            headers: fields
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), "").await
    }

    async fn post(&self, path: &str, form: &str) -> Answer {
        self.send(
            &format!("POST {path}\nContent-Type: application/x-www-form-urlencoded"),
            form,
        )
        .await
    }
}

/// A library of two articles, and one digest of them.
fn library() -> Shelf {
    Shelf::default()
        .with(full(1, "The wall").article)
        .with(article(2, "The ferry"))
}

#[tokio::test]
async fn pages_are_safe_to_show_and_lead_to_the_feeds() {
    let site = serve(library()).await;

    for path in [
        "/",
        "/e/morning",
        "/e/morning/1",
        "/articles/1",
        "/subscribe",
    ] {
        let answer = site.get(path).await;

        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(!answer.headers.contains_key("set-cookie"));
        assert!(!answer.text().contains("<script"), "{path}");
        if path != "/subscribe" {
            for kind in ["rss+xml", "atom+xml", "feed+json"] {
                let link = format!("<link rel=\"alternate\" type=\"application/{kind}\"");
                assert!(answer.text().contains(&link), "{path}: {}", answer.text());
            }
        }
    }
}

#[tokio::test]
async fn an_edition_shows_articles_digests_and_a_form() {
    let site = serve(library()).await;

    let answer = site.get("/e/morning").await;

    for shown in [
        "The wall",
        "The ferry",
        "href=\"/e/morning/1\"",
        "action=\"/subscribe\"",
    ] {
        assert!(answer.text().contains(shown), "{shown}");
    }
    let digest = site.get("/e/morning/1").await;
    assert!(digest.text().contains("No. 1"));
    assert!(!digest.text().contains("href=\"/e/morning/0\""));
}

#[tokio::test]
async fn a_problem_is_a_page_for_people_and_json_for_programs() {
    let site = serve(library()).await;

    for path in [
        "/nowhere",
        "/e/nowhere",
        "/e/morning/9",
        "/e/morning/x",
        "/articles/99",
        "/confirm/x",
    ] {
        let answer = site.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("There is no such page"), "{path}");
    }
    let answer = site
        .send("GET /nowhere\nAccept: application/json", "")
        .await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(answer.text().contains("\"status\":404"));
}

#[tokio::test]
async fn a_feed_is_served_with_validators_and_then_not_again() {
    let site = serve(library()).await;

    for (file, kind) in [
        ("rss.xml", "application/rss+xml; charset=utf-8"),
        ("atom.xml", "application/atom+xml; charset=utf-8"),
        ("feed.json", "application/feed+json; charset=utf-8"),
    ] {
        let path = format!("/e/morning/{file}");
        let first = site.get(&path).await;
        assert_eq!(first.status, 200);
        assert_eq!(first.header("content-type"), kind);
        assert_eq!(first.header("cache-control"), "public, max-age=900");
        assert_eq!(first.header("vary"), "Accept-Encoding");
        assert_eq!(first.header("access-control-allow-origin"), "*");
        assert_eq!(
            first.header("last-modified"),
            "Mon, 23 Nov 2026 05:05:00 GMT"
        );

        let tag = first.header("etag");
        let second = site
            .send(&format!("GET {path}\nIf-None-Match: {tag}"), "")
            .await;
        assert_eq!(second.status, 304);
        assert!(second.body.is_empty());
        assert_eq!(second.header("etag"), tag);
        assert_eq!(second.header("cache-control"), "public, max-age=900");

        let head = site.send(&format!("HEAD {path}"), "").await;
        assert_eq!(head.header("etag"), tag);
        assert_eq!(head.header("content-length"), first.body.len().to_string());
        assert!(head.body.is_empty());

        let zipped = site
            .send(&format!("GET {path}\nAccept-Encoding: gzip"), "")
            .await;
        assert_eq!(zipped.header("content-encoding"), "gzip");
        assert_ne!(zipped.header("etag"), tag);
        assert!(zipped.body.starts_with(&[0x1f, 0x8b]));
    }
}

#[tokio::test]
async fn a_validator_outlives_a_restart_and_ends_with_a_change() {
    let before = serve(library()).await.get("/e/morning/rss.xml").await;
    let site = serve(library()).await;
    let after = site.get("/e/morning/rss.xml").await;
    assert_eq!(before.header("etag"), after.header("etag"));

    site.shelf
        .revise(2, "The ferry is late", morning() + TimeDelta::hours(1));

    let changed = site.get("/e/morning/rss.xml").await;
    assert_ne!(changed.header("etag"), after.header("etag"));
    assert_eq!(
        changed.header("last-modified"),
        "Mon, 23 Nov 2026 06:00:00 GMT"
    );
    assert!(changed.text().contains("The ferry is late"));
}

#[tokio::test]
async fn a_feed_that_did_not_change_is_not_written_again() {
    let site = serve(library()).await;

    site.get("/e/morning/rss.xml").await;
    let read = site.shelf.bodies_read.load(Ordering::SeqCst);
    site.get("/e/morning/rss.xml").await;

    assert_eq!(site.shelf.bodies_read.load(Ordering::SeqCst), read);
}

#[tokio::test]
async fn topics_and_sources_have_feeds_and_unknown_ones_have_none() {
    let site = serve(library()).await;

    let topic = site.get("/topics/harbour/rss.xml").await;
    assert!(topic.text().contains("The wall") && !topic.text().contains("The ferry"));
    assert!(
        topic.text().contains(": At the harbour</title>"),
        "{}",
        topic.text()
    );
    assert_eq!(site.get("/topics/quays/rss.xml").await.status, 200);
    let source = site.get("/sources/courier/atom.xml").await;
    assert!(
        source.text().contains("<title>The Courier</title>"),
        "{}",
        source.text()
    );
    for path in [
        "/topics/none/rss.xml",
        "/sources/none/rss.xml",
        "/e/none/rss.xml",
        "/e/morning/rss",
    ] {
        assert_eq!(site.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_feed_takes_no_post_and_answers_a_preflight() {
    let site = serve(library()).await;

    let post = site.post("/e/morning/rss.xml", "").await;
    assert_eq!(post.status, 405);
    assert!(post.header("allow").contains("GET"), "{post:?}");

    let options = site.send("OPTIONS /e/morning/rss.xml", "").await;
    assert_eq!(options.status, 204);
    assert!(
        options
            .header("access-control-allow-headers")
            .contains("If-None-Match")
    );
}

#[tokio::test]
async fn known_and_unknown_addresses_get_the_same_answer() {
    let site = serve(library()).await;

    let unknown = site
        .post("/subscribe", "edition=morning&email=new%40example.org")
        .await;
    let known = site
        .post("/subscribe", "edition=morning&email=ann%40example.org")
        .await;
    let program = site
        .post(
            "/subscribe",
            "edition=morning&email=x%40example.org&website=spam",
        )
        .await;

    assert_eq!(unknown.status, 200);
    assert!(unknown.text().contains("Check your mail"));
    assert_eq!(unknown.body, known.body);
    assert_eq!(unknown.body, program.body);
    let asked: Vec<String> = site
        .shelf
        .requests()
        .into_iter()
        .map(|r| r.address.into())
        .collect();
    assert_eq!(asked, ["new@example.org", "ann@example.org"]);
    site.wake_optin.woken().await;
}

#[tokio::test]
async fn a_form_that_is_filled_in_wrongly_says_what_is_wrong() {
    let site = serve(library()).await;

    let address = site.post("/subscribe", "edition=morning&email=ann").await;
    assert_eq!(address.status, 422);
    assert!(address.text().contains("does not look like a mail address"));
    let edition = site
        .post("/subscribe", "email=ann%40example.org&edition=evening")
        .await;
    assert_eq!(edition.status, 422);
    assert!(edition.text().contains("Please choose an edition"));
    assert_eq!(
        site.send("POST /subscribe\nContent-Type: text/plain", "x")
            .await
            .status,
        422
    );
    assert!(site.shelf.requests().is_empty());
}

#[tokio::test]
async fn opening_a_link_changes_nothing() {
    let site = serve(library()).await;

    for method in ["GET", "HEAD", "OPTIONS"] {
        for token in [confirm_token(), unsubscribe_token()] {
            for _ in 0..3 {
                site.send(&format!("{method} {token}"), "").await;
            }
        }
    }

    assert!(site.shelf.withdrawn().is_empty());
    assert!(site.shelf.confirmed().is_empty());
    let page = site.get(&unsubscribe_token()).await;
    assert!(page.text().contains("a…@example.org") && !page.text().contains("ann@"));
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("x-robots-tag"), "noindex");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.header("content-security-policy").contains("img-src"));
}

#[tokio::test]
async fn pressing_the_button_confirms() {
    let site = serve(library()).await;

    let answer = site.post(&confirm_token(), "").await;

    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("You are subscribed"));
    assert_eq!(site.shelf.confirmed(), ["morning"]);
    site.shelf.nothing_pending();
    assert_eq!(site.post(&confirm_token(), "").await.status, 410);
}

#[tokio::test]
async fn a_post_unsubscribes_whatever_its_body_is() {
    let site = serve(library()).await;
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
    let long = "x".repeat(MAX_BODY_BYTES + 1);

    for (kind, body, how) in [
        (
            "application/x-www-form-urlencoded",
            "List-Unsubscribe=One-Click",
            How::OneClick,
        ),
        ("multipart/form-data; boundary=b", multipart, How::OneClick),
        ("text/plain", "", How::UnsubscribePage),
        ("application/json", "{\"broken\":", How::UnsubscribePage),
        ("multipart/form-data", "\u{0}", How::UnsubscribePage),
        ("text/plain", &long, How::UnsubscribePage),
    ] {
        let head = format!("POST {}\nContent-Type: {kind}", unsubscribe_token());
        let answer = site.send(&head, body).await;

        assert_eq!(answer.status, 200, "{kind}");
        assert!(
            !answer.headers.contains_key("location") && !answer.headers.contains_key("set-cookie")
        );
        let (scope, by) = site.shelf.withdrawn().pop().unwrap();
        assert_eq!(scope, Scope::Edition("morning".parse().unwrap()));
        assert_eq!(by, how, "{kind}");
    }
}

#[tokio::test]
async fn everything_can_be_left_at_once() {
    let site = serve(library()).await;

    let form = site.post(&unsubscribe_token(), "everything=1").await;
    site.send(&format!("POST {}?all", unsubscribe_token()), "")
        .await;

    assert!(form.text().contains("from any edition"));
    let scopes: Vec<Scope> = site
        .shelf
        .withdrawn()
        .into_iter()
        .map(|(scope, _)| scope)
        .collect();
    assert_eq!(scopes, [Scope::Everything, Scope::Everything]);
}

#[tokio::test]
async fn a_forged_link_changes_nothing_and_tells_nothing() {
    let site = serve(library()).await;
    let swapped = confirm_token().replace("/confirm/", "/unsubscribe/");

    for path in ["/unsubscribe/x", swapped.as_str()] {
        assert_eq!(site.get(path).await.status, 404);
        assert_eq!(
            site.post(path, "List-Unsubscribe=One-Click").await.status,
            404
        );
    }
    assert!(site.shelf.withdrawn().is_empty());
}

#[tokio::test]
async fn an_opt_out_is_answered_when_no_message_is_on_its_way() {
    let site = serve(library()).await;
    site.shelf.in_hand.store(3, Ordering::SeqCst);

    let answer = site.post(&unsubscribe_token(), "").await;

    assert_eq!(answer.status, 200);
    assert_eq!(site.shelf.in_hand.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_opt_out_that_was_not_recorded_is_not_confirmed() {
    let site = serve(library()).await;
    site.shelf.away.store(true, Ordering::SeqCst);

    let answer = site
        .post(&unsubscribe_token(), "List-Unsubscribe=One-Click")
        .await;

    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), "30");
    assert!(!answer.text().contains("unsubscribed"));
    assert_eq!(site.get("/admin/ready").await.status, 503);
    assert_eq!(site.get("/admin/live").await.status, 200);
    site.shelf.away.store(false, Ordering::SeqCst);
    assert_eq!(site.get("/admin/ready").await.status, 200);
}

#[tokio::test]
async fn a_handler_that_panics_is_answered_for() {
    let site = serve(library()).await;
    site.shelf.broken.store(true, Ordering::SeqCst);

    let answer = site.get("/e/morning").await;

    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("It is our fault"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_confirmation_that_waited_too_long_has_lapsed() {
    let site = serve(library()).await;
    let asked = morning() - CONFIRM_WITHIN - TimeDelta::seconds(1);
    let late = link("confirm", TokenPurpose::Confirm, asked);

    assert_eq!(site.get(&late).await.status, 410);
    assert_eq!(site.post(&late, "").await.status, 410);
    assert!(site.shelf.confirmed().is_empty());
}

#[tokio::test]
async fn an_edition_that_is_gone_can_still_be_left() {
    let site = serve(library()).await;
    let gone = "evening".parse().unwrap();
    let token = tokens().mint(TokenPurpose::Unsubscribe, SubscriberId(1), &gone, morning());

    let answer = site.post(&format!("/unsubscribe/{token}"), "").await;

    assert_eq!(answer.status, 200);
    assert_eq!(
        site.shelf.withdrawn(),
        [(Scope::Edition(gone), How::UnsubscribePage)]
    );
}

fn tokens() -> Tokens {
    Tokens::new(Keyring {
        current: Key::new(&[7; Key::BYTES]),
        retired: Vec::new(),
    })
}

fn link(page: &str, purpose: TokenPurpose, at: DateTime<Utc>) -> String {
    let token = tokens().mint(purpose, SubscriberId(1), &edition().slug, at);
    format!("/{page}/{token}")
}

/// Five years old: this kind does not run out.
fn unsubscribe_token() -> String {
    link(
        "unsubscribe",
        TokenPurpose::Unsubscribe,
        morning() - TimeDelta::days(5 * 365),
    )
}

fn confirm_token() -> String {
    link("confirm", TokenPurpose::Confirm, morning())
}
