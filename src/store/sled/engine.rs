//! The open sled database: opening it, making it durable, and opening it again after a failure.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    journal::{Journal, Writes},
    lane,
    lease::{Changes, Leases},
    plan,
    table::{COUNTER, SCHEMA},
    tx::Tx,
    unavailable,
    writer::Durability,
};
use crate::{
    port::{Result, StoreError},
    secret::Key,
};

/// sled uses six to ten times this (its issues 986 and 1410).
const CACHE_BYTES: u64 = 16 << 20;

/// How long a power cut can take back what was flushed and not synced.
const SYNC_EVERY_MS: u64 = 500;

/// Keys below those of every table.
const PROBE: &[u8] = &[0];
const EPOCH: &[u8] = &[0, 1];

/// What there must be room for before a broken database is opened again: two of sled's segments.
const ROOM_BYTES: usize = 1 << 20;

pub(super) struct Engine {
    path: PathBuf,
    pepper: Key,
    open: RwLock<Option<Open>>,
    broken: AtomicBool,
    leases: Leases,
}

struct Open {
    db: sled::Db,
    /// sled's own file once more: its flush is no fsync on Linux.
    file: File,
    journal: Journal,
}

impl Open {
    fn tx<'a>(&'a self, pepper: &'a Key, leases: &'a Leases) -> Tx<'a> {
        Tx::new(&self.db, &self.journal, pepper, leases)
    }

    /// Has sled write everything to its file, after which the journal begins anew.
    fn flush(&self, durability: Durability) -> sled::Result<()> {
        let epoch = self.journal.epoch() + 1;
        self.db.insert(EPOCH, &epoch.to_le_bytes())?;
        self.db.flush()?;
        if durability == Durability::Synced {
            self.file.sync_data().map_err(sled::Error::Io)?;
        }
        self.journal.restart(epoch).map_err(sled::Error::Io)
    }

    /// Applies again what the journal has and sled may not have flushed.
    fn replay(&self) -> sled::Result<()> {
        let epoch = self.db.get(EPOCH)?;
        let epoch = epoch.and_then(|bytes| Some(u64::from_le_bytes((*bytes).try_into().ok()?)));
        let batches = self.journal.batches(epoch.unwrap_or(0));
        let batches = batches.map_err(sled::Error::Io)?;
        if batches.is_empty() {
            return Ok(());
        }
        for writes in batches {
            one_by_one(&self.db, &writes)?;
        }
        self.flush(Durability::Flushed)
    }
}

/// For what the journal has as a whole.
pub(super) fn one_by_one(db: &sled::Db, writes: &Writes) -> sled::Result<()> {
    for (key, value) in writes {
        match value {
            Some(value) => db.insert(key, value.as_slice())?,
            None => db.remove(key)?,
        };
    }
    Ok(())
}

/// For what must be whole also after a power cut.
pub(super) fn batch(writes: &Writes) -> sled::Batch {
    let mut batch = sled::Batch::default();
    for (key, value) in writes {
        match value {
            Some(value) => batch.insert(key.as_slice(), value.as_slice()),
            None => batch.remove(key.as_slice()),
        }
    }
    batch
}

impl Engine {
    pub(super) fn open(path: &Path, pepper: Key) -> Result<Self> {
        create_folder(path).map_err(|err| unavailable("be opened", err))?;
        let open = open(path)?;
        let leases = Leases::default();
        mark_layout(open.tx(&pepper, &leases))?;
        plan::sweep_all(&mut open.tx(&pepper, &leases))?;
        leases.learn(lane::all(&open.tx(&pepper, &leases))?);
        Ok(Engine {
            path: path.to_owned(),
            pepper,
            open: RwLock::new(Some(open)),
            broken: AtomicBool::new(false),
            leases,
        })
    }

    /// Hands `f` a transaction. Many may read at once.
    pub(super) fn with<T>(&self, f: impl FnOnce(Tx<'_>) -> Result<T>) -> Result<T> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        match open.as_ref() {
            Some(open) => f(open.tx(&self.pepper, &self.leases)),
            None => Err(StoreError::Unavailable {
                doing: "be reached: it failed and has not come back yet",
                source: None,
            }),
        }
    }

    pub(super) fn leases(&self) -> &Leases {
        &self.leases
    }

    /// Makes everything that was applied as durable as `needed`.
    pub(super) fn make_durable(&self, needed: Durability) -> sled::Result<()> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = open.as_ref() else {
            return Ok(()); // nothing was applied
        };
        let made = match needed {
            Durability::Volatile | Durability::Journaled if !open.journal.is_full() => Ok(()),
            needed => open.flush(needed),
        };
        if made.is_err() {
            self.broke();
        }
        made
    }

    /// Notes that sled failed to write. It takes no more writes from then on.
    pub(super) fn broke(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    /// Hands `f` a transaction that may write, unless nothing can be recorded: not even a claim,
    /// which writes nothing, may then be had.
    pub(super) fn with_writable<T>(&self, f: impl FnOnce(Tx<'_>) -> Result<T>) -> Result<T> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable {
                doing: "be written: it failed and has not come back yet",
                source: None,
            });
        }
        self.with(f)
    }

    /// Opens a broken database again, from what reached the disk, once it can be written to. Until
    /// there is room to do so the broken one stays, for those who only read.
    pub(super) fn mend(&self) {
        if !self.broken.load(Ordering::Relaxed) {
            return;
        }
        if let Err(err) = self.open_again() {
            tracing::error!(error = &err as &dyn std::error::Error, "the store is away");
        }
    }

    fn open_again(&self) -> Result<()> {
        room(&self.path).map_err(|err| unavailable("be written", err))?;
        let mut slot = self.open.write().unwrap_or_else(PoisonError::into_inner);
        *slot = None;
        let open = slot.insert(open(&self.path)?);
        // Rows may be back that were gone.
        self.leases.apply(Changes::rewound());
        writable(open)?;
        self.broken.store(false, Ordering::Relaxed);
        tracing::warn!("the store failed to write and was opened again");
        Ok(())
    }
}

impl Drop for Engine {
    /// Leaves nothing in the journal: a store that was closed is sled's alone.
    fn drop(&mut self) {
        let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = open
            .as_ref()
            .filter(|_| !self.broken.load(Ordering::Relaxed))
        {
            let flushed = catch_unwind(AssertUnwindSafe(|| open.flush(Durability::Flushed)));
            if !matches!(flushed, Ok(Ok(()))) {
                tracing::warn!("the store was not flushed; its journal has what is missing");
            }
        }
    }
}

/// Proves that there is room, in a file that is gone afterwards.
fn room(folder: &Path) -> io::Result<()> {
    let path = folder.join("room");
    let probe = || {
        let mut file = File::create(&path)?;
        file.write_all(&vec![0; ROOM_BYTES])?;
        file.sync_data()
    };
    let wrote = probe();
    let removed = fs::remove_file(&path);
    wrote.and(removed)
}

/// Proves that what is written reaches the disk.
fn writable(open: &Open) -> Result<()> {
    let probe = || {
        open.db.insert(PROBE, &[])?;
        open.db.flush()?;
        open.db.remove(PROBE)
    };
    let wrote =
        catch_unwind(AssertUnwindSafe(probe)).map_err(|_| unavailable("be written", Damaged))?;
    wrote
        .map(drop)
        .map_err(|err| unavailable("be written", err))
}

/// Only its owner may look into the folder: it holds addresses.
fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// sled panics on some damaged files; that is an error like another.
fn open(path: &Path) -> Result<Open> {
    let config = sled::Config::new()
        .path(path)
        .cache_capacity(CACHE_BYTES)
        .flush_every_ms(Some(SYNC_EVERY_MS));
    let db = catch_unwind(AssertUnwindSafe(|| config.open()))
        .map_err(|_| unavailable("be opened", Damaged))?
        .map_err(|err| refused(path, err))?;
    let failed = |err| unavailable("be opened", err);
    let open = Open {
        db,
        file: File::open(path.join("db")).map_err(failed)?,
        journal: Journal::open(path).map_err(failed)?,
    };
    open.replay().map_err(|err| unavailable("be opened", err))?;
    Ok(open)
}

fn refused(path: &Path, err: sled::Error) -> StoreError {
    match &err {
        sled::Error::Io(cause) if cause.to_string().contains("could not acquire lock") => {
            StoreError::Locked {
                path: path.display().to_string(),
            }
        }
        _ => unavailable("be opened", err),
    }
}

/// Marks a new store with the layout that this version writes, and refuses a newer one.
fn mark_layout(mut tx: Tx<'_>) -> Result<()> {
    let schema = "schema".to_owned();
    match tx.get(COUNTER, &schema)? {
        Some(found) if found > SCHEMA => Err(unavailable("be opened", Newer { found })),
        Some(_) => Ok(()),
        None => {
            tx.put(COUNTER, &schema, &SCHEMA)?;
            tx.apply()
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("its files are damaged; restore a backup")]
struct Damaged;

#[derive(Debug, thiserror::Error)]
#[error("a newer version wrote it (layout {found}; this version reads up to {SCHEMA})")]
struct Newer {
    found: u64,
}
