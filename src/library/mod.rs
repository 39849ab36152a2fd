//! The articles we keep.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    id::{ArticleId, SourceName, TopicSlug},
    parts::{Attachment, Author, NamedLink, Picture, Window},
    port,
};

/// A deduplicated unit of the library.
///
/// Its text is kept apart, in [`Body`], because lists and feeds' validators never need it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Article {
    pub id: ArticleId,
    /// The source that represents it.
    pub source: SourceName,
    /// As that source states it.
    pub guid: Option<String>,
    pub url: Option<Url>,
    /// Plain text.
    pub title: String,
    /// Plain text, at most a few sentences.
    pub summary: String,
    pub authors: Vec<Author>,
    pub tags: Vec<String>,
    pub topics: Vec<TopicSlug>,
    pub language: Option<String>,
    pub picture: Option<Picture>,
    pub attachments: Vec<Attachment>,
    pub named_related: Vec<NamedLink>,
    /// As stated, but never later than `first_seen`, which stands in where none is stated.
    pub published: DateTime<Utc>,
    pub first_seen: DateTime<Utc>,
    /// When its text or title last changed after it was first seen.
    pub revised: Option<DateTime<Utc>>,
    /// Other entries that brought the same text.
    pub reprints: Vec<Reprint>,
    /// Best first.
    pub related: Vec<Related>,
    /// What several articles of different text tell, by the id of the first one; its own where it
    /// is the first.
    pub story: ArticleId,
    pub mail: Mail,
}

impl Article {
    /// When what a reader sees last changed.
    pub fn changed(&self) -> DateTime<Utc> {
        self.revised.unwrap_or(self.first_seen)
    }

    /// What to call it where something must be said: its title, else the start of its summary.
    pub fn heading(&self) -> &str {
        if !self.title.is_empty() {
            return &self.title;
        }
        let end = self
            .summary
            .char_indices()
            .nth(80)
            .map_or(self.summary.len(), |(at, _)| at);
        match self.summary[..end].trim() {
            "" => "Untitled",
            start => start,
        }
    }

    /// The sources that carry it besides the one that represents it, each once.
    pub fn also_carried_by(&self) -> Vec<&SourceName> {
        let mut carriers: Vec<&SourceName> = Vec::new();
        for reprint in &self.reprints {
            if reprint.source != self.source && !carriers.contains(&&reprint.source) {
                carriers.push(&reprint.source);
            }
        }
        carriers
    }
}

/// The text of an article.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Sanitised.
    pub html: String,
    pub text: String,
}

/// Whether digests may carry an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mail {
    Due,
    /// Came with a first fetch or a flood: published, never mailed.
    Held,
}

/// Another entry with the same text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reprint {
    pub source: SourceName,
    pub guid: Option<String>,
    pub url: Option<Url>,
    /// How much of the text agrees, 0 to 1.
    pub score: f32,
    /// What the score was made of; none where the link or the whole text is the same.
    pub measure: Option<Measure>,
    pub seen: DateTime<Utc>,
    /// The id that it came with, and under which it can be split off; none where its link says that
    /// it is the article itself.
    pub id: Option<ArticleId>,
}

/// How much two texts agree, each from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// How much of the shorter text stands in the other.
    pub contained: f32,
    /// How much of it lies in passages that agree at all.
    pub spread: f32,
    /// How alike title and lead are.
    pub lead: f32,
}

/// An earlier article worth reading with this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Related {
    pub id: ArticleId,
    /// Share of the article's similarity to itself, 0 to 1; 1 where the author named it.
    pub score: f32,
    /// The author of the article named it.
    pub named: bool,
    /// It is an earlier article of the same story.
    pub same_story: bool,
}

/// Which articles to list, latest first.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Any of these; empty is all.
    pub sources: Vec<SourceName>,
    /// Any of these; empty is all.
    pub topics: Vec<TopicSlug>,
    /// None of these.
    pub exclude: Vec<TopicSlug>,
    /// Only those first seen in this window.
    pub seen: Option<Window>,
    pub mail: Option<Mail>,
    pub limit: Option<usize>,
}

impl Query {
    /// Tells whether `article` is one of those asked for, `limit` aside.
    pub fn selects(&self, article: &Article) -> bool {
        let any = |wanted: &[TopicSlug]| wanted.iter().any(|topic| article.topics.contains(topic));
        (self.sources.is_empty()
            || self.sources.contains(&article.source)
            || article
                .reprints
                .iter()
                .any(|reprint| self.sources.contains(&reprint.source)))
            && (self.topics.is_empty() || any(&self.topics))
            && !any(&self.exclude)
            && self
                .seen
                .is_none_or(|window| window.contains(article.first_seen))
            && self.mail.is_none_or(|mail| article.mail == mail)
    }
}

/// Reading the library.
#[async_trait]
pub trait ArticleStore: Send + Sync {
    /// The article with that id, or the one that it was folded into.
    async fn article(&self, id: ArticleId) -> port::Result<Option<Article>>;

    /// Those of `ids` that the library holds, in the order of `ids`; what was folded stands for the
    /// article that it was folded into, and each comes once.
    async fn articles(&self, ids: &[ArticleId]) -> port::Result<Vec<Article>>;

    /// The articles behind `after` by id, with their texts, at most `n`.
    async fn page(&self, after: Option<ArticleId>, n: usize) -> port::Result<Vec<(Article, Body)>>;

    /// What came under `id` and is folded into an article, as it came.
    async fn folded(&self, id: ArticleId) -> port::Result<Option<(Article, Body)>>;

    async fn body(&self, id: ArticleId) -> port::Result<Option<Body>>;

    /// When the article was removed, if it was.
    async fn removed(&self, id: ArticleId) -> port::Result<Option<DateTime<Utc>>>;

    /// What `query` selects, by `published` and then id, latest first.
    async fn list(&self, query: &Query) -> port::Result<Vec<Article>>;
}
