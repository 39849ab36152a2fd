//! What is in hand.
//!
//! Leases live in memory alone. One process holds the store, so nobody else asks for them, and when
//! it dies they are worthless: the delivery is due, which is right. A claim therefore writes nothing.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};

use crate::{
    delivery::{Delivery, Recipient, Status, Tally},
    id::{ContentId, DeliveryId, SubscriberId},
};

/// A claim on a delivery.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) until: DateTime<Utc>,
    /// As it is stored.
    pub(super) delivery: Delivery,
}

/// The key of a delivery that waits or is in hand.
pub(super) type Due = (DateTime<Utc>, DeliveryId);

/// Every lease that was taken and not given back; one that ran out stays until then.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    leases: BTreeMap<DeliveryId, Lease>,
    front: Option<Due>,
    /// Taken in this turn of the writer by callers who have no answer yet.
    unanswered: Vec<DeliveryId>,
}

/// What a transaction makes of the leases.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Taken and, where there is none, given back.
    pub(super) leases: BTreeMap<DeliveryId, Option<Lease>>,
    pub(super) front: Option<Option<Due>>,
}

impl Changes {
    pub(super) fn rewind() -> Self {
        Self {
            front: Some(None),
            ..Self::default()
        }
    }
}

impl Leases {
    pub(super) fn get(&self, id: DeliveryId) -> Option<Lease> {
        self.locked().leases.get(&id).cloned()
    }

    pub(super) fn all(&self) -> Vec<Lease> {
        self.locked().leases.values().cloned().collect()
    }

    /// Everything up to here is in hand: a claim need not look at it. None if there may be
    /// something that is not.
    pub(super) fn front(&self, now: DateTime<Utc>) -> Option<Due> {
        let held = self.locked();
        let mut leases = held.leases.values();
        held.front.filter(|_| leases.all(|lease| now < lease.until))
    }

    pub(super) fn apply(&self, changes: Changes) {
        let mut held = self.locked();
        for (id, lease) in changes.leases {
            match lease {
                Some(lease) => {
                    held.unanswered.push(id);
                    held.leases.insert(id, lease)
                }
                None => held.leases.remove(&id),
            };
        }
        if let Some(front) = changes.front {
            held.front = front;
        }
    }

    /// How many leases wait for their callers' answers.
    pub(super) fn n_unanswered(&self) -> usize {
        self.locked().unanswered.len()
    }

    /// All but the first `n` that wait are answered: whoever took them has them.
    pub(super) fn answered(&self, n: usize) {
        self.locked().unanswered.truncate(n);
    }

    /// Takes back what was taken by callers who are told that they got nothing.
    pub(super) fn revoke_unanswered(&self) {
        let mut held = self.locked();
        for id in std::mem::take(&mut held.unanswered) {
            held.leases.remove(&id);
        }
        held.front = None;
    }

    /// Gives back what could not be settled: whatever came of it, nobody has it in hand any more.
    pub(super) fn give_back(&self, id: DeliveryId) {
        let mut held = self.locked();
        held.leases.remove(&id);
        held.front = None;
    }

    pub(super) fn are_held_for(&self, subscriber: SubscriberId) -> bool {
        let to = Recipient::Subscriber(subscriber);
        let held = self.locked();
        held.leases.values().any(|lease| lease.delivery.to == to)
    }

    /// Shows a stored delivery as it stands.
    pub(super) fn show(&self, mut delivery: Delivery) -> Delivery {
        if let Some(Lease { until, .. }) = self.locked().leases.get(&delivery.id) {
            delivery.status = Status::Leased { until: *until };
        }
        delivery
    }

    /// A second attempt that is in hand is no longer put off.
    pub(super) fn recount(&self, content: ContentId, mut tally: Tally) -> Tally {
        for Lease { delivery, .. } in self.locked().leases.values() {
            if delivery.content == content && matches!(delivery.status, Status::Deferred { .. }) {
                tally.deferred = tally.deferred.saturating_sub(1);
                tally.scheduled += 1;
            }
        }
        tally
    }

    fn locked(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{delivery::Purpose, id::EditionSlug};

    fn take(leases: &Leases, id: u64) {
        let until = "2026-11-23T08:00:00Z".parse().unwrap();
        let delivery = Delivery {
            id: DeliveryId(id),
            content: ContentId(1),
            purpose: Purpose::Digest,
            edition: EditionSlug::parse("daily").unwrap(),
            to: Recipient::Subscriber(SubscriberId(id)),
            status: Status::Scheduled { due: until },
            attempts: 0,
        };
        let lease = Lease { until, delivery };
        leases.apply(Changes {
            leases: BTreeMap::from([(DeliveryId(id), Some(lease))]),
            front: None,
        });
    }

    fn held(leases: &Leases) -> Vec<u64> {
        leases
            .all()
            .iter()
            .map(|lease| lease.delivery.id.0)
            .collect()
    }

    #[test]
    fn who_is_told_that_the_claim_failed_holds_nothing_and_the_others_keep_theirs() {
        let leases = Leases::default();
        take(&leases, 1);
        leases.answered(0);
        take(&leases, 2);
        let n = leases.n_unanswered();
        take(&leases, 3);
        leases.answered(n);

        leases.revoke_unanswered();

        assert_eq!(held(&leases), [1, 3]);
    }

    #[test]
    fn what_could_not_be_settled_is_in_nobodys_hand() {
        let leases = Leases::default();
        take(&leases, 1);
        take(&leases, 2);

        leases.give_back(DeliveryId(1));

        assert_eq!(held(&leases), [2]);
    }
}
