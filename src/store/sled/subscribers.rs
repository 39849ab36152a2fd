//! People, their subscriptions, and the record of their consent.
//!
//! Every write here is synced: an opt-out that was answered survives a power cut.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    Durability, SledStore, consent,
    table::{ADDRESS, CONFIRMED, CONSENT, SUBSCRIBER, SUBSCRIPTION, UNCONFIRMED},
    tx::{Tx, legible},
};
use crate::{
    id::{EditionSlug, SubscriberId},
    port::{Result, StoreError},
    subscribers::{
        ConsentEvent, How, Profile, Request, Requested, Scope, SubscriberStore, Unconfirmed,
        address::EmailAddress,
        suppression::{SuppressedBy, Suppression},
    },
};

#[async_trait]
impl SubscriberStore for SledStore {
    async fn request(&self, requests: Vec<Request>, now: DateTime<Utc>) -> Result<Vec<Requested>> {
        self.write(Durability::Synced, move |tx| {
            requests
                .into_iter()
                .map(|request| consent::request(tx, request, now))
                .collect()
        })
        .await
    }

    async fn confirm(
        &self,
        subscriber: SubscriberId,
        edition: &EditionSlug,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let edition = edition.clone();
        self.write(Durability::Synced, move |tx| {
            consent::confirm(tx, subscriber, edition, now)
        })
        .await
    }

    async fn withdraw(
        &self,
        subscriber: SubscriberId,
        scope: &Scope,
        how: How,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let scope = scope.clone();
        self.write(Durability::Synced, move |tx| match scope {
            Scope::Edition(edition) => consent::withdraw(tx, subscriber, edition, how, now),
            Scope::Everything => consent::withdraw_everything(tx, subscriber, how, now),
        })
        .await
    }

    async fn suppress(&self, address: &EmailAddress, now: DateTime<Utc>) -> Result<()> {
        let address = address.clone();
        let order = Suppression {
            by: SuppressedBy::Operator,
            at: now,
        };
        self.write(Durability::Synced, move |tx| {
            consent::suppress(tx, &address, order)
        })
        .await
    }

    async fn find(&self, address: &EmailAddress) -> Result<Option<Profile>> {
        let canonical = address.canonical();
        self.read(move |tx| match tx.get(ADDRESS, &canonical)? {
            Some(id) => profile(tx, id),
            None => Ok(None),
        })
        .await
    }

    async fn profile(&self, id: SubscriberId) -> Result<Option<Profile>> {
        self.read(move |tx| profile(tx, id)).await
    }

    async fn profiles(&self, after: Option<SubscriberId>, limit: usize) -> Result<Vec<Profile>> {
        self.read(move |tx| {
            let span = match after {
                None => ADDRESS.all(),
                Some(id) => {
                    let last = tx.get(SUBSCRIBER, &id)?;
                    let last = last.ok_or(StoreError::NotFound { what: "subscriber" })?;
                    ADDRESS.after(&last.address.canonical())
                }
            };
            tx.scan(span)
                .filter_map(|row| row.and_then(|(_, id)| profile(tx, id)).transpose())
                .filter_map(legible)
                .take(limit)
                .collect()
        })
        .await
    }

    async fn unconfirmed(&self, limit: usize) -> Result<Vec<Unconfirmed>> {
        self.read(move |tx| {
            tx.scan(UNCONFIRMED.all())
                .filter_map(legible)
                .take(limit)
                .map(|row| {
                    row.map(|((since, subscriber, edition), ())| Unconfirmed {
                        subscriber,
                        edition,
                        since,
                    })
                })
                .collect()
        })
        .await
    }

    async fn asked(&self, unconfirmed: &Unconfirmed) -> Result<()> {
        let Unconfirmed {
            subscriber,
            edition,
            since,
        } = unconfirmed.clone();
        let key = (since, subscriber, edition);
        self.write(Durability::Synced, move |tx| {
            if tx.has(UNCONFIRMED, &key)? {
                tx.remove(UNCONFIRMED, &key);
            }
            Ok(())
        })
        .await
    }

    async fn count(&self, edition: &EditionSlug) -> Result<u64> {
        let edition = edition.clone();
        self.read(move |tx| Ok(tx.get(CONFIRMED, &edition)?.unwrap_or(0)))
            .await
    }

    async fn consent(&self, id: SubscriberId) -> Result<Vec<ConsentEvent>> {
        self.read(move |tx| {
            tx.scan(CONSENT.within(&id))
                .map(|row| row.map(|(_, event)| event))
                .filter_map(legible)
                .collect()
        })
        .await
    }
}

fn profile(tx: &Tx<'_>, id: SubscriberId) -> Result<Option<Profile>> {
    let Some(subscriber) = tx.get(SUBSCRIBER, &id)? else {
        return Ok(None);
    };
    let subscriptions = tx
        .scan(SUBSCRIPTION.within(&id))
        .map(|row| row.map(|((_, edition), subscription)| (edition, subscription)))
        .collect::<Result<_>>()?;
    let suppressed = tx.suppression(&subscriber.address)?;
    Ok(Some(Profile {
        subscriber,
        subscriptions,
        suppressed,
    }))
}
