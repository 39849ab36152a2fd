//! One item as one source states it, and the document that carried it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::parts::{Attachment, Attribution, Author, NamedLink, Picture};

/// One item of a feed, one page or one file, with relative addresses made absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// As stated; empty ones count as absent.
    pub guid: Option<String>,
    /// RSS `isPermaLink`, which is true unless the feed says otherwise.
    pub guid_is_permalink: bool,
    pub url: Option<Url>,
    /// The address the page itself names (`rel=canonical`).
    pub canonical: Option<Url>,
    /// Plain text.
    pub title: String,
    /// HTML or text as stated, not sanitised.
    pub summary: Option<String>,
    /// HTML as stated, not sanitised: see `ingest::sanitize`.
    pub content: Option<String>,
    /// What relative addresses in `summary` and `content` start from; `url` where it is not stated.
    pub base: Option<Url>,
    pub published: Option<DateTime<Utc>>,
    pub modified: Option<DateTime<Utc>>,
    pub authors: Vec<Author>,
    /// Categories in the source's own words.
    pub tags: Vec<String>,
    /// BCP 47.
    pub language: Option<String>,
    /// As stated beside the content; `ingest::article::picture` also looks into it.
    pub picture: Option<Picture>,
    pub attachments: Vec<Attachment>,
    pub named_related: Vec<NamedLink>,
    pub source: Option<Attribution>,
    /// No part of the entry as stated: what changes here revises nothing.
    pub full: Full,
}

/// What the page of an entry says, for sources whose text is fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Full {
    #[default]
    NotFetched,
    /// The page could not be had.
    Missing,
    Page(Box<Entry>),
}

impl Entry {
    /// What relative addresses in its HTML start from; `home` where it has no address of its own.
    pub fn base_or<'a>(&'a self, home: &'a Url) -> &'a Url {
        self.base.as_ref().or(self.url.as_ref()).unwrap_or(home)
    }
}

/// What parsing one document yields. Defects are data: they never cost an entry that can be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    pub format: Option<Format>,
    /// The charset the bytes were read in, by its WHATWG name.
    pub encoding: &'static str,
    /// Plain text.
    pub title: Option<String>,
    pub home_page_url: Option<Url>,
    /// Plain text.
    pub description: Option<String>,
    pub language: Option<String>,
    pub authors: Vec<Author>,
    pub hints: Hints,
    pub hub: Option<Hub>,
    pub entries: Vec<Entry>,
    pub defects: Vec<Defect>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 0.90 and 1.0, the RDF family.
    Rdf,
    /// 0.91 to 2.0.
    Rss,
    Atom,
    JsonFeed,
    Page,
    Markdown,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Format::Rdf => "rdf",
            Format::Rss => "rss",
            Format::Atom => "atom",
            Format::JsonFeed => "json",
            Format::Page => "page",
            Format::Markdown => "markdown",
        }
    }
}

/// What a feed says about how often to poll it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hints {
    /// RSS `ttl`, or `sy:updatePeriod` divided by `sy:updateFrequency`, in minutes.
    pub ttl_minutes: Option<u32>,
    /// RSS `skipHours`: hours of the day in UTC, 0 to 23.
    pub skip_hours: Vec<u8>,
    /// RSS `skipDays`: days of the week in UTC, 0 is Monday.
    pub skip_days: Vec<u8>,
}

/// Who pushes a feed's entries to those that subscribe (WebSub, section 4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hub {
    /// In the order stated.
    pub hubs: Vec<Url>,
    /// The feed's own name for itself, `rel=self`, from the same response as the hubs.
    pub topic: Url,
}

/// Something that the standard forbids and the reader got over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Defect {
    /// 1-based; none where it concerns the whole document.
    pub line: Option<u32>,
    pub what: String,
}
