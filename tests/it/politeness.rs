//! A week of polling with a clock that the test moves, against servers of every temper.

use std::{
    collections::HashMap,
    ops::RangeInclusive,
    sync::{Arc, Mutex, OnceLock},
};

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc, Weekday};
use courant::clock::Clock;
use futures_util::StreamExt;

use crate::support::{
    app::{TestApp, rss, start},
    http::{Reply, Request, Server},
};

const SPACING: TimeDelta = TimeDelta::seconds(2);

/// One way in which servers behave.
struct Kind {
    name: &'static str,
    /// How many feeds are like that.
    feeds: usize,
    /// What the source says beside its name and address.
    keys: &'static str,
    answer: fn(&Ask<'_>) -> Reply,
    /// Requests to the configured address of one feed in a week.
    requests: RangeInclusive<usize>,
}

/// A request to one of them.
struct Ask<'a> {
    /// Earlier requests to this address.
    nth: usize,
    at: DateTime<Utc>,
    path: &'a str,
    etag: Option<&'a [u8]>,
    date: Option<&'a [u8]>,
}

const SIX: &str = "interval = \"6h\"";
const HALF_A_DAY: &str = "interval = \"12h\"";
const HOUR: &str = "interval = \"1h\"";

/// What failure after failure comes to: an hour, two, four, and so on to a day.
const LADDER: RangeInclusive<usize> = 10..=11;

const KINDS: [Kind; 37] = [
    kind("etag", 15, SIX, etag, 26..=29),
    kind("last-modified", 10, SIX, last_modified, 26..=29),
    kind("both", 5, SIX, both, 26..=29),
    kind("odd-bytes", 5, SIX, odd_bytes, 26..=29),
    kind("other-etag-same-body", 5, SIX, restless_etag, 26..=29),
    kind("etag-from-304", 5, SIX, etag_from_304, 26..=29),
    kind("etag-lost", 5, SIX, etag_lost, 26..=29),
    kind("unconditional", 10, "", plain, 7..=8),
    kind("unconditional-by-order", 5, HALF_A_DAY, plain, 13..=15),
    kind("busy", 1, "", |ask| dated(ask, 1), 150..=168),
    kind("daily", 5, "", |ask| dated(ask, 24), 13..=15),
    kind("quiet", 5, "", |ask| old(ask, 40), 7..=8),
    kind("silent", 5, "", |ask| old(ask, 200), 1..=1),
    kind("max-age", 5, HOUR, max_age, 13..=15),
    kind("max-age-for-ever", 5, HOUR, immutable, 1..=1),
    kind("max-age-on-304", 5, HOUR, max_age_on_304, 7..=9),
    kind("expires", 5, HOUR, expires, 13..=15),
    kind("ttl", 3, HOUR, ttl, 13..=15),
    kind("update-period", 2, HOUR, update_period, 13..=15),
    kind("skip-hours", 3, HOUR, skip_hours, 70..=88),
    kind("skip-days", 2, HOUR, skip_days, 105..=121),
    kind("moved", 5, HALF_A_DAY, moved, 5..=5),
    kind("moved-for-a-day", 5, HALF_A_DAY, moved_for_a_day, 13..=15),
    kind("moved-to-a-page", 3, HOUR, moved_to_a_page, LADDER),
    kind("found-elsewhere", 5, HALF_A_DAY, found, 13..=15),
    kind("circle", 3, HOUR, circle, LADDER),
    kind("404", 5, HOUR, |_| status("404 Not Found"), LADDER),
    kind("403", 5, HOUR, |_| status("403 Forbidden"), LADDER),
    kind("500", 5, HOUR, |_| status("500 Broken"), LADDER),
    kind("429", 5, HOUR, |_| status("429 Slow Down"), LADDER),
    kind("html", 5, HOUR, html, LADDER),
    kind("reset", 5, HOUR, |_| Reply::Full(Vec::new()), LADDER),
    kind("410", 5, HOUR, |_| status("410 Gone"), 1..=1),
    kind("gone-on-tuesday", 5, SIX, gone_on_tuesday, 4..=6),
    kind("429-seconds", 5, HOUR, retry_seconds, 4..=4),
    kind("503-date", 5, HOUR, retry_date, 3..=3),
    kind("flaky", 8, SIX, flaky, 23..=29),
];

/// All on one host, whose first feed asks for six hours of rest on Wednesday.
const TOGETHER: usize = 10;
const ASKS_FOR_REST: TimeDelta = TimeDelta::hours(50);

const fn kind(
    name: &'static str,
    feeds: usize,
    keys: &'static str,
    answer: fn(&Ask<'_>) -> Reply,
    requests: RangeInclusive<usize>,
) -> Kind {
    Kind {
        name,
        feeds,
        keys,
        answer,
        requests,
    }
}

fn reply(status: &str, headers: &[&[u8]], body: &[u8]) -> Reply {
    let mut bytes = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for header in headers {
        bytes.extend([*header, b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    Reply::Full(bytes)
}

fn status(line: &str) -> Reply {
    reply(line, &[], b"")
}

/// A feed with these headers, or 304 to who has its `etag` and `date` already.
fn feed(ask: &Ask<'_>, etag: Option<&[u8]>, date: Option<&[u8]>, headers: &[&[u8]]) -> Reply {
    let etag_line = etag.map(|etag| [b"ETag: ", etag].concat());
    let date_line = date.map(|date| [b"Last-Modified: ", date].concat());
    let own = [&etag_line, &date_line].into_iter().flatten();
    let headers: Vec<&[u8]> = headers
        .iter()
        .copied()
        .chain(own.map(Vec::as_slice))
        .collect();
    let is_known = (etag.is_some() || date.is_some()) && (ask.etag, ask.date) == (etag, date);
    match is_known {
        true => reply("304 Not Modified", &headers, b""),
        false => reply("200 OK", &headers, &rss([ask.path])),
    }
}

fn plain(ask: &Ask<'_>) -> Reply {
    feed(ask, None, None, &[])
}

fn etag(ask: &Ask<'_>) -> Reply {
    feed(ask, Some(b"W/\"a,b\""), None, &[])
}

fn last_modified(ask: &Ask<'_>) -> Reply {
    feed(ask, None, Some(b"mon, 23 nov 2026 05:00:00 gmt"), &[])
}

fn both(ask: &Ask<'_>) -> Reply {
    let date = b"Mon, 23 Nov 2026 05:00:00 GMT";
    feed(ask, Some(b"\"1\""), Some(date), &[])
}

fn odd_bytes(ask: &Ask<'_>) -> Reply {
    feed(ask, Some(b"caf\xe9 \"x"), Some(b"1795417200"), &[])
}

fn restless_etag(ask: &Ask<'_>) -> Reply {
    let etag = format!("\"{}\"", ask.nth);
    feed(ask, Some(etag.as_bytes()), None, &[])
}

fn etag_from_304(ask: &Ask<'_>) -> Reply {
    let etag = format!("ETag: \"{}\"", ask.nth);
    match ask.etag {
        None => reply("200 OK", &[etag.as_bytes()], &rss([ask.path])),
        Some(_) => reply("304 Not Modified", &[etag.as_bytes()], b""),
    }
}

fn etag_lost(ask: &Ask<'_>) -> Reply {
    let etag = ask.nth.is_multiple_of(2).then_some(&b"\"1\""[..]);
    feed(ask, etag, None, &[])
}

/// Ten entries, the latest of them now, with so many hours between them.
fn dated(ask: &Ask<'_>, hours: i64) -> Reply {
    let latest = DateTime::from_timestamp(ask.at.timestamp() / (hours * 3600) * hours * 3600, 0);
    let dates = (0..10).map(|n| latest.unwrap() - TimeDelta::hours(hours * n));
    entries(ask, dates)
}

/// Entries of which the latest is so many days old.
fn old(ask: &Ask<'_>, days: i64) -> Reply {
    let dates = (0..5).map(|n| start() - TimeDelta::days(days) - TimeDelta::hours(n));
    entries(ask, dates)
}

fn entries(ask: &Ask<'_>, dates: impl Iterator<Item = DateTime<Utc>>) -> Reply {
    let items: String = dates
        .map(|date| {
            let (path, date) = (ask.path, date.to_rfc2822());
            format!("<item><title>{path} {date}</title><pubDate>{date}</pubDate></item>")
        })
        .collect();
    let body = format!("<rss version=\"2.0\"><channel><title>x</title>{items}</channel></rss>");
    let etag = format!("ETag: \"{}\"", ask.nth);
    reply("200 OK", &[etag.as_bytes()], body.as_bytes())
}

fn max_age(ask: &Ask<'_>) -> Reply {
    let headers = [&b"Cache-Control: public, max-age=43200"[..]];
    feed(ask, Some(b"\"1\""), None, &headers)
}

fn immutable(ask: &Ask<'_>) -> Reply {
    let headers = [&b"Cache-Control: max-age=31536000, immutable"[..]];
    feed(ask, Some(b"\"1\""), None, &headers)
}

fn max_age_on_304(ask: &Ask<'_>) -> Reply {
    match ask.etag {
        None => feed(ask, Some(b"\"1\""), None, &[]),
        Some(_) => reply("304 Not Modified", &[b"Cache-Control: max-age=86400"], b""),
    }
}

fn expires(ask: &Ask<'_>) -> Reply {
    let expires = format!("Expires: {}", http_date(ask.at + TimeDelta::hours(12)));
    feed(ask, Some(b"\"1\""), None, &[expires.as_bytes()])
}

fn ttl(ask: &Ask<'_>) -> Reply {
    hinting(ask, "<ttl>720</ttl>")
}

fn update_period(ask: &Ask<'_>) -> Reply {
    let twice_a_day = "<sy:updatePeriod xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\">\
                       daily</sy:updatePeriod><sy:updateFrequency \
                       xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\">2\
                       </sy:updateFrequency>";
    hinting(ask, twice_a_day)
}

/// Asked between 8 and 20 o'clock alone.
fn skip_hours(ask: &Ask<'_>) -> Reply {
    let hours = (0..8).chain(20..24);
    let hours: String = hours.map(|hour| format!("<hour>{hour}</hour>")).collect();
    hinting(ask, &format!("<skipHours>{hours}</skipHours>"))
}

fn skip_days(ask: &Ask<'_>) -> Reply {
    let days = "<skipDays><day>Tuesday</day><day>Sunday</day></skipDays>";
    hinting(ask, days)
}

/// Whether the feed at `path` wants to be left alone at this time.
fn is_skipped(path: &str, at: DateTime<Utc>) -> bool {
    match path.rsplit_once('-') {
        Some(("/skip-hours", _)) => !(8..20).contains(&at.hour()),
        Some(("/skip-days", _)) => matches!(at.weekday(), Weekday::Tue | Weekday::Sun),
        _ => false,
    }
}

/// A document with `hint` among what it says of itself, which holds while it is not modified.
fn hinting(ask: &Ask<'_>, hint: &str) -> Reply {
    match ask.etag {
        Some(_) => status("304 Not Modified"),
        None => {
            let body = String::from_utf8(rss([ask.path])).unwrap();
            let body = body.replacen("<item>", &format!("{hint}<item>"), 1);
            reply("200 OK", &[b"ETag: \"1\""], body.as_bytes())
        }
    }
}

/// A redirect from the feed's own address to `/hop` below it.
fn redirect(ask: &Ask<'_>, line: &str) -> Reply {
    let location = format!("Location: {}/hop", ask.path);
    reply(line, &[location.as_bytes()], b"")
}

fn moved(ask: &Ask<'_>) -> Reply {
    match ask.path.ends_with("/hop") {
        true => etag(ask),
        false => redirect(ask, "301 Moved Permanently"),
    }
}

fn moved_for_a_day(ask: &Ask<'_>) -> Reply {
    match ask.path.ends_with("/hop") || ask.at > start() + TimeDelta::days(1) {
        true => etag(ask),
        false => redirect(ask, "308 Permanent Redirect"),
    }
}

fn moved_to_a_page(ask: &Ask<'_>) -> Reply {
    match ask.path.ends_with("/hop") {
        true => html(ask),
        false => redirect(ask, "301 Moved Permanently"),
    }
}

fn found(ask: &Ask<'_>) -> Reply {
    match ask.path.ends_with("/hop") {
        true => etag(ask),
        false => redirect(ask, "302 Found"),
    }
}

fn circle(ask: &Ask<'_>) -> Reply {
    match ask.path.strip_suffix("/hop") {
        Some(first) => {
            let location = format!("Location: {first}");
            reply("302 Found", &[location.as_bytes()], b"")
        }
        None => redirect(ask, "302 Found"),
    }
}

fn html(_: &Ask<'_>) -> Reply {
    let page = b"<!DOCTYPE html><html><title>Log in</title><p>Who are you?</p></html>";
    reply("200 OK", &[b"Content-Type: text/html"], page)
}

fn gone_on_tuesday(ask: &Ask<'_>) -> Reply {
    match ask.at < start() + TimeDelta::days(1) {
        true => etag(ask),
        false => status("410 Gone"),
    }
}

fn retry_seconds(_: &Ask<'_>) -> Reply {
    reply("429 Slow Down", &[b"Retry-After: 172800"], b"")
}

fn retry_date(ask: &Ask<'_>) -> Reply {
    let until = format!("Retry-After: {}", http_date(ask.at + TimeDelta::days(3)));
    reply("503 Busy", &[until.as_bytes()], b"")
}

fn flaky(ask: &Ask<'_>) -> Reply {
    match ask.nth % 4 {
        1 => status("502 Bad Gateway"),
        _ => etag(ask),
    }
}

/// One of those that share a host.
fn together(ask: &Ask<'_>) -> Reply {
    let since = ask.at - (start() + ASKS_FOR_REST);
    let is_tired = since > TimeDelta::zero() && since < TimeDelta::hours(6);
    match ask.path == "/together-0" && is_tired {
        true => reply("429 Slow Down", &[b"Retry-After: 21600"], b""),
        false => etag(ask),
    }
}

fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// What the servers remember, and what they complain of.
#[derive(Default)]
struct Ledger {
    pages: HashMap<String, Page>,
    hosts: HashMap<String, Host>,
    complaints: Vec<String>,
}

#[derive(Default)]
struct Page {
    asked: usize,
    etag: Option<Vec<u8>>,
    date: Option<Vec<u8>>,
    is_gone: bool,
}

#[derive(Default)]
struct Host {
    last: Option<DateTime<Utc>>,
    rests_until: Option<DateTime<Utc>>,
}

impl Ledger {
    fn answer(&mut self, request: &Request, at: DateTime<Utc>) -> Reply {
        let (etag, date) = (
            request.header("if-none-match"),
            request.header("if-modified-since"),
        );
        let host = String::from_utf8(request.header("host").unwrap()).unwrap();
        let page = self.pages.entry(request.path.clone()).or_default();
        let mut complain = |what: &str| {
            let path = &request.path;
            self.complaints.push(format!("{at} {path}: {what}"));
        };
        if (&etag, &date) != (&page.etag, &page.date) {
            complain("not asked with the validators that it gave last");
        }
        if page.asked > 0 && is_skipped(&request.path, at) {
            complain("asked at a time that it wants to be left alone");
        }
        if page.is_gone {
            complain("asked again although it is gone");
        }
        let reply = (kind_of(&request.path))(&Ask {
            nth: page.asked,
            at,
            path: &request.path,
            etag: etag.as_deref(),
            date: date.as_deref(),
        });
        page.asked += 1;
        let Reply::Full(bytes) = &reply else {
            return reply;
        };
        let given = |name: &str| header_of(bytes, name);
        page.is_gone = bytes.starts_with(b"HTTP/1.1 410");
        match &bytes.get(9..12) {
            Some(b"200") => (page.etag, page.date) = (given("ETag"), given("Last-Modified")),
            Some(b"304") => {
                page.etag = given("ETag").or(page.etag.take());
                page.date = given("Last-Modified").or(page.date.take());
            }
            _ => {}
        }
        // A redirect is followed at once; all else counts as a request of its own.
        if !request.path.ends_with("/hop") {
            let host = self.hosts.entry(host).or_default();
            if host.last.is_some_and(|last| at - last < SPACING) {
                complain("asked right after another one on its host");
            }
            if host.rests_until.is_some_and(|until| at < until) {
                complain("asked although its host wants to be left alone");
            }
            host.last = Some(at);
            if let Some(wait) = given("Retry-After") {
                let wait = String::from_utf8(wait).unwrap();
                host.rests_until = match wait.parse() {
                    Ok(seconds) => Some(at + TimeDelta::seconds(seconds)),
                    Err(_) => Some(at + TimeDelta::days(3) - TimeDelta::seconds(1)),
                };
            }
        }
        reply
    }
}

fn header_of(reply: &[u8], name: &str) -> Option<Vec<u8>> {
    let start = format!("{name}: ");
    reply
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(start.as_bytes())?.strip_suffix(b"\r"))
        .map(<[u8]>::to_vec)
}

/// Paths are `/KIND-N`, and what redirects of them lead to.
fn kind_of(path: &str) -> fn(&Ask<'_>) -> Reply {
    let name = path.trim_start_matches('/').trim_end_matches("/hop");
    let (name, _) = name.rsplit_once('-').unwrap();
    let kind = KINDS.iter().find(|kind| kind.name == name);
    kind.map_or(together, |kind| kind.answer)
}

/// A server that is every host of loopback, and its ledger; its clock is set later.
async fn servers() -> (Server, Arc<Mutex<Ledger>>, Arc<OnceLock<Clock>>) {
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let clock = Arc::new(OnceLock::<Clock>::new());
    let (kept, time) = (ledger.clone(), clock.clone());
    let server = Server::everywhere(move |request| {
        let now = time.get().unwrap().now();
        kept.lock().unwrap().answer(request, now)
    })
    .await;
    (server, ledger, clock)
}

/// Every feed of [`KINDS`] on a host of its own, and those that share one.
fn configuration(port: u16) -> String {
    let alone = KINDS
        .iter()
        .flat_map(|kind| (0..kind.feeds).map(move |n| (format!("{}-{n}", kind.name), kind.keys)));
    let sources: String = alone
        .enumerate()
        .map(|(n, (name, keys))| (format!("127.1.{}.{}", n / 200, n % 200 + 1), name, keys))
        .chain((0..TOGETHER).map(|n| ("127.2.0.1".to_owned(), format!("together-{n}"), SIX)))
        .map(|(host, name, keys)| {
            format!(
                "[[source]]\nname = \"{name}\"\nfeed = \"http://{host}:{port}/{name}\"\n{keys}\n"
            )
        })
        .collect();
    let fetch = "[fetch]\nallow_networks = [\"127.0.0.0/8\"]\nspacing = \"2s\"\n";
    format!("{fetch}{sources}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_publisher_has_a_reason_to_block_us_after_a_week() {
    let (server, ledger, clock) = servers().await;
    let app = TestApp::start(&configuration(server.port())).await;
    clock.set(app.app.clock.clone()).unwrap();
    assert_eq!(app.app.config.sources.len(), 200);

    let end = start() + TimeDelta::days(7) - TimeDelta::minutes(1);
    let mut notices = Vec::new();
    while app.now() < end {
        let report = app.activate("ingest_due_sources").await;
        notices.extend(report.notices);
        let next = report.again.unwrap_or(end);
        app.advance((next - app.now()).max(TimeDelta::seconds(1)));
    }

    let ledger = ledger.lock().unwrap();
    assert_eq!(ledger.complaints, [""; 0]);
    for kind in &KINDS {
        for n in 0..kind.feeds {
            let path = format!("/{}-{n}", kind.name);
            let asked = ledger.pages[&path].asked;
            assert!(
                kind.requests.contains(&asked),
                "{path} was asked {asked} times"
            );
        }
    }
    for n in 0..TOGETHER {
        let asked = ledger.pages[&format!("/together-{n}")].asked;
        assert!((24..=29).contains(&asked), "{n}: {asked}");
    }
    for n in 0..5 {
        let hops = |kind: &str| ledger.pages[&format!("/{kind}-{n}/hop")].asked;
        assert!((13..=15).contains(&hops("moved")), "{}", hops("moved"));
        assert_eq!(hops("moved-for-a-day"), 2);
    }
    notices.sort();
    assert_eq!(notices.len(), 5, "{notices:?}");
    assert!(notices[0].starts_with("source moved-0: has moved to http://127.1."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_restarts_in_an_hour_ask_nobody_twice() {
    let (server, ledger, clock) = servers().await;
    let mut app = TestApp::start(&configuration(server.port())).await;
    clock.set(app.app.clock.clone()).unwrap();

    for _ in 0..20 {
        for _ in 0..2 {
            app.activate("ingest_due_sources").await;
            app.advance(TimeDelta::seconds(80));
        }
        app = app.restart().await;
    }

    let ledger = ledger.lock().unwrap();
    assert_eq!(ledger.complaints, [""; 0]);
    assert_eq!(ledger.pages.len(), 200 + 21);
    for (path, page) in &ledger.pages {
        assert_eq!(page.asked, 1, "{path}");
    }
}

/// Sources of these kinds on one host.
async fn on_one_host(names: &[&str]) -> (TestApp, Arc<Mutex<Ledger>>, Server) {
    let (server, ledger, clock) = servers().await;
    let port = server.port();
    let sources: String = names
        .iter()
        .map(|name| {
            format!("[[source]]\nname = \"{name}\"\nfeed = \"http://127.4.0.1:{port}/{name}\"\n")
        })
        .collect();
    let fetch = "[fetch]\nallow_networks = [\"127.0.0.0/8\"]\nspacing = \"0s\"\n";
    let app = TestApp::start(&format!("{fetch}{sources}")).await;
    clock.set(app.app.clock.clone()).unwrap();
    (app, ledger, server)
}

impl TestApp {
    /// What `courant ingest` would show of the first `n` sources.
    async fn ordered(&self, n: usize) -> Vec<String> {
        let sources = self.app.config.sources.iter().take(n).collect();
        let polls = self.app.ingest.poll_each(sources);
        let polls: Vec<_> = polls.collect().await;
        let mut shown: Vec<String> = polls
            .into_iter()
            .map(|(source, polled)| format!("{}: {}", source.name, polled.unwrap().result))
            .collect();
        shown.sort();
        shown
    }
}

fn asked(ledger: &Mutex<Ledger>) -> usize {
    let ledger = ledger.lock().unwrap();
    ledger.pages.values().map(|page| page.asked).sum()
}

#[tokio::test]
async fn an_order_asks_what_is_not_due_and_leaves_a_tired_host_alone() {
    let (app, ledger, _server) = on_one_host(&["410-0", "etag-0", "etag-1"]).await;
    assert_eq!(app.ordered(3).await.len(), 3);
    assert_eq!(
        app.ordered(3).await,
        [
            "410-0: answered 410 Gone: not polled any more, remove or resume this source",
            "etag-0: not modified",
            "etag-1: not modified",
        ]
    );
    assert_eq!(asked(&ledger), 6);
    app.advance(TimeDelta::hours(2));
    app.activate("ingest_due_sources").await;
    assert_eq!(asked(&ledger), 8, "what is gone is polled by order only");

    let (app, ledger, _server) = on_one_host(&["429-seconds-0", "etag-0", "etag-1"]).await;
    let first = app.ordered(1).await;
    assert_eq!(first, ["429-seconds-0: answered 429 Too Many Requests"]);
    let tired = "not asked: its host wants to be left alone until 2026-11-25 06:00 UTC";
    assert!(
        app.ordered(3)
            .await
            .iter()
            .all(|shown| shown.contains(tired))
    );
    let app = app.restart().await;
    app.activate("ingest_due_sources").await;
    assert!(
        app.ordered(3)
            .await
            .iter()
            .all(|shown| shown.contains(tired))
    );
    assert_eq!(asked(&ledger), 1);
}

#[tokio::test]
async fn who_is_retired_begins_nothing() {
    let (app, ledger, _server) = on_one_host(&["etag-0"]).await;
    app.app.retired.cancel();
    app.activate("ingest_due_sources").await;

    assert_eq!(asked(&ledger), 0);
}

#[tokio::test]
async fn a_clock_that_is_put_right_causes_neither_a_storm_nor_silence() {
    let (app, ledger, _server) = on_one_host(&["etag-0", "etag-1"]).await;
    app.advance(TimeDelta::days(365));
    app.activate("ingest_due_sources").await;
    assert_eq!(asked(&ledger), 2);

    app.advance(TimeDelta::days(-365));
    for _ in 0..12 {
        app.activate("ingest_due_sources").await;
        app.advance(TimeDelta::minutes(5));
    }
    app.activate("ingest_due_sources").await;
    assert_eq!(asked(&ledger), 4);
}

#[tokio::test]
async fn publishers_are_told_for_how_many_we_ask() {
    let (app, _ledger, server) = on_one_host(&["etag-0"]).await;
    app.import("ann@example.org").await;
    app.import("bob@example.org").await;
    let app = app.restart().await;
    app.activate("ingest_due_sources").await;

    let head = String::from_utf8(server.heads().remove(0)).unwrap();
    let agent = "(+https://courant.example/; 2 subscribers)\r\n";
    assert!(head.contains(agent), "{head}");
}
