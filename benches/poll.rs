//! What polling costs: many feeds on loopback, each on a host of its own, polled when everything in
//! them is new and again when nothing is.
//!
//! ```text
//! cargo bench --bench poll -- [FEEDS [ENTRIES]]
//! ```
//!
//! The server is a process of its own on the same cores, so the processor time says more than the
//! rate. Memory is the most that was ever resident; with `ENTRIES` 0 it is that of polling alone. The
//! service and the image run with `MALLOC_MMAP_THRESHOLD_=262144 MALLOC_ARENA_MAX=2`.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{
    fmt::Write,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use courant::{
    clock::Clock,
    ops::{
        app::App,
        config::{Config, reader::Layers},
    },
    task::Task,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

mod usage;

const FEEDS: usize = 10_000;
const ENTRIES: usize = 2;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let mut asked = args.iter().filter_map(|arg| arg.parse::<usize>().ok());
    let (feeds, entries) = (
        asked.next().unwrap_or(FEEDS),
        asked.next().unwrap_or(ENTRIES),
    );
    match args.iter().any(|arg| arg == "serve") {
        true => serve(entries).await,
        false => poll(feeds, entries).await,
    }
}

async fn poll(feeds: usize, entries: usize) -> anyhow::Result<()> {
    let server = Server::start(entries)?;
    let folder = tempfile::tempdir()?;
    let clock = Clock::standing_at(now());
    let file = folder.path().join("courant.toml").display().to_string();
    let mut layers = Layers::default();
    layers.add(&file, &configuration(feeds, server.port));
    let config =
        Config::read(&layers).map_err(|problems| anyhow::anyhow!("{} problems", problems.len()))?;
    drop(layers);
    let app = App::build_at(config, clock.clone()).await?;
    println!(
        "{feeds} feeds of {entries} entries, {} KiB before",
        usage::peak_kib()?
    );

    let new = round(&app, "all new", feeds).await?;
    ensure!(new == (feeds * entries) as u64, "{new} new articles");
    clock.advance(TimeDelta::hours(30));
    let new = round(&app, "nothing new", feeds).await?;
    ensure!(new == 0, "{new} new articles");
    Ok(())
}

/// Polls everything once; returns how many articles were new.
async fn round(app: &App, name: &str, feeds: usize) -> anyhow::Result<u64> {
    let (watch, before) = (Instant::now(), usage::processor("self", 2));
    let report = app.ingest.activate(app.clock.now()).await;
    let (elapsed, spent) = (
        watch.elapsed().as_secs_f64(),
        usage::processor("self", 2) - before,
    );
    ensure!(report.errors.is_empty(), "{:?}", report.errors.first());
    for source in app.config.sources.iter() {
        let poll = app.store.poll(&source.name).await?;
        let last = poll.context("never polled")?.last;
        ensure!(last == app.clock.now(), "{} was left out", source.name);
    }
    println!(
        "{name:<12} {elapsed:>7.2} s {:>7.0} fetches/s {:>6.0} µs each {:>8} KiB",
        feeds as f64 / elapsed,
        spent * 1e6 / feeds as f64,
        usage::peak_kib()?,
    );
    let new = report.counts.iter().find(|(what, _)| *what == "new");
    Ok(new.map_or(0, |(_, n)| *n))
}

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn configuration(feeds: usize, port: u16) -> String {
    let mut text = String::from(
        "[site]\ntitle = \"Bench\"\nbase_url = \"http://localhost/\"\n\
         sender = \"news@example.org\"\ndata_dir = \"data\"\n\
         [fetch]\nallow_networks = [\"127.0.0.0/8\"]\n",
    );
    for n in 0..feeds {
        let host = format!("127.{}.{}.{}", 1 + n / 40_000, n / 200 % 200, 1 + n % 200);
        let _ = write!(
            text,
            "[[source]]\nname = \"feed-{n}\"\nfeed = \"http://{host}:{port}/{n}\"\n"
        );
    }
    text
}

/// This program again, as all the hosts.
struct Server {
    port: u16,
    process: Child,
}

impl Server {
    fn start(entries: usize) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["serve", "0", &entries.to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let said = process.stdout.take().context("a server without output")?;
        BufReader::new(said).read_line(&mut line)?;
        let port = line.trim().parse()?;
        Ok(Server { port, process })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

async fn serve(entries: usize) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", 0)).await?;
    println!("{}", listener.local_addr()?.port());
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        connections.spawn(answer(stream, entries));
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(mut stream: TcpStream, entries: usize) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let reply = match head.contains("if-none-match: ") {
        true => "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned(),
        false => format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nETag: \"1\"\r\n\
             Content-Type: application/rss+xml\r\n\r\n{}",
            feed(path.trim_start_matches('/'), entries)
        ),
    };
    stream.write_all(reply.as_bytes()).await?;
    stream.shutdown().await
}

/// Entries of usual length, of which no two say the same.
fn feed(path: &str, entries: usize) -> String {
    let mut text = format!(
        "<rss version=\"2.0\"><channel><title>{path}</title><link>http://x.example/</link>"
    );
    for n in 0..entries {
        let seed = path.parse::<usize>().unwrap_or(0) * entries + n;
        let words: String = (0..60)
            .map(|word| format!("word{} ", scattered(seed * 60 + word) % 30_000))
            .collect();
        let _ = write!(
            text,
            "<item><guid isPermaLink=\"false\">{seed}</guid><title>Story {seed}</title>\
             <link>http://x.example/{seed}</link><description>{words}</description></item>"
        );
    }
    text + "</channel></rss>"
}

/// Numbers that follow each other, out of any order (`MurmurHash3`, its last steps).
fn scattered(n: usize) -> usize {
    let n = (n ^ n >> 33).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    let n = (n ^ n >> 33).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    n ^ n >> 33
}
