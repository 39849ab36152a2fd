//! The embedded engine.
//!
//! One tree holds every table, one thread writes, and every write is a transaction: it reads,
//! gathers its writes, and applies them in one batch, which is there as a whole or not at all. Below
//! the tree is sled. A reader may see one batch and not yet the next, so a reader of an index takes a row
//! that is missing for one that is gone since.

mod articles;
mod base;
mod claim;
mod consent;
mod editions;
mod engine;
mod gate;
mod fold;
mod hold;
mod ingest;
mod journal;
mod key;
mod lane;
mod large;
mod lease;
mod memtable;
mod outbox;
mod pack;
mod plan;
mod removal;
mod row;
mod settle;
mod sources;
mod subscribers;
mod syncer;
mod table;
mod tree;
mod tx;
mod writer;

use std::{error::Error, path::Path, sync::Arc};

use async_trait::async_trait;

use crate::{
    port::{Health, Result, StoreError},
    secret::Key,
};
use engine::Engine;
use syncer::Syncer;
use tx::Tx;
use writer::{Durability, Writer};

/// Keeps everything in one folder, for one process.
///
/// Dropping it finishes what is queued and writes it to disk.
pub struct SledStore {
    // Dropped first: they hold the engine until their last job is done.
    writer: Writer,
    _syncer: Syncer,
    engine: Arc<Engine>,
}

impl SledStore {
    /// Opens the store in the folder `path`, or creates it there.
    ///
    /// `pepper` hides the addresses of the suppressed: with another one they are forgotten.
    pub fn open(path: &Path, pepper: Key) -> Result<SledStore> {
        let engine = Arc::new(Engine::open(path, pepper)?);
        Ok(SledStore {
            writer: Writer::start(Arc::clone(&engine))?,
            _syncer: Syncer::start(Arc::clone(&engine))?,
            engine,
        })
    }

    async fn read<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let engine = Arc::clone(&self.engine);
        tokio::task::spawn_blocking(move || engine.with(|tx| f(&tx)))
            .await
            .unwrap_or_else(|err| Err(unavailable("read", err)))
    }

    async fn write<T, F>(&self, durability: Durability, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.writer.write(durability, f).await
    }
}

#[async_trait]
impl Health for SledStore {
    async fn check(&self) -> Result<()> {
        self.write(Durability::Journaled, |_| Ok(())).await
    }
}

fn unavailable(doing: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable {
        doing,
        source: Some(source.into()),
    }
}

#[cfg(test)]
mod tests;
