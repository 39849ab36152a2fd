//! Taking articles out of the library again.

use chrono::{DateTime, Utc};

use super::{Split, task::IngestDueSources};
use crate::{
    dedupe::fingerprint,
    id::{ArticleId, SourceName},
    library::Article,
    port,
};

/// What came of taking back what a source had pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// It is gone now, whether or not it was before.
    Gone,
    /// The source never brought it.
    Unknown,
}

impl IngestDueSources {
    /// Removes articles and returns those that were there.
    pub async fn remove(
        &self,
        ids: &[ArticleId],
        now: DateTime<Utc>,
    ) -> port::Result<Vec<Article>> {
        let mut kept = self.memory.lock().await;
        // Should this be given up half-way, the library is read anew.
        let mut memory = kept.take();
        let removed = self.store.remove(ids, now).await?;
        for article in &removed {
            memory
                .iter_mut()
                .for_each(|memory| memory.remove(article.id));
        }
        *kept = memory;
        Ok(removed)
    }

    /// Makes what came under `id` an article of its own again.
    pub async fn split(&self, id: ArticleId) -> port::Result<Split> {
        let mut kept = self.memory.lock().await;
        let split = self.store.split(id).await?;
        if let Split::Apart(..) = split {
            *kept = None;
        }
        Ok(split)
    }

    /// The article that `source` brought under `guid`, also one that was removed since.
    pub async fn article_of(
        &self,
        source: &SourceName,
        guid: &str,
    ) -> port::Result<Option<ArticleId>> {
        let print = fingerprint::guid(source, guid);
        let known = self.store.known(&[print]).await?;
        Ok(known.get(&print).map(|trace| trace.article))
    }

    /// Takes back what `source` brought under `guid`: the article, or the source's entry among the
    /// reprints of another source's article.
    pub async fn withdraw(
        &self,
        source: &SourceName,
        guid: &str,
        now: DateTime<Utc>,
    ) -> port::Result<Withdrawn> {
        let print = fingerprint::guid(source, guid);
        let known = self.store.known(&[print]).await?;
        let Some(trace) = known.get(&print) else {
            return Ok(Withdrawn::Unknown);
        };
        if trace.represents {
            // What is folded into another article leaves that one to its other carriers.
            self.split(trace.article).await?;
            self.remove(&[trace.article], now).await?;
        } else {
            let _judging = self.memory.lock().await;
            self.store.unfold(trace.article, source, guid).await?;
        }
        Ok(Withdrawn::Gone)
    }
}
