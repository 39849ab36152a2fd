//! Finds the feed behind an address that an operator names.

use anyhow::{Context, Result, bail};
use url::Url;

use crate::{
    clock::Clock,
    dedupe::link,
    ingest::{
        discover::{self, Offer},
        parse::{Given, Kind, parse},
    },
    sources::{
        FeedUrl, Validators,
        entry::Document,
        fetch::{Download, FetchConfig, Fetched, Fetcher},
        guard::Guard,
    },
};

/// Feeds that a page links to and that are tried; a page with five dead links has no sixth.
const TRIES: usize = 5;

/// What stands at an address.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) url: FeedUrl,
    pub(super) document: Document,
    /// Other feeds that the page links to.
    pub(super) others: Vec<Offer>,
}

/// Asks servers for an operator: private networks are allowed, as in `parse`.
#[derive(Debug)]
pub(super) struct Finder {
    fetcher: Fetcher,
}

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
        let networks = ["0.0.0.0/0", "::/0"].into_iter();
        let guard = Guard {
            allow: networks.filter_map(|one| one.parse().ok()).collect(),
            ports: Vec::new(),
        };
        let config = FetchConfig {
            guard,
            ..config.clone()
        };
        Ok(Self {
            fetcher: Fetcher::new(config)?,
        })
    }

    /// The feed at `asked`, else the best that the page there links to, else one that stands where
    /// feeds usually do.
    pub(super) async fn feed(&self, asked: &FeedUrl) -> Result<Found> {
        let page = self.download(asked).await?;
        if let Ok(document) = read(&page, Kind::Feed) {
            return Ok(Found {
                url: settled(asked, &page.url),
                document,
                others: Vec::new(),
            });
        }
        let mut offers = discover::offers(&page.bytes, page.content_type.as_deref(), &page.url);
        for n in 0..offers.len().min(TRIES) {
            match self.try_at(&offers[n].url).await {
                Tried::Feed(document) => {
                    let url = FeedUrl::parse(offers.remove(n).url.as_str())?;
                    return Ok(Found {
                        url,
                        document: *document,
                        others: offers,
                    });
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
                    return Ok(Found {
                        url: FeedUrl::parse(guess.as_str())?,
                        document: *document,
                        others: Vec::new(),
                    });
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

    /// The page at `asked`, as an article is read.
    pub(super) async fn page(&self, asked: &FeedUrl) -> Result<Found> {
        let page = self.download(asked).await?;
        let document = read(&page, Kind::Page).with_context(|| page.url.to_string())?;
        Ok(Found {
            url: settled(asked, &page.url),
            document,
            others: Vec::new(),
        })
    }

    async fn download(&self, url: &FeedUrl) -> Result<Download> {
        match self.fetch(url).await {
            Fetched::Document(download) => Ok(*download),
            Fetched::Failed { reason, .. } => bail!("{}: {reason}", url.as_str()),
            Fetched::Gone => bail!("{}: answered 410 Gone", url.as_str()),
            Fetched::NotModified { .. } => bail!("{}: answered 304 unasked", url.as_str()),
        }
    }

    async fn try_at(&self, url: &Url) -> Tried {
        let Ok(url) = FeedUrl::parse(url.as_str()) else {
            return Tried::None;
        };
        match self.fetch(&url).await {
            Fetched::Document(download) => read(&download, Kind::Feed)
                .map_or(Tried::None, |document| Tried::Feed(Box::new(document))),
            Fetched::Failed {
                retry_after: Some(_),
                ..
            } => Tried::Rest,
            Fetched::Failed { .. } | Fetched::Gone | Fetched::NotModified { .. } => Tried::None,
        }
    }

    async fn fetch(&self, url: &FeedUrl) -> Fetched {
        let now = Clock::System.now();
        self.fetcher.fetch(url, &Validators::default(), now).await
    }
}

fn read(download: &Download, kind: Kind) -> Result<Document> {
    let given = Given {
        base: &download.url,
        content_type: download.content_type.as_deref(),
        kind,
    };
    Ok(parse(&download.bytes, &given)?)
}

/// Where a redirect led if it only tidied the address: any other may be for today.
fn settled(asked: &FeedUrl, reached: &Url) -> FeedUrl {
    match FeedUrl::parse(reached.as_str()) {
        Ok(url) if link::canonical(asked.url()) == link::canonical(reached) => url,
        _ => asked.clone(),
    }
}
