//! Hands over what is due: claim, compose, send, settle.
//!
//! A delivery is claimed when a connection is free for it and settled before that connection claims
//! the next. So a kill at any instant leaves at most one delivery per connection in doubt, and what
//! cannot be recorded is not sent.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    Claim, Claimed, OutboxStore, Outcome, Settle,
    compose::{Links, Prepared},
    dkim::{SignError, Signer},
    relay::{Connection, Refusal, Relay, Sent},
    retry::{self, Pause},
};
use crate::{
    clock::Clock,
    id::ContentId,
    port::{self, StoreError},
    task::{Report, Task, chain},
};

/// Longer than it takes to connect and to send once, every deadline run out.
const LEASE: TimeDelta = TimeDelta::minutes(45);
/// A connection that breaks this often in one activation says that the relay is unwell.
const MAX_LOSSES: u32 = 3;
/// Contents that are encoded and kept at hand; more are seldom sent at the same time.
const MAX_PREPARED: usize = 8;

/// The task `deliver_outbox`.
pub struct DeliverOutbox(Arc<Courier>);

/// What the workers share.
struct Courier {
    outbox: Arc<dyn OutboxStore>,
    relay: Relay,
    config: Config,
    clock: Clock,
    stop: CancellationToken,
    pause: Mutex<Pause>,
    prepared: Mutex<Vec<Arc<Prepared>>>,
    /// Held by the one activation that sends: an order beside the task opens no further connections,
    /// and finds everything settled that the task had in hand.
    turn: tokio::sync::Mutex<()>,
}

pub struct Config {
    pub links: Links,
    /// Signs every message.
    pub signer: Signer,
    /// To the relay, at most, at one time.
    pub connections: NonZeroUsize,
}

impl DeliverOutbox {
    /// Stops claiming when `stop` is cancelled; what is in hand is finished.
    pub fn new(
        outbox: Arc<dyn OutboxStore>,
        relay: Relay,
        config: Config,
        clock: Clock,
        stop: CancellationToken,
    ) -> Self {
        Self(Arc::new(Courier {
            outbox,
            relay,
            config,
            clock,
            stop,
            pause: Mutex::default(),
            prepared: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }))
    }
}

#[async_trait]
impl Task for DeliverOutbox {
    fn name(&self) -> &'static str {
        "deliver_outbox"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn activate(&self, now: DateTime<Utc>) -> Report {
        let _turn = self.0.turn.lock().await;
        if self.0.is_paused(now) {
            return Report::default();
        }
        let work = self.0.deliver_all().await;
        self.0.note(&work);
        work.report()
    }
}

/// What came of an activation, or of one worker's part in it.
#[derive(Default)]
struct Work {
    sent: u64,
    deferred: u64,
    failed: u64,
    uncertain: u64,
    released: u64,
    troubles: Vec<Trouble>,
}

/// Why a worker stopped early, and with it all others.
enum Trouble {
    Store(StoreError),
    Relay(String),
    Signing(SignError),
    Panic,
}

impl From<StoreError> for Trouble {
    fn from(err: StoreError) -> Self {
        Trouble::Store(err)
    }
}

/// One of the connections, and whoever feeds it.
struct Worker {
    courier: Arc<Courier>,
    /// Cancelled when any worker is in trouble, and when the daemon stops.
    halt: CancellationToken,
    connection: Option<Connection>,
    losses: u32,
    work: Work,
}

impl Courier {
    /// Opens one connection after the other while there is work for one more.
    ///
    /// The first alone finds out whether the relay is there.
    async fn deliver_all(self: &Arc<Self>) -> Work {
        let halt = self.stop.child_token();
        let mut total = Work::default();
        let mut workers = JoinSet::new();
        while workers.len() < self.config.connections.get() && !halt.is_cancelled() {
            let claimed = match self.claim().await {
                Ok(Some(claimed)) => claimed,
                Ok(None) => break,
                Err(err) => {
                    halt.cancel();
                    total.troubles.push(err.into());
                    break;
                }
            };
            let mut worker = Worker::new(self, &halt);
            if workers.is_empty() {
                worker.connect().await;
            }
            workers.spawn(worker.run(claimed));
        }
        while let Some(done) = workers.join_next().await {
            match done {
                Ok(work) => total.add(work),
                Err(_) => total.troubles.push(Trouble::Panic),
            }
        }
        total
    }

    async fn claim(&self) -> port::Result<Option<Claimed>> {
        let now = self.clock.now();
        self.outbox.claim_due(Claim::until(now + LEASE), now).await
    }

    async fn settle(&self, claimed: &Claimed, outcome: Outcome) -> port::Result<()> {
        let now = self.clock.now();
        let id = claimed.delivery.id;
        let settle = Settle {
            id,
            outcome,
            via: None,
        };
        self.outbox.settle(settle, now).await
    }

    async fn settle_and_claim(
        &self,
        claimed: &Claimed,
        outcome: Outcome,
    ) -> port::Result<Option<Claimed>> {
        let now = self.clock.now();
        let id = claimed.delivery.id;
        self.outbox
            .settle_and_claim(
                Settle {
                    id,
                    outcome,
                    via: None,
                },
                Claim::until(now + LEASE),
                now,
            )
            .await
    }

    /// The content of a delivery, encoded; `None` if the store has it no more.
    async fn prepare(&self, id: ContentId) -> port::Result<Option<Arc<Prepared>>> {
        let known = locked(&self.prepared).iter().find(|p| p.id == id).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Some(content) = self.outbox.content(id).await? else {
            return Ok(None);
        };
        let fresh = Arc::new(Prepared::new(id, &content));
        let mut prepared = locked(&self.prepared);
        prepared.truncate(MAX_PREPARED - 1);
        prepared.insert(0, Arc::clone(&fresh));
        Ok(Some(fresh))
    }

    fn is_paused(&self, now: DateTime<Utc>) -> bool {
        locked(&self.pause).covers(now)
    }

    fn note(&self, work: &Work) {
        let mut pause = locked(&self.pause);
        if work.troubles.iter().any(|t| matches!(t, Trouble::Relay(_))) {
            pause.extend(work.sent, self.clock.now());
        } else {
            *pause = Pause::default();
        }
    }
}

impl Worker {
    fn new(courier: &Arc<Courier>, halt: &CancellationToken) -> Self {
        Self {
            courier: Arc::clone(courier),
            halt: halt.clone(),
            connection: None,
            losses: 0,
            work: Work::default(),
        }
    }

    async fn run(mut self, first: Claimed) -> Work {
        if let Err(trouble) = self.deliver_from(first).await {
            self.trouble(trouble);
        }
        if let Some(connection) = self.connection {
            connection.close().await;
        }
        self.work
    }

    async fn deliver_from(&mut self, first: Claimed) -> Result<(), Trouble> {
        let mut next = Some(first);
        while let Some(claimed) = next {
            let outcome = self.attempt(&claimed).await;
            self.work.count(&outcome);
            next = match self.halt.is_cancelled() {
                true => self
                    .courier
                    .settle(&claimed, outcome)
                    .await
                    .map(|()| None)?,
                false => self.courier.settle_and_claim(&claimed, outcome).await?,
            };
        }
        Ok(())
    }

    /// Tries once, unless somebody is in trouble: then the delivery is given back.
    async fn attempt(&mut self, claimed: &Claimed) -> Outcome {
        let prepared = match self.courier.prepare(claimed.delivery.id.content).await {
            Ok(Some(prepared)) => prepared,
            Ok(None) => {
                return Outcome::Failed {
                    reason: "its content is gone".to_owned(),
                };
            }
            Err(err) => {
                self.trouble(err.into());
                return Outcome::Released;
            }
        };
        if self.connection.is_none() && !self.halt.is_cancelled() {
            self.connect().await;
        }
        if self.connection.is_none() || self.halt.is_cancelled() {
            return Outcome::Released;
        }
        let Config { links, signer, .. } = &self.courier.config;
        let message = match prepared.message(links, signer, claimed) {
            Ok(message) => message,
            Err(err) => {
                self.trouble(Trouble::Signing(err));
                return Outcome::Released;
            }
        };
        let Some(connection) = &mut self.connection else {
            return Outcome::Released;
        };
        let sent = connection.send(&message).await;
        if !connection.is_open() {
            self.connection = None;
        }
        self.outcome(claimed, sent)
    }

    async fn connect(&mut self) {
        match self.courier.relay.connect().await {
            Ok(connection) => self.connection = Some(connection),
            Err(err) => self.trouble(Trouble::Relay(chain(&err))),
        }
    }

    fn outcome(&mut self, claimed: &Claimed, sent: Sent) -> Outcome {
        let attempts = claimed.delivery.attempts.saturating_add(1);
        let salt = claimed.delivery.id.recipient.0;
        let now = self.courier.clock.now();
        let put_off = |due: Option<DateTime<Utc>>, reason: String| match due {
            Some(due) => Outcome::Deferred { due, reason },
            None => Outcome::Failed { reason },
        };
        match sent {
            Sent::Accepted { reply } => Outcome::Sent { reply },
            Sent::Refused { refusal, reply } => match refusal {
                Refusal::BadAddress | Refusal::Policy | Refusal::Permanent => {
                    Outcome::Failed { reason: reply }
                }
                Refusal::Temporary | Refusal::RateLimited => {
                    put_off(retry::next_try(attempts, salt, now), reply)
                }
                Refusal::Away => {
                    self.trouble(Trouble::Relay(format!("the relay is away: {reply}")));
                    Outcome::Released
                }
            },
            Sent::Lost { reason } | Sent::Uncertain { reason } => {
                self.losses += 1;
                if self.losses > MAX_LOSSES {
                    self.trouble(Trouble::Relay(format!(
                        "the relay keeps breaking off: {reason}"
                    )));
                }
                put_off(retry::after_loss(attempts, salt, now), reason)
            }
            Sent::Closed { .. } => Outcome::Released,
        }
    }

    fn trouble(&mut self, trouble: Trouble) {
        self.halt.cancel();
        self.work.troubles.push(trouble);
    }
}

impl Work {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Sent { .. } => self.sent += 1,
            Outcome::Deferred { .. } => self.deferred += 1,
            Outcome::Failed { .. } | Outcome::Bounced { .. } => self.failed += 1,
            Outcome::Uncertain { .. } => self.uncertain += 1,
            Outcome::Released => self.released += 1,
        }
    }

    fn add(&mut self, other: Work) {
        self.sent += other.sent;
        self.deferred += other.deferred;
        self.failed += other.failed;
        self.uncertain += other.uncertain;
        self.released += other.released;
        self.troubles.extend(other.troubles);
    }

    /// Eight connections to one dead relay are one error.
    fn report(&self) -> Report {
        let mut errors: Vec<_> = self.troubles.iter().map(Trouble::text).collect();
        errors.sort();
        errors.dedup();
        Report {
            counts: vec![
                ("sent", self.sent),
                ("deferred", self.deferred),
                ("failed", self.failed),
                ("uncertain", self.uncertain),
                ("released", self.released),
            ],
            errors,
            ..Report::default()
        }
    }
}

impl Trouble {
    fn text(&self) -> String {
        match self {
            Trouble::Store(err) => chain(err),
            Trouble::Relay(reason) => without_addresses(reason),
            Trouble::Signing(err) => chain(err),
            Trouble::Panic => {
                "a worker panicked; its delivery waits for its lease to end".to_owned()
            }
        }
    }
}

/// A report is logged, and servers like to repeat whom they were asked to serve.
fn without_addresses(reply: &str) -> String {
    let words = reply.split_whitespace();
    let words: Vec<_> = words
        .map(|word| if word.contains('@') { "…" } else { word })
        .collect();
    words.join(" ")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::relay::smtp::LONGEST_SEND;

    #[test]
    fn the_same_trouble_on_every_connection_is_reported_once() {
        let mut total = Work::default();
        for _ in 0..8 {
            total.add(Work {
                sent: 1,
                released: 1,
                troubles: vec![Trouble::Relay("the relay is away: 421 busy".to_owned())],
                ..Work::default()
            });
        }

        let report = total.report();

        assert_eq!(report.errors, ["the relay is away: 421 busy"]);
        assert!(report.counts.contains(&("sent", 8)) && report.counts.contains(&("released", 8)));
    }

    #[test]
    fn no_address_reaches_a_report() {
        let reply = "the relay is away: 421 4.7.0 <ann@example.net>: too many, ask bob@x.example";
        let trouble = Trouble::Relay(reply.to_owned());
        assert_eq!(
            trouble.text(),
            "the relay is away: 421 4.7.0 … too many, ask …"
        );
    }

    #[test]
    fn a_lease_outlasts_the_longest_send() {
        let longest = TimeDelta::from_std(LONGEST_SEND).unwrap();
        assert!(LEASE > longest + TimeDelta::minutes(10));
    }
}
