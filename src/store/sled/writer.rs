//! The one thread that writes.
//!
//! It takes what is queued, runs the transactions one after another, makes the whole group durable
//! with one flush, and answers then. A claim alone is answered at once, unless it may have seen a
//! plan that is not on the disk yet: nobody mails what a crash could take back.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
};

use tokio::sync::{mpsc, oneshot};

use super::{
    engine::Engine,
    tx::{Tearing, Tx},
    unavailable,
};
use crate::port::{Result, StoreError};

/// Callers beyond this many wait for room in the queue.
const QUEUE: usize = 1_024;

/// Transactions that share one flush, at most: bounds how long the first one waits.
const GROUP: usize = 256;

/// What a transaction must survive before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Durability {
    /// Nothing: what a crash takes back is found and done again. Does not wait for `Flushed` ones.
    Volatile,
    /// The death of this process; a power cut may leave a part of it.
    Journaled,
    /// The death of this process.
    Flushed,
    /// The loss of power.
    Synced,
}

/// Answers the caller, once it is known whether the group became durable.
type Answer = Box<dyn FnOnce(&sled::Result<()>) + Send>;

/// Runs a transaction; tells whether it wrote anything.
type Run = Box<dyn FnOnce(&Engine) -> (bool, Answer) + Send>;

/// A transaction that is queued.
struct Job {
    durability: Durability,
    run: Run,
}

pub(super) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(engine: Arc<Engine>) -> Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || run(&engine, jobs))
            .map_err(|err| unavailable("start its writer", err))?;
        Ok(Writer {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Runs `job` as a transaction and returns once it is as durable as asked.
    ///
    /// A job that fails writes nothing. A caller that goes away does not stop its job.
    pub(super) async fn write<T, F>(&self, durability: Durability, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let run: Run = Box::new(move |engine| {
            let (done, wrote) = transact(engine, durability, job);
            let answer: Answer = Box::new(move |durable| {
                let _gone = reply.send(match durable {
                    Ok(()) => done,
                    Err(err) => Err(unavailable("record", err.clone())),
                });
            });
            (wrote, answer)
        });
        let closed = || StoreError::Unavailable {
            doing: "record: it is closed",
            source: None,
        };
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        let job = Job { durability, run };
        queue.send(job).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

impl Drop for Writer {
    /// Finishes what is queued.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn run(engine: &Engine, mut jobs: mpsc::Receiver<Job>) {
    while let Some(first) = jobs.blocking_recv() {
        engine.mend();
        let mut waiting = Vec::new();
        let mut needed = Durability::Volatile;
        let mut next = Some(first);
        for n in 1.. {
            let Some(job) = next else { break };
            let taken = engine.leases().n_unanswered();
            let (wrote, answer) = (job.run)(engine);
            if wrote {
                needed = needed.max(job.durability);
            }
            if job.durability == Durability::Volatile && needed < Durability::Synced {
                engine.leases().answered(taken);
                answer(&Ok(()));
            } else {
                waiting.push(answer);
            }
            next = (n < GROUP).then(|| jobs.try_recv().ok()).flatten();
        }
        let durable = engine.make_durable(needed);
        match durable {
            Ok(()) => engine.leases().answered(0),
            Err(_) => engine.leases().revoke_unanswered(),
        }
        for answer in waiting {
            answer(&durable);
        }
    }
}

/// Runs one job and applies what it wrote; tells whether it wrote anything.
fn transact<T>(
    engine: &Engine,
    durability: Durability,
    job: impl FnOnce(&mut Tx<'_>) -> Result<T>,
) -> (Result<T>, bool) {
    let tearing = match durability {
        Durability::Journaled => Tearing::InPowerCuts,
        Durability::Volatile | Durability::Flushed | Durability::Synced => Tearing::Never,
    };
    let ran = engine.with_writable(|tx| {
        let mut tx = tx.tearing(tearing);
        let ran = catch_unwind(AssertUnwindSafe(|| job(&mut tx)))
            .unwrap_or_else(|_| Err(unavailable("record", Panicked)));
        let done = ran.and_then(|done| tx.apply().map(|()| done));
        if tx.applied.broke {
            engine.broke();
        }
        Ok((done, tx.applied.wrote))
    });
    ran.unwrap_or_else(|err| (Err(err), false))
}

#[derive(Debug, thiserror::Error)]
#[error("a transaction panicked")]
struct Panicked;
