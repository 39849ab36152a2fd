//! Who may receive what, asked in the transaction that would lease the delivery.

use chrono::{DateTime, Utc};

use super::{
    row::IssueRow,
    table::{ADDRESS, SUBSCRIBER, SUBSCRIPTION},
    tx::Tx,
};
use crate::{
    delivery::{Purpose, Recipient, Withheld},
    id::SubscriberId,
    port::Result,
    subscribers::{Subscriber, Subscription, address::EmailAddress, suppression::SuppressedBy},
};

/// Where a delivery goes, or why it does not.
pub(super) type Admission = std::result::Result<Admitted, Withheld>;

pub(super) struct Admitted {
    pub(super) address: EmailAddress,
    pub(super) name: Option<String>,
}

/// Asks consent and suppression as they are at this moment.
pub(super) fn admit(
    tx: &Tx<'_>,
    issue: &IssueRow,
    to: &Recipient,
    now: DateTime<Utc>,
) -> Result<Admission> {
    if issue.stale.is_some_and(|stale| stale <= now) {
        return Ok(Err(Withheld::Stale));
    }
    let (admitted, subscriber) = match to {
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
    if is_suppressed(tx, issue.purpose, &admitted.address)? {
        return Ok(Err(Withheld::Suppressed));
    }
    if !is_wanted(tx, issue, subscriber)? {
        return Ok(Err(Withheld::NotSubscribed));
    }
    Ok(Ok(admitted))
}

/// A person who suppressed themself, or whose mailbox was not there, and who asks again is asked to
/// confirm, and mailed nothing else.
pub(super) fn is_suppressed(tx: &Tx<'_>, purpose: Purpose, address: &EmailAddress) -> Result<bool> {
    Ok(match tx.suppression(address)?.map(|order| order.by) {
        None => false,
        Some(SuppressedBy::Operator) => true,
        Some(SuppressedBy::Person | SuppressedBy::Bounce) => purpose != Purpose::Confirmation,
    })
}

fn is_wanted(tx: &Tx<'_>, issue: &IssueRow, subscriber: Option<SubscriberId>) -> Result<bool> {
    let subscription = match subscriber {
        Some(id) => tx.get(SUBSCRIPTION, &(id, issue.edition.clone()))?,
        None => None,
    };
    Ok(match issue.purpose {
        Purpose::Digest => matches!(subscription, Some(Subscription::Confirmed { .. })),
        Purpose::Confirmation => matches!(subscription, Some(Subscription::Pending { .. })),
        Purpose::Notice => true,
    })
}
