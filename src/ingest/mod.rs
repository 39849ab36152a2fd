//! Bytes become entries, entries become articles.

pub mod article;
pub mod memory;
pub mod task;
mod round;
pub mod turns;
pub mod read;
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
use chrono::{DateTime, Utc};

use crate::{
    dedupe::{Known, Trace, fingerprint::Fingerprint},
    id::{ArticleId, SourceName},
    library::{Article, Body, Measure, Reprint},
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
    /// From this article.
    From(ArticleId),
    /// Nothing came under that id that is folded into an article.
    NotFolded,
}

/// Everything that one poll brought.
#[derive(Clone, Debug)]
pub struct Record {
    pub source: SourceName,
    pub poll: Poll,
    pub judged: Vec<Judged>,
    pub now: DateTime<Utc>,
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

    /// Makes what came under `id` an article of its own again, for ever; it is not mailed.
    async fn split(&self, id: ArticleId) -> port::Result<Split>;

    /// The pairs that were split.
    async fn apart(&self) -> port::Result<Vec<(ArticleId, ArticleId)>>;

    /// Records articles, fingerprints, validators and the next poll in one transaction.
    ///
    /// Each fingerprint leads to one article for ever. A `New` one that lost a race for any of its
    /// fingerprints counts as known and leaves nothing behind.
    async fn record(&self, record: Record) -> port::Result<Recorded>;
}
