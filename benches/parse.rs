//! How fast feeds are parsed, on one core: bytes in, entries out, nothing sanitised.
//!
//! ```text
//! cargo bench --bench parse -- FOLDER [PYTHON]
//! ```
//!
//! FOLDER holds feeds as they were served. PYTHON, where `fastfeedparser` is installed, parses the
//! same files in turn with us, so that the ratio says more than the rates. The folder's files are
//! read beforehand; of several rounds the fastest counts, for both.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use courant::ingest::parse::{Given, Kind, parse};
use url::Url;

/// Rounds at a stretch, and stretches: ours and the peer's take turns.
const ROUNDS: usize = 10;
const TURNS: usize = 4;

/// Prints the seconds of the fastest of some rounds over the files of a folder.
const PEER: &str = r"
import sys, time, pathlib, fastfeedparser
files = [path.read_bytes() for path in sorted(pathlib.Path(sys.argv[1]).iterdir())]
def once():
    begun = time.perf_counter()
    for file in files:
        try:
            fastfeedparser.parse(file)
        except Exception:
            pass
    return time.perf_counter() - begun
print(min(once() for _ in range(int(sys.argv[2]))))
";

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let folder = args.next().context("name a folder of feeds")?;
    let files = files(Path::new(&folder))?;
    let bytes: usize = files.iter().map(Vec::len).sum();
    let base = Url::parse("http://localhost/")?;
    let given = Given {
        base: &base,
        content_type: None,
        kind: Kind::Feed,
    };
    let once = || {
        let begun = Instant::now();
        let entries: usize = files
            .iter()
            .filter_map(|file| parse(file, &given).ok())
            .map(|document| document.entries.len())
            .sum();
        (begun.elapsed(), entries)
    };
    let (_, entries) = once();
    println!(
        "{} files, {:.1} MB, {entries} entries",
        files.len(),
        mega(bytes)
    );
    let python = args.next();
    let (mut ours, mut peers) = (Duration::MAX, Duration::MAX);
    for _ in 0..TURNS {
        ours = (0..ROUNDS).map(|_| once().0).fold(ours, Duration::min);
        if let Some(python) = &python {
            peers = peers.min(peer(python, &folder)?);
        }
    }
    say("courant", bytes, ours);
    if python.is_some() {
        say("fastfeedparser", bytes, peers);
        println!(
            "ratio           {:.2}",
            peers.as_secs_f64() / ours.as_secs_f64()
        );
    }
    Ok(())
}

fn files(folder: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut paths = fs::read_dir(folder)
        .with_context(|| format!("read {}", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    paths.sort();
    paths.iter().map(|path| Ok(fs::read(path)?)).collect()
}

fn peer(python: &str, folder: &str) -> anyhow::Result<Duration> {
    let rounds = ROUNDS.to_string();
    let output = Command::new(python)
        .args(["-c", PEER, folder, &rounds])
        .output()
        .with_context(|| format!("run {python}"))?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let seconds: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(Duration::from_secs_f64(seconds))
}

fn say(who: &str, bytes: usize, took: Duration) {
    println!(
        "{who:15} {:.1} ms, {:.0} MB/s",
        took.as_secs_f64() * 1000.0,
        mega(bytes) / took.as_secs_f64()
    );
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
fn mega(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
