//! The one thread that writes.
//!
//! It takes what is queued and runs the transactions one after another. Those that must outlive a power
//! cut are synced together, with one wait for the disk, and answered then; the others are answered at
//! once, unless they may have seen a plan that is not on the disk yet: nobody mails what a power cut could
//! take back.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
};

use tokio::sync::{mpsc, oneshot};

use super::{engine::Engine, tx::Tx, unavailable};
use crate::port::{Result, StoreError};

/// Callers beyond this many wait for room in the queue.
const QUEUE: usize = 1_024;

/// Transactions that share one wait for the disk, at most: bounds how long the first one waits.
const GROUP: usize = 256;

/// What a transaction must survive before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Durability {
    /// The death of this process. A power cut takes back at most the last half second.
    Journaled,
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
            let (done, wrote) = transact(engine, job);
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
        let mut needed = Durability::Journaled;
        let mut next = Some(first);
        for n in 1.. {
            let Some(job) = next else { break };
            let taken = engine.leases().n_unanswered();
            let (wrote, answer) = (job.run)(engine);
            if wrote {
                needed = needed.max(job.durability);
            }
            match needed {
                Durability::Journaled => {
                    engine.leases().answered(taken);
                    answer(&Ok(()));
                }
                Durability::Synced => waiting.push(answer),
            }
            next = (n < GROUP).then(|| jobs.try_recv().ok()).flatten();
        }
        let durable = match needed {
            Durability::Journaled => Ok(()),
            Durability::Synced => engine.sync(),
        };
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
fn transact<T>(engine: &Engine, job: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> (Result<T>, bool) {
    let ran = engine.with_writable(|mut tx| {
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
