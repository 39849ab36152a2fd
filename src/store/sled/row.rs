//! How the outbox is stored: in few bytes, since a digest may have a million recipients.

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    clock::stamp,
    delivery::{Attempt, Delivery, Issue, Purpose, Recipient, Status, Tally},
    id::{ContentId, DeliveryId, EditionSlug, GroupName, RelayName},
    subscribers::address::EmailAddress,
};

/// What all deliveries of a content share. Without it none of them can be claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IssueRow {
    pub(super) purpose: Purpose,
    pub(super) edition: EditionSlug,
    #[serde(with = "stamp")]
    pub(super) planned: DateTime<Utc>,
    pub(super) stale: Option<DateTime<Utc>>,
}

impl IssueRow {
    pub(super) fn shown(self, content: ContentId, tally: Tally) -> Issue {
        Issue {
            content,
            purpose: self.purpose,
            edition: self.edition,
            planned: self.planned,
            tally,
        }
    }
}

/// A delivery, but for what its key and its issue say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DeliveryRow {
    /// None where the recipient is the subscriber in the key.
    pub(super) address: Option<EmailAddress>,
    pub(super) group: GroupName,
    pub(super) status: Status,
    pub(super) attempts: u32,
    pub(super) via: Option<RelayName>,
    pub(super) earlier: Vec<Attempt>,
}

/// Attempts that are remembered of one delivery; more are made only where somebody insists.
const MAX_EARLIER: usize = 40;

impl DeliveryRow {
    pub(super) fn to(&self, id: DeliveryId) -> Recipient {
        match &self.address {
            Some(address) => Recipient::Address(address.clone()),
            None => Recipient::Subscriber(id.recipient),
        }
    }

    /// Remembers an attempt at `at` that did not end it.
    pub(super) fn remember(&mut self, at: DateTime<Utc>, words: &str) {
        if self.earlier.len() == MAX_EARLIER {
            self.earlier.remove(0);
        }
        self.earlier.push(Attempt {
            at,
            via: self.via.clone(),
            words: words.to_owned(),
        });
    }

    pub(super) fn shown(self, id: DeliveryId, issue: &IssueRow) -> Delivery {
        Delivery {
            id,
            purpose: issue.purpose,
            edition: issue.edition.clone(),
            to: self.to(id),
            group: self.group,
            status: self.status,
            attempts: self.attempts,
            via: self.via,
            earlier: self.earlier,
        }
    }
}

/// A time as rows keep it, and hence as keys have to say it.
pub(super) fn kept(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}
