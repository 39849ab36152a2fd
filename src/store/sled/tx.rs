//! One transaction.

use std::iter;

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    journal::Writes,
    key::Key,
    lane::{Lane, Place, Seen},
    lease::{Changes, Front, Lease, Leases},
    table::{COUNTER, SUPPRESSION, Span, Table},
    tree::{self, Direction, Tree},
    unavailable,
};
use crate::{
    id::DeliveryId,
    port::{Result, StoreError},
    secret,
    subscribers::{
        address::EmailAddress,
        suppression::{self, Suppression},
    },
};

/// Reads the store and gathers what is to be written; dropped before it is applied, it changes
/// nothing.
///
/// Since there is one writer, what a transaction read still holds when it is applied.
pub(super) struct Tx<'a> {
    tree: &'a Tree,
    pepper: &'a secret::Key,
    shared: &'a Leases,
    writes: Writes,
    changes: Changes,
    pub(super) applied: Applied,
}

/// What became of the writes so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Applied {
    /// Something was written.
    pub(super) wrote: bool,
    /// Nothing more can be written to the tree.
    pub(super) broke: bool,
}

impl<'a> Tx<'a> {
    pub(super) fn new(tree: &'a Tree, pepper: &'a secret::Key, shared: &'a Leases) -> Self {
        Tx {
            tree,
            pepper,
            shared,
            writes: Writes::new(),
            changes: Changes::default(),
            applied: Applied::default(),
        }
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
        let stored = self.stored(&key)?;
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
            None => Ok(self.stored(&key)?.is_some()),
        }
    }

    fn stored(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.tree.get(key).map_err(|err| unavailable("read", err))
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
        self.rows(span, Direction::Up)
    }

    /// The same, the last ones first.
    pub(super) fn scan_back<K: Key, V: Serialize + DeserializeOwned>(
        &self,
        span: Span<K, V>,
    ) -> Rows<K, V> {
        self.rows(span, Direction::Down)
    }

    fn rows<K, V>(&self, span: Span<K, V>, direction: Direction) -> Rows<K, V> {
        Rows {
            table: span.table,
            range: self.tree.range(span.lo, span.hi, direction),
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

    /// Notes that everything in a lane is in hand, held or done up to `place`.
    pub(super) fn reach(&mut self, lane: Lane, place: Place) {
        self.changes.reached.insert(lane, place);
    }

    /// Notes that something was claimed from a lane, and that it is the others' turn.
    pub(super) fn take_turn(&mut self, lane: Lane) {
        self.changes.turn = Some(lane);
    }

    /// Notes what was found out about lanes by reading them.
    pub(super) fn note(&mut self, seen: Seen) {
        self.changes.seen = seen;
    }

    /// Notes that something is in a lane at `place` that can be claimed.
    pub(super) fn expose(&mut self, lane: Lane, place: Place) {
        self.changes.expose(lane, place);
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
        Tx::new(self.tree, self.pepper, self.shared)
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
            let applied = self.tree.apply(writes);
            self.applied.wrote = true;
            self.applied.broke = applied.is_err() || self.tree.is_spoiled();
            applied.map_err(|err| unavailable("record", err))?;
        }
        self.shared.apply(std::mem::take(&mut self.changes));
        Ok(())
    }
}

/// Rows, read one at a time.
pub(super) struct Rows<K, V> {
    table: Table<K, V>,
    range: tree::Range,
}

impl<K: Key, V: Serialize + DeserializeOwned> Iterator for Rows<K, V> {
    type Item = Result<(K, V)>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.range.next()?.map_err(|err| unavailable("read", err));
        Some(found.and_then(|(key, value)| {
            Ok((self.table.read_key(&key)?, self.table.decode(&key, &value)?))
        }))
    }
}

impl<K: Key, V: Serialize + DeserializeOwned> Rows<K, V> {
    /// The next key alone: a row that cannot be read does no harm.
    pub(super) fn next_key(&mut self) -> Option<Result<K>> {
        let found = self.range.next()?.map_err(|err| unavailable("read", err));
        Some(found.and_then(|(key, _)| self.table.read_key(&key)))
    }

    /// The keys alone.
    pub(super) fn keys(mut self) -> impl Iterator<Item = Result<K>> {
        iter::from_fn(move || self.next_key())
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
