//! Whether anybody is mailed after their opt-out was answered, while a digest leaves at full rate and
//! fifty people a second leave it.
//!
//! ```text
//! cargo bench --bench optouts -- [SECONDS [A_SECOND]]
//! ```

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use courant::{
    clock::Clock,
    delivery::{OutboxStore, dkim::Signer},
    id::SubscriberId,
    subscribers::{How, Scope, SubscriberStore},
    task::Task,
};
use mailed::{
    LATIN, digest,
    outbox::{courier, crowd, plan},
    sink::SlowServer,
};
use tokio::task::JoinSet;

mod mailed;
mod usage;

const SECONDS: u64 = 60;
const A_SECOND: u64 = 50;
/// More than can be sent in that time.
const PEOPLE_A_SECOND: u64 = 8_000;
const MESSAGE_BYTES: usize = 16_500;

/// When the relay heard of each recipient.
type Heard = Arc<Mutex<HashMap<u64, Instant>>>;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut asked = std::env::args().filter_map(|arg| arg.parse().ok());
    let seconds = asked.next().unwrap_or(SECONDS);
    let a_second = asked.next().unwrap_or(A_SECOND);
    let people = seconds * PEOPLE_A_SECOND;
    let folder = tempfile::tempdir()?;
    let store = crowd(folder.path(), people).await?;
    let content = plan(&store, "digest", &digest(MESSAGE_BYTES, &LATIN)?).await?;
    let heard = Heard::default();
    let ear = Arc::clone(&heard);
    let hears = move |rcpt: &str| {
        let name = rcpt.split_once("reader").map_or("", |(_, rest)| rest);
        let n = name.split('@').next().and_then(|n| n.parse().ok());
        if let (Some(n), Ok(mut heard)) = (n, ear.lock()) {
            heard.insert(n, Instant::now());
        }
    };
    let relay = SlowServer::start(Duration::ZERO, Arc::new(hears)).await?;
    let courier = Arc::new(courier(&store, &[relay.address], 8, Signer::default())?);
    let mut sending = JoinSet::new();
    sending.spawn({
        let courier = Arc::clone(&courier);
        async move { courier.activate(Clock::System.now()).await }
    });

    let mut answered = HashMap::new();
    let mut longest = Duration::ZERO;
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(a_second)?);
    for turn in 0..seconds * a_second {
        ticks.tick().await;
        // Just ahead of the courier, who goes by their numbers.
        let sent = store.tally(content).await?.sent;
        let who = SubscriberId(sent + 20 + turn % 400);
        let asked = Instant::now();
        let everything = Scope::Everything;
        store
            .withdraw(who, &everything, How::OneClick, Clock::System.now())
            .await?;
        while store.is_in_hand(who).await? {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        longest = longest.max(asked.elapsed());
        answered.entry(who.0 - 1).or_insert_with(Instant::now);
    }
    let elapsed = begun.elapsed().as_secs_f64();
    let sent = store.tally(content).await?.sent;
    ensure!(
        sending.try_join_next().is_none(),
        "everything was sent too soon"
    );
    sending.abort_all();
    let heard = heard.lock().ok().context("a panic")?;
    let late = answered
        .iter()
        .filter(|(who, at)| heard.get(who).is_some_and(|heard| heard > at));
    let late = late.count();
    let before = answered
        .keys()
        .filter(|who| heard.contains_key(who))
        .count();
    println!(
        "{} opt-outs in {elapsed:.0} s, the longest took {longest:?}; {:.0} messages a second",
        answered.len(),
        sent as f64 / elapsed
    );
    println!("mailed before they left: {before}; after: {late}");
    ensure!(
        late == 0,
        "{late} were mailed after their opt-out was answered"
    );
    Ok(())
}
