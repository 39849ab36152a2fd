//! What all workers share: the outbox, the contents at hand, and what keeps being refused.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::{
    Attempt, Claim, Claimed, Delivery, Doubt, Hold, OutboxStore, Outcome, Purpose, Reach, Settle,
    breaker::{Breaker, Trip},
    compose::{Links, Prepared},
    dkim::Signer,
    ledger::Ledger,
    relay::Refusal,
    retry::Patience,
    route::Route,
    throttle::pace::Pace,
    traffic::{Ticket, Traffic},
};
use crate::{
    clock::Clock,
    id::{ContentId, EditionSlug, GroupName, RelayName},
    port,
};

/// Longer than it takes to connect and to send once, every deadline run out.
pub(super) const LEASE: TimeDelta = TimeDelta::minutes(45);
/// Contents that are encoded and kept at hand; more are seldom sent at the same time.
const MAX_PREPARED: usize = 8;

/// What the operator decides about delivery.
pub struct Config {
    pub links: Links,
    /// Signs every message.
    pub signer: Signer,
    pub doubt: Doubt,
    pub patience: Patience,
    /// What each group of destinations gets at most; those that are missing are not limited.
    pub paces: Vec<(GroupName, Pace)>,
}

pub(super) struct Courier {
    pub(super) ledger: Arc<Ledger>,
    pub(super) routes: Vec<Arc<Route>>,
    pub(super) config: Config,
    pub(super) clock: Clock,
    pub(super) stop: CancellationToken,
    pub(super) traffic: Traffic,
    prepared: Mutex<Vec<Arc<Prepared>>>,
    breakers: Mutex<BTreeMap<EditionSlug, Breaker>>,
    /// Held by whoever judges a refusal, until the hold that it brings is recorded.
    judging: tokio::sync::Mutex<()>,
}

impl Courier {
    pub(super) fn new(
        ledger: Arc<Ledger>,
        routes: Vec<Route>,
        config: Config,
        clock: Clock,
        stop: CancellationToken,
    ) -> Self {
        let relays = routes.iter();
        let relays = relays.map(|route| (route.name.clone(), route.pace.clone(), route.weight));
        let groups = config.paces.iter().cloned();
        Courier {
            traffic: Traffic::new(relays, groups),
            ledger,
            routes: routes.into_iter().map(Arc::new).collect(),
            config,
            clock,
            stop,
            prepared: Mutex::default(),
            breakers: Mutex::default(),
            judging: tokio::sync::Mutex::default(),
        }
    }

    pub(super) async fn claim(&self, ticket: &Ticket) -> port::Result<Option<Claimed>> {
        let now = self.clock.now();
        self.outbox().claim_due(self.ask(ticket, now), now).await
    }

    pub(super) async fn settle(&self, settle: Settle) -> port::Result<()> {
        self.ledger.settle(settle, self.clock.now()).await
    }

    pub(super) async fn settle_and_claim(
        &self,
        settle: Settle,
        ticket: &Ticket,
    ) -> port::Result<Option<Claimed>> {
        let now = self.clock.now();
        let ask = self.ask(ticket, now);
        self.ledger.settle_and_claim(settle, ask, now).await
    }

    pub(super) fn outbox(&self) -> &dyn OutboxStore {
        &*self.ledger.outbox
    }

    fn ask(&self, ticket: &Ticket, now: DateTime<Utc>) -> Claim {
        Claim {
            until: now + LEASE,
            closed: Arc::clone(&ticket.closed),
            doubt: self.config.doubt,
        }
    }

    /// The content of a delivery, encoded; `None` if the store has it no more.
    pub(super) async fn prepare(&self, id: ContentId) -> port::Result<Option<Arc<Prepared>>> {
        let known = locked(&self.prepared).iter().find(|p| p.id == id).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Some(content) = self.outbox().content(id).await? else {
            return Ok(None);
        };
        let fresh = Arc::new(Prepared::new(id, &content));
        let mut prepared = locked(&self.prepared);
        prepared.truncate(MAX_PREPARED - 1);
        prepared.insert(0, Arc::clone(&fresh));
        Ok(Some(fresh))
    }

    /// Notes that a digest was taken.
    pub(super) fn taken(&self, claimed: &Claimed) {
        if claimed.delivery.purpose == Purpose::Digest {
            let mut breakers = locked(&self.breakers);
            if let Some(breaker) = breakers.get_mut(&claimed.delivery.edition) {
                breaker.taken();
            } else {
                let breaker = breakers.entry(claimed.delivery.edition.clone());
                breaker.or_default().taken();
            }
        }
    }

    /// Notes that a digest was refused for good, which is recorded already. Tells why its edition is
    /// held, if that was one refusal too many; what was refused waits then with the others.
    pub(super) async fn refused(
        &self,
        claimed: &Claimed,
        refusal: Refusal,
        reply: &str,
    ) -> port::Result<Option<String>> {
        let delivery = &claimed.delivery;
        if delivery.purpose != Purpose::Digest || is_dead(delivery, refusal) {
            return Ok(None);
        }
        let _judging = self.judging.lock().await;
        let reach = Reach::Edition(delivery.edition.clone());
        if self.is_tripped(&delivery.edition) {
            let holds = self.outbox().holds().await?;
            if holds.iter().any(|(held, _)| *held == reach) {
                // One of those that were on their way when the edition was held.
                self.outbox()
                    .retry(vec![delivery.id], self.clock.now())
                    .await?;
                return Ok(None);
            }
            self.with_breaker(&delivery.edition, Breaker::reset);
        }
        let trip = self.with_breaker(&delivery.edition, |breaker| {
            breaker.refused(delivery.id, refusal, reply)
        });
        let Some(Trip { reason, refused }) = trip else {
            return Ok(None);
        };
        let now = self.clock.now();
        let hold = Hold {
            at: now,
            reason: reason.clone(),
        };
        self.outbox().hold(reach, hold, refused).await?;
        self.with_breaker(&delivery.edition, Breaker::trip);
        Ok(Some(format!(
            "edition {} is held: {reason}; `courant outbox resume {}` goes on where it stopped",
            delivery.edition, delivery.edition
        )))
    }

    fn is_tripped(&self, edition: &EditionSlug) -> bool {
        locked(&self.breakers)
            .get(edition)
            .is_some_and(Breaker::is_tripped)
    }

    fn with_breaker<T>(&self, edition: &EditionSlug, act: impl FnOnce(&mut Breaker) -> T) -> T {
        act(locked(&self.breakers).entry(edition.clone()).or_default())
    }
}

/// Tells whether a mailbox was not there a second time, after the first refusal had been taken back: that says
/// nothing about the edition, and an edition that is held for it again would never end.
fn is_dead(delivery: &Delivery, refusal: Refusal) -> bool {
    let for_good = |attempt: &Attempt| attempt.words.starts_with('5');
    refusal == Refusal::BadAddress && delivery.earlier.iter().any(for_good)
}

/// What a worker hands in.
pub(super) fn settled(claimed: &Claimed, outcome: Outcome, via: &RelayName) -> Settle {
    let was_tried = outcome != Outcome::Released;
    Settle {
        id: claimed.delivery.id,
        outcome,
        via: was_tried.then(|| via.clone()),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
