//! The judgment of one document. `dedupe` says in which order the functions are called.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

use chrono::{DateTime, Utc};

use super::{
    Known, Trace,
    fingerprint::{self, Fingerprint},
    link::is_front_page,
};
use crate::{
    id::{ArticleId, SourceName},
    sources::entry::{Entry, Full},
};

/// An entry with what it may be known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub entry: Entry,
    exact: Fingerprint,
    guid: Option<Fingerprint>,
    /// The page's own canonical address first.
    links: Vec<Fingerprint>,
    mark: Mark,
    /// The guid names the article whatever else has changed.
    is_firm: bool,
}

/// What a trace remembers of its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    revision: Fingerprint,
    link: Option<Fingerprint>,
    title: Fingerprint,
}

/// What an entry is to the library.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Finding {
    New,
    /// The entry that readers see has changed.
    Revised,
    /// Another entry brought it before.
    Reprint {
        /// How much of the text agrees, 0 to 1.
        score: f32,
    },
    /// Nothing that readers see changed.
    Known,
}

/// An entry, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgment {
    pub entry: Entry,
    pub finding: Finding,
    /// The fingerprints under which to keep its trace: those that are new, and those of its own
    /// whose trace it changes. Never one that leads to another article.
    pub prints: Vec<Fingerprint>,
    pub article: Target,
    represents: bool,
    mark: Mark,
}

/// The article that an entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    Kept(ArticleId),
    /// The n-th new one of this document, oldest first, from 0.
    Fresh(u64),
}

impl Target {
    /// `first` is the id reserved for the first new article.
    pub fn id(self, first: ArticleId) -> ArticleId {
        match self {
            Target::Kept(id) => id,
            Target::Fresh(n) => ArticleId(first.0 + n),
        }
    }
}

impl Judgment {
    /// What to keep under each of `prints`; `first` as in [`Target::id`].
    pub fn trace(&self, source: &SourceName, first: ArticleId) -> Trace {
        self.mark
            .trace(self.article.id(first), source, self.represents)
    }
}

impl Mark {
    fn trace(self, article: ArticleId, source: &SourceName, represents: bool) -> Trace {
        Trace {
            article,
            source: source.clone(),
            represents,
            revision: self.revision,
            link: self.link,
            title: self.title,
        }
    }

    /// A guid that comes with another link and another title was given to another article.
    fn is_another(self, trace: &Trace) -> bool {
        let links_differ = self.link.is_some() && trace.link.is_some() && trace.link != self.link;
        links_differ && trace.title != self.title
    }
}

/// Makes candidates of a document's entries.
///
/// A guid or a link that several entries of one document bear with different titles identifies
/// none of them, and neither does the address of a front page.
pub fn candidates(source: &SourceName, entries: Vec<Entry>) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = entries
        .into_iter()
        .map(|entry| candidate(source, entry))
        .collect();
    let shared_guids = shared(&candidates, |candidate| {
        let link = candidate.mark.link;
        let told_apart = (candidate.mark.title, link.unwrap_or(candidate.mark.title));
        candidate
            .guid
            .into_iter()
            .map(move |guid| (guid, told_apart))
            .collect()
    });
    let shared_links = shared(&candidates, |candidate| {
        let title = candidate.mark.title;
        candidate
            .links
            .iter()
            .map(|link| (*link, (title, title)))
            .collect()
    });
    for candidate in &mut candidates {
        candidate.guid = candidate.guid.filter(|guid| !shared_guids.contains(guid));
        candidate.links.retain(|link| !shared_links.contains(link));
    }
    candidates
}

fn candidate(source: &SourceName, entry: Entry) -> Candidate {
    let mut links = Vec::new();
    // Its page may name another address, or have been found at one behind a redirect.
    let of_page = match &entry.full {
        Full::Page(page) => [&page.canonical, &page.url],
        Full::NotFetched | Full::Missing => [&None, &None],
    };
    let stated = [&entry.canonical, &entry.url].into_iter();
    for url in stated.chain(of_page).flatten() {
        let link = fingerprint::link(url);
        if !is_front_page(url) && !links.contains(&link) {
            links.push(link);
        }
    }
    Candidate {
        exact: fingerprint::exact(source, &entry),
        guid: entry
            .guid
            .as_ref()
            .map(|guid| fingerprint::guid(source, guid)),
        links,
        mark: Mark {
            revision: fingerprint::revision(&entry),
            link: entry.url.as_ref().map(fingerprint::link),
            title: fingerprint::title(&entry.title),
        },
        is_firm: false,
        entry,
    }
}

/// Takes the guids at their word: an interface is called with them on purpose, and what comes with
/// another link and another title is a revision.
pub fn with_firm_guids(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let firm = |candidate| Candidate {
        is_firm: true,
        ..candidate
    };
    candidates.into_iter().map(firm).collect()
}

/// Those keys that come with two pairs which differ in both halves.
fn shared(
    candidates: &[Candidate],
    keys: impl Fn(&Candidate) -> Vec<(Fingerprint, (Fingerprint, Fingerprint))>,
) -> HashSet<Fingerprint> {
    let mut first = HashMap::new();
    let mut shared = HashSet::new();
    for (key, (a, b)) in candidates.iter().flat_map(keys) {
        let &mut (first_a, first_b) = first.entry(key).or_insert((a, b));
        if first_a != a && first_b != b {
            shared.insert(key);
        }
    }
    shared
}

/// The fingerprints to ask the store about before [`by_identity`].
pub fn asked(candidates: &[Candidate]) -> Vec<Fingerprint> {
    candidates.iter().flat_map(Candidate::keys).collect()
}

impl Candidate {
    /// Most telling first.
    fn keys(&self) -> impl Iterator<Item = Fingerprint> {
        [self.exact]
            .into_iter()
            .chain(self.guid)
            .chain(self.links.iter().copied())
    }

    fn judged(self, source: &SourceName, trace: &Trace, known: &Known) -> Judgment {
        let is_own = trace.source == *source;
        let finding = match (is_own, trace.represents) {
            (false, _) => Finding::Reprint { score: 1.0 },
            (true, true) if trace.revision != self.mark.revision => Finding::Revised,
            (true, _) => Finding::Known,
        };
        let represents = is_own && trace.represents;
        let next = self.mark.trace(trace.article, source, represents);
        let prints = self.keys().filter(|key| match known.get(key) {
            Some(kept) => {
                (kept.article, &kept.source) == (next.article, &next.source) && *kept != next
            }
            None => true,
        });
        Judgment {
            finding,
            prints: prints.collect(),
            article: Target::Kept(trace.article),
            represents,
            mark: self.mark,
            entry: self.entry,
        }
    }

    /// Adds the plain text that the entry's HTML came to.
    pub fn with_text(self, text: &str) -> Texted {
        Texted {
            text: fingerprint::text(&self.entry.title, text),
            candidate: self,
        }
    }
}

/// What the first step leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sifted {
    pub settled: Vec<Judgment>,
    /// Unknown by guid and link: only the text can tell.
    pub open: Vec<Candidate>,
}

/// Judges by guid and link.
///
/// Of several entries of a document that lead to one article the first counts; the others are
/// dropped, lest the article be revised to and fro at every poll.
pub fn by_identity(source: &SourceName, candidates: Vec<Candidate>, known: &Known) -> Sifted {
    let mut sifted = Sifted::default();
    let mut met = HashSet::new();
    let mut claimed = HashSet::new();
    for mut candidate in candidates {
        let (mark, is_firm) = (candidate.mark, candidate.is_firm);
        let is_another = |trace: &Trace| !is_firm && mark.is_another(trace);
        candidate.guid = candidate
            .guid
            .filter(|guid| !known.get(guid).is_some_and(is_another));
        let found = candidate.keys().find_map(|key| known.get(&key));
        match found {
            Some(trace) => {
                let judgment = candidate.judged(source, trace, known);
                if met.insert((trace.article, judgment.represents)) {
                    sifted.settled.push(judgment);
                }
            }
            None => {
                if !candidate.keys().any(|key| claimed.contains(&key)) {
                    claimed.extend(candidate.keys());
                    sifted.open.push(candidate);
                }
            }
        }
    }
    sifted
}

/// A candidate with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texted {
    candidate: Candidate,
    text: Option<Fingerprint>,
}

/// The fingerprints to ask the store about before [`by_text`].
pub fn asked_of_texts(open: &[Texted]) -> Vec<Fingerprint> {
    open.iter().filter_map(|texted| texted.text).collect()
}

/// Judges by text what guid and link left open: one judgment for each, in their order.
///
/// Within one source a text proves nothing under another title: shows repeat their description,
/// paywalls their teaser.
pub fn by_text(source: &SourceName, open: Vec<Texted>, known: &Known) -> Vec<Judgment> {
    let boilerplate = boilerplate(source, &open, known);
    let mut fresh = HashMap::new();
    let mut judgments = Vec::new();
    for (at, Texted { candidate, text }) in open.into_iter().enumerate() {
        let text = text.filter(|text| !boilerplate.contains(text));
        let first = text.and_then(|text| match known.get(&text) {
            Some(trace) => Some(Target::Kept(trace.article)),
            None => fresh.get(&text).map(|at| Target::Fresh(*at)),
        });
        let this = Target::Fresh(at as u64);
        let mut prints: Vec<Fingerprint> = candidate.keys().collect();
        if let (Some(text), None) = (text, first) {
            prints.push(text);
            fresh.insert(text, at as u64);
        }
        judgments.push(Judgment {
            finding: match first {
                Some(_) => Finding::Reprint { score: 1.0 },
                None => Finding::New,
            },
            prints,
            article: first.unwrap_or(this),
            represents: first.is_none(),
            mark: candidate.mark,
            entry: candidate.entry,
        });
    }
    number(judgments)
}

/// The texts that this source gives to different titles.
fn boilerplate(source: &SourceName, open: &[Texted], known: &Known) -> HashSet<Fingerprint> {
    let own = known.iter().filter(|(_, trace)| trace.source == *source);
    let mut titles: HashMap<Fingerprint, Fingerprint> =
        own.map(|(text, trace)| (*text, trace.title)).collect();
    open.iter()
        .filter_map(|texted| Some((texted.text?, texted.candidate.mark.title)))
        .filter(|(text, title)| titles.entry(*text).or_insert(*title) != title)
        .map(|(text, _)| text)
        .collect()
}

/// Numbers the new articles oldest first. Where dates do not tell, a feed's last entry is its
/// oldest.
fn number(mut judgments: Vec<Judgment>) -> Vec<Judgment> {
    let mut new: Vec<(DateTime<Utc>, Reverse<u64>)> = (0..)
        .zip(&judgments)
        .filter(|(_, judgment)| judgment.finding == Finding::New)
        .map(|(at, judgment)| {
            (
                judgment.entry.published.unwrap_or(DateTime::<Utc>::MAX_UTC),
                Reverse(at),
            )
        })
        .collect();
    new.sort_unstable();
    let order: HashMap<u64, u64> = new
        .into_iter()
        .zip(0..)
        .map(|((_, Reverse(at)), n)| (at, n))
        .collect();
    for judgment in &mut judgments {
        if let Target::Fresh(at) = judgment.article {
            judgment.article = Target::Fresh(order.get(&at).copied().unwrap_or(at));
        }
    }
    judgments
}

#[cfg(test)]
mod tests;
