//! Fetching over real HTTP: what is asked, what is believed, where it ends.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use courant::sources::{
    FeedUrl, Validators,
    fetch::{FetchConfig, Fetched, Fetcher},
    guard::{Guard, Network},
};
use flate2::{Compression, write::GzEncoder};

use crate::support::http::{Reply, Server};

fn now() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().unwrap()
}

fn config() -> FetchConfig {
    let guard = Guard {
        allow: vec![Network::parse("127.0.0.1").unwrap()],
        ports: Vec::new(),
    };
    FetchConfig::new(
        "Courant/0.1 (+https://courant.example/about)".to_owned(),
        guard,
    )
}

async fn fetch(config: FetchConfig, url: &str, validators: &Validators) -> Fetched {
    let url = FeedUrl::parse(url).unwrap();
    let fetcher = Fetcher::new(config).unwrap();
    fetcher.fetch(&url, validators, now()).await
}

/// The reason why nothing came, or the document where something did.
async fn reason(config: FetchConfig, url: &str) -> String {
    match fetch(config, url, &Validators::default()).await {
        Fetched::Failed { reason, .. } => reason,
        other => format!("{other:?}"),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_feed_comes_with_its_type_and_validators() {
    let head = [
        "200 OK",
        "Content-Type: application/rss+xml; charset=utf-8",
        "Content-Encoding: gzip",
        "ETag: W/\"a,b\"",
        "Last-Modified: mon, 23 nov 2026 07:00:00 gmt",
        "Cache-Control: max-age=900",
    ];
    let server = Server::start(move |path| match path {
        "/old" => Reply::new(&["301 Moved Permanently", "Location: /feed#top"], b""),
        _ => Reply::new(&head, &gzip(b"<rss/>")),
    })
    .await;

    let fetched = fetch(config(), &server.url("/old"), &Validators::default()).await;

    let Fetched::Document(download) = fetched else {
        panic!("{fetched:?}");
    };
    assert_eq!(download.bytes, b"<rss/>");
    assert_eq!(
        download.content_type.as_deref(),
        Some("application/rss+xml; charset=utf-8")
    );
    assert_eq!(download.url.as_str(), server.url("/feed"));
    assert_eq!(download.moved.unwrap().as_str(), server.url("/feed"));
    assert_eq!(download.validators.url, Some(download.url));
    assert_eq!(download.validators.etag.as_deref(), Some(&b"W/\"a,b\""[..]));
    assert_eq!(
        download.validators.last_modified.as_deref(),
        Some(&b"mon, 23 nov 2026 07:00:00 gmt"[..])
    );
    assert_eq!(download.max_age, Some(Duration::from_secs(900)));
}

#[tokio::test]
async fn validators_go_back_byte_for_byte() {
    for (etag, date) in [
        (&b"\"a,b\""[..], &b"Mon, 23 Nov 2026 07:00:00 GMT"[..]),
        (b"unquoted", b"mon, 23 nov 2026 07:00:00 gmt"),
        (b"W/\"caf\xe9\"", b"1795417200"),
    ] {
        let server = Server::start(|_| Reply::new(&["304 Not Modified"], b"")).await;
        let validators = Validators {
            url: server.url("/").parse().ok(),
            etag: Some(etag.to_vec()),
            last_modified: Some(date.to_vec()),
        };

        let fetched = fetch(config(), &server.url("/"), &validators).await;

        let head = server.heads().remove(0);
        for line in [
            [b"\r\nif-none-match: ", etag, b"\r\n"].concat(),
            [b"\r\nif-modified-since: ", date, b"\r\n"].concat(),
        ] {
            let held = head.windows(line.len()).any(|part| part == line);
            assert!(held, "{}", head.escape_ascii());
        }
        assert_eq!(
            fetched,
            Fetched::NotModified {
                validators,
                max_age: None,
                moved: None,
            }
        );
    }
}

#[tokio::test]
async fn a_304_may_bring_newer_validators() {
    let server = Server::start(|_| {
        Reply::new(
            &[
                "304 Not Modified",
                "ETag: \"2\"",
                "Cache-Control: max-age=60",
            ],
            b"",
        )
    })
    .await;
    let validators = Validators {
        url: server.url("/").parse().ok(),
        etag: Some(b"\"1\"".to_vec()),
        last_modified: Some(b"yesterday".to_vec()),
    };

    let fetched = fetch(config(), &server.url("/"), &validators).await;

    assert_eq!(
        fetched,
        Fetched::NotModified {
            validators: Validators {
                url: server.url("/").parse().ok(),
                etag: Some(b"\"2\"".to_vec()),
                last_modified: Some(b"yesterday".to_vec()),
            },
            max_age: Some(Duration::from_secs(60)),
            moved: None,
        }
    );
}

#[tokio::test]
async fn a_request_says_who_asks_for_what_and_nothing_else() {
    let server = Server::start(|path| match path {
        "/" => Reply::new(&["302 Found", "Location: /feed", "Set-Cookie: a=b"], b""),
        _ => Reply::new(&["200 OK"], b""),
    })
    .await;

    fetch(config(), &server.url("/"), &Validators::default()).await;

    for head in server.heads() {
        let head = String::from_utf8(head).unwrap();
        let mut names: Vec<&str> = head
            .lines()
            .filter_map(|line| Some(line.split_once(": ")?.0))
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"]);
        assert!(head.contains("accept: application/atom+xml, application/rss+xml, "));
        assert!(head.contains("accept-encoding: zstd,gzip,br\r\n"), "{head}");
        assert!(head.contains("user-agent: Courant/0.1 (+https://courant.example/about)\r\n"));
    }
    assert_eq!(server.heads().len(), 2);
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let server = Server::start(|path| match path {
        "/gone" => Reply::new(&["410 Gone"], b""),
        "/busy" => Reply::new(&["503 Service Unavailable", "Retry-After: 7200"], b""),
        "/date" => Reply::new(
            &[
                "429 Too Many Requests",
                "Retry-After: Mon, 23 Nov 2026 08:10:00 GMT",
            ],
            b"",
        ),
        "/304" => Reply::new(&["304 Not Modified"], b""),
        "/nowhere" => Reply::new(&["302 Found"], b""),
        "/coded" => Reply::new(&["200 OK", "Content-Encoding: deflate"], b"x"),
        "/short" => Reply::new(&["200 OK", "Content-Length: 100"], b"x"),
        _ => Reply::new(&["rubbish"], b""),
    })
    .await;
    let failed = |reason: &str, wait: Option<u64>| Fetched::Failed {
        reason: reason.to_owned(),
        retry_after: wait.map(Duration::from_secs),
    };
    let at = |path| fetch_from(&server, path);

    assert_eq!(at("/gone").await, Fetched::Gone);
    assert_eq!(
        at("/busy").await,
        failed("answered 503 Service Unavailable", Some(7200))
    );
    assert_eq!(
        at("/date").await,
        failed("answered 429 Too Many Requests", Some(600))
    );
    assert_eq!(at("/304").await, failed("answered 304 Not Modified", None));
    assert_eq!(
        at("/nowhere").await,
        failed("answered 302 Found without an address to go to", None)
    );
    assert_eq!(
        at("/coded").await,
        failed("encoded as `deflate`, which was not asked for", None)
    );
    for path in ["/short", "/rubbish"] {
        let fetched = at(path).await;
        assert!(
            matches!(&fetched, Fetched::Failed { reason, .. } if reason.contains("breaks off")),
            "{fetched:?}"
        );
    }
}

async fn fetch_from(server: &Server, path: &str) -> Fetched {
    fetch(config(), &server.url(path), &Validators::default()).await
}

#[tokio::test]
async fn a_redirect_into_a_private_network_is_refused() {
    for (location, says) in [
        (
            "http://10.0.0.1/",
            "refused: address 10.0.0.1 is private, allow it with fetch.allow_networks",
        ),
        (
            "http://[::ffff:169.254.169.254]/",
            "refused: address 169.254.169.254 is private, allow it with fetch.allow_networks",
        ),
        (
            "http://0x0a000001/",
            "refused: address 10.0.0.1 is private, allow it with fetch.allow_networks",
        ),
        (
            "//192.168.0.1/",
            "refused: address 192.168.0.1 is private, allow it with fetch.allow_networks",
        ),
        (
            "http://user:pass@1.1.1.1/",
            "refused: the address has a user or password in it",
        ),
        (
            "http://1.1.1.1:22/",
            "refused: port 22 is not 80 or 443, allow it with fetch.ports",
        ),
        (
            "file:///etc/passwd",
            "refused: only http and https addresses can be asked, not `file:`",
        ),
    ] {
        let line = format!("Location: {location}");
        let server =
            Server::start(move |_| Reply::new(&["307 Temporary Redirect", &line], b"")).await;

        assert_eq!(reason(config(), &server.url("/")).await, says);
    }
}

#[tokio::test]
async fn loopback_is_refused_unless_allowed() {
    let server = Server::start(|_| Reply::new(&["200 OK"], b"secret")).await;
    let strict = || {
        let guard = Guard {
            allow: Vec::new(),
            ports: vec![server.port()],
        };
        FetchConfig { guard, ..config() }
    };

    for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{}/", server.port());
        let reason = reason(strict(), &url).await;
        assert!(reason.starts_with("refused: "), "{host}: {reason}");
    }
    assert!(server.heads().is_empty());
}

#[tokio::test]
async fn redirects_end_somewhere() {
    let server = Server::start(|path| match path {
        "/6" => Reply::new(&["200 OK"], b"here"),
        "/loop" => Reply::new(&["302 Found", "Location: /loop"], b""),
        step => {
            let next: u32 = step[1..].parse::<u32>().unwrap() + 1;
            Reply::new(&["302 Found", &format!("Location: /{next}")], b"")
        }
    })
    .await;

    assert_eq!(
        reason(config(), &server.url("/loop")).await,
        format!("redirected in a circle, by way of {}", server.url("/loop"))
    );
    assert_eq!(server.heads().len(), 1);
    assert_eq!(
        reason(config(), &server.url("/0")).await,
        "redirected more than 5 times"
    );
    assert!(matches!(
        fetch_from(&server, "/1").await,
        Fetched::Document(_)
    ));
}

#[tokio::test]
async fn a_bomb_stops_at_the_cap() {
    let bomb = gzip(&vec![0; 50_000_000]);
    let server = Server::start(move |path| match path {
        "/bomb" => Reply::new(&["200 OK", "Content-Encoding: gzip"], &bomb),
        _ => Reply::new(&["200 OK"], &vec![b'x'; 1_000_001]),
    })
    .await;
    let small = || FetchConfig {
        max_bytes: 1_000_000,
        ..config()
    };

    assert_eq!(
        reason(small(), &server.url("/bomb")).await,
        "larger than 1 MB"
    );
    assert_eq!(
        reason(small(), &server.url("/plain")).await,
        "larger than 1 MB"
    );
}

#[tokio::test]
async fn a_server_that_stalls_is_left() {
    let server = Server::start(|path| {
        let sent: &[u8] = match path {
            "/head" => b"HTTP/1.1 200 OK\r\n",
            "/body" => b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<rss",
            _ => b"",
        };
        Reply::Stalled(sent.to_vec())
    })
    .await;
    let hasty = || FetchConfig {
        timeout: Duration::from_millis(200),
        ..config()
    };

    for path in ["/silent", "/head", "/body"] {
        let began = Instant::now();
        assert_eq!(
            reason(hasty(), &server.url(path)).await,
            "timed out after 0.2 s"
        );
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn nobody_at_home_is_said_plainly() {
    let server = Server::start(|_| Reply::new(&["200 OK"], b"")).await;
    let (plain, tls) = (server.url("/"), server.url("/").replace("http:", "https:"));

    let reason_tls = reason(config(), &tls).await;
    assert!(reason_tls.starts_with("TLS failed: "), "{reason_tls}");

    drop(server);
    let reason_plain = reason(config(), &plain).await;
    assert!(
        reason_plain.starts_with("could not connect: "),
        "{reason_plain}"
    );
}
