//! Every change of consent: what a subscription becomes, and the line of evidence for it.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    table::{ADDRESS, AUDIENCE, CONFIRMED, CONSENT, SUBSCRIBER, SUBSCRIPTION, UNCONFIRMED},
    tx::Tx,
};
use crate::{
    id::{EditionSlug, SubscriberId},
    port::Result,
    subscribers::{
        ASK_AGAIN_MINUTES, Confirm, ConsentChange, ConsentEvent, How, Request, Requested,
        Subscriber, Subscription,
        address::EmailAddress,
        suppression::{SuppressedBy, Suppression},
    },
};

/// Enters somebody for an edition, unless an opt-out stands against it.
pub(super) fn request(tx: &mut Tx<'_>, request: Request, now: DateTime<Utc>) -> Result<Requested> {
    let suppressed = tx.suppression(&request.address)?.map(|order| order.by);
    let id = tx.get(ADDRESS, &request.address.canonical())?;
    let held = match id {
        Some(id) => tx.get(SUBSCRIPTION, &(id, request.edition.clone()))?,
        None => None,
    };
    if is_barred(request.confirm, suppressed, held.as_ref()) {
        return Ok(Requested::OptedOut);
    }
    if let Some(id) = id
        && is_settled(request.confirm, held.as_ref(), now)
    {
        return Ok(Requested::Already(id));
    }
    let id = match id {
        Some(id) => id,
        None => enrol(tx, request.address, request.name, now)?,
    };
    let (subscription, change, requested) = match request.confirm {
        Confirm::Required => (
            Subscription::Pending { since: now },
            ConsentChange::Requested,
            Requested::Pending(id),
        ),
        Confirm::Waived => (
            Subscription::Confirmed { at: now },
            ConsentChange::Confirmed,
            Requested::Confirmed(id),
        ),
    };
    let edition = request.edition;
    turn(tx, id, &edition, subscription)?;
    note(tx, id, Some(edition), change, request.how, now)?;
    Ok(requested)
}

/// A person's opt-out stands against everybody else's word for them; an operator's suppression
/// stands against the person's as well.
fn is_barred(
    confirm: Confirm,
    suppressed: Option<SuppressedBy>,
    held: Option<&Subscription>,
) -> bool {
    match (suppressed, confirm) {
        (Some(SuppressedBy::Operator), _)
        | (Some(SuppressedBy::Person | SuppressedBy::Bounce), Confirm::Waived) => true,
        (None, Confirm::Waived) => matches!(held, Some(Subscription::Unsubscribed { .. })),
        (Some(SuppressedBy::Person | SuppressedBy::Bounce) | None, Confirm::Required) => false,
    }
}

/// Tells whether a request would change nothing.
fn is_settled(confirm: Confirm, held: Option<&Subscription>, now: DateTime<Utc>) -> bool {
    match held {
        Some(Subscription::Confirmed { .. }) => true,
        Some(Subscription::Pending { since }) => {
            confirm == Confirm::Required && now - *since < TimeDelta::minutes(ASK_AGAIN_MINUTES)
        }
        Some(Subscription::Unsubscribed { .. }) | None => false,
    }
}

fn enrol(
    tx: &mut Tx<'_>,
    address: EmailAddress,
    name: Option<String>,
    now: DateTime<Utc>,
) -> Result<SubscriberId> {
    let id = SubscriberId(tx.take("subscriber", 1)?);
    tx.put(ADDRESS, &address.canonical(), &id)?;
    let subscriber = Subscriber {
        id,
        address,
        name,
        created: now,
    };
    tx.put(SUBSCRIBER, &id, &subscriber)?;
    Ok(id)
}

/// Confirms what is pending. A subscription that was ended since it was asked for stays ended.
pub(super) fn confirm(
    tx: &mut Tx<'_>,
    id: SubscriberId,
    edition: EditionSlug,
    now: DateTime<Utc>,
) -> Result<bool> {
    match tx.get(SUBSCRIPTION, &(id, edition.clone()))? {
        Some(Subscription::Confirmed { .. }) => return Ok(true),
        Some(Subscription::Unsubscribed { .. }) | None => return Ok(false),
        Some(Subscription::Pending { .. }) => {}
    }
    let Some(Subscriber { address, .. }) = tx.get(SUBSCRIBER, &id)? else {
        return Ok(false);
    };
    if let Some(order) = tx.suppression(&address)?
        && order.by != SuppressedBy::Operator
    {
        lift(tx, id, &address)?;
    }
    turn(tx, id, &edition, Subscription::Confirmed { at: now })?;
    let change = ConsentChange::Confirmed;
    note(tx, id, Some(edition), change, How::ConfirmationPage, now)?;
    Ok(true)
}

pub(super) fn withdraw(
    tx: &mut Tx<'_>,
    id: SubscriberId,
    edition: EditionSlug,
    how: How,
    now: DateTime<Utc>,
) -> Result<()> {
    match tx.get(SUBSCRIPTION, &(id, edition.clone()))? {
        Some(Subscription::Unsubscribed { .. }) | None => return Ok(()),
        Some(Subscription::Pending { .. } | Subscription::Confirmed { .. }) => {}
    }
    turn(tx, id, &edition, Subscription::Unsubscribed { at: now })?;
    note(tx, id, Some(edition), ConsentChange::Withdrawn, how, now)
}

/// Ends every subscription and suppresses the address.
pub(super) fn withdraw_everything(
    tx: &mut Tx<'_>,
    id: SubscriberId,
    how: How,
    now: DateTime<Utc>,
) -> Result<()> {
    let Some(Subscriber { address, .. }) = tx.get(SUBSCRIBER, &id)? else {
        return Ok(());
    };
    let mut changed = false;
    for row in tx.scan(SUBSCRIPTION.within(&id)) {
        let ((_, edition), held) = row?;
        if !matches!(held, Subscription::Unsubscribed { .. }) {
            turn(tx, id, &edition, Subscription::Unsubscribed { at: now })?;
            changed = true;
        }
    }
    let stands = |order: Suppression| order.by != SuppressedBy::Bounce;
    if !tx.suppression(&address)?.is_some_and(stands) {
        let order = Suppression {
            by: SuppressedBy::Person,
            at: now,
        };
        tx.set_suppression(&address, Some(order))?;
        changed = true;
    }
    if changed {
        note(tx, id, None, ConsentChange::Withdrawn, how, now)?;
    }
    Ok(())
}

/// Suppresses an address: an operator's order takes the place of any other, a bounce of none.
pub(super) fn suppress(tx: &mut Tx<'_>, address: &EmailAddress, order: Suppression) -> Result<()> {
    if let Some(held) = tx.suppression(address)?
        && (held.by == order.by || order.by == SuppressedBy::Bounce)
    {
        return Ok(());
    }
    tx.set_suppression(address, Some(order))?;
    if let Some(id) = tx.get(ADDRESS, &address.canonical())? {
        for row in tx.scan(SUBSCRIPTION.within(&id)) {
            let ((_, edition), _) = row?;
            tx.remove(AUDIENCE, &(edition, id));
        }
    }
    Ok(())
}

/// Takes a suppression back: whoever is subscribed is mailed again.
pub(super) fn lift(tx: &mut Tx<'_>, id: SubscriberId, address: &EmailAddress) -> Result<()> {
    tx.set_suppression(address, None)?;
    for row in tx.scan(SUBSCRIPTION.within(&id)) {
        let ((_, edition), held) = row?;
        if matches!(held, Subscription::Confirmed { .. }) {
            tx.put(AUDIENCE, &(edition, id), &())?;
        }
    }
    Ok(())
}

/// Writes what a subscription becomes, and every row that follows from it.
fn turn(tx: &mut Tx<'_>, id: SubscriberId, edition: &EditionSlug, new: Subscription) -> Result<()> {
    let key = (id, edition.clone());
    let old = tx.get(SUBSCRIPTION, &key)?;
    if let Some(Subscription::Pending { since }) = old {
        tx.remove(UNCONFIRMED, &(since, id, edition.clone()));
    }
    let member = (edition.clone(), id);
    let confirmed = tx.get(CONFIRMED, edition)?.unwrap_or(0);
    let was = matches!(old, Some(Subscription::Confirmed { .. }));
    let is = matches!(new, Subscription::Confirmed { .. });
    match (was, is) {
        (false, true) => {
            tx.put(CONFIRMED, edition, &(confirmed + 1))?;
            if !is_suppressed(tx, id)? {
                tx.put(AUDIENCE, &member, &())?;
            }
        }
        (true, false) => {
            tx.put(CONFIRMED, edition, &confirmed.saturating_sub(1))?;
            tx.remove(AUDIENCE, &member);
        }
        (true, true) | (false, false) => {}
    }
    if let Subscription::Pending { since } = new {
        tx.put(UNCONFIRMED, &(since, id, edition.clone()), &())?;
    }
    tx.put(SUBSCRIPTION, &key, &new)
}

fn is_suppressed(tx: &Tx<'_>, id: SubscriberId) -> Result<bool> {
    match tx.get(SUBSCRIBER, &id)? {
        Some(subscriber) => Ok(tx.suppression(&subscriber.address)?.is_some()),
        None => Ok(false),
    }
}

/// Adds a line to the record of consent.
fn note(
    tx: &mut Tx<'_>,
    subscriber: SubscriberId,
    edition: Option<EditionSlug>,
    what: ConsentChange,
    how: How,
    at: DateTime<Utc>,
) -> Result<()> {
    let line = tx.take("consent", 1)?;
    let event = ConsentEvent {
        subscriber,
        edition,
        what,
        how,
        at,
    };
    tx.put(CONSENT, &(subscriber, line), &event)
}
