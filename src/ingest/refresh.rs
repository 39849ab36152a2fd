//! Relates articles anew that were there before earlier ones came.

use super::task::{IngestDueSources, off_the_runtime};
use crate::port;

/// Articles that are read and related at a time; nobody judges meanwhile.
const PAGE: usize = 200;

impl IngestDueSources {
    /// Makes the lists of related articles as if all articles had come in the order of their dates.
    ///
    /// What is left when the program ends stays as it was first computed.
    pub async fn refresh(&self) -> port::Result<()> {
        while !self.retired.is_cancelled() && self.refresh_some().await? {}
        Ok(())
    }

    /// Returns whether there may be more.
    async fn refresh_some(&self) -> port::Result<bool> {
        let mut kept = self.memory.lock().await;
        let Some(memory) = &mut *kept else {
            return Ok(false);
        };
        let ids = memory.take_outdated(PAGE);
        if ids.is_empty() {
            return Ok(false);
        }
        let mut read = Vec::with_capacity(ids.len());
        for article in self.articles.articles(&ids).await? {
            let body = self.articles.body(article.id).await?.unwrap_or_default();
            read.push((article, body));
        }
        let Some(mut memory) = kept.take() else {
            return Ok(false);
        };
        let (memory, related) = off_the_runtime(move || {
            let anew = read.iter().filter_map(|(article, body)| {
                let related = memory.relate_anew(article, body)?;
                Some((article.id, related))
            });
            let related: Vec<_> = anew.collect();
            (memory, related)
        })
        .await;
        *kept = Some(memory);
        self.store.relate(related).await?;
        Ok(true)
    }
}
