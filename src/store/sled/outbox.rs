//! What is planned, in hand and done.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    Durability, SledStore, gate,
    lease::Lease,
    plan,
    table::{CONTENT, DELIVERY, DUE, TALLY},
    tx::{Tx, legible},
};
use crate::{
    delivery::{
        Claimed, Content, Delivery, OutboxStore, Outcome, Plan, Planned, Recipient, Status, Tally,
    },
    id::{ContentId, DeliveryId, SubscriberId},
    port::{Result, StoreError},
};

/// How many deliveries one transaction looks at before others get their turn.
const LOOKED_AT: usize = 1_000;

#[async_trait]
impl OutboxStore for SledStore {
    async fn plan(&self, plan: Plan) -> Result<Planned> {
        self.write(Durability::Synced, move |tx| plan::write(tx, plan))
            .await
    }

    async fn claim_due(&self, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<Claimed>> {
        loop {
            let turn = self
                .write(Durability::Volatile, move |tx| claim(tx, now, until))
                .await?;
            match turn {
                Turn::Claimed(claimed) => return Ok(Some(*claimed)),
                Turn::NothingDue => return Ok(None),
                Turn::NoneSoFar => {}
            }
        }
    }

    async fn settle(&self, id: DeliveryId, outcome: Outcome, now: DateTime<Utc>) -> Result<()> {
        self.write(Durability::Flushed, move |tx| settle(tx, id, outcome, now))
            .await
            .inspect_err(|_| self.engine.leases().give_back(id))
    }

    async fn settle_and_claim(
        &self,
        id: DeliveryId,
        outcome: Outcome,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<Claimed>> {
        let turn = self
            .write(Durability::Flushed, move |tx| {
                settle(tx, id, outcome, now)?;
                // Whatever becomes of the claim, this is recorded.
                tx.apply()?;
                claim(tx, now, until)
            })
            .await
            .inspect_err(|_| self.engine.leases().give_back(id))?;
        match turn {
            Turn::Claimed(claimed) => Ok(Some(*claimed)),
            Turn::NothingDue => Ok(None),
            Turn::NoneSoFar => self.claim_due(now, until).await,
        }
    }

    async fn release_leases(&self, now: DateTime<Utc>) -> Result<u64> {
        self.write(Durability::Flushed, move |tx| release(tx, now))
            .await
    }

    async fn is_in_hand(&self, subscriber: SubscriberId) -> Result<bool> {
        self.read(move |tx| Ok(tx.leases().are_held_for(subscriber)))
            .await
    }

    async fn content(&self, id: ContentId) -> Result<Option<Content>> {
        self.read(move |tx| tx.get(CONTENT, &id)).await
    }

    async fn deliveries(&self, limit: usize) -> Result<Vec<Delivery>> {
        self.read(move |tx| {
            tx.scan(DELIVERY.all())
                .rev()
                .map(|row| row.map(|(_, delivery)| tx.leases().show(delivery)))
                .filter_map(legible)
                .take(limit)
                .collect()
        })
        .await
    }

    async fn deliveries_to(&self, subscriber: SubscriberId) -> Result<Vec<Delivery>> {
        let to = Recipient::Subscriber(subscriber);
        self.read(move |tx| {
            tx.scan(DELIVERY.all())
                .rev()
                .map(|row| row.map(|(_, delivery)| tx.leases().show(delivery)))
                .filter_map(legible)
                .filter(|delivery| {
                    let delivery = delivery.as_ref();
                    delivery.map_or(true, |delivery| delivery.to == to)
                })
                .collect()
        })
        .await
    }

    async fn next_due(&self) -> Result<Option<DateTime<Utc>>> {
        self.read(next_due).await
    }

    async fn tally(&self, id: ContentId) -> Result<Tally> {
        self.read(move |tx| {
            let stored = tx.get(TALLY, &id)?.unwrap_or_default();
            Ok(tx.leases().recount(id, stored))
        })
        .await
    }
}

/// What one transaction of [`OutboxStore::claim_due`] came to.
enum Turn {
    Claimed(Box<Claimed>),
    NothingDue,
    /// Everything it looked at is withheld now; there may be more behind.
    NoneSoFar,
}

fn claim(tx: &mut Tx<'_>, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Turn> {
    let span = match tx.leases().front(now) {
        Some(front) => DUE.after(&front),
        None => DUE.all(),
    };
    let mut looked_at = 0;
    for row in tx.scan(span).keys() {
        let (due, id) = row?;
        if due > now {
            return Ok(Turn::NothingDue);
        }
        if tx.lease(id).is_some_and(|lease| now < lease.until) {
            continue;
        }
        if looked_at == LOOKED_AT {
            return Ok(Turn::NoneSoFar);
        }
        looked_at += 1;
        match admit(tx, id, now, until) {
            Ok(Some(claimed)) => {
                tx.set_front(Some((due, id)));
                return Ok(Turn::Claimed(Box::new(claimed)));
            }
            Ok(None) => {}
            Err(err @ (StoreError::Corrupt { .. } | StoreError::NotFound { .. })) => {
                tracing::error!(delivery.id = %id, error = %err, "set a delivery aside");
                tx.remove(DUE, &(due, id));
            }
            Err(err) => return Err(err),
        }
    }
    Ok(Turn::NothingDue)
}

/// Leases one delivery, or withholds it.
fn admit(
    tx: &mut Tx<'_>,
    id: DeliveryId,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Claimed>> {
    let delivery = tx
        .get(DELIVERY, &id)?
        .ok_or(StoreError::NotFound { what: "delivery" })?;
    if !tx.has(TALLY, &delivery.content)? {
        return Err(StoreError::NotFound { what: "plan" });
    }
    match gate::admit(tx, &delivery)? {
        Ok(admitted) => {
            let lease = Lease {
                until,
                delivery: delivery.clone(),
            };
            tx.set_lease(id, Some(lease));
            let status = Status::Leased { until };
            Ok(Some(Claimed {
                delivery: Delivery { status, ..delivery },
                address: admitted.address,
                name: admitted.name,
            }))
        }
        Err(reason) => {
            enter(tx, delivery, Status::Withheld { at: now, reason })?;
            Ok(None)
        }
    }
}

fn settle(tx: &mut Tx<'_>, id: DeliveryId, outcome: Outcome, now: DateTime<Utc>) -> Result<()> {
    let delivery = tx
        .get(DELIVERY, &id)?
        .ok_or(StoreError::NotFound { what: "delivery" })?;
    conclude(tx, delivery, outcome, now)
}

/// What was sent stays sent, and a lease that ran out can still report that it sent. Any other
/// outcome counts only while the delivery is leased.
fn conclude(
    tx: &mut Tx<'_>,
    mut delivery: Delivery,
    outcome: Outcome,
    now: DateTime<Utc>,
) -> Result<()> {
    let is_leased = tx.lease(delivery.id).is_some();
    let was_sent = matches!(delivery.status, Status::Sent { .. });
    if was_sent || (!is_leased && !matches!(outcome, Outcome::Sent { .. })) {
        return Ok(());
    }
    let status = match outcome {
        Outcome::Sent { reply } => Status::Sent { at: now, reply },
        Outcome::Deferred { due, reason } => Status::Deferred { due, reason },
        Outcome::Failed { reason } => Status::Failed { at: now, reason },
        Outcome::Released => return enter(tx, delivery, Status::Scheduled { due: now }),
    };
    delivery.attempts += 1;
    enter(tx, delivery, status)
}

/// Moves a delivery out of hand and to `status`, with every row that follows from it.
fn enter(tx: &mut Tx<'_>, mut delivery: Delivery, status: Status) -> Result<()> {
    let id = delivery.id;
    if let Some(due) = due(&delivery.status) {
        tx.remove(DUE, &(due, id));
    }
    if let Some(due) = due(&status) {
        tx.put(DUE, &(due, id), &())?;
        tx.set_front(None);
    }
    tx.set_lease(id, None);
    recount(tx, delivery.content, &delivery.status, &status)?;
    delivery.status = status;
    tx.put(DELIVERY, &id, &delivery)
}

fn release(tx: &mut Tx<'_>, now: DateTime<Utc>) -> Result<u64> {
    let mut released = 0;
    for Lease { delivery, .. } in tx.leases().all() {
        let stored = legible(tx.get(DELIVERY, &delivery.id)).transpose()?;
        match stored.flatten() {
            Some(delivery) => {
                enter(tx, delivery, Status::Scheduled { due: now })?;
                released += 1;
            }
            None => {
                tx.set_lease(delivery.id, None);
                tx.set_front(None);
            }
        }
    }
    Ok(released)
}

/// A delivery that is in hand falls due when its lease runs out.
fn next_due(tx: &Tx<'_>) -> Result<Option<DateTime<Utc>>> {
    let mut first = tx.leases().all().iter().map(|lease| lease.until).min();
    for row in tx.scan(DUE.all()).keys() {
        let (due, id) = row?;
        if tx.lease(id).is_none() {
            first = Some(first.map_or(due, |first| first.min(due)));
            break;
        }
    }
    Ok(first)
}

/// When a delivery is to be looked at again, if ever.
fn due(status: &Status) -> Option<DateTime<Utc>> {
    match status {
        Status::Scheduled { due } | Status::Deferred { due, .. } => Some(*due),
        Status::Leased { until } => Some(*until),
        Status::Sent { .. } | Status::Failed { .. } | Status::Withheld { .. } => None,
    }
}

fn recount(tx: &mut Tx<'_>, content: ContentId, old: &Status, new: &Status) -> Result<()> {
    let mut tally = tx.get(TALLY, &content)?.unwrap_or_default();
    let before = tally;
    let left = count(&mut tally, old);
    *left = left.saturating_sub(1);
    *count(&mut tally, new) += 1;
    if tally == before {
        return Ok(());
    }
    tx.put(TALLY, &content, &tally)
}

/// A leased delivery counts as scheduled: nothing came of it yet.
fn count<'a>(tally: &'a mut Tally, status: &Status) -> &'a mut u64 {
    match status {
        Status::Scheduled { .. } | Status::Leased { .. } => &mut tally.scheduled,
        Status::Sent { .. } => &mut tally.sent,
        Status::Deferred { .. } => &mut tally.deferred,
        Status::Failed { .. } => &mut tally.failed,
        Status::Withheld { .. } => &mut tally.withheld,
    }
}
