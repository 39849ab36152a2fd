//! The outbox, and what it could not record when it was known.
//!
//! A relay has a message from the moment it says so. If the outbox cannot take note, or whoever brings the
//! outcome is stopped meanwhile, it waits here, across configurations, and is recorded before anything else
//! is sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::{Claim, Claimed, OutboxStore, Settle};
use crate::port::{self, StoreError};

pub struct Ledger {
    pub(super) outbox: Arc<dyn OutboxStore>,
    unsettled: Mutex<Vec<Settle>>,
}

impl Ledger {
    pub fn new(outbox: Arc<dyn OutboxStore>) -> Self {
        Ledger {
            outbox,
            unsettled: Mutex::default(),
        }
    }

    /// Records an outcome, now or when the store is back: see [`Self::catch_up`].
    pub(super) async fn settle(&self, settle: Settle, now: DateTime<Utc>) -> port::Result<()> {
        let entry = Entry::new(self, &settle);
        self.outbox.settle(settle, now).await?;
        entry.recorded();
        Ok(())
    }

    pub(super) async fn settle_and_claim(
        &self,
        settle: Settle,
        claim: Claim,
        now: DateTime<Utc>,
    ) -> port::Result<Option<Claimed>> {
        let entry = Entry::new(self, &settle);
        let claimed = self.outbox.settle_and_claim(settle, claim, now).await?;
        entry.recorded();
        Ok(claimed)
    }

    /// Records what could not be recorded before, so that what a relay took is not sent again.
    pub(super) async fn catch_up(&self, now: DateTime<Utc>) -> port::Result<()> {
        let left = self.unsettled().len();
        for _ in 0..left {
            let Some(settle) = self.unsettled().pop() else {
                break;
            };
            let entry = Entry::new(self, &settle);
            match self.outbox.settle(settle, now).await {
                // A delivery that is gone is sent to nobody.
                Ok(()) | Err(StoreError::NotFound { .. }) => entry.recorded(),
                Err(err) => return Err(err),
            }
        }
        Ok(())
    }

    fn unsettled(&self) -> MutexGuard<'_, Vec<Settle>> {
        self.unsettled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// An outcome that is being recorded; dropped before it is, it goes to those that wait.
struct Entry<'a> {
    ledger: &'a Ledger,
    settle: Option<Settle>,
}

impl<'a> Entry<'a> {
    fn new(ledger: &'a Ledger, settle: &Settle) -> Self {
        Entry {
            ledger,
            settle: Some(settle.clone()),
        }
    }

    fn recorded(mut self) {
        self.settle = None;
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if let Some(settle) = self.settle.take() {
            self.ledger.unsettled().push(settle);
        }
    }
}
