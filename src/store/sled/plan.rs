//! Planning: who gets a content, written down before anybody gets it.

use chrono::{DateTime, Utc};

use super::{
    gate,
    table::{AUDIENCE, BEGUN, CONTENT, DELIVERY, DUE, PLAN, SUBSCRIBER, TALLY},
    tx::Tx,
};
use crate::{
    delivery::{Audience, Delivery, Plan, Planned, Recipient, Status, Tally},
    id::{ContentId, DeliveryId},
    port::Result,
};

/// How many deliveries of a plan are written at a time.
const BATCH: usize = 2_000;

pub(super) fn write(tx: &mut Tx<'_>, plan: Plan) -> Result<Planned> {
    if let Some(content) = tx.get(PLAN, &plan.key)? {
        return Ok(Planned::Already(content));
    }
    sweep(tx)?;
    let recipients = audience(tx, &plan)?;
    let deliveries = recipients.len() as u64;
    let content = ContentId(tx.take("content", 1)?);
    let begun = write_deliveries(tx, &plan, content, recipients)?;
    let tally = Tally {
        scheduled: deliveries,
        ..Tally::default()
    };
    tx.put(TALLY, &content, &tally)?;
    tx.put(CONTENT, &content, &plan.content)?;
    tx.put(PLAN, &plan.key, &content)?;
    tx.remove(BEGUN, &begun);
    tx.set_front(None);
    Ok(Planned::New {
        content,
        deliveries,
    })
}

/// Writes a plan's deliveries, batch after batch: one alone would take some 8 KB a delivery.
///
/// Until the last batch brings the tally none of them can be claimed, so a plan that comes to
/// nothing half-way was never made. Their numbers are used up by the first batch and never come
/// again.
pub(super) fn write_deliveries(
    tx: &mut Tx<'_>,
    plan: &Plan,
    content: ContentId,
    recipients: Vec<Recipient>,
) -> Result<Begun> {
    let deliveries = recipients.len() as u64;
    let first = DeliveryId(tx.take("delivery", deliveries)?);
    let begun = (plan.now, first, deliveries);
    tx.put(BEGUN, &begun, &())?;
    for (n, (id, to)) in ids(&begun).zip(recipients).enumerate() {
        if n > 0 && n % BATCH == 0 {
            tx.apply()?;
        }
        let delivery = Delivery {
            id,
            content,
            purpose: plan.content.purpose,
            edition: plan.content.edition.clone(),
            to,
            status: Status::Scheduled { due: plan.now },
            attempts: 0,
        };
        tx.put(DELIVERY, &id, &delivery)?;
        tx.put(DUE, &(plan.now, id), &())?;
    }
    Ok(begun)
}

/// Removes what plans left behind that came to nothing half-way.
pub(super) fn sweep(tx: &mut Tx<'_>) -> Result<()> {
    for row in tx.scan(BEGUN.all()).keys() {
        let begun = row?;
        for (n, id) in ids(&begun).enumerate() {
            if n > 0 && n % BATCH == 0 {
                tx.apply()?;
            }
            tx.remove(DELIVERY, &id);
            tx.remove(DUE, &(begun.0, id));
        }
        tx.remove(BEGUN, &begun);
        tx.apply()?;
    }
    Ok(())
}

/// When a plan falls due, its first delivery, and how many there are.
type Begun = (DateTime<Utc>, DeliveryId, u64);

fn ids((_, first, deliveries): &Begun) -> impl Iterator<Item = DeliveryId> + use<> {
    (first.0..first.0 + deliveries).map(DeliveryId)
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
