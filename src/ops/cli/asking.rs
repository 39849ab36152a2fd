//! Asks servers for an operator who waits: private networks are allowed, because nobody else
//! chose the address.

use anyhow::{Result, bail};
use tokio::time::Instant;
use url::Url;

use crate::{
    clock::Clock,
    sources::{
        FeedUrl, Validators,
        fetch::{FetchConfig, Fetched, Fetcher, FetcherError},
        guard::Guard,
        visit::{Visited, Visitor},
    },
};

#[derive(Debug)]
pub(super) struct Asker {
    fetcher: Fetcher,
    visitor: Visitor,
}

/// What an address serves.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: Option<String>,
    /// Where the last redirect led.
    pub(super) url: Url,
}

impl Asker {
    pub(super) fn new(config: FetchConfig) -> Result<Self, FetcherError> {
        let guard = Guard::everywhere();
        let fetcher = Fetcher::new(FetchConfig { guard, ..config })?;
        Ok(Asker {
            visitor: Visitor::new(fetcher.clone()),
            fetcher,
        })
    }

    pub(super) async fn fetch(&self, url: &FeedUrl) -> Fetched {
        let now = Clock::System.now();
        self.fetcher.fetch(url, &Validators::default(), now).await
    }

    pub(super) async fn document(&self, url: &FeedUrl) -> Result<Served> {
        match self.fetch(url).await {
            Fetched::Document(download) => Ok(Served {
                bytes: download.bytes,
                content_type: download.content_type,
                url: download.url,
            }),
            Fetched::Failed { reason, .. } => bail!("{}: {reason}", url.as_str()),
            Fetched::Gone => bail!("{}: answered 410 Gone", url.as_str()),
            Fetched::NotModified { .. } => bail!("{}: answered 304 unasked", url.as_str()),
        }
    }

    /// As a page source does: robots.txt has its say.
    pub(super) async fn page(&self, url: &FeedUrl) -> Result<Served> {
        let (asked, now) = (Validators::default(), Clock::System.now());
        let until = Instant::now() + self.visitor.timeout() * 2;
        match self.visitor.visit(url.url(), &asked, until, now).await {
            Visited::Page(page) => Ok(Served {
                bytes: page.bytes,
                content_type: page.content_type,
                url: page.url,
            }),
            Visited::Failed { reason, .. } => bail!("{}: {reason}", url.as_str()),
            Visited::Gone => bail!("{}: answered 410 Gone", url.as_str()),
            Visited::NotModified { .. } => bail!("{}: answered 304 unasked", url.as_str()),
            Visited::Late => bail!("{}: its host takes too long", url.as_str()),
        }
    }
}
