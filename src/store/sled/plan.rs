//! Planning: who gets a content, written down before anybody gets it.
//!
//! A large plan is written in many transactions, so that nobody waits for it, an opt-out least of
//! all. Until the last one its deliveries cannot be claimed; a plan that comes to nothing half-way
//! was never made.

use super::{
    gate,
    lane::{self, Lane},
    row::{DeliveryRow, IssueRow, kept},
    table::{AUDIENCE, BEGUN, CONTENT, DELIVERY, DUE, ISSUE, PLAN, SUBSCRIBER, TALLY},
    tx::{Tx, legible},
};
use crate::{
    delivery::{Audience, Plan, Planned, Recipient, Status, Tally},
    id::{ContentId, DeliveryId, GroupName},
    port::Result,
};

/// How many deliveries are written at a time.
pub(super) const BATCH: usize = 2_000;

/// A plan that was asked for.
pub(super) enum Begun {
    Done(Planned),
    /// It is to be written in parts.
    Large {
        content: ContentId,
        recipients: Vec<Recipient>,
    },
}

/// Freezes the audience, and writes the plan if that is done at once. The number of the content is used up and never comes again.
pub(super) fn begin(tx: &mut Tx<'_>, plan: &Plan) -> Result<Begun> {
    if let Some(content) = tx.get(PLAN, &plan.key)? {
        return Ok(Begun::Done(Planned::Already(content)));
    }
    let recipients = audience(tx, plan)?;
    let content = ContentId(tx.take("content", 1)?);
    if recipients.len() <= BATCH {
        write(tx, plan, content, &recipients)?;
        let planned = finish(tx, plan, content, recipients.len() as u64)?;
        return Ok(Begun::Done(planned));
    }
    tx.put(BEGUN, &content, &())?;
    Ok(Begun::Large {
        content,
        recipients,
    })
}

pub(super) fn write(
    tx: &mut Tx<'_>,
    plan: &Plan,
    content: ContentId,
    recipients: &[Recipient],
) -> Result<()> {
    let due = kept(plan.now);
    for to in recipients {
        let id = DeliveryId {
            content,
            recipient: to.number(),
        };
        let group = group(tx, plan, to)?;
        let lane = Lane::of(plan.content.purpose, &group);
        tx.put(DUE, &lane.at((due, id)), &())?;
        tx.expose(lane, (due, id));
        let address = match to {
            Recipient::Address(address) => Some(address.clone()),
            Recipient::Subscriber(_) => None,
        };
        let row = DeliveryRow {
            address,
            group,
            status: Status::Scheduled { due },
            attempts: 0,
            via: None,
            earlier: Vec::new(),
        };
        tx.put(DELIVERY, &id, &row)?;
    }
    Ok(())
}

/// Has the deliveries claimed from now on, unless the same plan was made meanwhile.
pub(super) fn finish(
    tx: &mut Tx<'_>,
    plan: &Plan,
    content: ContentId,
    deliveries: u64,
) -> Result<Planned> {
    if let Some(other) = tx.get(PLAN, &plan.key)? {
        sweep(tx, content)?;
        return Ok(Planned::Already(other));
    }
    let tally = Tally {
        scheduled: deliveries,
        ..Tally::default()
    };
    let issue = IssueRow {
        purpose: plan.content.purpose,
        edition: plan.content.edition.clone(),
        planned: plan.now,
        stale: plan.stale,
    };
    tx.put(TALLY, &content, &tally)?;
    tx.put(ISSUE, &content, &issue)?;
    tx.put(CONTENT, &content, &plan.content)?;
    tx.put(PLAN, &plan.key, &content)?;
    tx.remove(BEGUN, &content);
    tx.rewind();
    Ok(Planned::New {
        content,
        deliveries,
    })
}

/// Where a recipient's mailbox is.
fn group(tx: &Tx<'_>, plan: &Plan, to: &Recipient) -> Result<GroupName> {
    Ok(match to {
        Recipient::Address(address) => plan.destinations.of(address.domain()).clone(),
        Recipient::Subscriber(id) => {
            let subscriber = legible(tx.get(SUBSCRIBER, id)).transpose()?.flatten();
            let group = subscriber.map(|one| plan.destinations.of(one.address.domain()).clone());
            group.unwrap_or_else(GroupName::other)
        }
    })
}

/// Removes what every plan left behind that came to nothing half-way; for a store that opens.
pub(super) fn sweep_all(tx: &mut Tx<'_>) -> Result<()> {
    for content in tx.scan(BEGUN.all()).keys() {
        sweep(tx, content?)?;
    }
    tx.apply()
}

/// Removes what was written of a plan, unless it was finished after all.
pub(super) fn sweep(tx: &mut Tx<'_>, content: ContentId) -> Result<()> {
    if !tx.has(BEGUN, &content)? {
        return Ok(());
    }
    for lane in lane::all(tx)? {
        let due = tx.scan(DUE.within(&lane)).keys();
        let theirs = due.filter(|key| key.as_ref().map_or(true, |key| key.2.content == content));
        for (n, key) in theirs.enumerate() {
            tx.remove(DUE, &key?);
            pause(tx, n)?;
        }
    }
    for (n, key) in tx.scan(DELIVERY.within(&content)).keys().enumerate() {
        tx.remove(DELIVERY, &key?);
        pause(tx, n)?;
    }
    tx.remove(BEGUN, &content);
    Ok(())
}

/// Applies what was gathered every so often.
fn pause(tx: &mut Tx<'_>, n: usize) -> Result<()> {
    match n % BATCH == BATCH - 1 {
        true => tx.apply(),
        false => Ok(()),
    }
}

/// Everybody whom the plan names, but for the suppressed.
fn audience(tx: &Tx<'_>, plan: &Plan) -> Result<Vec<Recipient>> {
    let (to, address) = match &plan.audience {
        Audience::Subscribed => {
            return tx
                .scan(AUDIENCE.within(&plan.content.edition))
                .keys()
                .map(|row| row.map(|(_, id)| Recipient::Subscriber(id)))
                .collect();
        }
        Audience::One(id) => match tx.get(SUBSCRIBER, id)? {
            Some(subscriber) => (Recipient::Subscriber(*id), subscriber.address),
            None => return Ok(Vec::new()),
        },
        Audience::Address(address) => (Recipient::Address(address.clone()), address.clone()),
    };
    let suppressed = gate::is_suppressed(tx, plan.content.purpose, &address)?;
    Ok(if suppressed { Vec::new() } else { vec![to] })
}
