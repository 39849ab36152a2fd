//! The last gate before the relay: one delivery that is due, leased to the one who asked.

use chrono::{DateTime, Utc};

use super::{
    gate,
    lane::{Place, Queue},
    lease::Lease,
    settle::{Entry, enter},
    table::{DELIVERY, DUE, ISSUE, LEASE},
    tx::Tx,
};
use crate::{
    delivery::{Claim, Claimed, Doubt, Status},
    port::{Result, StoreError},
};

/// How many deliveries one transaction looks at before others get their turn.
const LOOKED_AT: usize = 1_000;

/// What one transaction of a claim came to.
pub(super) enum Turn {
    Claimed(Box<Claimed>),
    NothingDue,
    /// Everything it looked at is withheld now; there may be more behind.
    NoneSoFar,
}

pub(super) fn claim(tx: &mut Tx<'_>, claim: &Claim, now: DateTime<Utc>) -> Result<Turn> {
    let mut lanes = tx.lanes(now);
    lanes.retain(|(lane, _)| !claim.closed.contains(&lane.group));
    let before = tx.before();
    let mut queue = Queue::open(&before, lanes, now);
    let mut turn = Turn::NoneSoFar;
    for _ in 0..LOOKED_AT {
        let Some((lane, place)) = queue.next()? else {
            turn = Turn::NothingDue;
            break;
        };
        tx.reach(lane.clone(), place);
        match admit(tx, place, claim, now) {
            Ok(Met::Claimed(claimed)) => {
                tx.take_turn(lane);
                turn = Turn::Claimed(claimed);
                break;
            }
            Ok(Met::Withheld | Met::Moved) => {}
            Err(err @ (StoreError::Corrupt { .. } | StoreError::NotFound { .. })) => {
                tracing::error!(delivery.id = %place.1, error = %err, "set a delivery aside");
                tx.remove(DUE, &lane.at(place));
            }
            Err(err) => return Err(err),
        }
    }
    tx.note(queue.seen());
    Ok(turn)
}

/// What became of a delivery that was met in a lane.
enum Met {
    Claimed(Box<Claimed>),
    /// Or in doubt: it is not due any more.
    Withheld,
    /// It was read ahead, and is elsewhere or in hand since.
    Moved,
}

/// Leases one delivery, unless it is withheld or in doubt.
fn admit(tx: &mut Tx<'_>, (due, id): Place, claim: &Claim, now: DateTime<Utc>) -> Result<Met> {
    let row = tx
        .get(DELIVERY, &id)?
        .ok_or(StoreError::NotFound { what: "delivery" })?;
    let issue = tx
        .get(ISSUE, &id.content)?
        .ok_or(StoreError::NotFound { what: "plan" })?;
    let is_in_hand = tx.lease(id).is_some_and(|lease| now < lease.until);
    if is_in_hand || row.status.due() != Some(due) {
        return Ok(Met::Moved);
    }
    if claim.doubt == Doubt::Hold && tx.has(LEASE, &id)? && !tx.leases().was_revoked(id) {
        let entry = Entry {
            id,
            row,
            purpose: issue.purpose,
        };
        let reason = "it was in hand when the process ended".to_owned();
        enter(tx, entry, Status::Uncertain { at: now, reason })?;
        return Ok(Met::Withheld);
    }
    match gate::admit(tx, &issue, &row.to(id), now)? {
        Ok(admitted) => {
            if claim.doubt == Doubt::Hold {
                tx.put(LEASE, &id, &())?;
            }
            let until = claim.until;
            let mut delivery = row.clone().shown(id, &issue);
            delivery.status = Status::Leased { until };
            let lease = Lease {
                until,
                row,
                purpose: issue.purpose,
            };
            tx.set_lease(id, Some(lease));
            Ok(Met::Claimed(Box::new(Claimed {
                delivery,
                address: admitted.address,
                name: admitted.name,
            })))
        }
        Err(reason) => {
            let entry = Entry {
                id,
                row,
                purpose: issue.purpose,
            };
            enter(tx, entry, Status::Withheld { at: now, reason })?;
            Ok(Met::Withheld)
        }
    }
}
