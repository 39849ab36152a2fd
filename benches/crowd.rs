//! What a large audience costs: one digest, planned and sent to two `smtp-sink`, with the memory of this
//! process, the growth of the store, and the rate from the first tenth to the last.
//!
//! ```text
//! cargo bench --bench crowd -- [SUBSCRIBERS [CONNECTIONS]]
//! ```

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{
    fs, io,
    net::SocketAddr,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::ensure;
use courant::delivery::{OutboxStore, dkim::Signer};
use mailed::{
    LATIN, digest,
    outbox::{courier, crowd, deliver, plan},
    sink::Sink,
};

mod mailed;
mod usage;

const SUBSCRIBERS: u64 = 100_000;
const CONNECTIONS: usize = 4;
const MESSAGE_BYTES: usize = 16_500;
/// Tells the process that it only brings the crowd, to the folder that follows.
const SEED: &str = "--seed";
const TICK: Duration = Duration::from_millis(100);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut asked = std::env::args().filter_map(|arg| arg.parse().ok());
    let people = asked.next().unwrap_or(SUBSCRIBERS);
    let connections = asked.next().map_or(Ok(CONNECTIONS), usize::try_from)?;
    if let Some(folder) = std::env::args().skip_while(|arg| arg != SEED).nth(1) {
        return crowd(Path::new(&folder), people).await.map(drop);
    }
    let folder = tempfile::tempdir()?;
    subscribe(folder.path(), people)?;

    let store = crowd(folder.path(), 0).await?;
    let before = size(folder.path())?;
    told("before", before, before)?;
    let begun = Instant::now();
    let content = plan(&store, "digest", &digest(MESSAGE_BYTES, &LATIN)?).await?;
    println!("planned in {:.1} s", begun.elapsed().as_secs_f64());
    told("planned", before, size(folder.path())?)?;
    let begun = Instant::now();
    store.waiting().await?;
    println!("counted what waits in {} ms", begun.elapsed().as_millis());

    let sinks = [Sink::start().await?, Sink::start().await?];
    let relays = sinks
        .each_ref()
        .map(|sink| SocketAddr::from(([127, 0, 0, 1], sink.port)));
    let courier = courier(&store, &relays, connections, Signer::default())?;
    let mut sending = std::pin::pin!(deliver(&courier, people));
    let mut tenth = Tenth::begin(1, 0);
    let mut is_done = false;
    while !is_done {
        tokio::select! {
            sent = &mut sending => { sent?; is_done = true }
            () = tokio::time::sleep(TICK) => {}
        }
        let sent = store.tally(content).await?.sent;
        if sent >= people * tenth.n / 10 {
            tenth.end(sent);
            told("", before, size(folder.path())?)?;
            tenth = Tenth::begin(tenth.n + 1, sent);
        }
    }
    drop(store);
    told("at the end", before, size(folder.path())?)
}

/// A tenth of the messages.
struct Tenth {
    n: u64,
    begun: Instant,
    sent: u64,
    processor: f64,
}

impl Tenth {
    fn begin(n: u64, sent: u64) -> Self {
        Tenth {
            n,
            begun: Instant::now(),
            sent,
            processor: usage::processor("self", 2),
        }
    }

    /// The rate is also that of whatever else runs here; the processor's time is ours alone.
    fn end(&self, sent: u64) {
        let messages = (sent - self.sent) as f64;
        let rate = messages / self.begun.elapsed().as_secs_f64();
        let each = (usage::processor("self", 2) - self.processor) / messages * 1e6;
        println!("{:>3} % sent, {rate:.0} /s, {each:.0} µs each", self.n * 10);
    }
}

/// Has another process bring the crowd, so that none of its memory is counted.
fn subscribe(folder: &Path, people: u64) -> anyhow::Result<()> {
    let begun = Instant::now();
    let status = Command::new(std::env::current_exe()?)
        .args([&people.to_string(), SEED])
        .arg(folder)
        .status()?;
    ensure!(status.success(), "{status}");
    let seconds = begun.elapsed().as_secs_f64();
    println!("{people} subscribed in {seconds:.0} s");
    Ok(())
}

fn told(when: &str, before: u64, now: u64) -> anyhow::Result<()> {
    println!(
        "{when:<12} {:>5} MB resident at most, the store has grown by {:>4} MB from {} MB",
        usage::peak_kib()? / 1_000,
        now.saturating_sub(before) / 1_000_000,
        before / 1_000_000,
    );
    Ok(())
}

/// Bytes that the files of a folder take on the disk.
fn size(folder: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        total += match metadata.is_dir() {
            true => size(&entry.path())?,
            false => metadata.blocks() * 512,
        };
    }
    Ok(total)
}
