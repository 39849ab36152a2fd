//! Reads the library into memory.

use std::pin::pin;

use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;

use super::{
    memory::{Memory, Recalled},
    task::{IngestDueSources, off_the_runtime},
};
use crate::{
    library::{Article, Body},
    port,
};

/// Articles that are read at a time.
pub(super) const PAGE: usize = 500;

/// Pages whose texts are in memory at once.
const PAGES: usize = 3;

impl IngestDueSources {
    /// Asks what is in memory; the library is read if it is not there yet.
    pub async fn consult<T>(
        &self,
        ask: impl FnOnce(&Memory) -> T,
        now: DateTime<Utc>,
    ) -> port::Result<T> {
        let mut kept = self.memory.lock().await;
        let memory = match kept.take() {
            Some(memory) => memory,
            None => self.remember(now).await?,
        };
        Ok(ask(kept.insert(memory)))
    }

    /// Reads one page while another is prepared and a third is added.
    pub(super) async fn remember(&self, now: DateTime<Utc>) -> port::Result<Memory> {
        let apart = self.store.apart().await?;
        let memory = Memory::new(self.merits.clone(), apart);
        let window = now - self.merits.window;
        let prepared = self.pages().map(|page| async move {
            let page = page?;
            Ok(off_the_runtime(move || Recalled::of(page, window)).await)
        });
        let (give, take) = mpsc::channel(1);
        let prepare = async move {
            let mut prepared = pin!(prepared.buffered(PAGES));
            while let Some(page) = prepared.next().await {
                if give.send(page?).await.is_err() {
                    break;
                }
            }
            Ok(())
        };
        let add = off_the_runtime(move || added(memory, take));
        let (prepared, memory) = tokio::join!(prepare, add);
        prepared.map(|()| memory)
    }

    /// All articles with their texts, in the order of their ids.
    fn pages(&self) -> impl Stream<Item = port::Result<Vec<(Article, Body)>>> {
        stream::try_unfold(None, async move |after| {
            let page = self.articles.page(after, PAGE).await?;
            let last = page.last().map(|(last, _)| last.id);
            Ok(last.map(|last| (page, Some(last))))
        })
    }
}

fn added(mut memory: Memory, mut pages: mpsc::Receiver<Recalled>) -> Memory {
    while let Some(page) = pages.blocking_recv() {
        memory.recall(&page);
    }
    memory.settle();
    memory
}
