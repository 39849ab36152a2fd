//! The embedded engine.
//!
//! One sled tree holds every table, one thread writes, and every write is a transaction: it reads,
//! gathers its writes, and applies them in one batch. Readers go to sled directly and may see a
//! batch half applied, so a reader of an index takes a row that is missing for one that is not
//! there yet.

mod articles;
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
mod lease;
mod outbox;
mod plan;
mod removal;
mod row;
mod settle;
mod sources;
mod subscribers;
mod table;
mod tx;
mod writer;

use std::{error::Error, path::Path, sync::Arc};

use async_trait::async_trait;

use crate::{
    port::{Health, Result, StoreError},
    secret::Key,
};
use engine::Engine;
use tx::Tx;
use writer::{Durability, Writer};

/// Keeps everything in one folder, for one process.
///
/// Dropping it finishes what is queued and writes it to disk.
pub struct SledStore {
    // Dropped first: it holds the engine until its last job is done.
    writer: Writer,
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
        self.write(Durability::Volatile, |_| Ok(())).await
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
