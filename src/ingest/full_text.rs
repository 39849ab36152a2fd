//! The text of a feed's entries from their own pages, where the feed states only a part of it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{
    dom, named,
    read::{
        Reader,
        page::{Notes, Round, Turned},
    },
    text,
};
use crate::{
    dedupe::{
        fingerprint::{self, Fingerprint},
        judge::{self, Finding},
    },
    port,
    sources::{
        Source,
        entry::{Entry, Full},
        schedule::Arrival,
    },
};

impl Reader {
    /// Fetches the pages of those of `entries` that are new or revised. Entries whose page has to
    /// wait are left out: they come with the next poll.
    pub(super) async fn full_text(
        &self,
        source: &Source,
        entries: &mut Vec<Entry>,
        arrival: &mut Arrival,
        now: DateTime<Utc>,
    ) -> port::Result<()> {
        let wanted = self.wanted(source, entries).await?;
        let mut round = Round::new(self.visitor.timeout());
        let mut notes = Notes::default();
        let mut waiting = HashSet::new();
        for entry in entries.iter_mut() {
            let print = fingerprint::exact(&source.name, entry);
            let Some(url) = entry.url.clone().filter(dom::is_web) else {
                continue;
            };
            if !wanted.contains(&print) {
                continue;
            }
            entry.full = match self.article(&mut round, &url, now).await {
                Turned::Article(page) => Full::Page(page),
                Turned::Missed(reason) => {
                    notes.add(&url, &reason);
                    Full::Missing
                }
                Turned::Gone => Full::Missing,
                Turned::Over => {
                    waiting.insert(print);
                    Full::NotFetched
                }
            };
        }
        entries.retain(|entry| !waiting.contains(&fingerprint::exact(&source.name, entry)));
        arrival.unread.append(&mut notes.told());
        arrival.left = u32::try_from(waiting.len()).unwrap_or(u32::MAX);
        if arrival.left > 0 {
            arrival
                .unread
                .push(format!("{} pages wait for the next poll", arrival.left));
        }
        Ok(())
    }

    async fn wanted(
        &self,
        source: &Source,
        entries: &[Entry],
    ) -> port::Result<HashSet<Fingerprint>> {
        let candidates = judge::candidates(&source.name, entries.to_vec());
        let known = self.store.known(&judge::asked(&candidates)).await?;
        let sifted = judge::by_identity(&source.name, candidates, &known);
        let revised = sifted
            .settled
            .iter()
            .filter(|judgment| judgment.finding == Finding::Revised)
            .map(|judgment| &judgment.entry);
        let open = sifted.open.iter().map(|candidate| &candidate.entry);
        Ok(open
            .chain(revised)
            .map(|entry| fingerprint::exact(&source.name, entry))
            .collect())
    }
}

/// Gives an entry what its page adds: the text, and what the feed does not state.
pub(super) fn complete(entry: &mut Entry) {
    let Full::Page(page) = std::mem::take(&mut entry.full) else {
        return;
    };
    let page = *page;
    let n_chars = |html: &Option<String>| {
        let text = html.as_deref().map(text::from_html).unwrap_or_default();
        text.chars().count()
    };
    // A page behind a wall says less than the feed.
    if n_chars(&page.content) >= n_chars(&entry.content) {
        if entry.summary.is_none() {
            entry.summary = entry.content.take();
        }
        entry.content = page.content;
    }
    entry.picture = entry.picture.take().or(page.picture);
    entry.published = entry.published.or(page.published);
    entry.language = entry.language.take().or(page.language);
    if entry.authors.is_empty() {
        entry.authors = page.authors;
    }
    named::add(&mut entry.named_related, page.named_related);
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::parts::NamedLink;

    #[test]
    fn a_page_gives_its_text_and_only_what_the_feed_does_not_state() {
        let author = |name: &str| crate::parts::Author {
            name: Some(name.to_owned()),
            ..Default::default()
        };
        let link = |path: &str| NamedLink {
            url: Url::parse("https://a.example/")
                .unwrap()
                .join(path)
                .unwrap(),
            title: path.to_owned(),
        };
        let page = Entry {
            title: "Page title".to_owned(),
            guid: Some("page".to_owned()),
            content: Some("<p>The whole story, told at length.</p>".to_owned()),
            authors: vec![author("Ada")],
            named_related: vec![link("x"), link("y")],
            published: "2026-11-01T00:00:00Z".parse().ok(),
            ..Entry::default()
        };
        let mut entry = Entry {
            title: "Feed title".to_owned(),
            guid: Some("feed".to_owned()),
            content: Some("<p>The story…</p>".to_owned()),
            published: "2026-11-02T00:00:00Z".parse().ok(),
            named_related: vec![link("x")],
            full: Full::Page(Box::new(page.clone())),
            ..Entry::default()
        };

        complete(&mut entry);

        let expected = Entry {
            title: "Feed title".to_owned(),
            guid: Some("feed".to_owned()),
            summary: Some("<p>The story…</p>".to_owned()),
            content: page.content.clone(),
            published: "2026-11-02T00:00:00Z".parse().ok(),
            authors: page.authors.clone(),
            named_related: vec![link("x"), link("y")],
            ..Entry::default()
        };
        assert_eq!(entry, expected);
    }

    #[test]
    fn a_page_that_says_less_than_the_feed_is_not_believed() {
        let wall = Entry {
            content: Some("<p>Log in.</p>".to_owned()),
            ..Entry::default()
        };
        let stated = Some("<p>The whole story.</p>".to_owned());
        let mut entry = Entry {
            content: stated.clone(),
            full: Full::Page(Box::new(wall)),
            ..Entry::default()
        };

        complete(&mut entry);

        assert_eq!((entry.content, entry.summary), (stated, None));
    }
}
