//! Who may be asked now: one agenda for the daemon's rounds and for an operator's orders.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use crate::{
    clock::Clock,
    id::SourceName,
    sources::{
        Poll,
        agenda::{Agenda, Claim, Polling},
    },
};

/// Hands out turns: while one lasts, its source is in hand and its host busy.
#[derive(Debug)]
pub struct Turns {
    clock: Clock,
    spacing: Duration,
    /// None until somebody has read where the sources stand.
    agenda: Mutex<Option<Agenda>>,
    ended: Notify,
}

/// A source's turn. One that is dropped before it ends counts as a poll that left no trace.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    /// By its place in the agenda.
    pub(super) source: usize,
    has_ended: bool,
}

/// What asking for a certain turn comes to.
#[derive(Debug)]
pub(super) enum Claimed<'a> {
    Taken(Turn<'a>),
    /// The host wants to be left alone until then.
    Resting(DateTime<Utc>),
    /// The agenda does not know the source.
    Unknown,
}

impl Turns {
    /// `spacing` lies between the end of one request to a host and the start of the next.
    pub fn new(clock: Clock, spacing: Duration) -> Self {
        Turns {
            clock,
            spacing,
            agenda: Mutex::new(None),
            ended: Notify::new(),
        }
    }

    /// An agenda to fill, if there is none or the clock has been set back since.
    pub(super) fn to_plan(&self, now: DateTime<Utc>) -> Option<Agenda> {
        let agenda = self.lock();
        let is_sound = agenda
            .as_ref()
            .is_some_and(|agenda| !agenda.is_outdated(now));
        (!is_sound).then(|| Agenda::new(self.spacing, now))
    }

    /// The first of two that planned at once is as good as the other, and may have turns running.
    pub(super) fn plan(&self, filled: Agenda, now: DateTime<Utc>) {
        let mut agenda = self.lock();
        match &mut *agenda {
            Some(agenda) if !agenda.is_outdated(now) => {}
            unplanned => *unplanned = Some(filled),
        }
    }

    /// The turn of the source that is due the longest.
    pub(super) fn take(&self, now: DateTime<Utc>) -> Option<Turn<'_>> {
        let source = self.lock().as_mut()?.take(now)?;
        Some(self.turn(source))
    }

    /// The turn of a certain source, due or not, as soon as its host and we are free.
    pub(super) async fn claim(&self, source: &SourceName) -> Claimed<'_> {
        let mut now = self.clock.now();
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            let claimed = self.lock().as_mut().and_then(|agenda| {
                let place = agenda.place_of(source)?;
                Some((place, agenda.claim(place, now)))
            });
            match claimed {
                None => return Claimed::Unknown,
                Some((source, Claim::Taken)) => return Claimed::Taken(self.turn(source)),
                Some((_, Claim::Resting(until))) => return Claimed::Resting(until),
                Some((_, Claim::Busy)) => ended.await,
                Some((_, Claim::At(at))) => {
                    tokio::time::sleep((at - now).to_std().unwrap_or_default()).await;
                    now = at;
                }
            }
            now = now.max(self.clock.now());
        }
    }

    /// When the next turn is to be had; none while as many run as may run.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        self.lock().as_ref()?.next()
    }

    /// Somebody else changed where a source stands.
    pub(super) fn reconsider(&self, source: &SourceName, poll: &Poll, polling: Polling) {
        if let Some(agenda) = &mut *self.lock() {
            agenda.reconsider(source, poll, polling);
        }
    }

    pub(super) fn stir(&self, source: &SourceName) {
        if let Some(agenda) = &mut *self.lock() {
            agenda.stir(source);
        }
    }

    fn turn(&self, source: usize) -> Turn<'_> {
        Turn {
            turns: self,
            source,
            has_ended: false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Agenda>> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// The source was polled, which was recorded as `poll`.
    pub(super) fn end(mut self, poll: &Poll) {
        self.has_ended = true;
        let now = self.turns.clock.now();
        if let Some(agenda) = &mut *self.turns.lock() {
            agenda.done(self.source, poll, now);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let now = self.turns.clock.now();
        if let Some(agenda) = &mut *self.turns.lock()
            && !self.has_ended
        {
            agenda.put_back(self.source, now);
        }
        self.turns.ended.notify_waiters();
    }
}
