//! One transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use sled::Db;

use super::{
    engine::{batch, one_by_one},
    journal::{Journal, Writes},
    key::Key,
    lane::{Lane, Place},
    lease::{Changes, Front, Lease, Leases},
    table::{COUNTER, SUPPRESSION, Span, Suppression, Table},
    unavailable,
};
use crate::{
    id::DeliveryId,
    port::{Result, StoreError},
    secret,
    subscribers::{address::EmailAddress, suppression},
};

/// Reads the store and gathers what is to be written; dropped before it is applied, it changes
/// nothing.
///
/// Since there is one writer, what a transaction read still holds when it is applied.
pub(super) struct Tx<'a> {
    db: &'a Db,
    journal: &'a Journal,
    pepper: &'a secret::Key,
    shared: &'a Leases,
    writes: Writes,
    changes: Changes,
    tearing: Tearing,
    pub(super) applied: Applied,
}

/// What may become of a transaction in a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tearing {
    /// It is there as a whole or not at all.
    Never,
    /// A part of it may be there: whoever reads its rows copes.
    InPowerCuts,
}

/// What became of the writes so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Applied {
    /// Something was written.
    pub(super) wrote: bool,
    /// sled failed.
    pub(super) broke: bool,
}

impl<'a> Tx<'a> {
    pub(super) fn new(
        db: &'a Db,
        journal: &'a Journal,
        pepper: &'a secret::Key,
        shared: &'a Leases,
    ) -> Self {
        Tx {
            db,
            journal,
            pepper,
            shared,
            writes: Writes::new(),
            changes: Changes::default(),
            tearing: Tearing::Never,
            applied: Applied::default(),
        }
    }

    pub(super) fn tearing(self, tearing: Tearing) -> Self {
        Tx { tearing, ..self }
    }

    /// Sees what this transaction wrote.
    pub(super) fn get<K: Key, V: Serialize + DeserializeOwned>(
        &self,
        table: Table<K, V>,
        key: &K,
    ) -> Result<Option<V>> {
        let key = table.key(key);
        if let Some(written) = self.writes.get(&key) {
            return written
                .as_ref()
                .map(|value| table.decode(&key, value))
                .transpose();
        }
        let stored = self.db.get(&key).map_err(|err| unavailable("read", err))?;
        stored.map(|value| table.decode(&key, &value)).transpose()
    }

    pub(super) fn has<K: Key, V: Serialize + DeserializeOwned>(
        &self,
        table: Table<K, V>,
        key: &K,
    ) -> Result<bool> {
        let key = table.key(key);
        match self.writes.get(&key) {
            Some(written) => Ok(written.is_some()),
            None => self
                .db
                .contains_key(&key)
                .map_err(|err| unavailable("read", err)),
        }
    }

    pub(super) fn put<K: Key, V: Serialize + DeserializeOwned>(
        &mut self,
        table: Table<K, V>,
        key: &K,
        row: &V,
    ) -> Result<()> {
        let key = table.key(key);
        let value = table.encode(&key, row)?;
        self.writes.insert(key, Some(value));
        Ok(())
    }

    pub(super) fn remove<K: Key, V: Serialize + DeserializeOwned>(
        &mut self,
        table: Table<K, V>,
        key: &K,
    ) {
        self.writes.insert(table.key(key), None);
    }

    /// The rows of `span` in the order of their keys, as they were before this transaction.
    pub(super) fn scan<K: Key, V: Serialize + DeserializeOwned>(
        &self,
        span: Span<K, V>,
    ) -> Rows<K, V> {
        Rows {
            table: span.table,
            iter: self.db.range(span.lo..span.hi),
        }
    }

    /// Advances the counter `name` by `n` and returns the first number of those.
    pub(super) fn take(&mut self, name: &str, n: u64) -> Result<u64> {
        let name = name.to_owned();
        let last = self.get(COUNTER, &name)?.unwrap_or(0);
        self.put(COUNTER, &name, &(last + n))?;
        Ok(last + 1)
    }

    pub(super) fn lease(&self, id: DeliveryId) -> Option<Lease> {
        match self.changes.leases.get(&id) {
            Some(changed) => changed.clone(),
            None => self.shared.get(id),
        }
    }

    /// Takes or, with none, gives back a lease.
    pub(super) fn set_lease(&mut self, id: DeliveryId, lease: Option<Lease>) {
        self.changes.leases.insert(id, lease);
    }

    /// Says up to where everything in a lane is in hand or held; none where something else may be.
    pub(super) fn set_front(&mut self, lane: Lane, front: Option<Place>) {
        self.changes.fronts.insert(lane, front);
    }

    /// Has every lane looked at from its start again.
    pub(super) fn rewind(&mut self) {
        self.changes.rewind();
    }

    /// Every lane that ever held something, with its front.
    pub(super) fn lanes(&self, now: DateTime<Utc>) -> Vec<(Lane, Front)> {
        self.shared.lanes(now)
    }

    /// What this transaction found when it began.
    pub(super) fn before(&self) -> Tx<'a> {
        Tx::new(self.db, self.journal, self.pepper, self.shared)
    }

    /// What is in hand, as it was before this transaction.
    pub(super) fn leases(&self) -> &'a Leases {
        self.shared
    }

    pub(super) fn suppression(&self, address: &EmailAddress) -> Result<Option<Suppression>> {
        self.get(SUPPRESSION, &suppression::hash(self.pepper, address))
    }

    /// Writes or, with none, lifts a suppression.
    pub(super) fn set_suppression(
        &mut self,
        address: &EmailAddress,
        row: Option<Suppression>,
    ) -> Result<()> {
        let hash = suppression::hash(self.pepper, address);
        match row {
            Some(row) => self.put(SUPPRESSION, &hash, &row),
            None => {
                self.remove(SUPPRESSION, &hash);
                Ok(())
            }
        }
    }

    /// Applies what was gathered, all at once. What is gathered from here on is a transaction of
    /// its own, in the same turn of the writer.
    pub(super) fn apply(&mut self) -> Result<()> {
        let writes = std::mem::take(&mut self.writes);
        if !writes.is_empty() {
            let apply = || {
                self.journal.append(&writes)?;
                match self.tearing {
                    Tearing::Never => self.db.apply_batch(batch(&writes)),
                    Tearing::InPowerCuts => one_by_one(self.db, &writes),
                }
            };
            let applied = catch_unwind(AssertUnwindSafe(apply))
                .unwrap_or_else(|_| Err(sled::Error::ReportableBug("sled panicked".to_owned())));
            self.applied.wrote = true;
            if let Err(err) = applied {
                self.applied.broke = true;
                return Err(unavailable("record", err));
            }
        }
        self.shared.apply(std::mem::take(&mut self.changes));
        Ok(())
    }
}

/// Rows, read one at a time from either end.
pub(super) struct Rows<K, V> {
    table: Table<K, V>,
    iter: sled::Iter,
}

impl<K: Key, V: Serialize + DeserializeOwned> Rows<K, V> {
    fn row(&self, found: sled::Result<(sled::IVec, sled::IVec)>) -> Result<(K, V)> {
        let (key, value) = found.map_err(|err| unavailable("read", err))?;
        Ok((self.table.read_key(&key)?, self.table.decode(&key, &value)?))
    }
}

impl<K: Key, V: Serialize + DeserializeOwned> Iterator for Rows<K, V> {
    type Item = Result<(K, V)>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.iter.next()?;
        Some(self.row(found))
    }
}

impl<K: Key, V: Serialize + DeserializeOwned> DoubleEndedIterator for Rows<K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let found = self.iter.next_back()?;
        Some(self.row(found))
    }
}

impl<K: Key, V: Serialize + DeserializeOwned> Rows<K, V> {
    /// The next key alone: a row that cannot be read does no harm.
    pub(super) fn next_key(&mut self) -> Option<Result<K>> {
        let found = self.iter.next()?;
        let key = found.map_err(|err| unavailable("read", err));
        Some(key.and_then(|(key, _)| self.table.read_key(&key)))
    }

    /// The keys alone: a row that cannot be read does no harm.
    pub(super) fn keys(self) -> impl DoubleEndedIterator<Item = Result<K>> {
        let table = self.table;
        self.iter.keys().map(move |found| {
            let key = found.map_err(|err| unavailable("read", err))?;
            table.read_key(&key)
        })
    }
}

/// Passes over a row that cannot be read, and says so.
pub(super) fn legible<T>(row: Result<T>) -> Option<Result<T>> {
    match row {
        Err(err @ StoreError::Corrupt { .. }) => {
            tracing::error!(error = %err, "passed over a row");
            None
        }
        row => Some(row),
    }
}
