//! One connection, and whoever feeds it: claim, compose, send, settle.
//!
//! A delivery is claimed when a connection is free for it and settled before that connection claims
//! the next. So a kill at any instant leaves at most one delivery per connection in doubt, and what
//! cannot be recorded is not sent.

use std::{mem, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::{
    Claimed, Doubt, Outcome,
    courier::{Courier, settled},
    relay::{Connection, Refusal, Sent},
    route::Route,
    traffic::{Ticket, Wait},
    work::{Trouble, Work},
};
use crate::task::chain;

/// A connection that breaks this often in one activation says that the relay is unwell.
const MAX_LOSSES: u32 = 3;
/// Fresh connections that are tried for one message when the relay ends each at once.
const MAX_CLOSED: u32 = 3;
/// How often it is asked whether the other relays have caught up.
const TURN: Duration = Duration::from_millis(2);
/// Whoever has to wait longer than this gives the connection up.
const PATIENCE: TimeDelta = TimeDelta::seconds(5);

pub(super) struct Worker {
    courier: Arc<Courier>,
    route: Arc<Route>,
    halts: Halts,
    connection: Option<Connection>,
    /// A connection was made for the delivery in hand.
    has_waited: bool,
    losses: u32,
    work: Work,
}

/// What stops workers.
#[derive(Clone)]
pub(super) struct Halts {
    /// Cancelled when anything is wrong that concerns everybody, and when the daemon stops.
    pub(super) all: CancellationToken,
    /// Its child: cancelled as well when the relay is in trouble.
    pub(super) route: CancellationToken,
}

/// A delivery in hand, and the leave to send it.
pub(super) type Errand = (Claimed, Ticket);

/// What an attempt came to.
struct Attempt {
    outcome: Outcome,
    /// In the relay's words, if it refused the message for good.
    refusal: Option<(Refusal, String)>,
}

impl From<Outcome> for Attempt {
    fn from(outcome: Outcome) -> Self {
        Attempt {
            outcome,
            refusal: None,
        }
    }
}

impl Worker {
    pub(super) fn new(courier: &Arc<Courier>, route: &Arc<Route>, halts: &Halts) -> Self {
        Worker {
            courier: Arc::clone(courier),
            route: Arc::clone(route),
            halts: halts.clone(),
            connection: None,
            has_waited: false,
            losses: 0,
            work: Work::default(),
        }
    }

    pub(super) async fn run(mut self, first: Errand) -> Work {
        if let Err(trouble) = self.deliver_from(first).await {
            self.trouble(trouble);
        }
        self.end().await
    }

    /// Takes leave of the relay and tells what was done.
    pub(super) async fn end(self) -> Work {
        if let Some(connection) = self.connection {
            connection.close().await;
        }
        self.work
    }

    async fn deliver_from(&mut self, first: Errand) -> Result<(), Trouble> {
        let mut next = Some(first);
        while let Some((claimed, ticket)) = next {
            let Attempt { outcome, refusal } = self.attempt(&claimed).await;
            let (traffic, now) = (&self.courier.traffic, self.courier.clock.now());
            match self.work.count(&outcome) {
                Some(came) => traffic.redeem(ticket, &claimed.delivery.group, came, now),
                None => traffic.refund(ticket),
            }
            next = match refusal {
                None => self.hand_in(&claimed, outcome).await?,
                Some((refusal, reply)) => {
                    let settle = settled(&claimed, outcome, &self.route.name);
                    self.courier.settle(settle).await?;
                    // Before the next is claimed: this may be one refusal too many.
                    let held = self.courier.refused(&claimed, refusal, &reply).await?;
                    self.work.held.extend(held);
                    self.next().await?
                }
            };
        }
        Ok(())
    }

    /// Records what came of a delivery, and claims the next.
    async fn hand_in(
        &mut self,
        claimed: &Claimed,
        outcome: Outcome,
    ) -> Result<Option<Errand>, Trouble> {
        let settle = settled(claimed, outcome, &self.route.name);
        let now = self.courier.clock.now();
        let leave = match self.is_halted() {
            true => None,
            false => self.courier.traffic.reserve(&self.route.name, now).ok(),
        };
        let Some(ticket) = leave else {
            self.courier.settle(settle).await?;
            return self.next().await;
        };
        match self.courier.settle_and_claim(settle, &ticket).await {
            Ok(Some(claimed)) => Ok(Some(self.errand(claimed, ticket))),
            Ok(None) => match self.nothing(ticket).await {
                true => self.next().await,
                false => Ok(None),
            },
            Err(err) => {
                self.courier.traffic.refund(ticket);
                Err(err.into())
            }
        }
    }

    /// Claims a delivery as soon as the relay and its destination may take one; none if there is
    /// nothing to do, or not for some time.
    pub(super) async fn next(&mut self) -> Result<Option<Errand>, Trouble> {
        loop {
            if self.is_halted() {
                return Ok(None);
            }
            let now = self.courier.clock.now();
            let ticket = match self.courier.traffic.reserve(&self.route.name, now) {
                Ok(ticket) => ticket,
                Err(Wait::Turn) => {
                    tokio::time::sleep(TURN).await;
                    continue;
                }
                Err(Wait::Until(when)) if self.wait(when).await => continue,
                Err(Wait::Until(_)) => return Ok(None),
            };
            match self.courier.claim(&ticket).await {
                Ok(Some(claimed)) => return Ok(Some(self.errand(claimed, ticket))),
                Ok(None) => {
                    if !self.nothing(ticket).await {
                        return Ok(None);
                    }
                }
                Err(err) => {
                    self.courier.traffic.refund(ticket);
                    return Err(err.into());
                }
            }
        }
    }

    fn errand(&self, claimed: Claimed, mut ticket: Ticket) -> Errand {
        let group = &claimed.delivery.group;
        self.courier.traffic.narrow(&mut ticket, group);
        (claimed, ticket)
    }

    /// Nothing could be claimed; waits for the destinations that are closed, and tells whether it is
    /// worth asking again.
    async fn nothing(&mut self, ticket: Ticket) -> bool {
        let opens = ticket.opens;
        self.courier.traffic.refund(ticket);
        match opens {
            Some(when) => self.wait(when).await,
            None => false,
        }
    }

    /// Waits until `when`, and tells whether that moment came.
    async fn wait(&mut self, when: DateTime<Utc>) -> bool {
        if when - self.courier.clock.now() > PATIENCE {
            self.work.again(when);
            return false;
        }
        tokio::select! {
            () = self.halts.route.cancelled() => false,
            () = self.courier.clock.sleep_until(when) => true,
        }
    }

    /// Tries once, unless somebody is in trouble: then the delivery is given back.
    async fn attempt(&mut self, claimed: &Claimed) -> Attempt {
        let prepared = match self.courier.prepare(claimed.delivery.id.content).await {
            Ok(Some(prepared)) => prepared,
            Ok(None) => {
                let reason = "its content is gone".to_owned();
                return Outcome::Failed { reason }.into();
            }
            Err(err) => {
                self.trouble(err.into());
                return Outcome::Released.into();
            }
        };
        let config = &self.courier.config;
        let message = match prepared.message(&config.links, &config.signer, claimed) {
            Ok(message) => message,
            Err(err) => {
                self.trouble(Trouble::Signing(err));
                return Outcome::Released.into();
            }
        };
        for _ in 0..MAX_CLOSED {
            if self.connection.is_none() && !self.is_halted() {
                self.connect().await;
            }
            if mem::take(&mut self.has_waited) && !self.may_still_go(claimed).await {
                return Outcome::Released.into();
            }
            let Some(connection) = self
                .connection
                .as_mut()
                .filter(|_| !self.halts.route.is_cancelled())
            else {
                return Outcome::Released.into();
            };
            let sent = connection.send(&message).await;
            if !connection.is_open() {
                self.connection = None;
            }
            if !matches!(sent, Sent::Closed { .. }) {
                return self.judge(claimed, sent);
            }
        }
        self.turned_away("it ends every connection at once".to_owned());
        Outcome::Released.into()
    }

    /// Whether nothing was said against a delivery while its connection was made, which can take minutes.
    async fn may_still_go(&mut self, claimed: &Claimed) -> bool {
        let outbox = self.courier.outbox();
        let now = self.courier.clock.now();
        match outbox.is_admitted(claimed.delivery.id, now).await {
            Ok(admitted) => admitted,
            Err(err) => {
                self.trouble(err.into());
                false
            }
        }
    }

    /// Opens a connection, unless somebody is in trouble before it is there.
    pub(super) async fn connect(&mut self) {
        self.has_waited = true;
        let connected = tokio::select! {
            () = self.halts.route.cancelled() => return,
            connected = self.route.connect() => connected,
        };
        match connected {
            Ok(connection) => self.connection = Some(connection),
            Err(err) => self.turned_away(chain(&err)),
        }
    }

    /// What the relay's answer means for the message, for the relay, and for the edition.
    fn judge(&mut self, claimed: &Claimed, sent: Sent) -> Attempt {
        let attempts = claimed.delivery.attempts.saturating_add(1);
        let salt = claimed.delivery.id.recipient.0;
        let patience = self.courier.config.patience;
        let now = self.courier.clock.now();
        match sent {
            Sent::Accepted { reply } => {
                self.route.took();
                self.courier.taken(claimed);
                Outcome::Sent { reply }.into()
            }
            Sent::Refused { refusal, reply } => self.refused(claimed, refusal, reply),
            Sent::Lost { reason } => {
                self.lost(&reason);
                put_off(patience.after_loss(attempts, salt, now), reason).into()
            }
            Sent::Uncertain { reason } => {
                self.lost(&reason);
                match self.courier.config.doubt {
                    Doubt::Retry => put_off(
                        patience.after_loss(attempts, salt, now),
                        format!("it may have arrived: {reason}"),
                    )
                    .into(),
                    Doubt::Hold => Outcome::Uncertain { reason }.into(),
                }
            }
            Sent::Closed { .. } => Outcome::Released.into(),
        }
    }

    fn refused(&mut self, claimed: &Claimed, refusal: Refusal, reply: String) -> Attempt {
        let attempts = claimed.delivery.attempts.saturating_add(1);
        let salt = claimed.delivery.id.recipient.0;
        let patience = self.courier.config.patience;
        let now = self.courier.clock.now();
        let outcome = match refusal {
            Refusal::Away => {
                self.turned_away(format!("it takes nothing at present: {reply}"));
                return Outcome::Released.into();
            }
            Refusal::BreaksOff => {
                self.turned_away(format!("it takes nothing at present: {reply}"));
                return put_off(patience.after_loss(attempts, salt, now), reply).into();
            }
            Refusal::MailboxBusy => {
                return put_off(patience.next_try(attempts, salt, now), reply).into();
            }
            Refusal::Temporary | Refusal::RateLimited => {
                if refusal == Refusal::RateLimited {
                    self.courier
                        .traffic
                        .rate_limited(&claimed.delivery.group, now);
                }
                if self.route.put_off() {
                    self.turned_away(format!("it puts everything off: {reply}"));
                }
                return put_off(patience.next_try(attempts, salt, now), reply).into();
            }
            Refusal::BadAddress => Outcome::Bounced {
                reason: reply.clone(),
            },
            Refusal::Policy | Refusal::Permanent => Outcome::Failed {
                reason: reply.clone(),
            },
        };
        Attempt {
            outcome,
            refusal: Some((refusal, reply)),
        }
    }

    fn lost(&mut self, reason: &str) {
        self.losses += 1;
        if self.losses > MAX_LOSSES {
            self.turned_away(format!("it keeps breaking off: {reason}"));
        }
    }

    fn turned_away(&mut self, reason: String) {
        let name = self.route.name.clone();
        self.trouble(Trouble::Relay { name, reason });
    }

    pub(super) fn trouble(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Relay { .. } | Trouble::KnownRelay { .. } => self.halts.route.cancel(),
            Trouble::Store(_) | Trouble::Signing(_) | Trouble::Panic => self.halts.all.cancel(),
        }
        self.work.troubles.push(trouble);
    }

    fn is_halted(&self) -> bool {
        self.halts.route.is_cancelled()
    }
}

fn put_off(due: Option<DateTime<Utc>>, reason: String) -> Outcome {
    match due {
        Some(due) => Outcome::Deferred { due, reason },
        None => Outcome::Failed { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{courier::LEASE, relay::smtp::LONGEST_SEND};

    #[test]
    fn a_lease_outlasts_the_longest_send() {
        let longest = TimeDelta::from_std(LONGEST_SEND).unwrap();
        assert!(LEASE > longest + TimeDelta::minutes(10));
    }
}
