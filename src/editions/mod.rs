//! What we publish.

pub mod cadence;
pub mod digest;
mod escape;
pub mod feed;
pub mod optin;
pub mod render;
pub mod select;
pub mod stories;
pub mod task;

#[cfg(test)]
pub(crate) mod fixture;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    id::{ArticleId, DigestName, EditionSlug, SourceName, TopicSlug},
    library::{Article, Body},
    parts::Window,
    port,
    subscribers::address::EmailAddress,
};
use cadence::Cadence;

/// Who publishes.
#[derive(Clone, Debug)]
pub struct Site {
    pub title: String,
    /// Every address we publish starts with it; ends with `/`.
    pub base_url: Url,
    /// BCP 47.
    pub language: String,
    pub zone: Tz,
    /// Stands in every digest (15 USC 7704(a)(5)).
    pub postal_address: String,
    pub sender: EmailAddress,
}

impl Site {
    /// An address below the base: `path` without a leading slash.
    pub fn address(&self, path: &str) -> Url {
        self.base_url
            .join(path)
            .unwrap_or_else(|_| self.base_url.clone())
    }
}

/// A named publication: a selection of articles with its feeds and digests.
#[derive(Clone, Debug)]
pub struct Edition {
    pub slug: EditionSlug,
    pub title: String,
    pub description: String,
    pub select: Select,
    /// In a feed and in a digest. Default 30.
    pub max_articles: usize,
    /// A digest with fewer is not sent; its articles wait for the next. Default 1.
    pub min_articles: usize,
    /// In a digest, of one story. Default 3.
    pub max_per_story: usize,
    /// Related links for each article. Default 3.
    pub related: usize,
    pub digests: Vec<DigestRule>,
}

/// Which articles belong to an edition; empty lists select everything.
#[derive(Clone, Debug, Default)]
pub struct Select {
    pub sources: Vec<SourceName>,
    pub topics: Vec<TopicSlug>,
    pub exclude: Vec<TopicSlug>,
}

/// One of an edition's digests.
#[derive(Clone, Debug)]
pub struct DigestRule {
    pub name: DigestName,
    pub cadence: Cadence,
    /// The folder under `templates/mail`. Default `digest`.
    pub template: String,
    /// A slot missed by more than this is passed over; its articles wait for the next. Default 24 h.
    pub late_after: Duration,
    /// What could not be sent for so long is not sent any more. Default: it is sent however late.
    pub stale_after: Option<Duration>,
}

impl DigestRule {
    /// When what is planned at `now` is too old to be sent.
    pub fn stale(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let after = TimeDelta::from_std(self.stale_after?).ok()?;
        now.checked_add_signed(after)
    }
}

/// One dated mail issue of an edition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    pub edition: EditionSlug,
    pub name: DigestName,
    /// 1, 2, 3 within the edition, whatever the name.
    pub number: u32,
    /// When it was due.
    pub slot: DateTime<Utc>,
    pub window: Window,
    pub articles: Vec<ArticleId>,
    /// Its deliveries are in the outbox.
    pub planned: bool,
}

impl Digest {
    /// Its name in the outbox.
    pub fn key(&self) -> String {
        let slot = self.slot.to_rfc3339();
        format!("digest:{}:{}:{slot}", self.edition, self.name)
    }
}

/// How far a digest rule has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The latest slot that was closed or passed over; at first, when the rule was first seen.
    pub slot: DateTime<Utc>,
    /// Where the next window starts; none before the first digest.
    pub from: Option<DateTime<Utc>>,
}

/// A digest that is due.
#[derive(Clone, Debug)]
pub struct Close {
    pub edition: EditionSlug,
    pub name: DigestName,
    pub slot: DateTime<Utc>,
    pub window: Window,
    pub articles: Vec<ArticleId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    New(Digest),
    /// This slot, or a later one, was closed before.
    Already,
}

/// An article as an edition shows it, in a feed, a digest or a page.
#[derive(Clone, Debug)]
pub struct Published {
    pub article: Article,
    pub body: Body,
    /// Where a reader finds it: the publisher's address, or our own page where there is none.
    pub url: Url,
    /// The representing source, in the operator's words.
    pub source: String,
    /// The other sources that carried it.
    pub carriers: Vec<String>,
    /// At most the edition's number, those the author named first.
    pub related: Vec<RelatedLink>,
}

impl Published {
    /// Tells whether the text shows the lead picture, so that it need not be shown again.
    pub fn shows_picture(&self) -> bool {
        self.article.picture.as_ref().is_some_and(|picture| {
            let address = picture.url.as_str();
            let html = &self.body.html;
            html.contains(address) || html.contains(&address.replace('&', "&amp;"))
        })
    }
}

/// A related article, ready to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RelatedLink {
    pub title: String,
    pub url: Url,
    /// In the operator's words; none where the library does not hold the article.
    pub source: Option<String>,
    /// The author of the article named it.
    pub named: bool,
    /// It is an earlier article of the same story.
    pub same_story: bool,
}

/// What is kept about digests.
#[async_trait]
pub trait EditionStore: Send + Sync {
    /// How far a rule has come; a rule never seen before starts at `now`.
    async fn progress(
        &self,
        edition: &EditionSlug,
        name: &DigestName,
        now: DateTime<Utc>,
    ) -> port::Result<Progress>;

    /// Writes a digest, with the next number of its edition, unless its slot is past.
    async fn close(&self, close: Close) -> port::Result<Closed>;

    /// Passes the slot at the end of `window` over without a digest; the next window starts where
    /// this one does.
    async fn pass(
        &self,
        edition: &EditionSlug,
        name: &DigestName,
        window: Window,
    ) -> port::Result<()>;

    /// Digests that were closed but whose deliveries were not planned: a crash came between.
    async fn unplanned(&self) -> port::Result<Vec<Digest>>;

    /// Notes that the deliveries of a digest are in the outbox.
    async fn planned(&self, edition: &EditionSlug, number: u32) -> port::Result<()>;

    async fn digest(&self, edition: &EditionSlug, number: u32) -> port::Result<Option<Digest>>;

    /// The latest first.
    async fn digests(&self, edition: &EditionSlug, limit: usize) -> port::Result<Vec<Digest>>;
}
