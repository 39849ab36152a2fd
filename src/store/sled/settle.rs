//! What came of an attempt, with every row that follows from it.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::{
    consent,
    lane::Lane,
    lease::Lease,
    row::{DeliveryRow, kept},
    table::{DELIVERY, DUE, ISSUE, LEASE, SUBSCRIBER, TALLY, USAGE},
    tx::{Tx, legible},
};
use crate::{
    delivery::{Outcome, Purpose, Recipient, Settle, Status, Tally},
    id::{ContentId, DeliveryId, GroupName, RelayName},
    port::{Result, StoreError},
    subscribers::suppression::{SuppressedBy, Suppression},
};

/// A day, and whatever the clock did meanwhile.
const USAGE_KEPT: TimeDelta = TimeDelta::days(2);

/// A delivery on its way from one status to another.
pub(super) struct Entry {
    pub(super) id: DeliveryId,
    /// As it is stored.
    pub(super) row: DeliveryRow,
    pub(super) purpose: Purpose,
}

impl Entry {
    fn read(tx: &Tx<'_>, id: DeliveryId) -> Result<Self> {
        if let Some(lease) = tx.lease(id) {
            return Ok(Entry::in_hand(id, lease));
        }
        let row = tx.get(DELIVERY, &id)?;
        let issue = tx.get(ISSUE, &id.content)?;
        Ok(Entry {
            id,
            row: row.ok_or(StoreError::NotFound { what: "delivery" })?,
            purpose: issue.ok_or(StoreError::NotFound { what: "plan" })?.purpose,
        })
    }

    fn in_hand(id: DeliveryId, lease: Lease) -> Self {
        let Lease { row, purpose, .. } = lease;
        Entry { id, row, purpose }
    }
}

/// What was sent stays sent, and a lease that ran out can still report that it sent. Any other
/// outcome counts only while the delivery is leased.
pub(super) fn settle(tx: &mut Tx<'_>, settle: Settle, now: DateTime<Utc>) -> Result<()> {
    let Settle { id, outcome, via } = settle;
    let mut entry = Entry::read(tx, id)?;
    let is_leased = tx.lease(id).is_some();
    let was_sent = matches!(entry.row.status, Status::Sent { .. });
    if was_sent || (!is_leased && !matches!(outcome, Outcome::Sent { .. })) {
        return Ok(());
    }
    let status = match outcome {
        Outcome::Sent { reply } => Status::Sent { at: now, reply },
        Outcome::Deferred { due, reason } => Status::Deferred { due, reason },
        Outcome::Failed { reason } => Status::Failed { at: now, reason },
        Outcome::Bounced { reason } => {
            bounce(tx, &entry, now)?;
            Status::Failed { at: now, reason }
        }
        Outcome::Uncertain { reason } => Status::Uncertain { at: now, reason },
        Outcome::Released => return enter(tx, entry, Status::Scheduled { due: now }),
    };
    entry.row.attempts += 1;
    if let Some(relay) = &via {
        note_usage(tx, relay, &entry.row.group, now)?;
    }
    entry.row.via = via;
    if let Status::Deferred { reason, .. } = &status {
        entry.row.remember(now, reason);
    }
    enter(tx, entry, status)
}

/// Counts an attempt; with a new hour, those go that no quota asks for any more.
fn note_usage(
    tx: &mut Tx<'_>,
    relay: &RelayName,
    group: &GroupName,
    now: DateTime<Utc>,
) -> Result<()> {
    let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    let key = (relay.clone(), group.clone(), hour);
    let attempts = counted(tx.get(USAGE, &key))?;
    if attempts.is_none() {
        for old in tx
            .scan(USAGE.within(&(relay.clone(), group.clone())))
            .keys()
        {
            let old = old?;
            if hour - old.2 > USAGE_KEPT {
                tx.remove(USAGE, &old);
            }
        }
    }
    tx.put(USAGE, &key, &attempts.unwrap_or(0).saturating_add(1))
}

/// Suppresses the address of a delivery that has no mailbox. A test proves nothing about a person.
fn bounce(tx: &mut Tx<'_>, entry: &Entry, now: DateTime<Utc>) -> Result<()> {
    let Recipient::Subscriber(id) = entry.row.to(entry.id) else {
        return Ok(());
    };
    let Some(subscriber) = tx.get(SUBSCRIBER, &id)? else {
        return Ok(());
    };
    let order = Suppression {
        by: SuppressedBy::Bounce,
        at: now,
    };
    consent::suppress(tx, &subscriber.address, order)
}

/// Takes back the suppression that a delivery brought by bouncing at that time.
fn unbounce(tx: &mut Tx<'_>, entry: &Entry, at: DateTime<Utc>) -> Result<()> {
    let Recipient::Subscriber(id) = entry.row.to(entry.id) else {
        return Ok(());
    };
    let Some(subscriber) = tx.get(SUBSCRIBER, &id)? else {
        return Ok(());
    };
    let order = tx.suppression(&subscriber.address)?;
    match order.is_some_and(|order| order.by == SuppressedBy::Bounce && kept(order.at) == at) {
        true => consent::lift(tx, id, &subscriber.address),
        false => Ok(()),
    }
}

/// Moves a delivery out of hand and to `status`.
pub(super) fn enter(tx: &mut Tx<'_>, entry: Entry, status: Status) -> Result<()> {
    let Entry {
        id,
        mut row,
        purpose,
    } = entry;
    let lane = Lane::of(purpose, &row.group);
    if let Some(due) = row.status.due() {
        tx.remove(DUE, &lane.at((due, id)));
    }
    let status = truncated(status);
    if let Some(due) = status.due() {
        tx.put(DUE, &lane.at((due, id)), &())?;
        tx.expose(lane, (due, id));
    }
    if tx.has(LEASE, &id)? {
        tx.remove(LEASE, &id);
    }
    tx.set_lease(id, None);
    recount(tx, id.content, &row.status, &status)?;
    row.status = status;
    tx.put(DELIVERY, &id, &row)
}

/// A key must say the time that the row says.
fn truncated(status: Status) -> Status {
    match status {
        Status::Scheduled { due } => Status::Scheduled { due: kept(due) },
        Status::Deferred { due, reason } => {
            let due = kept(due);
            Status::Deferred { due, reason }
        }
        status => status,
    }
}

/// Makes due again what this process has in hand: for a daemon that starts.
pub(super) fn release(tx: &mut Tx<'_>, now: DateTime<Utc>) -> Result<u64> {
    let in_hand = tx.leases().all();
    let released = in_hand.len() as u64;
    for (id, lease) in in_hand {
        enter(
            tx,
            Entry::in_hand(id, lease),
            Status::Scheduled { due: now },
        )?;
    }
    Ok(released)
}

/// Makes deliveries due at once that were neither sent nor withheld and are not in hand.
pub(super) fn retry(tx: &mut Tx<'_>, ids: &[DeliveryId], now: DateTime<Utc>) -> Result<u64> {
    let mut retried = 0;
    for id in ids {
        let Some(mut entry) = legible(Entry::read(tx, *id)).transpose()? else {
            continue;
        };
        let is_leased = tx.lease(*id).is_some_and(|lease: Lease| now < lease.until);
        match entry.row.status {
            Status::Sent { .. } | Status::Withheld { .. } => continue,
            _ if is_leased => continue,
            Status::Failed { at, .. } => unbounce(tx, &entry, at)?,
            _ => {}
        }
        if let Status::Failed { at, reason } | Status::Uncertain { at, reason } =
            entry.row.status.clone()
        {
            entry.row.remember(at, &reason);
        }
        entry.row.attempts = 0;
        enter(tx, entry, Status::Scheduled { due: now })?;
        retried += 1;
    }
    Ok(retried)
}

fn recount(tx: &mut Tx<'_>, content: ContentId, old: &Status, new: &Status) -> Result<()> {
    let mut tally = counted(tx.get(TALLY, &content))?.unwrap_or_default();
    let before = tally;
    let left = count(&mut tally, old);
    *left = left.saturating_sub(1);
    *count(&mut tally, new) += 1;
    if tally == before {
        return Ok(());
    }
    tx.put(TALLY, &content, &tally)
}

/// What was counted so far; a row that cannot be read begins anew: nothing goes unrecorded for it.
fn counted<T>(row: Result<Option<T>>) -> Result<Option<T>> {
    legible(row).unwrap_or(Ok(None))
}

/// A leased delivery counts as scheduled: nothing came of it yet.
fn count<'a>(tally: &'a mut Tally, status: &Status) -> &'a mut u64 {
    match status {
        Status::Scheduled { .. } | Status::Leased { .. } => &mut tally.scheduled,
        Status::Sent { .. } => &mut tally.sent,
        Status::Deferred { .. } => &mut tally.deferred,
        Status::Failed { .. } => &mut tally.failed,
        Status::Withheld { .. } => &mut tally.withheld,
        Status::Uncertain { .. } => &mut tally.uncertain,
    }
}
