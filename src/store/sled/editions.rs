//! Digests, and how far each rule has come.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    Durability, SledStore,
    table::{DIGEST, PROGRESS, UNPLANNED},
    tx::{Tx, legible},
};
use crate::{
    editions::{Close, Closed, Digest, EditionStore, Progress},
    id::{DigestName, EditionSlug},
    parts::Window,
    port::{Result, StoreError},
};

#[async_trait]
impl EditionStore for SledStore {
    async fn progress(
        &self,
        edition: &EditionSlug,
        name: &DigestName,
        now: DateTime<Utc>,
    ) -> Result<Progress> {
        let rule = (edition.clone(), name.clone());
        self.write(Durability::Journaled, move |tx| {
            if let Some(progress) = tx.get(PROGRESS, &rule)? {
                return Ok(progress);
            }
            let progress = Progress {
                slot: now,
                from: None,
            };
            tx.put(PROGRESS, &rule, &progress)?;
            Ok(progress)
        })
        .await
    }

    async fn close(&self, close: Close) -> Result<Closed> {
        self.write(Durability::Journaled, move |tx| write_digest(tx, close))
            .await
    }

    async fn pass(&self, edition: &EditionSlug, name: &DigestName, window: Window) -> Result<()> {
        let rule = (edition.clone(), name.clone());
        self.write(Durability::Journaled, move |tx| {
            if let Some(progress) = tx.get(PROGRESS, &rule)?
                && window.to <= progress.slot
            {
                return Ok(());
            }
            let progress = Progress {
                slot: window.to,
                from: Some(window.from),
            };
            tx.put(PROGRESS, &rule, &progress)
        })
        .await
    }

    async fn unplanned(&self) -> Result<Vec<Digest>> {
        self.read(|tx| {
            tx.scan(UNPLANNED.all())
                .filter_map(|row| match row {
                    Ok((key, ())) => tx.get(DIGEST, &key).transpose(),
                    Err(err) => Some(Err(err)),
                })
                .filter_map(legible)
                .collect()
        })
        .await
    }

    async fn planned(&self, edition: &EditionSlug, number: u32) -> Result<()> {
        let key = (edition.clone(), number);
        self.write(Durability::Journaled, move |tx| {
            let digest = tx
                .get(DIGEST, &key)?
                .ok_or(StoreError::NotFound { what: "digest" })?;
            if digest.planned {
                return Ok(());
            }
            tx.remove(UNPLANNED, &key);
            let planned = Digest {
                planned: true,
                ..digest
            };
            tx.put(DIGEST, &key, &planned)
        })
        .await
    }

    async fn digest(&self, edition: &EditionSlug, number: u32) -> Result<Option<Digest>> {
        let key = (edition.clone(), number);
        self.read(move |tx| tx.get(DIGEST, &key)).await
    }

    async fn digests(&self, edition: &EditionSlug, limit: usize) -> Result<Vec<Digest>> {
        let edition = edition.clone();
        self.read(move |tx| {
            tx.scan_back(DIGEST.within(&edition))
                .map(|row| row.map(|(_, digest)| digest))
                .filter_map(legible)
                .take(limit)
                .collect()
        })
        .await
    }
}

fn write_digest(tx: &mut Tx<'_>, close: Close) -> Result<Closed> {
    let rule = (close.edition.clone(), close.name.clone());
    if let Some(progress) = tx.get(PROGRESS, &rule)?
        && close.slot <= progress.slot
    {
        return Ok(Closed::Already);
    }
    let latest = tx.scan_back(DIGEST.within(&close.edition)).next_key();
    let number = latest.transpose()?.map_or(1, |(_, number)| number + 1);
    let digest = Digest {
        edition: close.edition,
        name: close.name,
        number,
        slot: close.slot,
        window: close.window,
        articles: close.articles,
        planned: false,
    };
    let key = (digest.edition.clone(), number);
    let progress = Progress {
        slot: close.slot,
        from: Some(close.window.to),
    };
    tx.put(PROGRESS, &rule, &progress)?;
    tx.put(UNPLANNED, &key, &())?;
    tx.put(DIGEST, &key, &digest)?;
    Ok(Closed::New(digest))
}
