//! Where polling stands.

use async_trait::async_trait;

use super::{Durability, SledStore, table::POLL};
use crate::{
    id::SourceName,
    port::Result,
    sources::{Poll, SourceStore},
};

#[async_trait]
impl SourceStore for SledStore {
    async fn poll(&self, source: &SourceName) -> Result<Option<Poll>> {
        let source = source.clone();
        self.read(move |tx| tx.get(POLL, &source)).await
    }

    async fn record_quiet(&self, source: &SourceName, poll: &Poll) -> Result<()> {
        let (source, poll) = (source.clone(), poll.clone());
        self.write(Durability::Flushed, move |tx| tx.put(POLL, &source, &poll))
            .await
    }
}
