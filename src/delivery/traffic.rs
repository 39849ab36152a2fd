//! How much goes where: what each relay and each destination may still take, and what it took.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Usage,
    meter::Meter,
    throttle::{Limits, pace::Pace},
};
use crate::id::{GroupName, RelayName};

/// When a destination is asked again whose connections are all in use.
const BUSY: TimeDelta = TimeDelta::milliseconds(50);
/// Relays that share the work keep step with those that took something in this time.
const IDLE: TimeDelta = TimeDelta::seconds(1);
/// Messages that a relay may be ahead of its share.
const SLACK: u64 = 16;

/// Leave to make one attempt.
#[derive(Debug)]
pub(super) struct Ticket {
    relay: RelayName,
    at: DateTime<Utc>,
    /// Destinations of which a message was counted in advance.
    held: Vec<GroupName>,
    /// Destinations that take nothing at present.
    pub(super) closed: Arc<BTreeSet<GroupName>>,
    /// When the first of them takes something again.
    pub(super) opens: Option<DateTime<Utc>>,
}

/// Why there is no leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The relay takes nothing before.
    Until(DateTime<Utc>),
    /// Other relays have had less than their share.
    Turn,
}

/// What the courier counts and allows.
#[derive(Debug)]
pub struct Traffic(Mutex<Books>);

#[derive(Debug)]
struct Books {
    relays: BTreeMap<RelayName, Flow>,
    groups: BTreeMap<GroupName, Flow>,
}

/// A relay, or a group of destinations.
#[derive(Debug)]
struct Flow {
    pace: Pace,
    /// Whether it is asked for leave. What nothing limits is counted afterwards, for the day on
    /// which it complains.
    limited: bool,
    counts: Counts,
    /// Attempts at this moment.
    open: usize,
    /// Of a relay: its share, and what it took since all shares were equal.
    weight: u64,
    taken: u64,
    last: Option<DateTime<Utc>>,
    /// When it takes something again, from the last time that it took nothing.
    full: Option<DateTime<Utc>>,
}

/// What became of attempts since this process began.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub sent: u64,
    pub deferred: u64,
    pub failed: u64,
    pub uncertain: u64,
    /// Connections, or attempts at a destination, at this moment.
    pub open: usize,
    /// Of a destination that said "too much": what of its former rate it gets, in per cent.
    pub slowed: Option<i64>,
    meter: Meter,
}

/// What an attempt came to, for those who count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    Sent,
    Deferred,
    Failed,
    Uncertain,
}

impl Counts {
    fn count(&mut self, came: Came, now: DateTime<Utc>) {
        match came {
            Came::Sent => {
                self.sent += 1;
                self.meter.tick(now);
            }
            Came::Deferred => self.deferred += 1,
            Came::Failed => self.failed += 1,
            Came::Uncertain => self.uncertain += 1,
        }
    }

    /// Messages sent a second, over the last minute.
    pub fn rate(&self, now: DateTime<Utc>) -> f64 {
        self.meter.per_second(now)
    }
}

impl Flow {
    fn new(pace: Option<Pace>, weight: u32) -> Self {
        let unlimited = || Pace::new(Limits::default(), NonZeroUsize::MAX, None);
        Flow {
            limited: pace.is_some(),
            pace: pace.unwrap_or_else(unlimited),
            counts: Counts::default(),
            open: 0,
            weight: u64::from(weight),
            taken: 0,
            last: None,
            full: None,
        }
    }

    fn admit(&mut self, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        if self.limited && self.open >= self.pace.connections(now).get() {
            return Err(now + BUSY);
        }
        if self.limited {
            self.pace.admit(now)?;
        }
        self.open += 1;
        Ok(())
    }

    fn refund(&mut self, admitted: DateTime<Utc>) {
        self.open = self.open.saturating_sub(1);
        if self.limited {
            self.pace.refund(admitted);
        }
    }

    fn count(&mut self, came: Came, now: DateTime<Utc>) {
        self.counts.count(came, now);
        if !self.limited {
            let _counted = self.pace.admit(now);
        }
    }
}

impl Books {
    /// Whether a relay is so far ahead that those beside it should take the next one. Those that have
    /// all that they may have at present hold up nobody.
    fn is_ahead(&self, name: &RelayName, now: DateTime<Utc>) -> bool {
        let Some(own) = self.relays.get(name) else {
            return false;
        };
        let is_busy = |flow: &Flow| {
            let is_full = flow.full.is_some_and(|until| now < until);
            flow.weight > 0 && !is_full && flow.last.is_some_and(|at| now - at < IDLE)
        };
        let others = self.relays.iter().filter(|(other, _)| *other != name);
        let mut others = others.map(|(_, flow)| flow).filter(|flow| is_busy(flow));
        others.any(|other| own.taken * other.weight > (other.taken + SLACK) * own.weight)
    }
}

impl Traffic {
    /// Of relays with their pace and weight, and of destinations that have one from the start.
    pub(super) fn new(
        relays: impl IntoIterator<Item = (RelayName, Option<Pace>, u32)>,
        groups: impl IntoIterator<Item = (GroupName, Pace)>,
    ) -> Self {
        let relays = relays.into_iter();
        let groups = groups.into_iter();
        Traffic(Mutex::new(Books {
            relays: relays
                .map(|(name, pace, weight)| (name, Flow::new(pace, weight)))
                .collect(),
            groups: groups
                .map(|(name, pace)| (name, Flow::new(Some(pace), 1)))
                .collect(),
        }))
    }

    /// Goes on after a restart from what was sent in each hour.
    pub(super) fn resume(&self, usage: &[Usage], now: DateTime<Utc>) {
        let mut books = self.locked();
        for (name, flow) in &mut books.relays {
            flow.resume(usage.iter().filter(|usage| usage.relay == *name), now);
        }
        for (name, flow) in &mut books.groups {
            flow.resume(usage.iter().filter(|usage| usage.group == *name), now);
        }
    }

    /// Leave to make an attempt by `relay`.
    pub(super) fn reserve(&self, relay: &RelayName, now: DateTime<Utc>) -> Result<Ticket, Wait> {
        let mut books = self.locked();
        if books.is_ahead(relay, now) {
            return Err(Wait::Turn);
        }
        if let Some(flow) = books.relays.get_mut(relay) {
            let admitted = flow.admit(now);
            flow.full = admitted.err();
            admitted.map_err(Wait::Until)?;
        }
        let mut closed = BTreeSet::new();
        let mut held = Vec::new();
        let mut opens: Option<DateTime<Utc>> = None;
        for (name, flow) in books.groups.iter_mut().filter(|(_, flow)| flow.limited) {
            match flow.admit(now) {
                Ok(()) => held.push(name.clone()),
                Err(later) => {
                    closed.insert(name.clone());
                    opens = Some(opens.map_or(later, |opens| opens.min(later)));
                }
            }
        }
        Ok(Ticket {
            relay: relay.clone(),
            at: now,
            held,
            closed: Arc::new(closed),
            opens,
        })
    }

    /// Gives back what a ticket holds of other destinations than that of the delivery in hand.
    pub(super) fn narrow(&self, ticket: &mut Ticket, group: &GroupName) {
        let held = std::mem::take(&mut ticket.held);
        let (own, others): (Vec<_>, Vec<_>) = held.into_iter().partition(|name| name == group);
        ticket.held = own;
        self.locked().give_back(&others, ticket.at);
    }

    /// Ends an attempt that reached the relay.
    pub(super) fn redeem(&self, ticket: Ticket, group: &GroupName, came: Came, now: DateTime<Utc>) {
        let mut books = self.locked();
        for name in &ticket.held {
            if let Some(flow) = books.groups.get_mut(name) {
                flow.open = flow.open.saturating_sub(1);
            }
        }
        if let Some(flow) = books.relays.get_mut(&ticket.relay) {
            flow.open = flow.open.saturating_sub(1);
            flow.count(came, now);
            flow.taken += 1;
            flow.last = Some(now);
        }
        match books.groups.get_mut(group) {
            Some(flow) => flow.count(came, now),
            None => {
                let mut flow = Flow::new(None, 1);
                flow.count(came, now);
                books.groups.insert(group.clone(), flow);
            }
        }
    }

    /// Gives back a ticket with which nothing was done.
    pub(super) fn refund(&self, ticket: Ticket) {
        let mut books = self.locked();
        books.give_back(&ticket.held, ticket.at);
        if let Some(flow) = books.relays.get_mut(&ticket.relay) {
            flow.refund(ticket.at);
        }
    }

    /// Notes that a destination wants less.
    pub(super) fn rate_limited(&self, group: &GroupName, now: DateTime<Utc>) {
        let mut books = self.locked();
        let flow = books.groups.entry(group.clone());
        let flow = flow.or_insert_with(|| Flow::new(None, 1));
        flow.limited = true;
        flow.pace.rate_limited(now);
    }

    /// Has all relays start level, however much each took before.
    pub(super) fn level(&self) {
        for flow in self.locked().relays.values_mut() {
            flow.taken = 0;
        }
    }

    pub fn relays(&self, now: DateTime<Utc>) -> Vec<(RelayName, Counts)> {
        shown(&self.locked().relays, now)
    }

    pub fn groups(&self, now: DateTime<Utc>) -> Vec<(GroupName, Counts)> {
        shown(&self.locked().groups, now)
    }

    fn locked(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    fn give_back(&mut self, groups: &[GroupName], admitted: DateTime<Utc>) {
        for name in groups {
            if let Some(flow) = self.groups.get_mut(name) {
                flow.refund(admitted);
            }
        }
    }
}

impl Flow {
    fn resume<'a>(&mut self, usage: impl Iterator<Item = &'a Usage>, now: DateTime<Utc>) {
        let hours = usage.map(|usage| (usage.hour, usage.attempts));
        self.pace = self.pace.clone().resume(hours, now);
    }
}

fn shown<N: Clone>(flows: &BTreeMap<N, Flow>, now: DateTime<Utc>) -> Vec<(N, Counts)> {
    let shown = flows.iter().map(|(name, flow)| {
        let counts = Counts {
            open: flow.open,
            slowed: flow.pace.slowed(now),
            ..flow.counts.clone()
        };
        (name.clone(), counts)
    });
    shown.collect()
}

#[cfg(test)]
mod tests;
