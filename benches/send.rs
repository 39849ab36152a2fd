//! How fast a digest leaves: planned in the store, composed, signed, and sent to Postfix's `smtp-sink`,
//! beside Postfix's own `smtp-source`, which makes nothing and keeps nothing.
//!
//! ```text
//! cargo bench --bench send -- [MESSAGES [CONNECTIONS]]
//! ```
//!
//! Everything runs on the same cores, so the ratios say more than the rates.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{
    net::TcpListener,
    num::NonZeroUsize,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use courant::{
    clock::Clock,
    delivery::{
        Audience, Claimed, Content, Delivery, OutboxStore, Outcome, Plan, Planned, Tally,
        compose::Prepared,
        dkim::key::Algorithm,
        relay::{Relay, RelayUrl},
        task::{Config, DeliverOutbox},
    },
    id::{ContentId, DeliveryId, EditionSlug, SubscriberId},
    port,
    secret::Key,
    store::sled::SledStore,
    subscribers::{Confirm, How, Request, SubscriberStore, address::EmailAddress},
    task::Task,
};
use mailed::{LATIN, claimed, digest, links, signer};
use tokio_util::sync::CancellationToken;

mod mailed;
mod usage;

const MESSAGES: u64 = 10_000;
const CONNECTIONS: usize = 8;
const MESSAGE_BYTES: usize = 20_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut asked = std::env::args().filter_map(|arg| arg.parse().ok());
    let messages = asked.next().unwrap_or(MESSAGES);
    let connections = asked.next().map_or(Ok(CONNECTIONS), usize::try_from)?;
    let connections = NonZeroUsize::new(connections).context("no connections")?;
    let content = digest(MESSAGE_BYTES, &LATIN)?;
    let sink = Sink::start().await?;

    let size = size(&content)?;
    let kept = with_store(messages, connections, &content, &sink).await?;
    let outbox = Arc::new(Unkept::new(messages, content));
    let unkept = send("no store", outbox, messages, connections, &sink).await?;
    let source = smtp_source(messages, size, connections, &sink)?;
    println!("store / no store    {:>6.2}", kept / unkept);
    println!("store / smtp-source {:>6.2}", kept / source);
    Ok(())
}

/// Octets of a message, signed as it is sent.
fn size(content: &Content) -> anyhow::Result<usize> {
    let prepared = Prepared::new(ContentId(1), content);
    let message = prepared.message(&links()?, &signer(Algorithm::Rsa)?, &claimed(0)?)?;
    println!("{} octets a message", message.bytes.len());
    Ok(message.bytes.len())
}

/// Plans the digest for a crowd and sends it, everything as durable as it must be.
async fn with_store(
    messages: u64,
    connections: NonZeroUsize,
    content: &Content,
    sink: &Sink,
) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let pepper = Key::new(&[7; Key::BYTES]);
    let store = Arc::new(SledStore::open(&folder.path().join("store"), pepper)?);
    let now = Clock::System.now();
    for first in (0..messages).step_by(1_000) {
        let some = first..messages.min(first + 1_000);
        let some = some.map(request).collect::<anyhow::Result<_>>()?;
        store.request(some, now).await?;
    }
    let before = usage::peak_kib()?;

    let watch = Watch::start(None);
    let plan = Plan {
        key: "digest:world:daily:1".to_owned(),
        content: content.clone(),
        audience: Audience::Subscribed,
        now,
    };
    let planned = store.plan(plan).await?;
    watch.stop("plan", messages);
    println!(
        "             {before} KiB resident at most before, {} after",
        usage::peak_kib()?
    );
    let Planned::New { content, .. } = planned else {
        anyhow::bail!("{planned:?}")
    };

    let rate = send("send", store.clone(), messages, connections, sink).await?;
    let tally = store.tally(content).await?;
    ensure!(
        tally.sent == messages && tally.total() == messages,
        "{tally:?}"
    );
    Ok(rate)
}

fn request(n: u64) -> anyhow::Result<Request> {
    Ok(Request {
        address: EmailAddress::parse(&format!("reader{n}@example.net"))?,
        name: Some(format!("Reader {n}")),
        edition: EditionSlug::parse("world")?,
        confirm: Confirm::Waived,
        how: How::Import {
            basis: "asked for it".to_owned(),
        },
    })
}

async fn send(
    name: &str,
    outbox: Arc<dyn OutboxStore>,
    messages: u64,
    connections: NonZeroUsize,
    sink: &Sink,
) -> anyhow::Result<f64> {
    let url = RelayUrl::parse(&format!("smtp://127.0.0.1:{}?tls=none", sink.port))?;
    let trust = rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let relay = Relay::new(url, None, "bench.example.org".to_owned(), Arc::new(trust))?;
    let config = Config {
        links: links()?,
        signer: signer(Algorithm::Rsa)?,
        connections,
    };
    let clock = Clock::System;
    let stop = CancellationToken::new();
    let task = DeliverOutbox::new(outbox, relay, config, clock.clone(), stop);

    let watch = Watch::start(Some(sink));
    let report = task.activate(clock.now()).await;
    let rate = watch.stop(name, messages);
    ensure!(report.errors.is_empty(), "{:?}", report.errors);
    let counts = &report.counts;
    ensure!(counts.contains(&("sent", messages)), "{counts:?}");
    Ok(rate)
}

fn smtp_source(
    messages: u64,
    size: usize,
    sessions: NonZeroUsize,
    sink: &Sink,
) -> anyhow::Result<f64> {
    let watch = Watch::start(Some(sink));
    let status = Command::new("smtp-source")
        .args(["-d", "-s", &sessions.to_string()])
        .args(["-m", &messages.to_string()])
        .args(["-l", &size.to_string()])
        .args(["-f", "news@example.org", "-t", "reader@example.net"])
        .arg(format!("inet:127.0.0.1:{}", sink.port))
        .status()
        .context("run smtp-source (Debian: postfix)")?;
    ensure!(status.success(), "smtp-source: {status}");
    Ok(watch.stop("smtp-source", messages))
}

/// Measures time, and the processor time of this process and of the sink, which other work on the
/// machine disturbs less.
struct Watch {
    start: Instant,
    sink: Option<u32>,
    before: (f64, f64),
}

impl Watch {
    fn start(sink: Option<&Sink>) -> Self {
        let sink = sink.map(|sink| sink.process.id());
        Self {
            before: spent(sink),
            sink,
            start: Instant::now(),
        }
    }

    /// Prints what `n` messages took, and returns how many that is a second.
    fn stop(self, name: &str, n: u64) -> f64 {
        let elapsed = self.start.elapsed().as_secs_f64();
        let n = n as f64;
        let (here, there) = spent(self.sink);
        let each = |after: f64, before: f64| (after - before) * 1e6 / n;
        println!(
            "{name:<12} {elapsed:>7.2} s {:>8.0} /s {:>6.0} µs here {:>5.0} µs in the sink",
            n / elapsed,
            each(here, self.before.0),
            each(there, self.before.1),
        );
        n / elapsed
    }
}

/// Seconds of processor time: this process with the children it waited for, and the sink.
fn spent(sink: Option<u32>) -> (f64, f64) {
    let there = sink.map_or(0.0, |id| usage::processor(&id.to_string(), 2));
    (usage::processor("self", 4), there)
}

/// Postfix's server that takes everything and keeps nothing.
struct Sink {
    port: u16,
    process: Child,
}

impl Sink {
    async fn start() -> anyhow::Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let process = Command::new("smtp-sink")
            .args(["-u", "nobody", &format!("inet:127.0.0.1:{port}"), "1024"])
            .stderr(Stdio::null())
            .spawn()
            .context("run smtp-sink (Debian: postfix)")?;
        let sink = Self { port, process };
        for _ in 0..100 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .is_ok()
            {
                return Ok(sink);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("smtp-sink does not listen")
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

/// Hands out `messages` deliveries and forgets what becomes of them.
struct Unkept {
    content: Content,
    messages: u64,
    claimed: AtomicU64,
}

impl Unkept {
    fn new(messages: u64, content: Content) -> Self {
        Self {
            content,
            messages,
            claimed: AtomicU64::new(0),
        }
    }
}

#[async_trait]
impl OutboxStore for Unkept {
    async fn plan(&self, _: Plan) -> port::Result<Planned> {
        Ok(Planned::Already(ContentId(1)))
    }

    async fn claim_due(&self, _: DateTime<Utc>, _: DateTime<Utc>) -> port::Result<Option<Claimed>> {
        let n = self.claimed.fetch_add(1, Ordering::Relaxed);
        Ok((n < self.messages).then(|| claimed(n).ok()).flatten())
    }

    async fn settle(&self, _: DeliveryId, _: Outcome, _: DateTime<Utc>) -> port::Result<()> {
        Ok(())
    }

    async fn release_leases(&self, _: DateTime<Utc>) -> port::Result<u64> {
        Ok(0)
    }

    async fn is_in_hand(&self, _: SubscriberId) -> port::Result<bool> {
        Ok(false)
    }

    async fn content(&self, _: ContentId) -> port::Result<Option<Content>> {
        Ok(Some(self.content.clone()))
    }

    async fn deliveries_to(&self, _: SubscriberId) -> port::Result<Vec<Delivery>> {
        Ok(Vec::new())
    }

    async fn deliveries(&self, _: usize) -> port::Result<Vec<Delivery>> {
        Ok(Vec::new())
    }

    async fn next_due(&self) -> port::Result<Option<DateTime<Utc>>> {
        Ok(None)
    }

    async fn tally(&self, _: ContentId) -> port::Result<Tally> {
        Ok(Tally::default())
    }
}
