//! What is in hand.
//!
//! Leases live in memory alone. One process holds the store, so nobody else asks for them, and when
//! it dies they are worthless: the delivery is due, which is right. A claim therefore writes nothing.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};

use super::{
    lane::{Lane, Place, Seen},
    row::DeliveryRow,
};
use crate::{
    delivery::{Delivery, Purpose, Status, Tally},
    id::{ContentId, DeliveryId, SubscriberId},
};

/// A claim on a delivery.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) until: DateTime<Utc>,
    /// As it is stored: whoever changes it gives the lease back.
    pub(super) row: DeliveryRow,
    pub(super) purpose: Purpose,
}

/// Every lease that was taken and not given back; one that ran out stays until then.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    leases: BTreeMap<DeliveryId, Lease>,
    /// Of every lane that ever held something.
    fronts: BTreeMap<Lane, Front>,
    turns: u64,
    /// Taken in this turn of the writer by callers who have no answer yet.
    unanswered: Vec<DeliveryId>,
    /// Taken by callers who were told that they got nothing, though the disk may say otherwise.
    revoked: BTreeSet<DeliveryId>,
}

/// How far a lane has got.
#[derive(Clone, Debug, Default)]
pub(super) struct Front {
    /// Up to here all of it is in hand or held; none where something else may be.
    pub(super) place: Option<Place>,
    /// What comes next, as far as it was read. What moved since says so in its row.
    pub(super) ahead: VecDeque<Place>,
    /// Nothing can be claimed before that time.
    pub(super) idle: Option<DateTime<Utc>>,
    /// Grows with each claim from any lane: the lane with the least has waited longest.
    pub(super) turn: u64,
}

impl Front {
    /// Has the lane read from its start.
    fn rewind(&mut self) {
        self.place = None;
        self.ahead.clear();
        self.idle = None;
    }

    fn reach(&mut self, place: Place) {
        self.place = Some(place);
        self.ahead.retain(|next| *next > place);
    }

    /// Something is there now that can be claimed.
    fn expose(&mut self, place: Place) {
        let is_behind = |known: Place| known < place;
        if !self.place.is_none_or(is_behind) {
            self.rewind();
        } else if !self.ahead.back().copied().is_none_or(is_behind) {
            self.ahead.clear();
        }
        self.idle = self.idle.map(|until| until.min(place.0));
    }
}

/// What a transaction makes of the leases.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Taken and, where there is none, given back.
    pub(super) leases: BTreeMap<DeliveryId, Option<Lease>>,
    pub(super) seen: Seen,
    /// Up to where everything is in hand, held or done, lane by lane.
    pub(super) reached: BTreeMap<Lane, Place>,
    /// The lane from which something was claimed.
    pub(super) turn: Option<Lane>,
    /// The first place in a lane where something can be claimed now.
    exposed: BTreeMap<Lane, Place>,
    from_the_start: bool,
}

impl Changes {
    pub(super) fn rewound() -> Self {
        Self {
            from_the_start: true,
            ..Self::default()
        }
    }

    pub(super) fn rewind(&mut self) {
        self.from_the_start = true;
        self.seen = Seen::default();
        self.reached.clear();
    }

    pub(super) fn expose(&mut self, lane: Lane, place: Place) {
        let first = self.exposed.entry(lane).or_insert(place);
        *first = place.min(*first);
    }
}

impl Book {
    fn front(&mut self, lane: Lane) -> &mut Front {
        self.fronts.entry(lane).or_default()
    }

    fn rewind(&mut self) {
        self.fronts.values_mut().for_each(Front::rewind);
    }
}

impl Leases {
    /// Takes note of lanes that hold something.
    pub(super) fn learn(&self, lanes: Vec<Lane>) {
        let lanes = lanes.into_iter().map(|lane| (lane, Front::default()));
        self.locked().fronts.extend(lanes);
    }

    pub(super) fn get(&self, id: DeliveryId) -> Option<Lease> {
        self.locked().leases.get(&id).cloned()
    }

    pub(super) fn all(&self) -> Vec<(DeliveryId, Lease)> {
        let book = self.locked();
        let leases = book.leases.iter().map(|(id, lease)| (*id, lease.clone()));
        leases.collect()
    }

    /// Every lane, with its front: a claim need not look at what is before it. A lease that ran out
    /// may be anywhere.
    pub(super) fn lanes(&self, now: DateTime<Utc>) -> Vec<(Lane, Front)> {
        let book = self.locked();
        let all_held = book.leases.values().all(|lease| now < lease.until);
        let lanes = book.fronts.iter();
        lanes
            .map(|(lane, front)| {
                let mut front = front.clone();
                if !all_held {
                    front.rewind();
                }
                (lane.clone(), front)
            })
            .collect()
    }

    pub(super) fn apply(&self, changes: Changes) {
        let mut book = self.locked();
        for (id, lease) in changes.leases {
            match lease {
                Some(lease) => {
                    book.unanswered.push(id);
                    book.revoked.remove(&id);
                    book.leases.insert(id, lease)
                }
                None => book.leases.remove(&id),
            };
        }
        if changes.from_the_start {
            book.rewind();
        }
        for (lane, ahead) in changes.seen.ahead {
            book.front(lane).ahead = ahead;
        }
        for (lane, idle) in changes.seen.idle {
            book.front(lane).idle = Some(idle);
        }
        for (lane, place) in changes.reached {
            book.front(lane).reach(place);
        }
        if let Some(lane) = changes.turn {
            book.turns += 1;
            let turn = book.turns;
            book.front(lane).turn = turn;
        }
        for (lane, place) in changes.exposed {
            book.front(lane).expose(place);
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
        let mut book = self.locked();
        for id in std::mem::take(&mut book.unanswered) {
            book.leases.remove(&id);
            book.revoked.insert(id);
        }
        book.rewind();
    }

    /// Whether a delivery was never handed to anybody, whatever its mark on the disk says.
    pub(super) fn was_revoked(&self, id: DeliveryId) -> bool {
        self.locked().revoked.contains(&id)
    }

    pub(super) fn are_held_for(&self, subscriber: SubscriberId) -> bool {
        let book = self.locked();
        book.leases.keys().any(|id| id.recipient == subscriber)
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
        for (id, Lease { row, .. }) in &self.locked().leases {
            if id.content == content && matches!(row.status, Status::Deferred { .. }) {
                tally.deferred = tally.deferred.saturating_sub(1);
                tally.scheduled += 1;
            }
        }
        tally
    }

    fn locked(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::GroupName;

    fn delivery(n: u64) -> DeliveryId {
        DeliveryId {
            content: ContentId(1),
            recipient: SubscriberId(n),
        }
    }

    fn take(leases: &Leases, n: u64) {
        let until = "2026-11-23T08:00:00Z".parse().unwrap();
        let row = DeliveryRow {
            address: None,
            group: GroupName::other(),
            status: Status::Scheduled { due: until },
            attempts: 0,
            via: None,
            earlier: Vec::new(),
        };
        let lease = Lease {
            until,
            row,
            purpose: Purpose::Digest,
        };
        leases.apply(Changes {
            leases: BTreeMap::from([(delivery(n), Some(lease))]),
            ..Changes::default()
        });
    }

    fn held(leases: &Leases) -> Vec<u64> {
        leases.all().iter().map(|(id, _)| id.recipient.0).collect()
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
        assert_eq!(
            [1, 2, 3].map(|n| leases.was_revoked(delivery(n))),
            [false, true, false]
        );
        take(&leases, 2);
        assert!(!leases.was_revoked(delivery(2)));
    }
}
