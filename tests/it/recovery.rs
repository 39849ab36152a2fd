//! What a crash may take, and what it must not.
//!
//! The child is this binary again, told to run one test alone in a folder that holds a task; it
//! prints a line for every answer it got from the store, and is killed after some of them.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use chrono::{DateTime, TimeDelta, Utc};
use courant::{
    delivery::{Claim, OutboxStore, Outcome, Planned, Purpose, Settle, Status, Tally},
    editions::EditionStore,
    id::{ArticleId, ContentId, DeliveryId, SubscriberId},
    ingest::IngestStore,
    library::{ArticleStore, Query},
    port::StoreError,
    secret::Key,
    sources::SourceStore,
    store::sled::SledStore,
    subscribers::{Confirm, How, Requested, Scope, SubscriberStore},
};
use tokio::runtime::Runtime;

use crate::store_contract::{Audience, article, asks, edition, new, plan, poll, record, source};

/// The file that tells the child what to do.
const TASK: &str = "task";

fn open(folder: &Path) -> Result<SledStore, StoreError> {
    SledStore::open(&folder.join("store"), Key::new(&[7; Key::BYTES]))
}

/// Opens a store that was just closed here. Its lock outlives that for as long as a process that
/// another test starts at this moment has not got to its own program.
fn reopen(folder: &Path) -> SledStore {
    let mut tries = std::iter::repeat_with(|| open(folder)).take(1000);
    tries.find_map(Result::ok).unwrap()
}

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

/// Starts the child on `task`; `shell` runs before it in the same process.
fn child(folder: &Path, task: &str, shell: &str) -> (Child, BufReader<ChildStdout>) {
    fs::write(folder.join(TASK), task).unwrap();
    let mut child = Command::new("sh")
        .args(["-c", &format!("{shell} exec \"$@\""), "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "recovery::the_child_does_its_task",
            "--nocapture",
        ])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

/// Passes at once, unless the folder it runs in holds a task.
#[test]
fn the_child_does_its_task() {
    let Ok(task) = fs::read_to_string(TASK) else {
        return;
    };
    let store = open(Path::new(".")).unwrap();
    let runtime = Runtime::new().unwrap();
    match task.split_once(' ') {
        Some(("work", round)) => runtime.block_on(work(&store, round)),
        Some(("fill", _)) => runtime.block_on(fill(&store)),
        _ => panic!("{task}"),
    }
}

/// Tells the parent what the store has answered.
fn answered(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "> {line}").unwrap();
    out.flush().unwrap();
}

/// Does everything that must be durable, all at once, until it is killed.
async fn work(store: &SledStore, round: &str) {
    store.release_leases(at(0)).await.unwrap();
    let crowd = (0..20).map(|n| asks(&format!("{n}@example.org"), "news", Confirm::Waived));
    store.request(crowd.collect(), at(0)).await.unwrap();
    tokio::join!(
        plans(store, round),
        sends(store),
        sends(store),
        sends(store),
        records(store),
        withdraws(store, round),
    );
}

async fn plans(store: &SledStore, round: &str) {
    for n in 0.. {
        let key = format!("digest:{round}:{n}");
        let plan = plan(&key, Purpose::Digest, Audience::Subscribed);
        match store.plan(plan).await.unwrap() {
            Planned::New {
                content,
                deliveries,
            } => answered(&format!("planned {content} {deliveries}")),
            Planned::Already(_) => panic!("{key} was planned before"),
        }
        while store
            .next_due()
            .await
            .unwrap()
            .is_some_and(|due| due <= at(1))
        {
            tokio::task::yield_now().await;
        }
    }
}

async fn sends(store: &SledStore) {
    loop {
        let Some(claimed) = store.claim_due(Claim::until(at(100)), at(1)).await.unwrap() else {
            tokio::task::yield_now().await;
            continue;
        };
        let id = claimed.delivery.id;
        let reply = "250 ok".to_owned();
        store
            .settle(
                Settle {
                    id,
                    outcome: Outcome::Sent { reply },
                    via: None,
                },
                at(2),
            )
            .await
            .unwrap();
        answered(&format!("sent {} {}", id.content, id.recipient));
    }
}

async fn records(store: &SledStore) {
    loop {
        let id = store.reserve(1).await.unwrap();
        answered(&format!("reserved {id} 0"));
        let judged = new(&[&id.to_string()], article(id.0));
        store.record(record(vec![judged])).await.unwrap();
        answered(&format!("recorded {id} 0"));
    }
}

async fn withdraws(store: &SledStore, round: &str) {
    for n in 0.. {
        let person = asks(
            &format!("{round}-{n}@example.com"),
            "sport",
            Confirm::Waived,
        );
        let requested = store.request(vec![person], at(0)).await.unwrap();
        let [Requested::Confirmed(id)] = requested[..] else {
            panic!("{requested:?}");
        };
        let everything = Scope::Everything;
        store
            .withdraw(id, &everything, How::OneClick, at(1))
            .await
            .unwrap();
        answered(&format!("withdrawn {id} 0"));
    }
}

/// Every answer so far: what, which, and how many.
type Answers = Vec<(String, u64, u64)>;

fn parse(line: &str) -> Option<(String, u64, u64)> {
    let mut words = line.strip_prefix("> ")?.split(' ');
    let (what, id, n) = (words.next()?, words.next()?, words.next()?);
    Some((what.to_owned(), id.parse().ok()?, n.parse().ok()?))
}

#[test]
fn a_killed_process_loses_nothing_that_was_answered_and_tears_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let mut answers = Answers::new();
    for (round, patience) in [40, 3, 333, 111, 720].into_iter().enumerate() {
        let (mut child, lines) = child(folder.path(), &format!("work {round}"), "");
        let mut lines = lines.lines().map_while(Result::ok);
        let before = answers.len();
        answers.extend(
            lines
                .by_ref()
                .filter_map(|line| parse(&line))
                .take(patience),
        );
        child.kill().unwrap();
        child.wait().unwrap();
        answers.extend(lines.filter_map(|line| parse(&line)));
        assert!(answers.len() >= before + patience, "the child gave up");

        let store = open(folder.path()).unwrap();
        runtime.block_on(async {
            nothing_is_lost(&store, &answers).await;
            nothing_is_torn(&store).await;
        });
    }
}

async fn nothing_is_lost(store: &SledStore, answers: &Answers) {
    let deliveries = store.deliveries(usize::MAX).await.unwrap();
    let sent: Vec<DeliveryId> = deliveries
        .iter()
        .filter(|delivery| matches!(delivery.status, Status::Sent { .. }))
        .map(|delivery| delivery.id)
        .collect();
    let next = store.reserve(1).await.unwrap();
    for (what, id, n) in answers {
        match what.as_str() {
            "planned" => {
                let content = ContentId(*id);
                assert!(store.content(content).await.unwrap().is_some());
                let planned = deliveries.iter().filter(|one| one.id.content == content);
                assert_eq!(planned.count() as u64, *n);
            }
            "sent" => {
                let id = DeliveryId {
                    content: ContentId(*id),
                    recipient: SubscriberId(*n),
                };
                assert!(sent.contains(&id), "delivery {id}");
            }
            "reserved" => assert!(*id < next.0, "article {id} was reserved before"),
            "recorded" => {
                let kept = store.article(ArticleId(*id)).await.unwrap();
                assert_eq!(kept, Some(article(*id)));
            }
            "withdrawn" => {
                let profile = store.profile(SubscriberId(*id)).await.unwrap().unwrap();
                assert!(profile.suppressed.is_some());
                assert_eq!(profile.subscriptions[0].1.name(), "unsubscribed");
            }
            other => panic!("{other}"),
        }
    }
}

/// What one transaction wrote is there as a whole, or not at all.
async fn nothing_is_torn(store: &SledStore) {
    let deliveries = store.deliveries(usize::MAX).await.unwrap();
    let mut tallies = BTreeMap::<ContentId, Tally>::new();
    for delivery in &deliveries {
        let tally = tallies.entry(delivery.id.content).or_default();
        match delivery.status {
            Status::Sent { .. } => tally.sent += 1,
            Status::Scheduled { .. } | Status::Leased { .. } => tally.scheduled += 1,
            ref other => panic!("{other:?}"),
        }
    }
    let waiting: u64 = tallies.values().map(|tally| tally.scheduled).sum();
    for (content, tally) in tallies {
        assert_eq!(store.tally(content).await.unwrap(), tally);
    }
    store.release_leases(at(200)).await.unwrap();
    let mut due = 0;
    while store
        .claim_due(Claim::until(at(300)), at(200))
        .await
        .unwrap()
        .is_some()
    {
        due += 1;
    }
    assert_eq!(due, waiting);

    for article in store.list(&Query::default()).await.unwrap() {
        assert!(store.body(article.id).await.unwrap().is_some());
    }
    let subscribed = store.count(&edition("news")).await.unwrap();
    assert_eq!(subscribed, 20);
}

#[test]
fn a_store_that_another_process_holds_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, lines) = child(folder.path(), "work 0", "");
    let first = lines
        .lines()
        .map_while(Result::ok)
        .find_map(|line| parse(&line));
    assert!(first.is_some());

    let second = open(folder.path());

    let path = folder.path().join("store").display().to_string();
    assert!(matches!(second, Err(StoreError::Locked { path: held }) if held == path));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(open(folder.path()).is_ok());
}

/// Writes polls until it is refused, and then until it is not.
async fn fill(store: &SledStore) {
    let large = poll(&"x".repeat(20_000));
    for n in 0.. {
        let name = source(&n.to_string());
        if store.record_quiet(&name, &large).await.is_err() {
            answered(&format!("refused {n} 0"));
            break;
        }
    }
    let herald = source("herald");
    while store.record_quiet(&herald, &poll("small")).await.is_err() {
        tokio::task::yield_now().await;
    }
    answered("accepted 0 0");
}

#[test]
fn a_store_that_could_not_write_recovers_alone_once_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let limit = "trap '' XFSZ; ulimit -S -f 8000;"; // 512-octet blocks
    let (mut child, lines) = child(folder.path(), "fill 0", limit);
    let mut lines = lines.lines().map_while(Result::ok);
    let mut next = || lines.find_map(|line| parse(&line)).unwrap();

    let (what, n, _) = next();
    assert_eq!(what, "refused");
    let pid = child.id().to_string();
    let lifted = Command::new("prlimit")
        .args(["--pid", &pid, "--fsize=unlimited"])
        .status()
        .unwrap();
    assert!(lifted.success());

    assert_eq!(next().0, "accepted");
    assert!(child.wait().unwrap().success());
    let store = open(folder.path()).unwrap();
    Runtime::new().unwrap().block_on(async {
        let kept = store.poll(&source("herald")).await.unwrap();
        assert_eq!(kept, Some(poll("small")));
        for n in 0..n {
            let kept = store.poll(&source(&n.to_string())).await.unwrap();
            assert!(kept.is_some(), "poll {n} was answered");
        }
    });
}

#[tokio::test]
async fn a_store_that_is_closed_and_opened_again_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let news = edition("news");
    for n in 1..=20 {
        let store = reopen(folder.path());
        let person = asks(&format!("{n}@example.org"), "news", Confirm::Waived);
        store.request(vec![person], at(0)).await.unwrap();
        assert_eq!(store.count(&news).await.unwrap(), n);
        assert_eq!(store.digests(&news, 9).await.unwrap(), []);
    }
}

#[test]
fn only_its_owner_may_look_into_the_store() {
    let folder = tempfile::tempdir().unwrap();

    drop(open(folder.path()).unwrap());

    let kept = fs::metadata(folder.path().join("store")).unwrap();
    assert_eq!(kept.permissions().mode() & 0o777, 0o700);
}

/// The database without us; see [`reopen`].
fn bare(path: &Path) -> sled::Db {
    let mut tries = std::iter::repeat_with(|| sled::open(path)).take(1000);
    tries.find_map(Result::ok).unwrap()
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let key = b"\x01schema\0";
    drop(open(folder.path()).unwrap());
    let newer = bare(&path);
    assert_eq!(
        newer.insert(key, &[1, 2]).unwrap().as_deref(),
        Some(&[1, 1][..])
    );
    drop(newer);

    let refused = open(folder.path()).err().unwrap();

    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert!(cause.contains("newer version"), "{cause}");
    let kept = bare(&path).get(key).unwrap();
    assert_eq!(kept.as_deref(), Some(&[1, 2][..]));
}

#[test]
fn a_store_that_cannot_be_opened_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    fs::write(folder.path().join("store/conf"), b"not what sled wrote").unwrap();
    assert!(matches!(
        open(folder.path()),
        Err(StoreError::Unavailable { .. })
    ));

    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(
        open(file.path()),
        Err(StoreError::Unavailable { .. })
    ));
}
