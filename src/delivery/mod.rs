//! Getting it there: what is to be sent to whom, and what came of it.

pub mod compose;
pub mod destination;
pub mod dkim;
pub mod relay;
pub mod retry;
pub mod task;
pub mod throttle;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    id::{ContentId, DeliveryId, EditionSlug, SubscriberId},
    port,
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

/// What a message says, rendered once, before the recipient's links.
///
/// Wherever a recipient's own link belongs, `html` and `text` hold [`Mark::text`] instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pub purpose: Purpose,
    /// The edition it speaks for.
    pub edition: EditionSlug,
    /// The edition's title: the phrase of List-Id, and the name in From.
    pub edition_title: String,
    pub sender: EmailAddress,
    /// One line; line breaks and control characters are dropped when the message is composed.
    pub subject: String,
    pub html: String,
    pub text: String,
    /// The page that shows it to anybody, without a token.
    pub archived_at: Option<String>,
    /// The `Date` of every message made from it, on the first try and on each retry.
    pub date: DateTime<Utc>,
}

/// A place in a content that each recipient's message fills with their own link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Unsubscribe,
    Confirm,
}

impl Mark {
    pub const ALL: [Mark; 2] = [Mark::Unsubscribe, Mark::Confirm];

    /// Private-use characters (Unicode, section 23.5), which ingest strips from everything it reads:
    /// no article can smuggle one in.
    pub fn text(self) -> &'static str {
        match self {
            Mark::Unsubscribe => "\u{F8FF}unsubscribe\u{F8FF}",
            Mark::Confirm => "\u{F8FF}confirm\u{F8FF}",
        }
    }
}

/// An order to mail a content to an audience, once.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Unique for ever: `digest:EDITION:NAME:SLOT`, `confirm:SUBSCRIBER:EDITION:TIME`.
    pub key: String,
    pub content: Content,
    pub audience: Audience,
    pub now: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub enum Audience {
    /// Everybody whose subscription to the content's edition is confirmed at this moment.
    Subscribed,
    One(SubscriberId),
    /// An address that need not be a subscriber's: a test.
    Address(EmailAddress),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planned {
    New {
        content: ContentId,
        deliveries: u64,
    },
    /// The key was planned before; nothing changed.
    Already(ContentId),
}

/// One message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub id: DeliveryId,
    pub content: ContentId,
    pub purpose: Purpose,
    pub edition: EditionSlug,
    pub to: Recipient,
    pub status: Status,
    /// Attempts that reached a relay.
    pub attempts: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recipient {
    Subscriber(SubscriberId),
    Address(EmailAddress),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Scheduled {
        due: DateTime<Utc>,
    },
    Leased {
        until: DateTime<Utc>,
    },
    Sent {
        at: DateTime<Utc>,
        reply: String,
    },
    /// A temporary refusal; tried again when `due`.
    Deferred {
        due: DateTime<Utc>,
        reason: String,
    },
    Failed {
        at: DateTime<Utc>,
        reason: String,
    },
    /// Consent or suppression forbade it at the last moment.
    Withheld {
        at: DateTime<Utc>,
        reason: Withheld,
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
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Withheld {
    Suppressed,
    NotSubscribed,
    Erased,
}

impl Withheld {
    pub fn words(self) -> &'static str {
        match self {
            Withheld::Suppressed => "the address is suppressed",
            Withheld::NotSubscribed => "not subscribed any more",
            Withheld::Erased => "the subscriber was erased",
        }
    }
}

/// A delivery in hand: everything that its message is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub delivery: Delivery,
    pub address: EmailAddress,
    pub name: Option<String>,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Sent {
        reply: String,
    },
    Deferred {
        due: DateTime<Utc>,
        reason: String,
    },
    Failed {
        reason: String,
    },
    /// No attempt was made: the delivery is due again at once, and nothing is counted.
    Released,
}

/// How many deliveries of a content are in which status; one in hand counts as scheduled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub scheduled: u64,
    pub sent: u64,
    pub deferred: u64,
    pub failed: u64,
    pub withheld: u64,
}

impl Tally {
    pub fn total(&self) -> u64 {
        self.settled() + self.scheduled + self.deferred
    }

    /// Those that need no further attempt.
    pub fn settled(&self) -> u64 {
        self.sent + self.failed + self.withheld
    }
}

/// What is planned, in hand and done.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Makes content and deliveries durable, all or nothing, unless `plan.key` was planned before.
    ///
    /// The suppressed are left out; everybody is asked again when claimed.
    async fn plan(&self, plan: Plan) -> port::Result<Planned>;

    /// Claims one delivery that is due and leases it until `until`.
    ///
    /// A delivery is returned to at most one caller while its lease lasts. Those whose address is
    /// suppressed, or whose subscription no longer fits their purpose, become `Withheld` in the
    /// same transaction and are not returned: this is the last gate before the relay.
    async fn claim_due(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> port::Result<Option<Claimed>>;

    /// Records what came of a claimed delivery; durable when it returns.
    async fn settle(
        &self,
        id: DeliveryId,
        outcome: Outcome,
        now: DateTime<Utc>,
    ) -> port::Result<()>;

    /// Does [`settle`](Self::settle) and then [`claim_due`](Self::claim_due). An engine that can
    /// do both in one go spares a wait; if the claim fails, the outcome is recorded all the same.
    async fn settle_and_claim(
        &self,
        id: DeliveryId,
        outcome: Outcome,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> port::Result<Option<Claimed>> {
        self.settle(id, outcome, now).await?;
        self.claim_due(now, until).await
    }

    /// Makes every leased delivery due again. Only for a daemon that starts: nobody else sends.
    async fn release_leases(&self, now: DateTime<Utc>) -> port::Result<u64>;

    /// Tells whether a delivery to `subscriber` is leased, that is perhaps on its way to a relay.
    async fn is_in_hand(&self, subscriber: SubscriberId) -> port::Result<bool>;

    async fn content(&self, id: ContentId) -> port::Result<Option<Content>>;

    /// The latest deliveries first.
    async fn deliveries(&self, limit: usize) -> port::Result<Vec<Delivery>>;

    /// All deliveries to a subscriber, the latest first.
    async fn deliveries_to(&self, subscriber: SubscriberId) -> port::Result<Vec<Delivery>>;

    /// When the next delivery falls due, if any waits.
    async fn next_due(&self) -> port::Result<Option<DateTime<Utc>>>;

    async fn tally(&self, id: ContentId) -> port::Result<Tally>;
}
