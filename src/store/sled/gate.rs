//! Who may receive what, asked in the transaction that would lease the delivery.

use super::{
    table::{ADDRESS, SUBSCRIBER, SUBSCRIPTION, SuppressedBy},
    tx::Tx,
};
use crate::{
    delivery::{Delivery, Purpose, Recipient, Withheld},
    id::SubscriberId,
    port::Result,
    subscribers::{Subscriber, Subscription, address::EmailAddress},
};

/// Where a delivery goes, or why it does not.
pub(super) type Admission = std::result::Result<Admitted, Withheld>;

pub(super) struct Admitted {
    pub(super) address: EmailAddress,
    pub(super) name: Option<String>,
}

/// Asks consent and suppression as they are at this moment.
pub(super) fn admit(tx: &Tx<'_>, delivery: &Delivery) -> Result<Admission> {
    let (admitted, subscriber) = match &delivery.to {
        Recipient::Subscriber(id) => match tx.get(SUBSCRIBER, id)? {
            Some(Subscriber { address, name, .. }) => (Admitted { address, name }, Some(*id)),
            None => return Ok(Err(Withheld::Erased)),
        },
        Recipient::Address(address) => (
            Admitted {
                address: address.clone(),
                name: None,
            },
            tx.get(ADDRESS, &address.canonical())?,
        ),
    };
    if is_suppressed(tx, delivery.purpose, &admitted.address)? {
        return Ok(Err(Withheld::Suppressed));
    }
    if !is_wanted(tx, delivery, subscriber)? {
        return Ok(Err(Withheld::NotSubscribed));
    }
    Ok(Ok(admitted))
}

/// A person who suppressed themself and asks again is asked to confirm, and mailed nothing else.
pub(super) fn is_suppressed(tx: &Tx<'_>, purpose: Purpose, address: &EmailAddress) -> Result<bool> {
    Ok(match tx.suppression(address)?.map(|order| order.by) {
        None => false,
        Some(SuppressedBy::Operator) => true,
        Some(SuppressedBy::Person) => purpose != Purpose::Confirmation,
    })
}

fn is_wanted(tx: &Tx<'_>, delivery: &Delivery, subscriber: Option<SubscriberId>) -> Result<bool> {
    let subscription = match subscriber {
        Some(id) => tx.get(SUBSCRIPTION, &(id, delivery.edition.clone()))?,
        None => None,
    };
    Ok(match delivery.purpose {
        Purpose::Digest => matches!(subscription, Some(Subscription::Confirmed { .. })),
        Purpose::Confirmation => matches!(subscription, Some(Subscription::Pending { .. })),
        Purpose::Notice => true,
    })
}
