//! What a growing library costs: taking it in from cold, judging and relating what is new, and
//! opening it again.
//!
//! ```text
//! cargo bench --bench library -- [ARTICLES]... [at-once]
//! ```
//!
//! Articles come evenly over sixty days, or all at once, so that all of them are within the window of
//! reprints. Of those that come last each twentieth is a reprint.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{
    fs,
    ops::Range,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use courant::{
    clock::Clock,
    ops::{
        app::App,
        config::{Config, reader::Layers},
    },
};
use futures_util::StreamExt;
use serde_json::json;

mod usage;

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

/// Articles of one source.
const SHELF: usize = 500;

/// How long the library took to grow, unless it came at once.
const DAYS: i32 = 60;

/// Articles that come last, and are measured.
const NEW: usize = 500;

/// A reprint leads each so many.
const REPRINTED: usize = 20;

const WORDS: usize = 350;
const VOCABULARY: f64 = 60_000.0;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let asked: Vec<usize> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let grew = match std::env::args().any(|arg| arg == "at-once") {
        true => TimeDelta::zero(),
        false => TimeDelta::days(i64::from(DAYS)),
    };
    let sizes = if asked.is_empty() {
        SIZES.to_vec()
    } else {
        asked
    };
    println!("articles   cold          each      new one    indexes    opened + read   peak");
    for articles in sizes {
        grown(articles, grew).await?;
    }
    Ok(())
}

async fn grown(articles: usize, grew: TimeDelta) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let shelves = articles.div_ceil(SHELF);
    for shelf in 0..=shelves {
        fs::create_dir(folder.path().join(format!("shelf{shelf}")))?;
    }
    let clock = Clock::standing_at(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    let app = open(folder.path(), shelves, &clock).await?;

    let (mut cold, mut spent) = (Duration::ZERO, 0.0);
    let pause = grew / i32::try_from(shelves)?;
    for shelf in 0..shelves {
        let range = SHELF * shelf..articles.min(SHELF * (shelf + 1));
        let new = range.len() as u64;
        write(folder.path(), shelf, clock.now(), range, |n| n)?;
        let (watch, before) = (Instant::now(), usage::processor("self", 2));
        ensure!(ingest(&app, shelf).await? == new, "all of it is new");
        cold += watch.elapsed();
        spent += usage::processor("self", 2) - before;
        clock.advance(pause);
    }

    write(
        folder.path(),
        shelves,
        clock.now(),
        articles..articles + NEW,
        |n| match n % REPRINTED {
            0 => n - NEW,
            _ => n,
        },
    )?;
    let before = usage::processor("self", 2);
    let told = (NEW - NEW / REPRINTED) as u64;
    let new = ingest(&app, shelves).await?;
    ensure!(new == told, "{new} new articles, and not {told}");
    let one = usage::processor("self", 2) - before;
    let bytes = app
        .ingest
        .memory
        .lock()
        .await
        .as_ref()
        .map(|memory| memory.bytes());
    let bytes = bytes.context("no library in memory")?;
    app.stop.cancel();
    drop(app);

    let next = articles + NEW;
    write(folder.path(), 0, clock.now(), next..next + 1, |n| n)?;
    let watch = Instant::now();
    let app = open(folder.path(), shelves, &clock).await?;
    let opened = watch.elapsed();
    ensure!(ingest(&app, 0).await? == 1, "one more article");
    let reopened = watch.elapsed();
    println!(
        "{articles:>8} {:>6.1} s {:>8.2} ms {:>8.2} ms {:>7.0} MB {:>6.2} + {:.2} s {:>6} MB",
        cold.as_secs_f64(),
        spent * 1e3 / articles as f64,
        one * 1e3 / NEW as f64,
        bytes as f64 / 1e6,
        opened.as_secs_f64(),
        (reopened - opened).as_secs_f64(),
        usage::peak_kib()? / 1024,
    );
    Ok(())
}

async fn open(folder: &Path, shelves: usize, clock: &Clock) -> anyhow::Result<App> {
    let mut text = String::from(
        "[site]\ntitle = \"Bench\"\nbase_url = \"http://localhost/\"\n\
         sender = \"news@example.org\"\ndata_dir = \"data\"\n",
    );
    for shelf in 0..=shelves {
        text += &format!(
            "[[source]]\nname = \"shelf-{shelf}\"\nfolder = \"shelf{shelf}\"\ninterval = \"1d\"\n"
        );
    }
    let mut layers = Layers::default();
    layers.add(&folder.join("courant.toml").display().to_string(), &text);
    let config = Config::read(&layers);
    let config = config.map_err(|problems| anyhow::anyhow!("{} problems", problems.len()))?;
    App::build_at(config, clock.clone()).await
}

/// Takes in one shelf; returns how many articles were new.
async fn ingest(app: &App, shelf: usize) -> anyhow::Result<u64> {
    let polls = app.ingest.poll_each(vec![&app.config.sources[shelf]]);
    let mut polls = std::pin::pin!(polls);
    let mut new = 0;
    while let Some((_, polled)) = polls.next().await {
        let polled = polled?;
        ensure!(!polled.failed, "{}", polled.result);
        new += polled.recorded.new;
    }
    app.ingest.refresh().await?;
    Ok(new)
}

/// Writes the feed of a shelf; article `n` has the text of article `told(n)`.
fn write(
    folder: &Path,
    shelf: usize,
    now: DateTime<Utc>,
    articles: Range<usize>,
    told: impl Fn(usize) -> usize,
) -> anyhow::Result<()> {
    let end = articles.end;
    let items = articles.map(|n| {
        Ok(json!({
            "id": n.to_string(),
            "url": format!("https://shelf{shelf}.example/{n}"),
            "title": text(n, 0, 8),
            "content_text": text(told(n), 8, WORDS),
            "date_published": now - TimeDelta::seconds(i64::try_from(end - n)?),
        }))
    });
    let feed = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": format!("Shelf {shelf}"),
        "items": items.collect::<anyhow::Result<Vec<_>>>()?,
    });
    let file = folder.join(format!("shelf{shelf}/feed.json"));
    Ok(fs::write(file, feed.to_string())?)
}

/// Words as often as in a language: the second half as often as the first, and so on (Zipf).
fn text(article: usize, from: usize, n: usize) -> String {
    let word = |at: usize| {
        let unit = f64::from(scattered(article * 1_000 + at)) / f64::from(u32::MAX);
        format!("w{:.0}", VOCABULARY.powf(unit))
    };
    let words: Vec<String> = (from..from + n).map(word).collect();
    words
        .chunks(12)
        .map(|words| words.join(" ") + ". ")
        .collect()
}

/// Numbers that follow each other, out of any order (`MurmurHash3`, its last steps).
fn scattered(n: usize) -> u32 {
    let n = (n ^ n >> 33).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    let n = (n ^ n >> 33).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    u32::try_from(n >> 32).unwrap_or_default()
}
