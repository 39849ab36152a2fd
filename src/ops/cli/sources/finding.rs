//! Finds the feed or the listing behind an address that an operator names.

use anyhow::{Result, bail};
use url::Url;

use crate::{
    dedupe::link,
    ingest::{
        discover::{self, Offer},
        listing,
        parse::{Given, Kind, parse},
    },
    ops::cli::asking::{Asker, Served},
    sources::{
        FeedUrl,
        entry::{Document, Format},
        fetch::{FetchConfig, Fetched},
    },
};

/// Feeds that a page links to and that are tried; a page with five dead links has no sixth.
const TRIES: usize = 5;

/// What stands at an address.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) url: FeedUrl,
    /// What it calls itself.
    pub(super) title: Option<String>,
    pub(super) format: Format,
    /// Entries of a feed, links to articles in a page.
    pub(super) n_articles: usize,
    /// Other feeds that a page links to.
    pub(super) others: Vec<Offer>,
}

impl Found {
    fn feed(url: FeedUrl, document: Document, others: Vec<Offer>) -> Self {
        Found {
            url,
            title: document.title,
            format: document.format.unwrap_or(Format::Rss),
            n_articles: document.entries.len(),
            others,
        }
    }
}

/// Asks servers for what may be added.
#[derive(Debug)]
pub(super) struct Finder(Asker);

/// What came of one try.
enum Tried {
    Feed(Box<Document>),
    /// Something else, or nothing.
    None,
    /// The server asks to be left alone.
    Rest,
}

impl Finder {
    pub(super) fn new(config: &FetchConfig) -> Result<Self> {
        Ok(Self(Asker::new(config.clone())?))
    }

    /// The feed at `asked`, else the best that the page there links to, else one that stands where
    /// feeds usually do.
    pub(super) async fn feed(&self, asked: &FeedUrl) -> Result<Found> {
        let page = self.0.document(asked).await?;
        if let Ok(document) = read(&page) {
            let url = settled(asked, &page.url);
            return Ok(Found::feed(url, document, Vec::new()));
        }
        let mut offers = discover::offers(&page.bytes, page.content_type.as_deref(), &page.url);
        for n in 0..offers.len().min(TRIES) {
            match self.try_at(&offers[n].url).await {
                Tried::Feed(document) => {
                    let url = FeedUrl::parse(offers.remove(n).url.as_str())?;
                    return Ok(Found::feed(url, *document, offers));
                }
                Tried::None => {}
                Tried::Rest => bail!("{} asks to be left alone for now", offers[n].url),
            }
        }
        let guesses = match offers.as_slice() {
            [] => discover::guesses(&page.url),
            _ => Vec::new(),
        };
        for guess in guesses {
            match self.try_at(&guess).await {
                Tried::Feed(document) => {
                    let url = FeedUrl::parse(guess.as_str())?;
                    return Ok(Found::feed(url, *document, Vec::new()));
                }
                Tried::None => {}
                Tried::Rest => break,
            }
        }
        bail!(
            "{} offers no feed; `--as page` adds the page itself",
            page.url
        )
    }

    /// The page at `asked`, if it has links that look like articles.
    pub(super) async fn page(&self, asked: &FeedUrl) -> Result<Found> {
        let page = self.0.page(asked).await?;
        let (links, title) = listing::of_page(&page.bytes, page.content_type.as_deref(), &page.url);
        if links.is_empty() {
            bail!(
                "no link on {} looks like one to an article; where that is wrong, add it by hand \
                 with `[source.select]`",
                page.url
            );
        }
        Ok(Found {
            url: settled(asked, &page.url),
            title,
            format: Format::Page,
            n_articles: links.len(),
            others: Vec::new(),
        })
    }

    async fn try_at(&self, url: &Url) -> Tried {
        let Ok(url) = FeedUrl::parse(url.as_str()) else {
            return Tried::None;
        };
        match self.0.fetch(&url).await {
            Fetched::Document(download) => {
                let read = read(&Served {
                    bytes: download.bytes,
                    content_type: download.content_type,
                    url: download.url,
                });
                read.map_or(Tried::None, |document| Tried::Feed(Box::new(document)))
            }
            Fetched::Failed {
                retry_after: Some(_),
                ..
            } => Tried::Rest,
            Fetched::Failed { .. } | Fetched::Gone | Fetched::NotModified { .. } => Tried::None,
        }
    }
}

fn read(served: &Served) -> Result<Document> {
    let given = Given {
        base: &served.url,
        content_type: served.content_type.as_deref(),
        kind: Kind::Feed,
    };
    Ok(parse(&served.bytes, &given)?)
}

/// Where a redirect led if it only tidied the address: any other may be for today.
fn settled(asked: &FeedUrl, reached: &Url) -> FeedUrl {
    match FeedUrl::parse(reached.as_str()) {
        Ok(url) if link::canonical(asked.url()) == link::canonical(reached) => url,
        _ => asked.clone(),
    }
}
