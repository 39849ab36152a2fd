//! Getting it there: what is to be sent to whom, and what came of it.

mod breaker;
pub mod compose;
mod content;
mod courier;
pub mod destination;
pub mod dkim;
pub mod ledger;
mod meter;
mod outbox;
pub mod relay;
pub mod retry;
mod round;
pub mod route;
pub mod task;
pub mod throttle;
pub mod traffic;
mod work;
mod worker;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use content::{Content, Mark};
pub use outbox::{
    Audience, Claim, Claimed, Doubt, Held, Hold, Issue, OutboxStore, Outcome, Plan, Planned, Reach,
    Seal, Settle, Tally, Usage, without_addresses,
};

use crate::{
    clock::stamp,
    id::{DeliveryId, EditionSlug, GroupName, RelayName, SubscriberId},
    subscribers::address::EmailAddress,
};

/// Why a delivery exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// Needs a confirmed subscription.
    Digest,
    /// Asks to confirm a subscription; needs a pending one.
    Confirmation,
    /// A test that an operator sends to a named address; needs no subscription.
    Notice,
}

impl Purpose {
    pub fn name(self) -> &'static str {
        match self {
            Purpose::Digest => "digest",
            Purpose::Confirmation => "confirmation",
            Purpose::Notice => "notice",
        }
    }
}

/// One message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub id: DeliveryId,
    pub purpose: Purpose,
    pub edition: EditionSlug,
    pub to: Recipient,
    /// Where its recipient's mailbox is.
    pub group: GroupName,
    pub status: Status,
    /// Attempts that reached a relay.
    pub attempts: u32,
    /// The relay that was asked last.
    pub via: Option<RelayName>,
    /// Those attempts that did not end it, the latest ones, in their order.
    pub earlier: Vec<Attempt>,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    #[serde(with = "stamp")]
    pub at: DateTime<Utc>,
    pub via: Option<RelayName>,
    /// The relay's, or ours if it said nothing.
    pub words: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recipient {
    Subscriber(SubscriberId),
    Address(EmailAddress),
}

impl Recipient {
    /// The number that stands for it in a [`DeliveryId`]; zero is nobody's.
    pub fn number(&self) -> SubscriberId {
        match self {
            Recipient::Subscriber(id) => *id,
            Recipient::Address(_) => SubscriberId(0),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Scheduled {
        #[serde(with = "stamp")]
        due: DateTime<Utc>,
    },
    Leased {
        #[serde(with = "stamp")]
        until: DateTime<Utc>,
    },
    Sent {
        #[serde(with = "stamp")]
        at: DateTime<Utc>,
        reply: String,
    },
    /// A temporary refusal; tried again when `due`.
    Deferred {
        #[serde(with = "stamp")]
        due: DateTime<Utc>,
        reason: String,
    },
    Failed {
        #[serde(with = "stamp")]
        at: DateTime<Utc>,
        reason: String,
    },
    /// Consent or suppression forbade it at the last moment.
    Withheld {
        #[serde(with = "stamp")]
        at: DateTime<Utc>,
        reason: Withheld,
    },
    /// Whether it arrived is unknown, and it is held until somebody decides (RFC 1047).
    Uncertain {
        #[serde(with = "stamp")]
        at: DateTime<Utc>,
        reason: String,
    },
}

impl Status {
    pub fn name(&self) -> &'static str {
        match self {
            Status::Scheduled { .. } => "scheduled",
            Status::Leased { .. } => "leased",
            Status::Sent { .. } => "sent",
            Status::Deferred { .. } => "deferred",
            Status::Failed { .. } => "failed",
            Status::Withheld { .. } => "withheld",
            Status::Uncertain { .. } => "uncertain",
        }
    }

    /// When it is to be looked at again, if ever.
    pub fn due(&self) -> Option<DateTime<Utc>> {
        match self {
            Status::Scheduled { due } | Status::Deferred { due, .. } => Some(*due),
            Status::Leased { until } => Some(*until),
            Status::Sent { .. }
            | Status::Failed { .. }
            | Status::Withheld { .. }
            | Status::Uncertain { .. } => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Withheld {
    Suppressed,
    NotSubscribed,
    Erased,
    Stale,
}

impl Withheld {
    pub fn words(self) -> &'static str {
        match self {
            Withheld::Suppressed => "the address is suppressed",
            Withheld::NotSubscribed => "not subscribed any more",
            Withheld::Erased => "the subscriber was erased",
            Withheld::Stale => "the digest was too old by then",
        }
    }
}
