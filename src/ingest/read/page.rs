//! Web pages as sources: a listing says which articles there are, and each is a page of its own.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::{task::spawn_blocking, time::Instant};
use url::Url;

use super::{Brought, Reader};
use crate::{
    dedupe::{
        fingerprint::{self, Fingerprint},
        link::canonical,
    },
    ingest::{
        charset,
        listing::{self, Link},
        parse::{Given, Kind, parse},
        text,
    },
    port,
    sources::{
        Poll, Source, Validators,
        entry::Entry,
        page::{Listing, Missed},
        schedule::Arrival,
        visit::{Page, Visited},
    },
    task::chain,
};

/// Pages of articles that one poll of a source asks for; the others wait for the next one.
pub(in crate::ingest) const MOST_PAGES: usize = 30;

/// A page whose text is shorter holds no article.
const MIN_CHARS: usize = 100;

/// Pages that the result of a poll names one by one.
const MOST_NOTES: usize = 3;

/// Pages that are asked for one after the other, until their number or their time is used up.
pub(in crate::ingest) struct Round {
    n_pages: usize,
    until: Instant,
}

/// What came of asking for one page of a [`Round`].
pub(in crate::ingest) enum Turned {
    Article(Box<Entry>),
    /// For a reason that may pass.
    Missed(String),
    /// For good.
    Gone,
    /// Not asked for, and nothing more is in this round.
    Over,
}

impl Round {
    /// Two slow pages fit in, so that a round always gets somewhere.
    pub(in crate::ingest) fn new(timeout: Duration) -> Self {
        Round {
            n_pages: 0,
            until: Instant::now() + timeout * 2,
        }
    }
}

impl Reader {
    /// Asks for the page of one article.
    pub(in crate::ingest) async fn article(
        &self,
        round: &mut Round,
        url: &Url,
        now: DateTime<Utc>,
    ) -> Turned {
        if round.n_pages >= MOST_PAGES {
            return Turned::Over;
        }
        round.n_pages += 1;
        let asked = Validators::default();
        match self.visitor.visit(url, &asked, round.until, now).await {
            Visited::Page(page) => entry(*page).await,
            Visited::NotModified { .. } => {
                Turned::Missed("answered 304 to a request without conditions".to_owned())
            }
            Visited::Gone => Turned::Gone,
            Visited::Failed {
                reason,
                retry_after,
            } => {
                // A host that asks to be left alone is not asked for the next page either.
                if retry_after.is_some() {
                    round.n_pages = MOST_PAGES;
                }
                Turned::Missed(reason)
            }
            Visited::Late => Turned::Over,
        }
    }

    pub(super) async fn listing(
        &self,
        source: &Source,
        listing: &Listing,
        before: &Poll,
        now: DateTime<Utc>,
    ) -> port::Result<Brought> {
        let mut round = Round::new(self.visitor.timeout());
        let conditions = before.conditions(now);
        let url = listing.url.url();
        let page = match self.visitor.visit(url, &conditions, round.until, now).await {
            Visited::Page(page) => *page,
            Visited::NotModified {
                validators,
                max_age,
            } => {
                return Ok(Brought::NotModified {
                    validators,
                    max_age,
                    moved: None,
                });
            }
            Visited::Gone => return Ok(Brought::Gone),
            Visited::Failed {
                reason,
                retry_after,
            } => {
                return Ok(Brought::Failed {
                    reason,
                    retry_after,
                });
            }
            Visited::Late => {
                return Ok(Brought::failed(
                    "its host is kept busy by other sources".to_owned(),
                ));
            }
        };
        let select = listing.select.clone();
        let found = spawn_blocking(move || {
            let html = charset::decode(&page.bytes, page.content_type.as_deref());
            (listing::links(&html.text, &page.url, &select), page)
        });
        let Ok((links, page)) = found.await else {
            return Ok(Brought::failed(
                "the parser gave up on this page".to_owned(),
            ));
        };
        if links.is_empty() {
            let reason = "no link on this page leads to an article, or none is selected";
            return Ok(Brought::failed(reason.to_owned()));
        }
        let unknown = self.unknown(source, links).await?;
        Ok(self.articles(&mut round, unknown, page, before, now).await)
    }

    /// Those links that lead to nothing the store holds.
    async fn unknown(&self, source: &Source, links: Vec<Link>) -> port::Result<Vec<Link>> {
        let prints = |link: &Link| -> [Fingerprint; 2] {
            [
                fingerprint::link(&link.url),
                fingerprint::guid(&source.name, &canonical(&link.url)),
            ]
        };
        let asked: Vec<Fingerprint> = links.iter().flat_map(prints).collect();
        let known = self.store.known(&asked).await?;
        let is_known = |link: &Link| prints(link).iter().any(|print| known.contains_key(print));
        Ok(links.into_iter().filter(|link| !is_known(link)).collect())
    }

    async fn articles(
        &self,
        round: &mut Round,
        links: Vec<Link>,
        page: Page,
        before: &Poll,
        now: DateTime<Utc>,
    ) -> Brought {
        let (mut entries, mut missed, mut notes, mut left) =
            (Vec::new(), Vec::new(), Notes::default(), 0);
        for link in links {
            let earlier = before.missed.iter().find(|missed| missed.url == link.url);
            if let Some(earlier) = earlier.filter(|earlier| !earlier.is_due(now)) {
                missed.push(earlier.clone());
                continue;
            }
            match self.article(round, &link.url, now).await {
                Turned::Article(entry) => entries.push(listed(*entry, link)),
                Turned::Missed(reason) => {
                    notes.add(&link.url, &reason);
                    missed.push(Missed::once_more(earlier, link.url, now));
                }
                Turned::Gone => missed.push(Missed {
                    again: None,
                    ..Missed::once_more(earlier, link.url, now)
                }),
                // A page that failed before keeps its count until it is asked for again.
                Turned::Over => match earlier {
                    Some(earlier) => missed.push(earlier.clone()),
                    None => left += 1,
                },
            }
        }
        if left > 0 {
            notes.0.push(format!("{left} pages wait for the next poll"));
        }
        let arrival = Arrival {
            validators: page.validators,
            max_age: page.max_age,
            entries: entries.len(),
            dates: entries.iter().filter_map(|entry| entry.published).collect(),
            unread: notes.told(),
            left,
            missed,
            ..Arrival::default()
        };
        Brought::Entries {
            entries,
            home: page.url,
            arrival: Box::new(arrival),
        }
    }
}

/// The entry with what its listing says where the page itself says nothing. Its guid is the
/// address by which the listing names it, whatever the page calls itself.
fn listed(mut entry: Entry, link: Link) -> Entry {
    entry.guid = Some(canonical(&link.url));
    entry.published = entry.published.or(link.date);
    if entry.title.is_empty() {
        entry.title = link.title;
    }
    entry
}

async fn entry(page: Page) -> Turned {
    let parsed = spawn_blocking(move || {
        let given = Given {
            base: &page.url,
            content_type: page.content_type.as_deref(),
            kind: Kind::Page,
        };
        parse(&page.bytes, &given)
    });
    let document = match parsed.await {
        Ok(Ok(document)) => document,
        Ok(Err(unreadable)) => return Turned::Missed(chain(&unreadable)),
        Err(_) => return Turned::Missed("the parser gave up on this page".to_owned()),
    };
    let is_article = |entry: &Entry| {
        let text = entry.content.as_deref().map(text::from_html);
        text.is_some_and(|text| text.chars().count() >= MIN_CHARS)
    };
    match document.entries.into_iter().find(is_article) {
        Some(entry) => Turned::Article(Box::new(entry)),
        None => Turned::Missed("holds no article".to_owned()),
    }
}

/// The pages that were not read, the first few with their reasons.
#[derive(Default)]
pub(in crate::ingest) struct Notes(Vec<String>);

impl Notes {
    pub(in crate::ingest) fn add(&mut self, url: &Url, reason: &str) {
        self.0.push(format!("{url} was not read: {reason}"));
    }

    pub(in crate::ingest) fn told(mut self) -> Vec<String> {
        let more = self.0.len().saturating_sub(MOST_NOTES);
        if more > 1 {
            let last = self
                .0
                .pop()
                .filter(|note| !note.contains(" was not read: "));
            let more = self.0.len().saturating_sub(MOST_NOTES);
            self.0.truncate(MOST_NOTES);
            if more > 0 {
                self.0.push(format!("{more} more pages were not read"));
            }
            self.0.extend(last);
        }
        self.0
    }
}
