//! Where polling stands.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Durability, SledStore,
    table::{BROUGHT, PAUSE, POLL, Table},
    tx::{Tx, legible},
};
use crate::{
    id::SourceName,
    port::Result,
    sources::{Poll, SourceStore, Standing},
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

    async fn standings(&self) -> Result<BTreeMap<SourceName, Standing>> {
        self.read(|tx| {
            let mut standings: BTreeMap<SourceName, Standing> = BTreeMap::new();
            for (source, poll) in rows(tx, POLL)? {
                standings.entry(source).or_default().poll = Some(poll);
            }
            for (source, at) in rows(tx, PAUSE)? {
                standings.entry(source).or_default().paused = Some(at);
            }
            for (source, n) in rows(tx, BROUGHT)? {
                standings.entry(source).or_default().articles = n;
            }
            Ok(standings)
        })
        .await
    }

    async fn pause(&self, source: &SourceName, now: DateTime<Utc>) -> Result<()> {
        let source = source.clone();
        self.write(Durability::Flushed, move |tx| {
            match tx.has(PAUSE, &source)? {
                true => Ok(()),
                false => tx.put(PAUSE, &source, &now),
            }
        })
        .await
    }

    async fn resume(&self, source: &SourceName, now: DateTime<Utc>) -> Result<()> {
        let source = source.clone();
        self.write(Durability::Flushed, move |tx| {
            tx.remove(PAUSE, &source);
            match tx.get(POLL, &source)? {
                Some(poll) if poll.gone => tx.put(
                    POLL,
                    &source,
                    &Poll {
                        gone: false,
                        next: now,
                        ..poll
                    },
                ),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn paused(&self) -> Result<BTreeMap<SourceName, DateTime<Utc>>> {
        self.read(|tx| rows(tx, PAUSE)).await
    }
}

fn rows<V: Serialize + DeserializeOwned>(
    tx: &Tx<'_>,
    table: Table<SourceName, V>,
) -> Result<BTreeMap<SourceName, V>> {
    tx.scan(table.all()).filter_map(legible).collect()
}
