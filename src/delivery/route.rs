//! A relay as the courier uses it: how much it gets, and when it is left alone.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};

use super::{
    relay::{Connection, Relay, RelayError},
    retry::Pause,
    throttle::pace::Pace,
    work::Work,
};
use crate::id::RelayName;

/// In a row, and from no matter whom: the relay is unwell, not the mailboxes.
const MAX_DEFERRALS: u32 = 20;

/// A way for messages to leave.
#[derive(Debug)]
pub struct Route {
    pub name: RelayName,
    pub relay: Relay,
    /// At most, at one time.
    pub connections: NonZeroUsize,
    /// Its share beside the others' of what is sent; zero stands by until none of them is there.
    pub weight: u32,
    /// What it gets at most; none is no limit.
    pub pace: Option<Pace>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pause: Pause,
    /// Of the last time that it turned us away, until it answers for a message again.
    reason: Option<String>,
    /// Temporary refusals since a message was taken, or since it was left alone for them.
    deferrals: u32,
}

/// What an activation adds to what was known of a relay. That it went away is told by the trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Unchanged,
    /// It turned us away again: that was told before.
    StillAway,
    Back,
}

/// Why a relay is left alone, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paused {
    pub until: DateTime<Utc>,
    pub reason: String,
}

impl Route {
    pub fn new(name: RelayName, relay: Relay, connections: NonZeroUsize) -> Self {
        Route {
            name,
            relay,
            connections,
            weight: 1,
            pace: None,
            state: Mutex::default(),
        }
    }

    pub(super) async fn connect(&self) -> Result<Connection, RelayError> {
        self.relay.connect().await
    }

    pub(super) fn is_standby(&self) -> bool {
        self.weight == 0
    }

    pub(super) fn paused(&self, now: DateTime<Utc>) -> Option<Paused> {
        let state = self.state();
        let until = state.pause.until().filter(|until| now < *until)?;
        let reason = state.reason.clone().unwrap_or_default();
        Some(Paused { until, reason })
    }

    /// Notes that a message was taken.
    pub(super) fn took(&self) {
        self.state().deferrals = 0;
    }

    /// Notes a temporary refusal; tells whether the relay should be left alone for a while.
    pub(super) fn put_off(&self) -> bool {
        let mut state = self.state();
        state.deferrals += 1;
        state.deferrals >= MAX_DEFERRALS
    }

    /// Notes the end of an activation in which it took some messages, and then, if it did, turned
    /// us away; tells whether that is news.
    pub(super) fn rest(&self, work: &Work, now: DateTime<Utc>) -> Standing {
        let mut state = self.state();
        match work.turned_away() {
            Some(reason) => {
                state.pause.extend(work.sent, now);
                state.deferrals = 0;
                match state.reason.replace(reason) {
                    Some(_) => Standing::StillAway,
                    None => Standing::Unchanged,
                }
            }
            None => {
                state.pause = Pause::default();
                match state.reason.take_if(|_| work.answered()) {
                    Some(_) => Standing::Back,
                    None => Standing::Unchanged,
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
