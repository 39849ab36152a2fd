//! What waits, queue by queue: messages that somebody waits for before digests, and each group of
//! destinations by itself, so that one that takes little does not hold up the others.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};

use super::{hold::Holds, key::Key, lease::Front, table::DUE, tx::Tx};
use crate::{
    delivery::Purpose,
    id::{DeliveryId, GroupName},
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

/// How much there is for each group. What is still being planned waits as well.
pub(super) fn waiting(tx: &Tx<'_>) -> Result<BTreeMap<GroupName, u64>> {
    let mut waiting = BTreeMap::new();
    for lane in all(tx)? {
        let mut rows = tx.scan(DUE.within(&lane));
        let mut n = 0;
        while let Some(key) = rows.next_key() {
            key?;
            n += 1;
        }
        *waiting.entry(lane.group).or_default() += n;
    }
    Ok(waiting)
}

/// How many places are read at a time.
const AHEAD: usize = 32;

/// What is due in some lanes and can be claimed, in the order in which it should be.
pub(super) struct Queue<'a> {
    tx: &'a Tx<'a>,
    now: DateTime<Utc>,
    holds: Option<Holds>,
    heads: Vec<Head>,
    seen: Seen,
}

/// What was found out about lanes by reading them.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What comes next.
    pub(super) ahead: Vec<(Lane, VecDeque<Place>)>,
    /// Nothing can be claimed before that time, unless it is put there or given back.
    pub(super) idle: Vec<(Lane, DateTime<Utc>)>,
}

struct Head {
    lane: Lane,
    /// What comes next, as far as it was read.
    ahead: VecDeque<Place>,
    /// Where it was read up to.
    read: Option<Place>,
    turn: u64,
}

impl<'a> Queue<'a> {
    /// What is due at the same time is taken in turns.
    pub(super) fn open(tx: &'a Tx<'a>, fronts: Vec<(Lane, Front)>, now: DateTime<Utc>) -> Self {
        let busy = fronts
            .into_iter()
            .filter(|(_, front)| front.idle.is_none_or(|until| until <= now));
        let heads = busy.map(|(lane, front)| Head {
            lane,
            read: front.ahead.back().copied().or(front.place),
            ahead: front.ahead,
            turn: front.turn,
        });
        Queue {
            tx,
            now,
            holds: None,
            heads: heads.collect(),
            seen: Seen::default(),
        }
    }

    /// The next one, and the lane it is in.
    pub(super) fn next(&mut self) -> Result<Option<(Lane, Place)>> {
        for mut head in std::mem::take(&mut self.heads) {
            if head.ahead.is_empty() {
                self.read_on(&mut head)?;
            }
            if !head.ahead.is_empty() {
                self.heads.push(head);
            }
        }
        let first = self.heads.iter_mut().min_by_key(|head| {
            let (due, id) = head.ahead[0];
            (head.lane.rank, due, head.turn, id)
        });
        Ok(first.and_then(|head| Some((head.lane.clone(), head.ahead.pop_front()?))))
    }

    /// Reads the next places of a lane.
    fn read_on(&mut self, head: &mut Head) -> Result<()> {
        let holds = match &mut self.holds {
            Some(holds) => holds,
            none => none.insert(Holds::read(self.tx)?),
        };
        let lane = &head.lane;
        let mut idle = DateTime::<Utc>::MAX_UTC;
        let mut rows = self.tx.scan(match head.read {
            Some(place) => DUE.after(&lane.at(place)).of(lane),
            None => DUE.within(lane),
        });
        while !holds.keep_everything()
            && head.ahead.len() < AHEAD
            && let Some(key) = rows.next_key()
        {
            let (_, due, id) = key?;
            if due > self.now {
                idle = due;
                break;
            }
            if holds.keep(self.tx, id.content)? {
                let kept = (lane.clone(), due, id.content);
                rows = self.tx.scan(DUE.behind(&kept).of(lane));
                continue;
            }
            let lease = self.tx.lease(id);
            if lease.is_none_or(|lease| lease.until <= self.now) {
                head.ahead.push_back((due, id));
            }
        }
        match head.ahead.back() {
            Some(last) => {
                head.read = Some(*last);
                self.seen.ahead.push((lane.clone(), head.ahead.clone()));
            }
            None => self.seen.idle.push((lane.clone(), idle)),
        }
        Ok(())
    }

    pub(super) fn seen(self) -> Seen {
        self.seen
    }
}
