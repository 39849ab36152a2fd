//! The tree of all rows.
//!
//! A batch is handed to the journal, where it outlives this process, and put into memory. When the journal
//! is full, all of that is written to sled in the order of the keys, whatever changed often once, and the
//! journal begins anew: a checkpoint. sled, which rewrites a page for every few changes and waits twice for
//! the disk with each batch, is spared the rest.
//!
//! What sled gets is on the disk in the journal by then, so a batch is there as a whole or not at all, also
//! after a power cut: what a checkpoint wrote half-way is written again.

use std::{
    io,
    iter::Peekable,
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    base::{self, Base},
    journal::{Journal, Writes},
    memtable::{Memtable, Written},
};

/// A key and its value.
pub(super) type Row = (Vec<u8>, Vec<u8>);

/// Which way rows are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

/// One thread writes, many read.
pub(super) struct Tree {
    base: Base,
    journal: Journal,
    /// Another one after each checkpoint: who reads the old one goes on doing so.
    recent: RwLock<Arc<Memtable>>,
    /// Whether the journal ever failed to get to the disk: a file tells it once, and then says that all is well.
    lost: Mutex<bool>,
    spoiled: AtomicBool,
}

impl Tree {
    /// Opens the tree in `folder`; what the journal has and sled may not have is in memory again, and then
    /// in sled: what is read from the journal may not have reached the disk, and syncing it again would not
    /// tell where that failed before.
    pub(super) fn open(folder: &Path) -> sled::Result<Self> {
        let base = Base::open(folder)?;
        let journal = Journal::open(folder)?;
        let recent = Memtable::default();
        for writes in journal.batches(base.epoch()?)? {
            recent.apply(writes);
        }
        let tree = Tree {
            base,
            journal,
            recent: RwLock::new(Arc::new(recent)),
            lost: Mutex::default(),
            spoiled: AtomicBool::new(false),
        };
        if let Err(err) = tree.checkpoint() {
            not_written(&err);
        }
        Ok(tree)
    }

    pub(super) fn get(&self, key: &[u8]) -> sled::Result<Option<Vec<u8>>> {
        match self.recent().get(key) {
            Some(written) => Ok(written),
            None => self.base.get(key),
        }
    }

    /// The rows from `lo` on and before `hi`, which are of one table.
    pub(super) fn range(&self, lo: Vec<u8>, hi: Vec<u8>, direction: Direction) -> Range {
        let recent = Recent {
            // Before sled is looked at: what leaves it later is there.
            rows: self.recent(),
            lo: Bound::Included(lo.clone()),
            hi: Bound::Excluded(hi.clone()),
            direction,
        };
        Range {
            recent: recent.peekable(),
            stored: self.base.range(lo, hi, direction).peekable(),
            direction,
        }
    }

    /// Writes a batch: it outlives this process, and readers see all of it or nothing.
    pub(super) fn apply(&self, writes: Writes) -> sled::Result<()> {
        if self.is_spoiled() {
            return Err(failed_before());
        }
        self.journal.append(&writes)?;
        self.recent().apply(writes);
        if self.journal.is_full()
            && let Err(err) = self.checkpoint()
        {
            // The batch is written all the same: the journal has it.
            not_written(&err);
        }
        Ok(())
    }

    /// Has everything that was applied outlive a power cut.
    pub(super) fn sync(&self) -> sled::Result<()> {
        self.synced_by(Journal::sync)
    }

    /// Does [`sync`](Self::sync) if anything was applied since it was done last.
    pub(super) fn sync_if_needed(&self) -> sled::Result<()> {
        self.synced_by(Journal::sync_if_needed)
    }

    fn synced_by(&self, sync: impl FnOnce(&Journal) -> io::Result<()>) -> sled::Result<()> {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if *lost {
            return Err(failed_before());
        }
        let synced = sync(&self.journal).map_err(sled::Error::Io);
        *lost = synced.is_err();
        self.noted(synced)
    }

    /// Writes what is in memory to sled.
    pub(super) fn checkpoint(&self) -> sled::Result<()> {
        let written = catch_unwind(AssertUnwindSafe(|| self.write_to_base()));
        let panicked = || sled::Error::ReportableBug("sled panicked".to_owned());
        self.noted(written.unwrap_or_else(|_| Err(panicked())))
    }

    /// Whether what is open may not be what is on the disk any more, so that only opening the tree again
    /// tells. Where the journal took no batch, nothing happened.
    pub(super) fn is_spoiled(&self) -> bool {
        self.spoiled.load(Ordering::Relaxed)
    }

    fn noted(&self, done: sled::Result<()>) -> sled::Result<()> {
        done.inspect_err(|_| self.spoiled.store(true, Ordering::Relaxed))
    }

    fn write_to_base(&self) -> sled::Result<()> {
        let recent = self.recent();
        if recent.read().is_empty() {
            return Ok(());
        }
        let epoch = self.journal.epoch() + 1;
        self.sync()?;
        self.base.write(&recent.read(), epoch)?;
        self.journal.restart(epoch)?;
        let mut slot = self.recent.write().unwrap_or_else(PoisonError::into_inner);
        *slot = Arc::default();
        Ok(())
    }

    fn recent(&self) -> Arc<Memtable> {
        let slot = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&slot)
    }
}

fn failed_before() -> sled::Error {
    sled::Error::Io(io::Error::other("an earlier write failed"))
}

fn not_written(err: &sled::Error) {
    tracing::error!(
        error = err as &dyn std::error::Error,
        "sled was not written; the journal has what is missing"
    );
}

/// Rows of one table in the order of their keys, or in the opposite one.
///
/// Those that are written or removed meanwhile may be among them or not.
pub(super) struct Range {
    recent: Peekable<Recent>,
    stored: Peekable<base::Range>,
    direction: Direction,
}

impl Iterator for Range {
    type Item = sled::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((recent, _)) = self.recent.peek() else {
                return self.stored.next();
            };
            if let Some(stored) = self.stored.peek() {
                let Ok((stored, _)) = stored else {
                    return self.stored.next();
                };
                let comes_first = match self.direction {
                    Direction::Up => stored < recent,
                    Direction::Down => stored > recent,
                };
                if comes_first {
                    return self.stored.next();
                }
                if stored == recent {
                    self.stored.next();
                }
            }
            if let (key, Some(value)) = self.recent.next()? {
                return Some(Ok((key, value)));
            }
        }
    }
}

/// What a memtable has of a range.
struct Recent {
    rows: Arc<Memtable>,
    lo: Bound<Vec<u8>>,
    hi: Bound<Vec<u8>>,
    direction: Direction,
}

impl Iterator for Recent {
    type Item = Written;

    fn next(&mut self) -> Option<Written> {
        let (lo, hi) = (self.lo.as_ref(), self.hi.as_ref());
        let found =
            self.rows
                .first(lo.map(Vec::as_slice), hi.map(Vec::as_slice), self.direction)?;
        let reached = Bound::Excluded(found.0.clone());
        match self.direction {
            Direction::Up => self.lo = reached,
            Direction::Down => self.hi = reached,
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests;
