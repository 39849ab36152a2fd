//! How fast a digest leaves: planned in the store, composed, signed, and sent to two of Postfix's
//! `smtp-sink`, beside Postfix's own `smtp-source`, which makes nothing and keeps nothing; and how the
//! rate grows with the connections to a relay that thinks before each answer.
//!
//! `smtp-source` opens a session for each message, unless it is told by `-d` to keep them, as we do.
//!
//! ```text
//! cargo bench --bench send -- [MESSAGES [CONNECTIONS]]
//! ```
//!
//! CONNECTIONS go to each sink. Everything runs on the same cores, so the ratios say more than the rates.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{
    net::SocketAddr,
    process::{Child, Command},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use courant::{
    delivery::{
        Content,
        compose::Prepared,
        dkim::{Signer, key::Algorithm},
    },
    id::ContentId,
};
use mailed::{
    LATIN, claimed, digest, links,
    outbox::{courier, crowd, deliver, plan},
    signer,
    sink::{Sink, SlowServer},
};

mod mailed;
mod usage;

const MESSAGES: u64 = 10_000;
const CONNECTIONS: usize = 4;
const MESSAGE_BYTES: usize = 16_500;
/// What the slow relay adds to each reply.
const LATENCY: Duration = Duration::from_millis(20);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut asked = std::env::args().filter_map(|arg| arg.parse().ok());
    let messages = asked.next().unwrap_or(MESSAGES);
    let connections = asked.next().map_or(Ok(CONNECTIONS), usize::try_from)?;
    let content = digest(MESSAGE_BYTES, &LATIN)?;
    let sinks = [Sink::start().await?, Sink::start().await?];

    let folder = tempfile::tempdir()?;
    let store = crowd(folder.path(), messages).await?;
    let size = size(&content)?;
    let mut rates = Vec::new();
    for (name, signer) in [
        ("RSA-2048", signer(Algorithm::Rsa)?),
        ("Ed25519", signer(Algorithm::Ed25519)?),
        ("unsigned", Signer::default()),
    ] {
        let watch = Watch::start(&[]);
        plan(&store, name, &content).await?;
        watch.stop("plan", messages);
        let relays = sinks.each_ref().map(|sink| at(sink.port));
        let courier = courier(&store, &relays, connections, signer)?;
        let watch = Watch::start(&sinks);
        deliver(&courier, messages).await?;
        rates.push(watch.stop(name, messages));
    }
    for kept in [&[][..], &["-d"]] {
        let source = smtp_source(kept, messages, size, connections, &sinks)?;
        println!("unsigned / smtp-source {:>6.2}", rates[2] / source);
    }

    for connections in [1, 4, 16, 64] {
        let messages = 20 * connections as u64;
        let folder = tempfile::tempdir()?;
        let store = crowd(folder.path(), messages).await?;
        plan(&store, "latency", &content).await?;
        let relay = SlowServer::start(LATENCY, Arc::new(|_: &str| {})).await?;
        let courier = courier(
            &store,
            &[relay.address],
            connections,
            signer(Algorithm::Rsa)?,
        )?;
        let watch = Watch::start(&[]);
        deliver(&courier, messages).await?;
        watch.stop(&format!("20 ms, {connections}"), messages);
    }
    Ok(())
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Octets of a message, signed as it is sent.
fn size(content: &Content) -> anyhow::Result<usize> {
    let prepared = Prepared::new(ContentId(1), content);
    let message = prepared.message(&links()?, &signer(Algorithm::Rsa)?, &claimed(0)?)?;
    println!("{} octets a message", message.bytes.len());
    Ok(message.bytes.len())
}

fn smtp_source(
    options: &[&str],
    messages: u64,
    size: usize,
    sessions: usize,
    sinks: &[Sink; 2],
) -> anyhow::Result<f64> {
    let watch = Watch::start(sinks);
    let start = |sink: &Sink| -> anyhow::Result<Child> {
        Command::new("smtp-source")
            .args(options)
            .args(["-s", &sessions.to_string()])
            .args(["-m", &(messages / 2).to_string()])
            .args(["-l", &size.to_string()])
            .args(["-f", "news@example.org", "-t", "reader@example.net"])
            .arg(format!("inet:127.0.0.1:{}", sink.port))
            .spawn()
            .context("run smtp-source (Debian: postfix)")
    };
    for mut source in [start(&sinks[0])?, start(&sinks[1])?] {
        let status = source.wait()?;
        ensure!(status.success(), "smtp-source: {status}");
    }
    let name = ["smtp-source", &options.concat()].concat();
    Ok(watch.stop(&name, messages))
}

/// Measures time, and the processor time of this process and of the sinks, which other work on the
/// machine disturbs less.
struct Watch {
    start: Instant,
    sinks: Vec<u32>,
    before: (f64, f64),
}

impl Watch {
    fn start(sinks: &[Sink]) -> Self {
        let sinks: Vec<_> = sinks.iter().map(Sink::id).collect();
        Self {
            before: spent(&sinks),
            sinks,
            start: Instant::now(),
        }
    }

    /// Prints what `n` messages took, and returns how many that is a second.
    fn stop(self, name: &str, n: u64) -> f64 {
        let elapsed = self.start.elapsed().as_secs_f64();
        let n = n as f64;
        let (here, there) = spent(&self.sinks);
        let each = |after: f64, before: f64| (after - before) * 1e6 / n;
        println!(
            "{name:<13} {elapsed:>7.2} s {:>8.0} /s {:>6.0} µs here {:>5.0} µs in the sinks",
            n / elapsed,
            each(here, self.before.0),
            each(there, self.before.1),
        );
        n / elapsed
    }
}

/// Seconds of processor time: this process with the children it waited for, and the sinks.
fn spent(sinks: &[u32]) -> (f64, f64) {
    let there = sinks.iter().map(|id| usage::processor(&id.to_string(), 2));
    (usage::processor("self", 4), there.sum())
}
