//! Every table of the store, on one screen.
//!
//! They share one tree, and a table is a first byte of the key. A value is one byte of version and the row in postcard, which is not
//! self-describing: a change to a row's type needs a new version, and the golden bytes in the
//! tests say so.

use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    key::{Key, Prefix},
    lane::Lane,
    row::{DeliveryRow, IssueRow},
};
use crate::{
    dedupe::{Trace, fingerprint::Fingerprint},
    delivery::{Content, Hold, Seal, Tally},
    editions::{Digest, Progress},
    id::{
        ArticleId, ContentId, DeliveryId, DigestName, EditionSlug, GroupName, RelayName,
        SourceName, SubscriberId,
    },
    ingest::Answer,
    library::{Article, Body},
    port::{Result, StoreError},
    sources::{Poll, websub},
    subscribers::{ConsentEvent, Subscriber, Subscription, suppression::Suppression},
};

/// The layout that this version writes, and the latest that it reads.
pub(super) const SCHEMA: u64 = 1;

const ROW_VERSION: u8 = 1;

/// Octets that most keys and most rows fit in: what is made in that room is not moved as it grows.
const ROOM_FOR_KEY: usize = 48;
const ROOM_FOR_ROW: usize = 128;

/// Numbers that only grow, by name: the last id handed out of each kind, and the schema.
pub(super) const COUNTER: Table<String, u64> = Table::new(1, "counter");

/// One row, with the empty key.
pub(super) const SEAL: Table<String, Seal> = Table::new(2, "seal");

pub(super) const POLL: Table<SourceName, Poll> = Table::new(10, "poll");

/// Since when; apart from `POLL`, which a poll in hand overwrites.
pub(super) const PAUSE: Table<SourceName, DateTime<Utc>> = Table::new(11, "pause");
/// Articles that a source was the first to bring.
pub(super) const BROUGHT: Table<SourceName, u64> = Table::new(12, "brought");
pub(super) const HUB: Table<SourceName, websub::Subscription> = Table::new(13, "hub");
/// By the address that the hub posts to.
pub(super) const HOOK: Table<String, SourceName> = Table::new(14, "hook");

pub(super) const TRACE: Table<Fingerprint, Trace> = Table::new(20, "trace");
pub(super) const ARTICLE: Table<ArticleId, Article> = Table::new(21, "article");
pub(super) const BODY: Table<ArticleId, Body> = Table::new(22, "body");
pub(super) const BY_PUBLISHED: Table<(DateTime<Utc>, ArticleId), ()> =
    Table::new(23, "by published");
/// What was folded into an article, by the id under which it came.
pub(super) const FOLDED: Table<ArticleId, (Article, Body)> = Table::new(60, "folded");
/// The article that what came under another id belongs to.
pub(super) const HOME: Table<ArticleId, ArticleId> = Table::new(61, "home");
/// Whose text an article shows, if not its own.
pub(super) const FACE: Table<ArticleId, ArticleId> = Table::new(62, "face");
/// What the operator split.
pub(super) const APART: Table<(ArticleId, ArticleId), ()> = Table::new(63, "apart");
pub(super) const BY_SEEN: Table<(DateTime<Utc>, ArticleId), ()> = Table::new(24, "by seen");

/// When an article was removed. Its traces stay as they are.
pub(super) const TOMBSTONE: Table<ArticleId, DateTime<Utc>> = Table::new(25, "tombstone");
/// By the source that pushed and the key of its request.
pub(super) const ANSWER: Table<(SourceName, String), Answer> = Table::new(26, "answer");
pub(super) const ANSWER_BY_AGE: Table<(DateTime<Utc>, SourceName, String), ()> =
    Table::new(27, "answer by age");

pub(super) const PROGRESS: Table<(EditionSlug, DigestName), Progress> = Table::new(30, "progress");
pub(super) const DIGEST: Table<(EditionSlug, u32), Digest> = Table::new(31, "digest");
pub(super) const UNPLANNED: Table<(EditionSlug, u32), ()> = Table::new(32, "unplanned");

pub(super) const SUBSCRIBER: Table<SubscriberId, Subscriber> = Table::new(40, "subscriber");
/// By canonical address.
pub(super) const ADDRESS: Table<String, SubscriberId> = Table::new(41, "address");
pub(super) const SUBSCRIPTION: Table<(SubscriberId, EditionSlug), Subscription> =
    Table::new(42, "subscription");
/// Confirmed and not suppressed: whom a digest is planned for.
pub(super) const AUDIENCE: Table<(EditionSlug, SubscriberId), ()> = Table::new(43, "audience");
/// How many confirmed subscriptions an edition has.
pub(super) const CONFIRMED: Table<EditionSlug, u64> = Table::new(44, "confirmed");
/// Confirmation requests that are due, by the time they were asked for.
pub(super) const UNCONFIRMED: Table<(DateTime<Utc>, SubscriberId, EditionSlug), ()> =
    Table::new(45, "unconfirmed");
pub(super) const CONSENT: Table<(SubscriberId, u64), ConsentEvent> = Table::new(46, "consent");
/// By the keyed hash of the address.
pub(super) const SUPPRESSION: Table<[u8; 32], Suppression> = Table::new(47, "suppression");

/// By the key of the plan.
pub(super) const PLAN: Table<String, ContentId> = Table::new(50, "plan");
pub(super) const CONTENT: Table<ContentId, Content> = Table::new(51, "content");
pub(super) const TALLY: Table<ContentId, Tally> = Table::new(52, "tally");
pub(super) const DELIVERY: Table<DeliveryId, DeliveryRow> = Table::new(53, "delivery");
/// What waits or is in hand, lane by lane, by when it fell or falls due.
pub(super) const DUE: Table<(Lane, DateTime<Utc>, DeliveryId), ()> = Table::new(54, "due");
pub(super) const ISSUE: Table<ContentId, IssueRow> = Table::new(55, "issue");
/// Plans that are being written in more than one batch. Who opens a store and finds one removes
/// its deliveries.
pub(super) const BEGUN: Table<ContentId, ()> = Table::new(56, "begun");
/// Deliveries in hand that must not be repeated if the process dies.
pub(super) const LEASE: Table<DeliveryId, ()> = Table::new(57, "lease");
/// Attempts by relay, destination and hour.
pub(super) const USAGE: Table<(RelayName, GroupName, DateTime<Utc>), u32> = Table::new(59, "usage");
/// By the edition, or by nothing where everything is held.
pub(super) const HOLD: Table<String, Hold> = Table::new(58, "hold");

/// The tables whose rows are kept together with their neighbours: each key ends in a number.
pub(super) const PACKED: [u8; 3] = [AUDIENCE.tag, DELIVERY.tag, DUE.tag];

/// Rows of `V` by `K`.
pub(super) struct Table<K, V> {
    tag: u8,
    pub(super) name: &'static str,
    rows: PhantomData<fn(K) -> V>,
}

/// A stretch of a table's keys, `lo` included and `hi` not.
pub(super) struct Span<K, V> {
    pub(super) table: Table<K, V>,
    pub(super) lo: Vec<u8>,
    pub(super) hi: Vec<u8>,
}

impl<K: Key, V: Serialize + DeserializeOwned> Span<K, V> {
    /// As far as its keys begin with `prefix`; it begins there or before.
    pub(super) fn of<P: Prefix<K>>(mut self, prefix: &P) -> Self {
        self.hi = self.hi.min(successor(self.table.key(prefix)));
        self
    }
}

impl<K, V> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Table<K, V> {}

impl<K: Key, V: Serialize + DeserializeOwned> Table<K, V> {
    const fn new(tag: u8, name: &'static str) -> Self {
        Table {
            tag,
            name,
            rows: PhantomData,
        }
    }

    pub(super) fn key(self, key: &impl Key) -> Vec<u8> {
        let mut out = Vec::with_capacity(ROOM_FOR_KEY);
        out.push(self.tag);
        key.write(&mut out);
        out
    }

    pub(super) fn all(self) -> Span<K, V> {
        self.span(vec![self.tag], vec![self.tag + 1])
    }

    /// The rows whose keys begin with `prefix`.
    pub(super) fn within<P: Prefix<K>>(self, prefix: &P) -> Span<K, V> {
        let lo = self.key(prefix);
        let hi = successor(lo.clone());
        self.span(lo, hi)
    }

    /// The rows whose keys begin with `prefix`, from the key `from` on.
    pub(super) fn rest<P: Prefix<K>>(self, prefix: &P, from: &K) -> Span<K, V> {
        self.span(self.key(from), successor(self.key(prefix)))
    }

    /// The rows behind all whose keys begin with `prefix`.
    pub(super) fn behind<P: Prefix<K>>(self, prefix: &P) -> Span<K, V> {
        self.span(successor(self.key(prefix)), vec![self.tag + 1])
    }

    /// The rows from `lo` on and before `hi`.
    pub(super) fn between<P: Prefix<K>>(self, lo: &P, hi: &P) -> Span<K, V> {
        self.span(self.key(lo), self.key(hi))
    }

    /// The rows behind `key`.
    pub(super) fn after(self, key: &K) -> Span<K, V> {
        let mut lo = self.key(key);
        lo.push(0);
        self.span(lo, vec![self.tag + 1])
    }

    fn span(self, lo: Vec<u8>, hi: Vec<u8>) -> Span<K, V> {
        Span {
            table: self,
            lo,
            hi,
        }
    }

    /// The same rows, taken for something else: tests write nonsense through it.
    #[cfg(test)]
    pub(super) fn spoiled(self) -> Table<K, u8> {
        Table::new(self.tag, self.name)
    }

    pub(super) fn read_key(self, bytes: &[u8]) -> Result<K> {
        K::read(&mut bytes.get(1..).unwrap_or_default()).ok_or_else(|| self.corrupt(bytes))
    }

    pub(super) fn encode(self, key: &[u8], row: &V) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(ROOM_FOR_ROW);
        out.push(ROW_VERSION);
        postcard::to_extend(row, out).map_err(|_| self.corrupt(key))
    }

    pub(super) fn decode(self, key: &[u8], value: &[u8]) -> Result<V> {
        match value.split_first() {
            Some((&ROW_VERSION, row)) => postcard::from_bytes(row).map_err(|_| self.corrupt(key)),
            _ => Err(self.corrupt(key)),
        }
    }

    /// A key that is text may hold an address or a token, and no log shows one.
    fn corrupt(self, key: &[u8]) -> StoreError {
        let shown = if [ADDRESS.tag, PLAN.tag, HOOK.tag].contains(&self.tag) {
            "(hidden)".to_owned()
        } else {
            key.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        StoreError::Corrupt {
            table: self.name,
            key: shown,
        }
    }
}

/// The first key behind all that begin with `bytes`.
fn successor(mut bytes: Vec<u8>) -> Vec<u8> {
    while let Some(last) = bytes.pop() {
        if last < u8::MAX {
            bytes.push(last + 1);
            return bytes;
        }
    }
    bytes
}

#[cfg(test)]
mod tests;
