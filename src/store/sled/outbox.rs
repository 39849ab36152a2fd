//! What is planned, in hand and done.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    Durability, SledStore,
    claim::{Turn, claim},
    gate, hold, lane,
    plan::{self, Begun},
    settle,
    table::{CONTENT, DELIVERY, DUE, ISSUE, PLAN, SEAL, TALLY, USAGE},
    tx::{Tx, legible},
};
use crate::{
    delivery::{
        Claim, Claimed, Content, Delivery, Held, Hold, Issue, OutboxStore, Plan, Planned, Reach,
        Recipient, Seal, Settle, Tally, Usage,
    },
    id::{ContentId, DeliveryId, GroupName, SubscriberId},
    port::Result,
};

#[async_trait]
impl OutboxStore for SledStore {
    async fn plan(&self, plan: Plan) -> Result<Planned> {
        let plan = Arc::new(plan);
        let asked = Arc::clone(&plan);
        let begun = self
            .write(Durability::Synced, move |tx| plan::begin(tx, &asked))
            .await?;
        let (content, recipients) = match begun {
            Begun::Done(planned) => return Ok(planned),
            Begun::Large {
                content,
                recipients,
            } => (content, recipients),
        };
        let planned = self.plan_for(content, plan, Arc::new(recipients)).await;
        if planned.is_err() {
            // What cannot be swept now is swept when the store opens.
            let _swept = self
                .write(Durability::Journaled, move |tx| plan::sweep(tx, content))
                .await;
        }
        planned
    }

    async fn planned_as(&self, key: &str) -> Result<Option<ContentId>> {
        let key = key.to_owned();
        self.read(move |tx| tx.get(PLAN, &key)).await
    }

    async fn claim_due(&self, ask: Claim, now: DateTime<Utc>) -> Result<Option<Claimed>> {
        loop {
            let ask = ask.clone();
            let turn = self
                .write(Durability::Journaled, move |tx| claim(tx, &ask, now))
                .await?;
            match turn {
                Turn::Claimed(claimed) => return Ok(Some(*claimed)),
                Turn::NothingDue => return Ok(None),
                Turn::NoneSoFar => {}
            }
        }
    }

    async fn settle(&self, done: Settle, now: DateTime<Utc>) -> Result<()> {
        self.write(Durability::Journaled, move |tx| {
            settle::settle(tx, done, now)
        })
        .await
    }

    async fn settle_and_claim(
        &self,
        done: Settle,
        ask: Claim,
        now: DateTime<Utc>,
    ) -> Result<Option<Claimed>> {
        let asked = ask.clone();
        let turn = self
            .write(Durability::Journaled, move |tx| {
                settle::settle(tx, done, now)?;
                // Whatever becomes of the claim, this is recorded.
                tx.apply()?;
                claim(tx, &asked, now)
            })
            .await?;
        match turn {
            Turn::Claimed(claimed) => Ok(Some(*claimed)),
            Turn::NothingDue => Ok(None),
            Turn::NoneSoFar => self.claim_due(ask, now).await,
        }
    }

    async fn release_leases(&self, now: DateTime<Utc>) -> Result<u64> {
        self.write(Durability::Journaled, move |tx| settle::release(tx, now))
            .await
    }

    async fn is_in_hand(&self, subscriber: SubscriberId) -> Result<bool> {
        self.read(move |tx| Ok(tx.leases().are_held_for(subscriber)))
            .await
    }

    async fn is_admitted(&self, id: DeliveryId, now: DateTime<Utc>) -> Result<bool> {
        self.read(move |tx| {
            let (Some(lease), Some(issue)) = (tx.lease(id), tx.get(ISSUE, &id.content)?) else {
                return Ok(false);
            };
            Ok(gate::admit(tx, &issue, &lease.row.to(id), now)?.is_ok())
        })
        .await
    }

    async fn content(&self, id: ContentId) -> Result<Option<Content>> {
        self.read(move |tx| tx.get(CONTENT, &id)).await
    }

    async fn deliveries(&self, limit: usize) -> Result<Vec<Delivery>> {
        self.read(move |tx| shown(tx, tx.scan_back(DELIVERY.all()).keys(), limit))
            .await
    }

    async fn deliveries_of(&self, from: DeliveryId, limit: usize) -> Result<Vec<Delivery>> {
        self.read(move |tx| {
            let span = DELIVERY.rest(&from.content, &from);
            shown(tx, tx.scan(span).keys(), limit)
        })
        .await
    }

    async fn deliveries_to(&self, subscriber: SubscriberId) -> Result<Vec<Delivery>> {
        self.read(move |tx| {
            let ids = tx.scan_back(ISSUE.all()).keys().map(|content| {
                Ok(DeliveryId {
                    content: content?,
                    recipient: subscriber,
                })
            });
            shown(tx, ids, usize::MAX)
        })
        .await
    }

    async fn next_due(&self) -> Result<Option<DateTime<Utc>>> {
        self.read(next_due).await
    }

    async fn waiting(&self) -> Result<BTreeMap<GroupName, u64>> {
        self.read(lane::waiting).await
    }

    async fn tally(&self, id: ContentId) -> Result<Tally> {
        self.read(move |tx| {
            let stored = tx.get(TALLY, &id)?.unwrap_or_default();
            Ok(tx.leases().recount(id, stored))
        })
        .await
    }

    async fn issues(&self, limit: usize) -> Result<Vec<Issue>> {
        self.read(move |tx| {
            let issues = tx.scan_back(ISSUE.all()).filter_map(legible).take(limit);
            let told = issues.map(|row| {
                let (content, issue) = row?;
                let stored = tx.get(TALLY, &content)?.unwrap_or_default();
                Ok(issue.shown(content, tx.leases().recount(content, stored)))
            });
            told.collect()
        })
        .await
    }

    async fn hold(&self, reach: Reach, hold: Hold, refused: Vec<DeliveryId>) -> Result<()> {
        self.write(Durability::Synced, move |tx| {
            hold::put(tx, &reach, &hold)?;
            settle::retry(tx, &refused, hold.at).map(drop)
        })
        .await
    }

    async fn lift(&self, reach: Reach) -> Result<bool> {
        self.write(Durability::Synced, move |tx| hold::lift(tx, &reach))
            .await
    }

    async fn holds(&self) -> Result<Vec<Held>> {
        self.read(hold::all).await
    }

    async fn usage(&self, since: DateTime<Utc>) -> Result<Vec<Usage>> {
        self.read(move |tx| {
            let rows = tx.scan(USAGE.all()).filter_map(legible);
            let usage = rows.map(|row| {
                row.map(|((relay, group, hour), attempts)| Usage {
                    relay,
                    group,
                    hour,
                    attempts,
                })
            });
            usage
                .filter(|row| row.as_ref().map_or(true, |usage| usage.hour >= since))
                .collect()
        })
        .await
    }

    async fn seal(&self) -> Result<Option<Seal>> {
        self.read(|tx| tx.get(SEAL, &String::new())).await
    }

    async fn set_seal(&self, seal: Seal) -> Result<()> {
        self.write(Durability::Synced, move |tx| {
            tx.put(SEAL, &String::new(), &seal)
        })
        .await
    }

    async fn retry(&self, ids: Vec<DeliveryId>, now: DateTime<Utc>) -> Result<u64> {
        self.write(Durability::Journaled, move |tx| {
            settle::retry(tx, &ids, now)
        })
        .await
    }
}

impl SledStore {
    async fn plan_for(
        &self,
        content: ContentId,
        plan: Arc<Plan>,
        recipients: Arc<Vec<Recipient>>,
    ) -> Result<Planned> {
        for first in (0..recipients.len()).step_by(plan::BATCH) {
            let (plan, all) = (Arc::clone(&plan), Arc::clone(&recipients));
            self.write(Durability::Journaled, move |tx| {
                let some = &all[first..all.len().min(first + plan::BATCH)];
                plan::write(tx, &plan, content, some)
            })
            .await?;
        }
        let n = recipients.len() as u64;
        self.write(Durability::Synced, move |tx| {
            plan::finish(tx, &plan, content, n)
        })
        .await
    }
}

/// Those of `ids` that are there and can be read.
fn shown(
    tx: &Tx<'_>,
    ids: impl Iterator<Item = Result<DeliveryId>>,
    limit: usize,
) -> Result<Vec<Delivery>> {
    let deliveries = ids.filter_map(|id| one(tx, id).transpose());
    deliveries.filter_map(legible).take(limit).collect()
}

fn one(tx: &Tx<'_>, id: Result<DeliveryId>) -> Result<Option<Delivery>> {
    let id = id?;
    let (row, issue) = (tx.get(DELIVERY, &id)?, tx.get(ISSUE, &id.content)?);
    let delivery = row.zip(issue).map(|(row, issue)| row.shown(id, &issue));
    Ok(delivery.map(|delivery| tx.leases().show(delivery)))
}

/// A delivery that is in hand falls due when its lease runs out.
fn next_due(tx: &Tx<'_>) -> Result<Option<DateTime<Utc>>> {
    let leases = tx.leases().all();
    let mut first = leases.iter().map(|(_, lease)| lease.until).min();
    for lane in lane::all(tx)? {
        for row in tx.scan(DUE.within(&lane)).keys() {
            let (_, due, id) = row?;
            if tx.lease(id).is_none() {
                first = Some(first.map_or(due, |first| first.min(due)));
                break;
            }
        }
    }
    Ok(first)
}
