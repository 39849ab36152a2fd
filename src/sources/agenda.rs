//! Which source to ask now: when each is due, and which hosts may be asked.
//!
//! Every source stands in a lane: those of one host share one, a folder has its own. One source of
//! a lane is in hand at a time, and a lane rests between two of them. Each step costs a few steps
//! in ordered sets, whatever the number of sources.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Poll, Source};
use crate::id::SourceName;

/// Sources that are asked at the same time, whoever asks.
pub const MOST_IN_HAND: usize = 32;

/// After a poll that could not be recorded: the store is away, and the publisher need not suffer.
const UNRECORDED: TimeDelta = TimeDelta::minutes(5);

/// A clock that falls back further than this was set; what is planned is worth planning again.
const SET_BACK: TimeDelta = TimeDelta::hours(1);

/// When every source is due. Sources are known by their place in the list it was made from.
#[derive(Clone, Debug)]
pub struct Agenda {
    spacing: TimeDelta,
    sources: Vec<Entry>,
    names: HashMap<SourceName, usize>,
    hosts: HashMap<String, usize>,
    lanes: Vec<Lane>,
    /// Lanes that have somebody waiting and nobody in hand, by when they may be asked.
    ready: BTreeSet<(DateTime<Utc>, usize)>,
    in_hand: usize,
    latest: DateTime<Utc>,
}

/// Whether a source is asked at all: not one that is paused, nor one that is pushed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polling {
    Active,
    Off,
}

impl Polling {
    pub fn of(source: &Source, paused: &BTreeMap<SourceName, DateTime<Utc>>) -> Self {
        match source.is_polled() && !paused.contains_key(&source.name) {
            true => Polling::Active,
            false => Polling::Off,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    lane: usize,
    stand: Stand,
    polling: Polling,
    /// It has something new that the poll in hand may not have seen.
    is_stirred: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Waiting(DateTime<Utc>),
    InHand,
    /// It is not polled.
    Idle,
}

#[derive(Clone, Debug)]
struct Lane {
    spacing: TimeDelta,
    waiting: BTreeSet<(DateTime<Utc>, usize)>,
    is_busy: bool,
    free_from: DateTime<Utc>,
    /// The part of `free_from` that the host itself asked for.
    rests_until: DateTime<Utc>,
}

/// What a claim of a certain source comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is in hand.
    Taken,
    /// Its lane or everything is busy until another source is done.
    Busy,
    /// Its lane rests until then.
    At(DateTime<Utc>),
    /// Its host asked to be left alone until then.
    Resting(DateTime<Utc>),
}

impl Agenda {
    /// An empty one; `spacing` lies between the end of one request to a host and the start of the
    /// next.
    pub fn new(spacing: Duration, now: DateTime<Utc>) -> Self {
        Agenda {
            spacing: TimeDelta::from_std(spacing).unwrap_or(TimeDelta::days(1)),
            sources: Vec::new(),
            names: HashMap::new(),
            hosts: HashMap::new(),
            lanes: Vec::new(),
            ready: BTreeSet::new(),
            in_hand: 0,
            latest: now,
        }
    }

    /// Adds a source in the next place.
    pub fn add(&mut self, source: &Source, poll: &Poll, polling: Polling) {
        let n = self.sources.len();
        let known = host(source, poll).and_then(|host| match self.hosts.entry(host) {
            hash_map::Entry::Occupied(lane) => Some(*lane.get()),
            hash_map::Entry::Vacant(free) => {
                free.insert(self.lanes.len());
                None
            }
        });
        let lane = known.unwrap_or_else(|| self.open_lane(source));
        self.sources.push(Entry {
            lane,
            stand: Stand::Idle,
            polling,
            is_stirred: false,
        });
        self.names.insert(source.name.clone(), n);
        self.unset_ready(lane);
        self.rest(lane, poll);
        self.wait(n, poll);
        self.set_ready(lane);
    }

    /// The source that is due the longest and may be asked now; it is in hand until
    /// [`Agenda::done`] or [`Agenda::put_back`].
    pub fn take(&mut self, now: DateTime<Utc>) -> Option<usize> {
        self.latest = self.latest.max(now);
        let (from, lane) = *self.ready.first()?;
        if from > now || self.in_hand >= MOST_IN_HAND {
            return None;
        }
        let (_, n) = *self.lanes[lane].waiting.first()?;
        self.take_in_hand(n);
        Some(n)
    }

    /// Takes a certain source, due or not.
    pub fn claim(&mut self, n: usize, now: DateTime<Utc>) -> Claim {
        self.latest = self.latest.max(now);
        let lane = &self.lanes[self.sources[n].lane];
        if lane.rests_until > now {
            return Claim::Resting(lane.rests_until);
        }
        if lane.is_busy || self.in_hand >= MOST_IN_HAND {
            return Claim::Busy;
        }
        if lane.free_from > now {
            return Claim::At(lane.free_from);
        }
        self.take_in_hand(n);
        Claim::Taken
    }

    /// The source was polled, which came to `poll`; it ended at `now`.
    pub fn done(&mut self, n: usize, poll: &Poll, now: DateTime<Utc>) {
        self.rest(self.sources[n].lane, poll);
        self.wait(n, poll);
        self.release(n, now);
    }

    /// The source was perhaps asked, and nothing could be recorded.
    pub fn put_back(&mut self, n: usize, now: DateTime<Utc>) {
        self.put(n, now + UNRECORDED);
        self.release(n, now);
    }

    /// Somebody else changed where the source stands. One in hand is left to whoever has it.
    pub fn reconsider(&mut self, name: &SourceName, poll: &Poll, polling: Polling) {
        let Some(n) = self.place_of(name) else {
            return;
        };
        self.sources[n].polling = polling;
        let Entry { lane, stand, .. } = self.sources[n];
        if stand == Stand::InHand {
            return;
        }
        self.unset_ready(lane);
        self.withdraw(n);
        self.wait(n, poll);
        self.set_ready(lane);
    }

    /// The source has something new by its own account: it is due as soon as its lane is free.
    pub fn stir(&mut self, name: &SourceName) {
        let Some(n) = self.place_of(name) else {
            return;
        };
        let Entry { lane, stand, .. } = self.sources[n];
        match stand {
            Stand::InHand => self.sources[n].is_stirred = true,
            Stand::Waiting(_) => {
                self.unset_ready(lane);
                self.withdraw(n);
                self.put(n, DateTime::<Utc>::MIN_UTC);
                self.set_ready(lane);
            }
            Stand::Idle => {}
        }
    }

    /// When the next source may be asked; none while as many are in hand as may be.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        let (from, _) = self.ready.first()?;
        (self.in_hand < MOST_IN_HAND).then_some(*from)
    }

    pub fn place_of(&self, name: &SourceName) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// Whether the clock was set back since the last step.
    pub fn is_outdated(&self, now: DateTime<Utc>) -> bool {
        self.in_hand == 0 && now + SET_BACK < self.latest
    }

    fn open_lane(&mut self, source: &Source) -> usize {
        self.lanes.push(Lane {
            spacing: match source.origin.address() {
                Some(_) => self.spacing,
                None => TimeDelta::zero(),
            },
            waiting: BTreeSet::new(),
            is_busy: false,
            free_from: DateTime::<Utc>::MIN_UTC,
            rests_until: DateTime::<Utc>::MIN_UTC,
        });
        self.lanes.len() - 1
    }

    fn rest(&mut self, lane: usize, poll: &Poll) {
        let lane = &mut self.lanes[lane];
        if let Some(until) = poll.rests_until {
            lane.rests_until = lane.rests_until.max(until);
            lane.free_from = lane.free_from.max(until);
        }
    }

    /// Puts a source that is polled among those that wait; its lane is not in `ready` meanwhile.
    fn wait(&mut self, n: usize, poll: &Poll) {
        let is_stirred = std::mem::take(&mut self.sources[n].is_stirred);
        match self.sources[n].polling {
            Polling::Active if poll.is_active() && is_stirred => {
                self.put(n, DateTime::<Utc>::MIN_UTC);
            }
            Polling::Active if poll.is_active() => self.put(n, poll.next),
            Polling::Active | Polling::Off => self.sources[n].stand = Stand::Idle,
        }
    }

    fn put(&mut self, n: usize, due: DateTime<Utc>) {
        let entry = &mut self.sources[n];
        entry.stand = Stand::Waiting(due);
        self.lanes[entry.lane].waiting.insert((due, n));
    }

    fn withdraw(&mut self, n: usize) {
        let Entry { lane, stand, .. } = self.sources[n];
        if let Stand::Waiting(due) = stand {
            self.lanes[lane].waiting.remove(&(due, n));
        }
    }

    fn take_in_hand(&mut self, n: usize) {
        let lane = self.sources[n].lane;
        self.unset_ready(lane);
        self.withdraw(n);
        self.sources[n].stand = Stand::InHand;
        self.lanes[lane].is_busy = true;
        self.in_hand += 1;
    }

    fn release(&mut self, n: usize, now: DateTime<Utc>) {
        self.latest = self.latest.max(now);
        self.in_hand = self.in_hand.saturating_sub(1);
        let at = self.sources[n].lane;
        let lane = &mut self.lanes[at];
        lane.is_busy = false;
        lane.free_from = lane.rests_until.max(now + lane.spacing);
        self.set_ready(at);
    }

    fn set_ready(&mut self, lane: usize) {
        if let Some(from) = self.lanes[lane].ready_from() {
            self.ready.insert((from, lane));
        }
    }

    fn unset_ready(&mut self, lane: usize) {
        if let Some(from) = self.lanes[lane].ready_from() {
            self.ready.remove(&(from, lane));
        }
    }
}

impl Lane {
    fn ready_from(&self) -> Option<DateTime<Utc>> {
        let (due, _) = self.waiting.first().filter(|_| !self.is_busy)?;
        Some(self.free_from.max(*due))
    }
}

/// Who is asked, without the port: servers on one machine are one machine.
fn host(source: &Source, poll: &Poll) -> Option<String> {
    let host = source.asked(poll)?.url().host_str()?;
    Some(host.trim_end_matches('.').to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
