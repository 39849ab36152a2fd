//! Where entries come from.

pub mod agenda;
pub mod entry;
pub mod fetch;
#[cfg(test)]
pub mod fixture;
pub mod folder;
pub mod guard;
mod headers;
mod moved;
pub mod page;
pub mod push;
pub mod renew;
pub mod rhythm;
pub mod robots;
pub mod rules;
pub mod schedule;
mod trail;
pub mod visit;
pub mod watch;
pub mod websub;

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use self::{
    entry::{Defect, Hints, Hub},
    page::{Listing, Missed},
    push::PushToken,
    rules::Rules,
    websub::{Subscription, Verification},
};
use crate::{
    id::{SourceName, TopicSlug},
    port,
};

/// A source as the operator configured it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub name: SourceName,
    /// What readers see. Default: the name.
    pub title: String,
    pub origin: Origin,
    /// How long between two polls when the publisher asks for no more; at least 5 min. Where the
    /// operator states none, it is learned: see `rhythm`.
    pub interval: Option<Duration>,
    /// Topics that every article of this source gets.
    pub topics: Vec<TopicSlug>,
    /// How many articles of a first fetch, the latest ones, digests may carry. Default 0.
    pub mail_first: usize,
    /// Of several sources that carry one text, the one with the highest represents it; -100 to
    /// 100, default 0.
    pub priority: i32,
    /// Which of its entries are wanted. Default: all.
    pub rules: Rules,
    pub full_text: FullText,
}

/// Where the text of a feed's entries comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FullText {
    /// The feed itself.
    #[default]
    Stated,
    /// The page of each new entry.
    Fetched,
}

impl Source {
    /// Whether we go and ask; who pushes comes to us.
    pub fn is_polled(&self) -> bool {
        !matches!(self.origin, Origin::Push(_))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Feed(FeedUrl),
    Page(Listing),
    Folder(PathBuf),
    /// Never polled: whoever holds the token brings the articles.
    Push(PushToken),
}

impl Origin {
    /// The key of the configuration that states it.
    pub fn kind(&self) -> &'static str {
        match self {
            Origin::Feed(_) => "feed",
            Origin::Page(_) => "page",
            Origin::Folder(_) => "folder",
            Origin::Push(_) => "push",
        }
    }

    /// Where it is asked for over HTTP.
    pub fn address(&self) -> Option<&FeedUrl> {
        match self {
            Origin::Feed(url) => Some(url),
            Origin::Page(listing) => Some(&listing.url),
            Origin::Folder(_) | Origin::Push(_) => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Feed(url) => url.as_str().fmt(f),
            Origin::Page(listing) => listing.url.as_str().fmt(f),
            Origin::Folder(path) => path.display().fmt(f),
            Origin::Push(_) => f.write_str("pushed"),
        }
    }
}

/// An absolute http or https address without user or password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FeedUrl(Url);

#[derive(Debug, thiserror::Error)]
pub enum BadFeedUrl {
    #[error("`{0}` is not an absolute address")]
    NotAbsolute(String),
    #[error("only http and https addresses can be polled, not `{0}:`")]
    Scheme(String),
    #[error("an address with a user or password in it is refused")]
    Credentials,
}

impl FeedUrl {
    pub fn parse(text: &str) -> Result<Self, BadFeedUrl> {
        let url = Url::parse(text.trim()).map_err(|_| BadFeedUrl::NotAbsolute(text.to_owned()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BadFeedUrl::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadFeedUrl::Credentials);
        }
        Ok(Self(url))
    }

    pub fn url(&self) -> &Url {
        &self.0
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for FeedUrl {
    type Err = BadFeedUrl;

    fn from_str(text: &str) -> Result<Self, BadFeedUrl> {
        Self::parse(text)
    }
}

impl TryFrom<String> for FeedUrl {
    type Error = BadFeedUrl;

    fn try_from(text: String) -> Result<Self, BadFeedUrl> {
        Self::parse(&text)
    }
}

impl From<FeedUrl> for String {
    fn from(url: FeedUrl) -> String {
        url.0.into()
    }
}

/// HTTP validators, byte for byte as the server sent them (RFC 9110, section 8.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// The address that sent them, behind all redirects; no other may be asked with them.
    pub url: Option<Url>,
    pub etag: Option<Vec<u8>>,
    pub last_modified: Option<Vec<u8>>,
}

impl Validators {
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// Where polling a source stands; kept, so that intervals survive a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    /// The address or folder this state belongs to; another one starts afresh.
    pub origin: String,
    pub validators: Validators,
    pub last: DateTime<Utc>,
    pub next: DateTime<Utc>,
    /// What the last poll came to, in words an operator reads.
    pub result: String,
    /// Where permanent redirects led for long enough to be believed; asked in place of `origin`.
    pub address: Option<FeedUrl>,
    /// Permanent redirects that are not believed yet.
    pub moved: Option<Moved>,
    /// Failed polls in a row.
    pub failures: u32,
    pub failing_since: Option<DateTime<Utc>>,
    /// The server said 410 Gone: not polled again until the operator resumes it.
    pub gone: bool,
    /// Until when the server asked to be left alone; holds for everything on its host.
    pub rests_until: Option<DateTime<Utc>>,
    /// As the last document stated them.
    pub hints: Hints,
    /// The usual time between two of its entries.
    pub rhythm: Option<Duration>,
    /// What was wrong with the last document that was read; at most [`Poll::MOST_DEFECTS`].
    pub defects: Vec<Defect>,
    /// Who pushes what is new, as the last document or its headers stated (WebSub, section 4).
    pub hub: Option<Hub>,
    /// Entries seen so far. None before the first successful poll, whose entries are never mailed.
    pub entries: Option<u64>,
    /// The latest date any entry bore.
    pub newest: Option<DateTime<Utc>>,
    /// Pages that wait for the next poll, because this one had enough.
    pub left: u32,
    /// Pages of the listing that could not be had.
    pub missed: Vec<Missed>,
}

/// A permanent redirect that a source answered with, poll after poll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    pub to: FeedUrl,
    pub since: DateTime<Utc>,
    /// Polls in a row that led there.
    pub times: u32,
}

impl Poll {
    pub const MOST_DEFECTS: usize = 20;

    /// The result of a source that was never polled.
    pub const NEVER: &str = "never polled";

    /// The state of a source that was never polled; due at once.
    pub fn unpolled(origin: &Origin, now: DateTime<Utc>) -> Self {
        Poll {
            origin: origin.to_string(),
            validators: Validators::default(),
            last: now,
            next: now,
            result: Poll::NEVER.to_owned(),
            address: None,
            moved: None,
            failures: 0,
            failing_since: None,
            gone: false,
            rests_until: None,
            hints: Hints::default(),
            rhythm: None,
            defects: Vec::new(),
            hub: None,
            entries: None,
            newest: None,
            left: 0,
            missed: Vec::new(),
        }
    }
}

/// What is kept about one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// None before the first poll.
    pub poll: Option<Poll>,
    /// Since when the operator has it left alone.
    pub paused: Option<DateTime<Utc>>,
    /// Articles that it was the first to bring, whatever became of them.
    pub articles: u64,
    /// Where we stand with a hub.
    pub subscription: Option<Subscription>,
}

/// Whether a hub is told what it wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// We asked for that: its challenge is repeated.
    Confirmed,
    /// It said no, and that is noted.
    Noted,
    Unasked,
}

/// What is kept about polling and about hubs.
#[async_trait]
pub trait SourceStore: Send + Sync {
    /// The state of one source, or none if it was never polled.
    async fn poll(&self, source: &SourceName) -> port::Result<Option<Poll>>;

    /// Records a poll that brought no document: not modified, or failed.
    async fn record_quiet(&self, source: &SourceName, poll: &Poll) -> port::Result<()>;

    /// What is kept about every source that anything is kept about, also of those that the
    /// configuration no longer names.
    async fn standings(&self) -> port::Result<BTreeMap<SourceName, Standing>>;

    /// Has `source` left alone from `now` on; one that is paused already stays so since then.
    async fn pause(&self, source: &SourceName, now: DateTime<Utc>) -> port::Result<()>;

    /// Ends a pause. A source that is gone is taken for alive again and due `now`; any other keeps
    /// its next poll, so that nobody is asked sooner for having been paused.
    async fn resume(&self, source: &SourceName, now: DateTime<Utc>) -> port::Result<()>;

    /// The paused sources, and since when.
    async fn paused(&self) -> port::Result<BTreeMap<SourceName, DateTime<Utc>>>;

    async fn subscription(&self, source: &SourceName) -> port::Result<Option<Subscription>>;

    /// The source, and its subscription, that hubs know by this address.
    async fn hook(&self, id: &str) -> port::Result<Option<(SourceName, Subscription)>>;

    /// Keeps the subscription of a source in the place of the one before. Only its own address
    /// leads to it.
    async fn keep_subscription(
        &self,
        source: &SourceName,
        subscription: &Subscription,
    ) -> port::Result<()>;

    /// Notes that the hub did not take a request of the subscription of that id. Another
    /// subscription, or one that the hub has confirmed meanwhile, is left as it is.
    async fn subscription_failed(
        &self,
        source: &SourceName,
        id: &str,
        reason: &str,
        now: DateTime<Utc>,
    ) -> port::Result<()>;

    /// Answers a hub that asks back at an address, and keeps what follows from the answer, in one
    /// transaction.
    async fn verify_subscription(
        &self,
        id: &str,
        asked: Verification,
        now: DateTime<Utc>,
    ) -> port::Result<Verdict>;

    async fn forget_subscription(&self, source: &SourceName) -> port::Result<()>;
}
