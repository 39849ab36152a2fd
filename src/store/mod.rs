//! Where it is all kept.

pub mod sled;

use crate::{
    delivery::OutboxStore, editions::EditionStore, ingest::IngestStore, library::ArticleStore,
    port::Health, sources::SourceStore, subscribers::SubscriberStore,
};

/// All ports in one: what an engine implements.
pub trait Store:
    SourceStore + IngestStore + ArticleStore + EditionStore + SubscriberStore + OutboxStore + Health
{
}

impl<T> Store for T where
    T: SourceStore
        + IngestStore
        + ArticleStore
        + EditionStore
        + SubscriberStore
        + OutboxStore
        + Health
{
}
