//! What the storage ports share.

use async_trait::async_trait;

/// Why a store could not do what it was asked.
///
/// One variant per thing that the caller can do differently. The engine's own error is the source.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("no such {what}")]
    NotFound { what: &'static str },
    /// The engine is away, full or shutting down. Nothing was recorded; asking again later is safe.
    #[error("the store cannot {doing}")]
    Unavailable {
        doing: &'static str,
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// Another process holds the store.
    #[error("the store at {path} is in use by another process")]
    Locked { path: String },
    /// A row that this version cannot read.
    #[error("the {table} row {key} cannot be read")]
    Corrupt { table: &'static str, key: String },
}

pub type Result<T> = std::result::Result<T, StoreError>;

/// Says whether a store is in order.
#[async_trait]
pub trait Health: Send + Sync {
    /// Fails while nothing can be recorded, whatever can still be read.
    async fn check(&self) -> Result<()>;
}
