//! The outbox, and what it could not record when it was known.
//!
//! A relay has a message from the moment it says so. If the outbox cannot take note, the outcome waits here,
//! across configurations, and is recorded before anything else is sent.

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
        let done = self.outbox.settle(settle.clone(), now).await;
        done.inspect_err(|_| self.unsettled().push(settle))
    }

    pub(super) async fn settle_and_claim(
        &self,
        settle: Settle,
        claim: Claim,
        now: DateTime<Utc>,
    ) -> port::Result<Option<Claimed>> {
        let done = settle.clone();
        let claimed = self.outbox.settle_and_claim(done, claim, now).await;
        claimed.inspect_err(|_| self.unsettled().push(settle))
    }

    /// Records what could not be recorded before, so that what a relay took is not sent again.
    pub(super) async fn catch_up(&self, now: DateTime<Utc>) -> port::Result<()> {
        let left = std::mem::take(&mut *self.unsettled());
        let mut left = left.into_iter();
        while let Some(settle) = left.next() {
            match self.settle(settle, now).await {
                Err(err @ StoreError::Unavailable { .. }) => {
                    self.unsettled().extend(left);
                    return Err(err);
                }
                // Nothing to record it in: no later attempt will fare better.
                Err(_) => drop(self.unsettled().pop()),
                Ok(()) => {}
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
