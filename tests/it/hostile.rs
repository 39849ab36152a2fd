//! Servers that mean harm: each costs little, is named with its cause, and hurts nobody else.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::TimeDelta;
use courant::{
    id::SourceName,
    library::{Article, Mail, Query},
};
use flate2::{Compression, write::GzEncoder};

use crate::support::{
    app::{TestApp, feed_source, fetching_from, rss},
    http::{Reply, Server},
};

/// Zeros that each turn of an endless stream unpacks to.
static ZEROS: [u8; 1_000_000] = [0; 1_000_000];

/// What turns bad, and what is said of it.
const HARM: [(&str, &str); 14] = [
    ("gzip", "larger than 1 MB"),
    ("brotli", "larger than 1 MB"),
    ("zstd", "larger than 1 MB"),
    ("twice", "encoded as `gzip, gzip`, which was not asked for"),
    ("endless", "larger than 1 MB"),
    ("slow", "timed out after 1 s"),
    ("mute", "timed out after 1 s"),
    (
        "circle",
        "redirected in a circle, by way of http://127.3.0.",
    ),
    ("chain", "redirected more than 5 times"),
    ("intranet", "refused: address 10.0.0.1 is private"),
    ("metadata", "refused: address 169.254.169.254 is private"),
    (
        "file",
        "refused: only http and https addresses can be asked",
    ),
    ("ssh", "refused: port 22 is not 80 or 443"),
    ("page", "not a feed"),
];

/// What unpacks to zeros without end: the first bytes, and those that may follow for ever.
fn zeros(coding: &str) -> (Vec<u8>, Vec<u8>) {
    match coding {
        "gzip" => {
            let encoder = GzEncoder::new(Vec::new(), Compression::best());
            repeating(encoder, GzEncoder::get_ref)
        }
        "br" => {
            let encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 18);
            repeating(encoder, brotli::CompressorWriter::get_ref)
        }
        // RFC 8878, section 3.1.1: a frame without size, and blocks that repeat one byte 128 Ki
        // times.
        _ => (
            b"\x28\xb5\x2f\xfd\x00\x58".to_vec(),
            b"\x02\x00\x10\x00".repeat(100),
        ),
    }
}

/// Behind a flush, the same zeros are packed into the same bytes again.
fn repeating<E: Write>(mut encoder: E, packed: fn(&E) -> &Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let mut ends = Vec::new();
    for _ in 0..3 {
        encoder.write_all(&ZEROS).unwrap();
        encoder.flush().unwrap();
        ends.push(packed(&encoder).len());
    }
    let packed = packed(&encoder);
    let again = &packed[ends[0]..ends[1]];
    assert_eq!(*again, packed[ends[1]..ends[2]]);
    (packed[..ends[0]].to_vec(), again.to_vec())
}

/// Each of [`HARM`] at its worst.
fn harm(path: &str) -> Reply {
    let unpacked = |coding: &str| {
        let (first, again) = zeros(coding);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n\r\n");
        Reply::Endless {
            head: [head.as_bytes(), &first].concat(),
            chunk: again,
        }
    };
    let to = |location: &str| Reply::new(&["302 Found", &format!("Location: {location}")], b"");
    match path {
        "/gzip" => unpacked("gzip"),
        "/brotli" => unpacked("br"),
        "/zstd" => unpacked("zstd"),
        "/twice" => Reply::new(&["200 OK", "Content-Encoding: gzip, gzip"], b"?"),
        "/endless" => Reply::Endless {
            head: b"HTTP/1.1 200 OK\r\n\r\n<rss><channel>".to_vec(),
            chunk: b"<item><title>More</title></item>".repeat(100),
        },
        "/slow" => Reply::Stalled(b"HTTP/1.1 200 OK\r\n\r\n<rss>".to_vec()),
        "/mute" => Reply::Stalled(Vec::new()),
        "/circle" => to("/circle/2"),
        "/circle/2" => to("/circle"),
        "/intranet" => to("http://10.0.0.1/feed"),
        "/metadata" => to("http://0xa9fea9fe/latest/meta-data"),
        "/file" => to("file:///etc/passwd"),
        "/ssh" => to("http://1.1.1.1:22/"),
        "/page" => Reply::new(
            &["200 OK", "Content-Type: text/html"],
            b"<!DOCTYPE html><html><title>Log in</title><p>Who are you?</p></html>",
        ),
        chain => to(&format!("{chain}/on")),
    }
}

impl TestApp {
    /// Every article by its id, without what a revision would change.
    async fn known(&self) -> BTreeMap<u64, (String, String, Mail)> {
        let all = self.app.store.list(&Query::default()).await.unwrap();
        let known = |one: Article| (one.id.0, (one.source.to_string(), one.title, one.mail));
        all.into_iter().map(known).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_source_turns_into_the_others_keep_their_times() {
    let turned = Arc::new(AtomicBool::new(false));
    let is_bad = turned.clone();
    let server = Server::everywhere(move |request| match request.path.as_str() {
        "/good" => Reply::new(&["200 OK", "ETag: \"1\""], &rss(["Good"])),
        path if is_bad.load(Ordering::SeqCst) => harm(path),
        path => Reply::new(&["200 OK"], &rss([path, &format!("More of {path}")])),
    })
    .await;
    let names = HARM.iter().map(|(name, _)| *name).chain(["good"]);
    let sources: String = names
        .clone()
        .zip(1..)
        .map(|(name, n)| feed_source(name, &server).replace("0.0.0.0", &format!("127.3.0.{n}")))
        .collect();
    let limits = "timeout = \"1s\"\nmax_bytes = \"1MB\"\n";
    let app = TestApp::start(&format!("{}{limits}{sources}", fetching_from(&server))).await;
    app.work().await;
    let known = app.known().await;
    assert_eq!(known.len(), 2 * HARM.len() + 1);

    turned.store(true, Ordering::SeqCst);
    app.advance(TimeDelta::hours(1));
    let report = app.activate("ingest_due_sources").await;
    for (name, why) in HARM {
        let begin = format!("source {name}: ");
        let said = report.errors.iter().find(|err| err.starts_with(&begin));
        assert!(
            said.is_some_and(|said| said.contains(why)),
            "{name}: {said:?}"
        );
    }
    assert_eq!(report.errors.len(), HARM.len());
    assert_eq!(app.known().await, known);
    for name in names {
        let poll = app.app.store.poll(&SourceName::parse(name).unwrap()).await;
        let poll = poll.unwrap().unwrap();
        let wait = poll.next - app.now();
        let (fails, least) = match name {
            "good" => (0, TimeDelta::minutes(5)),
            _ => (1, TimeDelta::hours(1)),
        };
        assert_eq!((poll.failures, poll.last), (fails, app.now()), "{name}");
        assert!(
            wait >= least && wait <= least + least / 10,
            "{name}: {wait}"
        );
    }

    turned.store(false, Ordering::SeqCst);
    app.advance(TimeDelta::hours(2));
    let report = app.activate("ingest_due_sources").await;
    assert_eq!(report.errors, [""; 0]);
    assert_eq!(
        app.known().await,
        known,
        "nothing is lost and nothing made new"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_old_entries_are_kept_and_mailed_to_nobody() {
    let flooded = Arc::new(AtomicBool::new(false));
    let is_flooded = flooded.clone();
    let server = Server::start(move |_| {
        let n = match is_flooded.load(Ordering::SeqCst) {
            true => 5_100,
            false => 3,
        };
        Reply::new(&["200 OK"], &rss((0..n).map(|n| format!("Story {n}"))))
    })
    .await;
    let source = feed_source("archive", &server);
    let app = TestApp::start(&format!("{}{source}", fetching_from(&server))).await;
    app.work().await;
    let known = app.known().await;

    flooded.store(true, Ordering::SeqCst);
    app.advance(TimeDelta::hours(1));
    let report = app.activate("ingest_due_sources").await;

    assert_eq!(report.errors, [""; 0]);
    let now_known = app.known().await;
    assert_eq!(now_known.len(), 5_000);
    assert!(now_known.values().all(|(_, _, mail)| *mail == Mail::Held));
    assert!(known.iter().all(|(id, one)| now_known[id] == *one));
    let archive = SourceName::parse("archive").unwrap();
    let poll = app.app.store.poll(&archive).await.unwrap().unwrap();
    assert_eq!(
        poll.result,
        "read 5000 entries; 100 further entries were left out"
    );
}
