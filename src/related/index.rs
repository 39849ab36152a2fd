//! Which earlier articles share the telling words of an article: BM25, in memory.
//!
//! An article asks with its own most telling words. A score is a share of what the article would
//! score itself, so that one cut-off fits long and short ones. Recent articles are preferred
//! without burying old ones. Articles that come close in time and words tell one story.

pub mod common;
pub mod search;

use chrono::{DateTime, TimeDelta, Utc};
use foldhash::HashMap;

use super::{
    KEPT,
    list::List,
    telling::{Page, Telling},
};
use crate::{
    id::ArticleId,
    library::{Article, Related},
    words::Term,
};

/// Terms that an article asks with, the most telling ones.
const ASKED: usize = 80;

/// Postings that are read for one article; bounds what asking can cost.
const READ: usize = 400_000;

/// A term in more than this share of the articles tells nothing, once there are [`FEW`].
const COMMON: f32 = 0.3;
const FEW: usize = 50;

/// In so many days recency loses half of what it adds; it adds as much again to what is new.
const HALF_LIFE_DAYS: f32 = 14.0;

/// An article with this share of another's words and not much older tells the same story.
const STORY: f32 = 0.24;

/// The most that lies between two articles of a story that follow each other.
const STORY_GAP: TimeDelta = TimeDelta::days(7);

/// With this share of its words an article as near may tell the same story, though it is not counted
/// to it.
const AKIN: f32 = 0.16;

/// Of two articles whose scores differ by less than this share, the one of another source is read.
const ALIKE: f32 = 0.05;

/// Articles that are weighed against each other for the few that are read.
const WEIGHED: usize = 100;

/// A late article must come this near to the last one of a list for the list to be made anew. Scores
/// are nearly, but not quite, the same from both sides.
const NEARLY: f32 = 0.9;

/// Removed articles that are carried along before the index is made anew, as a share of all.
const DEAD: usize = 4;

/// The articles that others may be related to, by the words they hold.
#[derive(Debug, Default)]
pub struct Index {
    terms: HashMap<Term, u32>,
    /// By term.
    lists: Vec<List>,
    /// By slot, in the order in which they came; none for those of removed articles.
    documents: Vec<Option<Document>>,
    slots: HashMap<ArticleId, u32>,
}

#[derive(Clone, Copy, Debug)]
struct Document {
    id: ArticleId,
    published: DateTime<Utc>,
    source: Term,
    /// None until it was told.
    story: Option<ArticleId>,
    /// The primary subtag of BCP 47.
    language: Option<Term>,
    /// What it scores itself.
    own: f32,
    /// The score of the last article that it lists; 0 where it has room for more.
    last: f32,
}

/// What goes with an article.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The story that it was told to be part of, or else is; none where it begins one.
    pub story: Option<ArticleId>,
    /// Best first.
    pub related: Vec<Related>,
    /// Later articles whose lists may have to be made anew, since this one came after them.
    pub outdated: Vec<ArticleId>,
}

/// An article that shares words.
#[derive(Clone, Copy)]
struct Hit {
    document: Document,
    when: When,
    /// How much of the words of the one that asks.
    share: f32,
    /// Of the earlier article to the later one.
    score: f32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Earlier,
    Later,
}

impl Index {
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Bytes on the heap, near enough.
    pub fn bytes(&self) -> usize {
        self.lists.iter().map(List::bytes).sum::<usize>()
            + self.lists.capacity() * size_of::<List>()
            + self.terms.capacity() * 9
            + self.documents.capacity() * size_of::<Option<Document>>()
            + self.slots.capacity() * 17
    }

    /// Adds an article, or replaces what was known of it.
    ///
    /// It goes on being of the same story, and as old as it was.
    pub fn add(&mut self, id: ArticleId, article: &Article, telling: &Telling) {
        let before = self
            .slots
            .get(&id)
            .and_then(|slot| self.document(*slot))
            .copied();
        self.remove(id);
        let slot = self.next();
        let mut document = Document::of(article);
        for &(term, weight) in &telling.terms {
            let list = self.list(term);
            self.lists[list].push(slot, weight);
            document.own += weight * weight * self.rarity(self.lists[list].len());
        }
        if let Some(before) = before {
            document.published = before.published.min(article.published);
            document.story = before.story;
            document.last = before.last;
        }
        self.slots.insert(id, slot);
        self.documents.push(Some(Document { id, ..document }));
    }

    /// Adds articles that are not there yet, whose stories and related ones are known, much sooner
    /// than one by one: each list is asked for once a page.
    pub fn load<'a>(&mut self, articles: impl IntoIterator<Item = &'a Article>, page: &Page) {
        let first = self.next();
        for article in articles {
            let slot = self.next();
            self.slots.insert(article.id, slot);
            self.documents.push(Some(Document {
                story: Some(article.story),
                last: last(&article.related),
                ..Document::of(article)
            }));
        }
        for (term, places) in page.by_term() {
            let list = self.list(term);
            for (place, weight) in places.clone() {
                self.lists[list].push(first + place, weight);
            }
            let rarity = self.rarity(self.lists[list].len());
            for (place, weight) in places {
                if let Some(Some(document)) = self.documents.get_mut((first + place) as usize) {
                    document.own += weight * weight * rarity;
                }
            }
        }
    }

    fn next(&self) -> u32 {
        u32::try_from(self.documents.len()).expect("fewer articles than fit in memory")
    }

    /// Where the list of a term stands; an empty one for a term that is new.
    fn list(&mut self, term: Term) -> usize {
        let next = u32::try_from(self.lists.len()).expect("fewer words than fit in memory");
        let at = *self.terms.entry(term).or_insert(next);
        if at == next {
            self.lists.push(List::default());
        }
        at as usize
    }

    /// Has `id` stand by the text of `other`, which is no longer an article.
    pub fn adopt(&mut self, id: ArticleId, other: ArticleId) {
        let before = self
            .slots
            .get(&id)
            .and_then(|slot| self.document(*slot))
            .copied();
        self.remove(id);
        let Some(slot) = self.slots.remove(&other) else {
            return;
        };
        self.slots.insert(id, slot);
        if let (Some(document), Some(before)) = (&mut self.documents[slot as usize], before) {
            document.id = id;
            document.published = before.published.min(document.published);
            document.story = before.story;
        }
    }

    pub fn remove(&mut self, id: ArticleId) {
        let Some(slot) = self.slots.remove(&id) else {
            return;
        };
        self.documents[slot as usize] = None;
        let dead = self.documents.len() - self.slots.len();
        if dead * DEAD > self.documents.len() {
            self.tidy();
        }
    }

    /// Notes the story that an article turned out to be part of, and what it lists.
    pub fn tell(&mut self, id: ArticleId, story: ArticleId, related: &[Related]) {
        if let Some(slot) = self.slots.get(&id)
            && let Some(document) = &mut self.documents[*slot as usize]
        {
            document.story = Some(story);
            document.last = last(related);
        }
    }

    /// Returns the story and the [`KEPT`] articles that go best with one that was added, `telling`
    /// its words.
    ///
    /// Only earlier ones: published before it, or at the same time under a smaller id. Articles
    /// whose languages are known to differ are not related. Earlier articles of the same story are
    /// marked as such; of any other story only the best one is read.
    pub fn relate(&self, id: ArticleId, telling: &Telling) -> Reading {
        let document = self.slots.get(&id).and_then(|slot| self.document(*slot));
        let Some(asking) = document else {
            return Reading::default();
        };
        let mut hits = self.hits(asking, telling);
        let is_story = |hit: &&Hit| {
            let document = &hit.document;
            hit.share >= STORY && asking.is_near(document) && document.story.is_some()
        };
        let nearest = hits.iter().filter(is_story);
        let nearest = nearest.max_by(|a, b| a.share.total_cmp(&b.share));
        let story = asking.story.or(nearest.and_then(|hit| hit.document.story));

        let cutoff = cutoff(self.len());
        let is_outdated = |hit: &&Hit| {
            hit.when == When::Later && hit.score >= cutoff.max(hit.document.last) * NEARLY
        };
        let outdated = hits.iter().filter(is_outdated);
        let outdated = outdated.map(|hit| hit.document.id).collect();
        hits.retain(|hit| hit.when == When::Earlier && hit.score >= cutoff);
        hits.sort_unstable_by(|a, b| {
            let id = |hit: &Hit| hit.document.id;
            b.score.total_cmp(&a.score).then(id(b).cmp(&id(a)))
        });
        hits.truncate(WEIGHED);
        Reading {
            story,
            related: read(asking, story, hits),
            outdated,
        }
    }

    /// The articles that share enough of the terms asked with to matter for either side.
    ///
    /// Terms that no other article holds are not asked with, but count in the article's score for
    /// itself: two texts that share only common words stay far apart in a small library as well.
    fn hits(&self, asking: &Document, telling: &Telling) -> Vec<Hit> {
        let mut own = f32::MIN_POSITIVE;
        let mut asked: Vec<(&List, f32)> = Vec::with_capacity(telling.terms.len());
        for (term, weight) in &telling.terms {
            let list = self.terms.get(term).map(|at| &self.lists[*at as usize]);
            let worth = weight * self.rarity(list.map_or(1, List::len));
            own += weight * worth;
            asked.extend(
                list.filter(|list| list.len() > 1 && worth > 0.0)
                    .map(|list| (list, worth)),
            );
        }
        asked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));

        let mut products = vec![0.0_f32; self.documents.len()];
        let mut left = READ;
        for (list, worth) in asked.into_iter().take(ASKED) {
            let Some(rest) = left.checked_sub(list.len()) else {
                continue;
            };
            left = rest;
            for (slot, weight) in list.postings() {
                products[slot as usize] += worth * weight;
            }
        }
        let least = cutoff(self.len()).min(STORY) * NEARLY;
        let shared = products.into_iter().zip(&self.documents);
        shared
            .filter(|(product, _)| *product > 0.0)
            .filter_map(|(product, document)| {
                let document = (*document)?;
                let share = (product / own).min(1.0);
                let (when, of_later) = match document.is_earlier_than(asking) {
                    true => (When::Earlier, share),
                    false => (When::Later, (product / document.own).min(1.0)),
                };
                let matters = share.max(of_later) >= least;
                let fits = document.id != asking.id && document.may_be_read_with(asking);
                (matters && fits).then(|| Hit {
                    document,
                    when,
                    share,
                    score: of_later * recency(asking, &document),
                })
            })
            .collect()
    }

    fn document(&self, slot: u32) -> Option<&Document> {
        self.documents.get(slot as usize)?.as_ref()
    }

    /// From 0, for a term that tells nothing, upward (idf of BM25), by how many articles hold it.
    fn rarity(&self, held: usize) -> f32 {
        // Removed articles count until the index is made anew: their postings do.
        let (n, held) = (self.documents.len() as f32, held as f32);
        if self.documents.len() >= FEW && held > n * COMMON {
            0.0
        } else {
            (1.0 + (n - held + 0.5).max(0.0) / (held + 0.5)).ln()
        }
    }

    /// Makes the index anew without what was removed.
    fn tidy(&mut self) {
        let mut next = 0_u32;
        let renumbered: Vec<Option<u32>> = self
            .documents
            .iter()
            .map(|document| {
                let slot = document.is_some().then_some(next);
                next += u32::from(slot.is_some());
                slot
            })
            .collect();
        let (terms, mut lists) = (
            std::mem::take(&mut self.terms),
            std::mem::take(&mut self.lists),
        );
        for (term, at) in terms {
            let old = std::mem::take(&mut lists[at as usize]);
            let mut list = List::default();
            for (slot, weight) in old.postings() {
                if let Some(slot) = renumbered[slot as usize] {
                    list.push(slot, weight);
                }
            }
            if list.len() > 0 {
                let at = u32::try_from(self.lists.len()).expect("fewer than there were");
                self.terms.insert(term, at);
                self.lists.push(list);
            }
        }
        self.documents.retain(Option::is_some);
        for slot in self.slots.values_mut() {
            *slot = renumbered[*slot as usize].unwrap_or_default();
        }
    }
}

impl Document {
    /// Of an article that has no words, story or related ones yet.
    fn of(article: &Article) -> Self {
        Document {
            id: article.id,
            published: article.published,
            source: Term::of(article.source.as_str()),
            story: None,
            language: article.language.as_deref().and_then(primary),
            own: f32::MIN_POSITIVE,
            last: 0.0,
        }
    }

    fn is_earlier_than(&self, other: &Document) -> bool {
        (self.published, self.id) < (other.published, other.id)
    }

    fn is_near(&self, other: &Document) -> bool {
        (self.published - other.published).abs() <= STORY_GAP
    }

    fn may_be_read_with(&self, other: &Document) -> bool {
        match (self.language, other.language) {
            (Some(mine), Some(others)) => mine == others,
            _ => true,
        }
    }
}

/// Picks from `hits`, which stand in the order of their scores.
fn read(asking: &Document, story: Option<ArticleId>, mut hits: Vec<Hit>) -> Vec<Related> {
    let mut picked: Vec<Hit> = Vec::new();
    while picked.len() < KEPT && !hits.is_empty() {
        let is_met = |hit: &Hit| {
            let source = hit.document.source;
            source == asking.source || picked.iter().any(|other| other.document.source == source)
        };
        let alike = hits[0].score * (1.0 - ALIKE);
        let other = hits
            .iter()
            .take_while(|hit| hit.score > alike)
            .position(|hit| !is_met(hit));
        let hit = hits.remove(other.unwrap_or(0));
        let told = hit.document.story;
        if told.is_some() && told != story {
            let is_akin = |other: &Hit| other.share >= AKIN && asking.is_near(&other.document);
            hits.retain(|other| other.document.story != told || is_akin(other));
        }
        picked.push(hit);
    }
    let related = |hit: &Hit| Related {
        id: hit.document.id,
        score: hit.score,
        named: false,
        same_story: hit.document.story.is_some() && hit.document.story == story,
    };
    picked.iter().map(related).collect()
}

fn last(related: &[Related]) -> f32 {
    match related {
        [.., last] if related.len() >= KEPT => last.score,
        _ => 0.0,
    }
}

/// From 1 for the same moment down to one half.
fn recency(one: &Document, other: &Document) -> f32 {
    let apart = (one.published - other.published).abs();
    let days = apart.num_minutes() as f32 / (24.0 * 60.0);
    0.5 + 0.5 * (-days / HALF_LIFE_DAYS).exp2()
}

/// A smaller share of an article's score for itself is no relation: measured to keep seven links
/// of ten right. The fewer articles there are, the less their numbers tell common words from
/// telling ones, and the more has to be shared.
fn cutoff(n_articles: usize) -> f32 {
    0.06 + 4.0 / (40.0 + n_articles as f32)
}

fn primary(language: &str) -> Option<Term> {
    let subtag = language.split(['-', '_']).next()?;
    (!subtag.is_empty()).then(|| Term::of(&subtag.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests;
