//! Where polling stands, and where we stand with hubs.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Durability, SledStore,
    table::{BROUGHT, HOOK, HUB, PAUSE, POLL, Table},
    tx::{Tx, legible},
};
use crate::{
    id::SourceName,
    port::Result,
    sources::{
        Poll, SourceStore, Standing, Verdict,
        websub::{Subscription, Verification, Verified},
    },
};

#[async_trait]
impl SourceStore for SledStore {
    async fn poll(&self, source: &SourceName) -> Result<Option<Poll>> {
        let source = source.clone();
        self.read(move |tx| tx.get(POLL, &source)).await
    }

    async fn record_quiet(&self, source: &SourceName, poll: &Poll) -> Result<()> {
        let (source, poll) = (source.clone(), poll.clone());
        self.write(Durability::Journaled, move |tx| {
            tx.put(POLL, &source, &poll)
        })
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
            for (source, subscription) in rows(tx, HUB)? {
                standings.entry(source).or_default().subscription = Some(subscription);
            }
            Ok(standings)
        })
        .await
    }

    async fn pause(&self, source: &SourceName, now: DateTime<Utc>) -> Result<()> {
        let source = source.clone();
        self.write(Durability::Journaled, move |tx| {
            match tx.has(PAUSE, &source)? {
                true => Ok(()),
                false => tx.put(PAUSE, &source, &now),
            }
        })
        .await
    }

    async fn resume(&self, source: &SourceName, now: DateTime<Utc>) -> Result<()> {
        let source = source.clone();
        self.write(Durability::Journaled, move |tx| {
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

    async fn subscription(&self, source: &SourceName) -> Result<Option<Subscription>> {
        let source = source.clone();
        self.read(move |tx| tx.get(HUB, &source)).await
    }

    async fn hook(&self, id: &str) -> Result<Option<(SourceName, Subscription)>> {
        let id = id.to_owned();
        self.read(move |tx| find(tx, id)).await
    }

    async fn keep_subscription(
        &self,
        source: &SourceName,
        subscription: &Subscription,
    ) -> Result<()> {
        let (source, subscription) = (source.clone(), subscription.clone());
        self.write(Durability::Journaled, move |tx| {
            forget(tx, &source)?;
            tx.put(HOOK, &subscription.id, &source)?;
            tx.put(HUB, &source, &subscription)
        })
        .await
    }

    async fn subscription_failed(
        &self,
        source: &SourceName,
        id: &str,
        reason: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let (source, id, reason) = (source.clone(), id.to_owned(), reason.to_owned());
        self.write(Durability::Journaled, move |tx| {
            match tx.get(HUB, &source)? {
                Some(kept) if kept.id == id && kept.asked.is_some() => {
                    tx.put(HUB, &source, &kept.failed(reason, now))
                }
                _ => Ok(()),
            }
        })
        .await
    }

    async fn verify_subscription(
        &self,
        id: &str,
        asked: Verification,
        now: DateTime<Utc>,
    ) -> Result<Verdict> {
        let id = id.to_owned();
        self.write(Durability::Journaled, move |tx| {
            let Some((source, subscription)) = find(tx, id)? else {
                return Ok(Verdict::Unasked);
            };
            match subscription.verify(&asked, now) {
                Verified::Subscribed(live) => {
                    tx.put(HUB, &source, &live)?;
                    Ok(Verdict::Confirmed)
                }
                Verified::Ended => {
                    forget(tx, &source)?;
                    Ok(Verdict::Confirmed)
                }
                Verified::Denied(refused) => {
                    tx.put(HUB, &source, &refused)?;
                    Ok(Verdict::Noted)
                }
                Verified::Unasked => Ok(Verdict::Unasked),
            }
        })
        .await
    }

    async fn forget_subscription(&self, source: &SourceName) -> Result<()> {
        let source = source.clone();
        self.write(Durability::Journaled, move |tx| forget(tx, &source))
            .await
    }
}

/// An id with a zero byte would be a longer key than it looks; none that we drew has one.
fn find(tx: &Tx<'_>, id: String) -> Result<Option<(SourceName, Subscription)>> {
    if id.contains('\0') {
        return Ok(None);
    }
    let Some(source) = tx.get(HOOK, &id)? else {
        return Ok(None);
    };
    let subscription = tx.get(HUB, &source)?;
    Ok(subscription
        .filter(|subscription| subscription.id == id)
        .map(|subscription| (source, subscription)))
}

fn forget(tx: &mut Tx<'_>, source: &SourceName) -> Result<()> {
    if let Some(kept) = tx.get(HUB, source)? {
        tx.remove(HOOK, &kept.id);
        tx.remove(HUB, source);
    }
    Ok(())
}

fn rows<V: Serialize + DeserializeOwned>(
    tx: &Tx<'_>,
    table: Table<SourceName, V>,
) -> Result<BTreeMap<SourceName, V>> {
    tx.scan(table.all()).filter_map(legible).collect()
}
