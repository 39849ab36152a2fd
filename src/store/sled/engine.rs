//! The open store: opening it, and opening it again after a failure.

use std::{
    fs::{self, DirBuilder, File, Permissions},
    io::{self, Write},
    mem,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    panic::catch_unwind,
    path::{Path, PathBuf},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use super::{
    journal::Writes,
    lane,
    lease::{Changes, Leases},
    plan,
    table::{COUNTER, SCHEMA},
    tree::Tree,
    tx::Tx,
    unavailable,
};
use crate::{
    port::{Result, StoreError},
    secret::Key,
};

/// What there must be room for before a broken store is opened again: two of sled's segments.
const ROOM_BYTES: usize = 1 << 20;

/// How long sled may take to close a tree that failed.
const GRACE: Duration = Duration::from_secs(if cfg!(test) { 0 } else { 10 });

pub(super) struct Engine {
    path: PathBuf,
    pepper: Key,
    tree: RwLock<Option<Tree>>,
    broken: AtomicBool,
    leases: Leases,
}

impl Engine {
    pub(super) fn open(path: &Path, pepper: Key) -> Result<Self> {
        create_folder(path).map_err(|err| unavailable("be opened", err))?;
        let tree = open(path)?;
        let leases = Leases::default();
        let tx = || Tx::new(&tree, &pepper, &leases);
        mark_layout(tx())?;
        plan::sweep_all(&mut tx())?;
        leases.learn(lane::all(&tx())?);
        Ok(Engine {
            path: path.to_owned(),
            pepper,
            broken: AtomicBool::new(tree.is_spoiled()),
            tree: RwLock::new(Some(tree)),
            leases,
        })
    }

    /// Hands `f` a transaction. Many may read at once.
    pub(super) fn with<T>(&self, f: impl FnOnce(Tx<'_>) -> Result<T>) -> Result<T> {
        let tree = self.tree.read().unwrap_or_else(PoisonError::into_inner);
        match tree.as_ref() {
            Some(tree) => f(Tx::new(tree, &self.pepper, &self.leases)),
            None => Err(StoreError::Unavailable {
                doing: "be reached: it failed and has not come back yet",
                source: None,
            }),
        }
    }

    pub(super) fn leases(&self) -> &Leases {
        &self.leases
    }

    /// Has everything that was applied outlive a power cut.
    pub(super) fn sync(&self) -> sled::Result<()> {
        self.synced_by(Tree::sync)
    }

    /// Does that if anything was applied since it was done last.
    pub(super) fn sync_if_needed(&self) -> sled::Result<()> {
        self.synced_by(Tree::sync_if_needed)
    }

    fn synced_by(&self, sync: impl FnOnce(&Tree) -> sled::Result<()>) -> sled::Result<()> {
        let tree = self.tree.read().unwrap_or_else(PoisonError::into_inner);
        // Where there is none, nothing was applied.
        let synced = tree.as_ref().map_or(Ok(()), sync);
        synced.inspect_err(|_| self.broke())
    }

    /// Notes that something could not be written. No more is written from then on.
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

    /// Goes on with a broken store once it can be written to. Until there is room to do so it stays as it
    /// is, for those who only read.
    pub(super) fn mend(&self) {
        if !self.broken.load(Ordering::Relaxed) {
            return;
        }
        if let Err(err) = self.try_to_mend() {
            tracing::error!(error = &err as &dyn std::error::Error, "the store is away");
        }
    }

    fn try_to_mend(&self) -> Result<()> {
        room(&self.path).map_err(|err| unavailable("be written", err))?;
        let mut slot = self.tree.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(spoiled) = slot.take_if(|tree| tree.is_spoiled()) {
            let_go(spoiled)?;
        }
        let tree = match slot.as_mut() {
            Some(tree) => tree,
            None => slot.insert(open(&self.path)?),
        };
        self.leases.apply(Changes::rewound());
        writable(tree)?;
        self.broken.store(false, Ordering::Relaxed);
        tracing::warn!("the store failed to write, and takes writes again");
        Ok(())
    }
}

impl Drop for Engine {
    /// Leaves nothing in the journal: a store that was closed is sled's alone.
    fn drop(&mut self) {
        let tree = self.tree.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(tree) = tree.take() else { return };
        if tree.is_spoiled() || tree.checkpoint().is_err() {
            tracing::warn!("sled was not written; the journal has what is missing");
            // See `let_go`; the process ends.
            mem::forget(tree);
        }
    }
}

/// Closes a tree that failed. sled waits then for what it has not written, and where a file of its own for
/// a large page could not be written, it waits for ever.
fn let_go(tree: Tree) -> Result<()> {
    let (gone, closed) = mpsc::channel();
    thread::spawn(move || {
        drop(tree);
        let _nobody_waits = gone.send(());
    });
    closed
        .recv_timeout(GRACE)
        .map_err(|err| unavailable("be closed; this process has to be restarted", err))
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
fn writable(tree: &Tree) -> Result<()> {
    let wrote = tree.apply(Writes::new()).and_then(|()| tree.sync());
    wrote.map_err(|err| unavailable("be written", err))
}

/// Only its owner may look into the folder: it holds addresses.
fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// sled panics on some damaged files; that is an error like another.
fn open(path: &Path) -> Result<Tree> {
    catch_unwind(|| Tree::open(path))
        .map_err(|_| unavailable("be opened", Damaged))?
        .map_err(|err| refused(path, err))
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
