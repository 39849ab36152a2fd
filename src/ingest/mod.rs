//! Bytes become entries, entries become articles.

pub mod article;
pub mod memory;
pub mod task;
mod round;
pub mod turns;
pub mod take;
pub mod topics;
pub mod fate;
pub mod removal;
mod search;
pub mod push;
pub mod deliveries;
pub mod read;
mod recall;
mod refresh;
mod sift;
pub mod parse;
mod charset;
mod xml;
mod rss;
mod atom;
mod construct;
mod fields;
mod json_feed;
mod media;
mod person;
mod tags;
mod links;
pub mod date;
pub mod defect;
mod bounds;
mod dom;
pub mod extract;
pub mod listing;
mod full_text;
pub mod named;
pub mod discover;
pub mod opml;
pub mod markdown;
mod plain;
mod sidecar;
pub mod sanitize;
pub mod text;

use std::{collections::HashMap, ops::AddAssign};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    dedupe::{Known, Trace, fingerprint::Fingerprint},
    id::{ArticleId, SourceName},
    library::{Article, Body, Measure, Related, Reprint},
    port,
    sources::Poll,
};

/// One entry, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Every fingerprint of the entry; each will lead to its article.
    pub prints: Vec<Fingerprint>,
    pub trace: Trace,
    pub verdict: Verdict,
}

/// What an entry is to the library. `trace.article` names the article.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    New(Box<(Article, Body)>),
    /// The representing source changed it; id, `first_seen`, reprints and `mail` stay as they are.
    Revised(Box<(Article, Body)>),
    /// The same link or the same text, word for word, from another source or again from this one.
    Reprint(Reprint),
    /// Nearly the text of an article that the library has.
    Folded(Box<Fold>),
    /// Nothing a reader sees changed; only the trace is refreshed.
    Known,
}

/// An article that is one with an earlier one, and is kept folded into it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    pub home: ArticleId,
    pub measure: Measure,
    pub shown: Shown,
    /// Further articles of the library that this text shows to be one with `home`.
    pub merged: Vec<(ArticleId, Measure)>,
    pub article: Article,
    pub body: Body,
}

/// Whose text an article shows after a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Kept,
    /// That of what is folded into it.
    New,
    /// That of an article which was merged into it.
    Merged(ArticleId),
}

/// Where an entry that became an article stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Readers see its text, under this id.
    Shown(ArticleId),
    /// It is folded into this article, which shows another text.
    Folded(ArticleId),
}

impl Place {
    pub fn home(self) -> ArticleId {
        match self {
            Place::Shown(home) | Place::Folded(home) => home,
        }
    }
}

/// What came of splitting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// These are two articles now.
    Apart(ArticleId, ArticleId),
    /// Nothing came under that id that is folded into an article.
    NotFolded,
}

/// Everything that one poll, one push or one delivery brought.
#[derive(Clone, Debug)]
pub struct Record {
    pub source: SourceName,
    /// None leaves it as it is: what a hub delivers is no poll.
    pub poll: Option<Poll>,
    pub judged: Vec<Judged>,
    pub push: Option<Push>,
    pub now: DateTime<Utc>,
}

/// What is recorded together with pushed articles, or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Push {
    /// Fingerprints of removed articles of this source that may lead to new ones.
    pub lifted: Vec<Fingerprint>,
    /// For a request that may be sent again: its key, and what it was answered.
    pub answer: Option<(String, Answer)>,
}

/// What a request was answered, kept for [`Answer::KEPT_FOR`] under the key that came with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The SHA-256 of the request.
    pub request: [u8; 32],
    pub status: u16,
    /// JSON, byte for byte.
    pub body: String,
    pub at: DateTime<Utc>,
}

impl Answer {
    pub const KEPT_FOR: TimeDelta = TimeDelta::hours(24);

    pub fn has_expired(&self, now: DateTime<Utc>) -> bool {
        self.at + Self::KEPT_FOR <= now
    }
}

/// What came of recording, and what an operator reads after `ingest`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    pub new: u64,
    pub revised: u64,
    pub known: u64,
    pub reprints: u64,
    /// Of the new ones, those that no digest will carry.
    pub held: u64,
}

impl AddAssign for Recorded {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.revised += other.revised;
        self.known += other.known;
        self.reprints += other.reprints;
        self.held += other.held;
    }
}

/// What ingest asks of the store.
#[async_trait]
pub trait IngestStore: Send + Sync {
    /// What is held under each of `prints`; those without anything are left out.
    async fn known(&self, prints: &[Fingerprint]) -> port::Result<Known>;

    /// Reserves `n` article ids and returns the first. Unused ones leave gaps.
    async fn reserve(&self, n: u64) -> port::Result<ArticleId>;

    /// Where the entries stand that became `articles`; without those that were removed since.
    async fn places(&self, articles: &[ArticleId]) -> port::Result<HashMap<ArticleId, Place>>;

    /// Makes what came under `id` an article of its own again, for ever; no digest carries it.
    async fn split(&self, id: ArticleId) -> port::Result<Split>;

    /// The pairs that were split.
    async fn apart(&self) -> port::Result<Vec<(ArticleId, ArticleId)>>;

    /// Replaces the related ones of articles; those that are gone are left out.
    async fn relate(&self, related: Vec<(ArticleId, Vec<Related>)>) -> port::Result<()>;

    /// Records articles, fingerprints, validators and the next poll in one transaction.
    ///
    /// Each fingerprint leads to one article for ever. A `New` one that lost a race for any of its
    /// fingerprints counts as known and leaves nothing behind. With a `push` a lost race, or an
    /// answer that is kept already, makes the whole fail instead: who pushed is told exactly what
    /// became of each article.
    async fn record(&self, record: Record) -> port::Result<Recorded>;

    /// What a request of `source` with this key was answered, unless that has expired.
    async fn answer(
        &self,
        source: &SourceName,
        key: &str,
        now: DateTime<Utc>,
    ) -> port::Result<Option<Answer>>;

    /// Removes articles with their texts and their reprints from the library, and from the related
    /// links of others, and returns those that were there.
    ///
    /// Their fingerprints go on leading to them: no source brings a removed article back.
    async fn remove(&self, ids: &[ArticleId], now: DateTime<Utc>) -> port::Result<Vec<Article>>;

    /// Takes what `source` brought under `guid` out of the reprints of `article`.
    async fn unfold(&self, article: ArticleId, source: &SourceName, guid: &str)
    -> port::Result<()>;
}
