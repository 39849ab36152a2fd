//! The port behind which deliveries are planned, in hand and done.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Content, Delivery, Purpose, destination::Destinations};
use crate::{
    clock::stamp,
    id::{ContentId, DeliveryId, EditionSlug, GroupName, RelayName, SubscriberId},
    port,
    subscribers::address::EmailAddress,
};

/// An order to mail a content to an audience, once.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Unique for ever: `digest:EDITION:NAME:SLOT`, `confirm:SUBSCRIBER:EDITION:TIME`.
    pub key: String,
    pub content: Content,
    pub audience: Audience,
    /// When it is too old to be sent; what is left then is withheld.
    pub stale: Option<DateTime<Utc>>,
    /// Says where each recipient's mailbox is.
    pub destinations: Arc<Destinations>,
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

/// What becomes of a message that may or may not have arrived: the relay had it whole, and its reply
/// never came, or this process died in between (RFC 1047).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Doubt {
    /// It is sent again, the same bytes: it may arrive twice.
    #[default]
    Retry,
    /// It waits until an operator decides: it may never arrive.
    Hold,
}

/// How a delivery is claimed.
#[derive(Clone, Debug)]
pub struct Claim {
    /// When the lease ends.
    pub until: DateTime<Utc>,
    /// Destinations that can take nothing at present: what is for them stays where it is.
    pub closed: Arc<BTreeSet<GroupName>>,
    /// What is to become of it if this process dies before it settles it.
    pub doubt: Doubt,
}

impl Claim {
    /// Of anything that is due.
    pub fn until(until: DateTime<Utc>) -> Self {
        Claim {
            until,
            closed: Arc::default(),
            doubt: Doubt::Retry,
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

/// What came of an attempt, and whom it was made through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settle {
    pub id: DeliveryId,
    pub outcome: Outcome,
    /// None where no relay was asked.
    pub via: Option<RelayName>,
}

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
    /// There is no such mailbox: a hard bounce. The address is suppressed with it.
    Bounced {
        reason: String,
    },
    /// It may have arrived, and waits for somebody to decide.
    Uncertain {
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
    pub uncertain: u64,
}

impl Tally {
    pub fn total(&self) -> u64 {
        self.settled() + self.waiting()
    }

    /// Those that need no further attempt.
    pub fn settled(&self) -> u64 {
        self.sent + self.failed + self.withheld
    }

    /// Those that are not done, whatever they wait for.
    pub fn waiting(&self) -> u64 {
        self.scheduled + self.deferred + self.uncertain
    }
}

/// A content and how far it has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    pub content: ContentId,
    pub purpose: Purpose,
    pub edition: EditionSlug,
    pub planned: DateTime<Utc>,
    pub tally: Tally,
}

/// What a hold keeps back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Every message.
    Everything,
    /// The digests of one edition.
    Edition(EditionSlug),
}

impl Reach {
    pub fn keeps(&self, issue: &Issue) -> bool {
        match self {
            Reach::Everything => true,
            Reach::Edition(edition) => {
                issue.purpose == Purpose::Digest && issue.edition == *edition
            }
        }
    }
}

/// Why nothing is sent until somebody says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    #[serde(with = "stamp")]
    pub at: DateTime<Utc>,
    pub reason: String,
}

impl Hold {
    /// The reason as a log may have it.
    pub fn logged(&self) -> String {
        without_addresses(&self.reason)
    }
}

/// What a relay said, for a log: relays like to repeat whom they were asked to serve.
pub fn without_addresses(reply: &str) -> String {
    let words = reply.split_whitespace();
    let words: Vec<_> = words
        .map(|word| if word.contains('@') { "…" } else { word })
        .collect();
    words.join(" ")
}

/// A hold and what it keeps back.
pub type Held = (Reach, Hold);

/// What tells whether a store is the one that mailed last: it counts together with a file beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// How often it was opened, and seen in use.
    pub count: u64,
    /// The last time that it was in use.
    #[serde(with = "stamp")]
    pub seen: DateTime<Utc>,
    /// On which machine; empty where that is not known.
    pub host: String,
    /// What the file that counts with it is known by. A copy is known by something else.
    pub file: u64,
    /// The same of the file in whose place that one is put.
    pub former: u64,
}

/// Attempts that a relay made for a destination in one hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub relay: RelayName,
    pub group: GroupName,
    /// When the hour began.
    pub hour: DateTime<Utc>,
    pub attempts: u32,
}

/// What is planned, in hand and done.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Makes content and deliveries durable, all or nothing, unless `plan.key` was planned before.
    ///
    /// The suppressed are left out; everybody is asked again when claimed.
    async fn plan(&self, plan: Plan) -> port::Result<Planned>;

    /// What was planned by that key.
    async fn planned_as(&self, key: &str) -> port::Result<Option<ContentId>>;

    /// Claims one delivery that is due and that no hold keeps back: confirmations and tests first,
    /// then what fell due first.
    ///
    /// A delivery is returned to at most one caller while its lease lasts. Those whose address is
    /// suppressed, or whose subscription no longer fits their purpose, become `Withheld` in the
    /// same transaction and are not returned: this is the last gate before the relay.
    async fn claim_due(&self, claim: Claim, now: DateTime<Utc>) -> port::Result<Option<Claimed>>;

    /// Records what came of a claimed delivery; durable when it returns. If that fails, the delivery
    /// stays in hand until its lease ends, and the caller may try again.
    async fn settle(&self, settle: Settle, now: DateTime<Utc>) -> port::Result<()>;

    /// Does [`settle`](Self::settle) and then [`claim_due`](Self::claim_due). An engine that can
    /// do both in one go spares a wait; if the claim fails, the outcome is recorded all the same.
    async fn settle_and_claim(
        &self,
        settle: Settle,
        claim: Claim,
        now: DateTime<Utc>,
    ) -> port::Result<Option<Claimed>> {
        self.settle(settle, now).await?;
        self.claim_due(claim, now).await
    }

    /// Makes every leased delivery due again, or uncertain where its claim said so, and tells how
    /// many there were. Only for a daemon that starts: nobody else sends.
    async fn release_leases(&self, now: DateTime<Utc>) -> port::Result<u64>;

    /// Tells whether a delivery to `subscriber` is leased, that is perhaps on its way to a relay.
    async fn is_in_hand(&self, subscriber: SubscriberId) -> port::Result<bool>;

    /// Asks the last gate again: whether a delivery in hand may still go out. For whoever had to wait since
    /// they claimed it.
    async fn is_admitted(&self, id: DeliveryId, now: DateTime<Utc>) -> port::Result<bool>;

    async fn content(&self, id: ContentId) -> port::Result<Option<Content>>;

    /// The latest deliveries first.
    async fn deliveries(&self, limit: usize) -> port::Result<Vec<Delivery>>;

    /// The deliveries of a content from `from` on, in the order of their recipients.
    async fn deliveries_of(&self, from: DeliveryId, limit: usize) -> port::Result<Vec<Delivery>>;

    /// All deliveries to a subscriber, the latest first.
    async fn deliveries_to(&self, subscriber: SubscriberId) -> port::Result<Vec<Delivery>>;

    /// When the next delivery falls due, if any waits.
    async fn next_due(&self) -> port::Result<Option<DateTime<Utc>>>;

    /// How many deliveries to each group of destinations are due, will be, or are in hand.
    async fn waiting(&self) -> port::Result<BTreeMap<GroupName, u64>>;

    async fn tally(&self, id: ContentId) -> port::Result<Tally>;

    /// The latest contents first.
    async fn issues(&self, limit: usize) -> port::Result<Vec<Issue>>;

    /// Keeps deliveries back until [`lift`](Self::lift), together with those of `refused`, as
    /// [`retry`](Self::retry) would. The first reason stands.
    async fn hold(&self, reach: Reach, hold: Hold, refused: Vec<DeliveryId>) -> port::Result<()>;

    /// Lifts a hold; tells whether there was one. What waited goes on where it stopped.
    async fn lift(&self, reach: Reach) -> port::Result<bool>;

    async fn holds(&self) -> port::Result<Vec<Held>>;

    /// Every hour since `since` in which there were attempts. Those of the last two days are kept.
    async fn usage(&self, since: DateTime<Utc>) -> port::Result<Vec<Usage>>;

    /// None for a store that is new.
    async fn seal(&self) -> port::Result<Option<Seal>>;

    async fn set_seal(&self, seal: Seal) -> port::Result<()>;

    /// Makes those of `ids` due at once that were neither sent nor withheld and are not in hand, and
    /// tells how many. A bounce among them did not happen: the address is not suppressed any more.
    async fn retry(&self, ids: Vec<DeliveryId>, now: DateTime<Utc>) -> port::Result<u64>;
}
