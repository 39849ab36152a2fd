//! What was written since sled was written last, in memory.

use std::{
    ops::Bound,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use super::{journal::Writes, tree::Direction};

/// Rows, and the marks of those that were removed; one thread writes, many read.
#[derive(Debug, Default)]
pub(super) struct Memtable(RwLock<Writes>);

/// A row, or the mark that it was removed.
pub(super) type Written = (Vec<u8>, Option<Vec<u8>>);

impl Memtable {
    /// None where nothing was written; and where it was, none where it was removed.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<Vec<u8>>> {
        self.read().get(key).cloned()
    }

    /// Puts a whole batch there at once.
    pub(super) fn apply(&self, writes: Writes) {
        let mut rows = self.0.write().unwrap_or_else(PoisonError::into_inner);
        rows.extend(writes);
    }

    /// What is there at this moment; it cannot be written to meanwhile.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Writes> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The outermost of a span, from the side that `direction` comes from.
    pub(super) fn first(
        &self,
        lo: Bound<&[u8]>,
        hi: Bound<&[u8]>,
        direction: Direction,
    ) -> Option<Written> {
        if let (Bound::Included(lo) | Bound::Excluded(lo), Bound::Excluded(hi)) = (lo, hi)
            && lo >= hi
        {
            return None;
        }
        let rows = self.read();
        let mut span = rows.range::<[u8], _>((lo, hi));
        let found = match direction {
            Direction::Up => span.next(),
            Direction::Down => span.next_back(),
        };
        found.map(|(key, value)| (key.clone(), value.clone()))
    }
}
