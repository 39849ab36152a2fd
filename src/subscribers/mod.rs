//! Who may receive it: people, their subscriptions, and their consent.

pub mod address;
pub mod import;
pub mod suppression;
pub mod token;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    id::{EditionSlug, SubscriberId},
    port,
};
use address::EmailAddress;
use suppression::Suppression;

/// A person: one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    pub id: SubscriberId,
    pub address: EmailAddress,
    /// As given; no control characters.
    pub name: Option<String>,
    pub created: DateTime<Utc>,
}

/// A person's relation to one edition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subscription {
    /// Asked for, not yet confirmed: receives one confirmation request and nothing else.
    Pending {
        since: DateTime<Utc>,
    },
    Confirmed {
        at: DateTime<Utc>,
    },
    Unsubscribed {
        at: DateTime<Utc>,
    },
}

impl Subscription {
    pub fn name(&self) -> &'static str {
        match self {
            Subscription::Pending { .. } => "pending",
            Subscription::Confirmed { .. } => "confirmed",
            Subscription::Unsubscribed { .. } => "unsubscribed",
        }
    }
}

/// How a choice reached us; the evidence of consent and of its withdrawal (GDPR, article 7(1)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    Form,
    /// The confirmation page, reached from the confirmation mail.
    ConfirmationPage,
    /// The operator's word, with the basis that they state.
    Operator {
        basis: String,
    },
    Import {
        basis: String,
    },
    /// RFC 8058.
    OneClick,
    UnsubscribePage,
}

/// One line of the append-only record of consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentEvent {
    pub subscriber: SubscriberId,
    /// None where it concerns every edition.
    pub edition: Option<EditionSlug>,
    pub what: ConsentChange,
    pub how: How,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsentChange {
    Requested,
    Confirmed,
    Withdrawn,
}

/// Whether a new subscription starts confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirm {
    /// Double opt-in: a confirmation request is due.
    Required,
    /// The operator vouches for consent.
    Waived,
}

/// Somebody asks, or is entered, for an edition.
#[derive(Clone, Debug)]
pub struct Request {
    pub address: EmailAddress,
    pub name: Option<String>,
    pub edition: EditionSlug,
    pub confirm: Confirm,
    pub how: How,
}

/// What a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requested {
    Confirmed(SubscriberId),
    /// A confirmation request is due.
    Pending(SubscriberId),
    /// Confirmed before, or asked less than [`ASK_AGAIN_MINUTES`] ago: nothing changed.
    Already(SubscriberId),
    /// Opted out before: only the person, by double opt-in, can undo that.
    OptedOut,
}

/// A pending subscription is asked to confirm at most once in this time.
pub const ASK_AGAIN_MINUTES: i64 = 15;

/// What an opt-out concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Edition(EditionSlug),
    /// Every edition, now and later: the address is suppressed.
    Everything,
}

/// A subscriber with all their subscriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub subscriber: Subscriber,
    pub subscriptions: Vec<(EditionSlug, Subscription)>,
    pub suppressed: Option<Suppression>,
}

/// A confirmation request that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unconfirmed {
    pub subscriber: SubscriberId,
    pub edition: EditionSlug,
    pub since: DateTime<Utc>,
}

/// Everything here is durable, power cut included, when it returns.
#[async_trait]
pub trait SubscriberStore: Send + Sync {
    /// Records requests in order, all or nothing, each with its line of evidence.
    async fn request(
        &self,
        requests: Vec<Request>,
        now: DateTime<Utc>,
    ) -> port::Result<Vec<Requested>>;

    /// Confirms a pending subscription, and lifts a suppression that the person made.
    ///
    /// Answers false where nothing was pending or confirmed.
    async fn confirm(
        &self,
        subscriber: SubscriberId,
        edition: &EditionSlug,
        now: DateTime<Utc>,
    ) -> port::Result<bool>;

    /// Ends what `scope` names. Repeating it, or naming nobody we know, changes nothing.
    async fn withdraw(
        &self,
        subscriber: SubscriberId,
        scope: &Scope,
        how: How,
        now: DateTime<Utc>,
    ) -> port::Result<()>;

    /// Suppresses an address that may not be a subscriber's.
    async fn suppress(&self, address: &EmailAddress, now: DateTime<Utc>) -> port::Result<()>;

    async fn find(&self, address: &EmailAddress) -> port::Result<Option<Profile>>;

    async fn profile(&self, id: SubscriberId) -> port::Result<Option<Profile>>;

    /// By address, starting after `after`.
    async fn profiles(
        &self,
        after: Option<SubscriberId>,
        limit: usize,
    ) -> port::Result<Vec<Profile>>;

    /// Confirmation requests that are due and not yet planned.
    async fn unconfirmed(&self, limit: usize) -> port::Result<Vec<Unconfirmed>>;

    /// Notes that the confirmation request was planned.
    async fn asked(&self, unconfirmed: &Unconfirmed) -> port::Result<()>;

    /// How many confirmed subscriptions an edition has.
    async fn count(&self, edition: &EditionSlug) -> port::Result<u64>;

    /// The record of consent of one person, oldest first.
    async fn consent(&self, id: SubscriberId) -> port::Result<Vec<ConsentEvent>>;
}
