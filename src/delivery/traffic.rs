//! How much goes where: what each relay and each destination may still take, and what it took.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::meter::Meter;
use crate::id::{GroupName, RelayName};

/// Leave to make one attempt.
#[derive(Debug, Default)]
pub struct Ticket {
    /// Destinations that take nothing at present.
    pub closed: Arc<BTreeSet<GroupName>>,
    /// When the first of them takes something again.
    pub opens: Option<DateTime<Utc>>,
}

/// What the courier counts and allows.
#[derive(Debug, Default)]
pub struct Traffic(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    relays: BTreeMap<RelayName, Counts>,
    groups: BTreeMap<GroupName, Counts>,
}

/// What became of attempts since this process began.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counts {
    pub sent: u64,
    pub deferred: u64,
    pub failed: u64,
    pub uncertain: u64,
    #[serde(skip)]
    meter: Meter,
}

/// What an attempt came to, for those who count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
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

impl Traffic {
    /// Leave to make an attempt by `relay`, or when to ask again.
    pub fn reserve(
        &self,
        _relay: &RelayName,
        _now: DateTime<Utc>,
    ) -> Result<Ticket, DateTime<Utc>> {
        Ok(Ticket::default())
    }

    /// Gives back what a ticket reserved, but for what is used.
    pub fn redeem(&self, _ticket: Ticket, _used: Option<&GroupName>) {}

    /// Notes that a destination wants less.
    pub fn rate_limited(&self, _group: &GroupName, _now: DateTime<Utc>) {}

    pub fn count(&self, relay: &RelayName, group: &GroupName, came: Came, now: DateTime<Utc>) {
        let mut books = self.locked();
        if let Some(counts) = books.relays.get_mut(relay) {
            counts.count(came, now);
        } else {
            books
                .relays
                .entry(relay.clone())
                .or_default()
                .count(came, now);
        }
        if let Some(counts) = books.groups.get_mut(group) {
            counts.count(came, now);
        } else {
            books
                .groups
                .entry(group.clone())
                .or_default()
                .count(came, now);
        }
    }

    pub fn relays(&self) -> BTreeMap<RelayName, Counts> {
        self.locked().relays.clone()
    }

    pub fn groups(&self) -> BTreeMap<GroupName, Counts> {
        self.locked().groups.clone()
    }

    fn locked(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
