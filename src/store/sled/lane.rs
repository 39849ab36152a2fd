//! What waits, queue by queue: messages that somebody waits for before digests, and each group of
//! destinations by itself, so that one that takes little does not hold up the others.

use chrono::{DateTime, Utc};

use super::{
    hold::Holds,
    key::Key,
    lease::Front,
    table::DUE,
    tx::{Rows, Tx},
};
use crate::{
    delivery::Purpose,
    id::{ContentId, DeliveryId, GroupName, SubscriberId},
    port::Result,
};

/// One queue of what waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lane {
    rank: u8,
    pub(super) group: GroupName,
}

/// The place of a delivery in its lane.
pub(super) type Place = (DateTime<Utc>, DeliveryId);

/// Behind everything that was due by `now`.
fn end(now: DateTime<Utc>) -> Place {
    let last = DeliveryId {
        content: ContentId(u64::MAX),
        recipient: SubscriberId(u64::MAX),
    };
    (now, last)
}

impl Lane {
    pub(super) fn of(purpose: Purpose, group: &GroupName) -> Self {
        let rank = match purpose {
            Purpose::Confirmation | Purpose::Notice => 0,
            Purpose::Digest => 1,
        };
        Lane {
            rank,
            group: group.clone(),
        }
    }

    pub(super) fn at(&self, (due, id): Place) -> (Lane, DateTime<Utc>, DeliveryId) {
        (self.clone(), due, id)
    }
}

impl Key for Lane {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.rank);
        self.group.write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let (rank, rest) = bytes.split_first()?;
        *bytes = rest;
        let (rank, group) = (*rank, GroupName::read(bytes)?);
        Some(Lane { rank, group })
    }
}

/// Every lane in which something waits.
pub(super) fn all(tx: &Tx<'_>) -> Result<Vec<Lane>> {
    let mut lanes = Vec::new();
    let mut span = DUE.all();
    while let Some(key) = tx.scan(span).keys().next() {
        let (lane, _, _) = key?;
        span = DUE.behind(&lane);
        lanes.push(lane);
    }
    Ok(lanes)
}

/// What is due in some lanes and can be claimed, in the order in which it should be.
pub(super) struct Queue<'a> {
    tx: &'a Tx<'a>,
    holds: Holds,
    now: DateTime<Utc>,
    heads: Vec<Head>,
    /// Lanes that have nothing more, up to here.
    spent: Vec<(Lane, Place)>,
}

struct Head {
    lane: Lane,
    rows: Rows<(Lane, DateTime<Utc>, DeliveryId), ()>,
    next: Place,
    turn: u64,
}

impl<'a> Queue<'a> {
    /// Of `lanes`, each from behind its front. What is due at the same time is taken in turns.
    pub(super) fn open(
        tx: &'a Tx<'a>,
        lanes: Vec<(Lane, Front)>,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let mut queue = Queue {
            tx,
            holds: Holds::read(tx)?,
            now,
            heads: Vec::with_capacity(lanes.len()),
            spent: Vec::new(),
        };
        if queue.holds.keep_everything() {
            return Ok(queue);
        }
        for (lane, front) in lanes {
            let span = match front.place {
                Some(place) => DUE.after(&lane.at(place)).of(&lane),
                None => DUE.within(&lane),
            };
            let rows = tx.scan(span);
            queue.enter(lane, front.turn, rows)?;
        }
        Ok(queue)
    }

    /// The next one, and the lane it is in.
    pub(super) fn next(&mut self) -> Result<Option<(Lane, Place)>> {
        let heads = self.heads.iter().enumerate();
        let first =
            heads.min_by_key(|(_, head)| (head.lane.rank, head.next.0, head.turn, head.next.1));
        let Some(first) = first.map(|(n, _)| n) else {
            return Ok(None);
        };
        let Head {
            lane,
            rows,
            next,
            turn,
        } = self.heads.swap_remove(first);
        self.enter(lane.clone(), turn, rows)?;
        Ok(Some((lane, next)))
    }

    /// Puts a lane back with what is next in it, unless nothing is.
    fn enter(
        &mut self,
        lane: Lane,
        turn: u64,
        mut rows: Rows<(Lane, DateTime<Utc>, DeliveryId), ()>,
    ) -> Result<()> {
        while let Some(key) = rows.next_key() {
            let (_, due, id) = key?;
            if due > self.now {
                break;
            }
            if self.holds.keep(self.tx, id.content)? {
                let kept = (lane.clone(), due, id.content);
                rows = self.tx.scan(DUE.behind(&kept).of(&lane));
                continue;
            }
            let lease = self.tx.lease(id);
            if lease.is_none_or(|lease| lease.until <= self.now) {
                let next = (due, id);
                self.heads.push(Head {
                    lane,
                    rows,
                    next,
                    turn,
                });
                return Ok(());
            }
        }
        self.spent.push((lane, end(self.now)));
        Ok(())
    }

    /// Lanes of which all that is due is in hand or held, and up to where.
    pub(super) fn spent(self) -> Vec<(Lane, Place)> {
        self.spent
    }
}
