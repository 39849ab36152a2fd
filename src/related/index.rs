//! Which earlier articles share the telling words of an article: BM25, in memory.
//!
//! An article asks with its own most telling words. A score is a share of what the article would
//! score itself, so that one cut-off fits long and short ones. Recent articles are preferred
//! without burying old ones.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::{
    id::ArticleId,
    library::{Article, Related},
    words::words,
};

/// A word of the title weighs as much as this many in the text.
const TITLE: f32 = 3.0;

/// How soon further mentions of a word add little (k1 of BM25).
const SATURATION: f32 = 1.2;

/// How much of a word's weight depends on the length of its text (b of BM25).
const LENGTH: f32 = 0.75;

/// The words of a text of usual length. Fixed, so that weights never change once computed.
const USUAL: f32 = 200.0;

/// Words of a text that are read; bounds what one article can cost.
const READ: usize = 2_000;

/// Terms that an article asks with, the most telling ones.
const ASKED: usize = 50;

/// A term in more than this share of the articles tells nothing, once there are [`FEW`].
const COMMON: f32 = 0.3;
const FEW: usize = 50;

/// In so many days recency loses half of what it adds; it adds as much again to what is new.
const HALF_LIFE_DAYS: f32 = 30.0;

/// The articles that others may be related to, by the words they hold.
#[derive(Debug, Default)]
pub struct Index {
    terms: HashMap<Box<str>, u32>,
    /// By term.
    postings: Vec<Vec<Posting>>,
    /// By slot. Those of removed articles are used again.
    documents: Vec<Option<Document>>,
    free: Vec<u32>,
    slots: HashMap<ArticleId, u32>,
}

#[derive(Clone, Copy, Debug)]
struct Posting {
    slot: u32,
    weight: f32,
}

#[derive(Debug)]
struct Document {
    id: ArticleId,
    published: DateTime<Utc>,
    /// The primary subtag of BCP 47.
    language: Option<Box<str>>,
    /// With their weights, before rarity.
    terms: Vec<(u32, f32)>,
}

impl Index {
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Adds an article, or replaces what was known of it.
    pub fn add(&mut self, article: &Article, text: &str) {
        self.remove(article.id);
        let slot = self.slot();
        let terms = self.weigh(&article.title, text);
        for &(term, weight) in &terms {
            self.postings[term as usize].push(Posting { slot, weight });
        }
        self.slots.insert(article.id, slot);
        self.documents[slot as usize] = Some(Document {
            id: article.id,
            published: article.published,
            language: article.language.as_deref().and_then(primary),
            terms,
        });
    }

    pub fn remove(&mut self, id: ArticleId) {
        let Some(slot) = self.slots.remove(&id) else {
            return;
        };
        if let Some(document) = self.documents[slot as usize].take() {
            for (term, _) in document.terms {
                self.postings[term as usize].retain(|posting| posting.slot != slot);
            }
        }
        self.free.push(slot);
    }

    /// Returns the `k` articles that go best with one that was added, best first.
    ///
    /// Only earlier ones: published before it, or at the same time under a smaller id. Articles
    /// whose languages are known to differ are not related.
    pub fn relate(&self, id: ArticleId, k: usize) -> Vec<Related> {
        let Some(asking) = self.slots.get(&id).and_then(|slot| self.document(*slot)) else {
            return Vec::new();
        };
        let own = self.score_of_itself(asking);
        let cutoff = cutoff(self.len());
        let mut found: Vec<Related> = self
            .products(asking)
            .into_iter()
            .map(|(slot, product)| (slot, product / own))
            .filter(|(_, share)| *share >= cutoff)
            .filter_map(|(slot, share)| {
                let document = self.document(slot)?;
                let score = (share * recency(asking, document)).min(1.0);
                let fits = document.is_earlier_than(asking) && document.may_be_read_with(asking);
                (fits && score >= cutoff).then_some(Related {
                    id: document.id,
                    score,
                    named: false,
                })
            })
            .collect();
        found.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(b.id.cmp(&a.id)));
        found.truncate(k);
        found
    }

    /// The score of every document that shares one of the terms asked with.
    ///
    /// Terms that no other document holds are not asked with, but count in the article's score for
    /// itself: two texts that share only common words stay far apart in a small library as well.
    fn products(&self, asking: &Document) -> Vec<(u32, f32)> {
        let mut asked: Vec<(u32, f32)> = asking
            .terms
            .iter()
            .filter(|(term, _)| self.postings[*term as usize].len() > 1)
            .map(|&(term, weight)| (term, weight * self.rarity(term)))
            .collect();
        asked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
        asked.truncate(ASKED);

        let mut products = vec![0.0_f32; self.documents.len()];
        let mut touched = Vec::new();
        for (term, weight) in asked.into_iter().filter(|(_, weight)| *weight > 0.0) {
            for posting in &self.postings[term as usize] {
                let product = &mut products[posting.slot as usize];
                if *product == 0.0 {
                    touched.push(posting.slot);
                }
                *product += weight * posting.weight;
            }
        }
        touched
            .into_iter()
            .map(|slot| (slot, products[slot as usize]))
            .collect()
    }

    fn score_of_itself(&self, asking: &Document) -> f32 {
        let terms = asking.terms.iter();
        terms
            .map(|&(term, weight)| weight * weight * self.rarity(term))
            .sum::<f32>()
            .max(f32::MIN_POSITIVE)
    }

    fn document(&self, slot: u32) -> Option<&Document> {
        self.documents.get(slot as usize)?.as_ref()
    }

    fn slot(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.documents.push(None);
            u32::try_from(self.documents.len() - 1)
                .expect("four thousand million articles fit nowhere")
        })
    }

    /// The terms of a text with their weights.
    fn weigh(&mut self, title: &str, text: &str) -> Vec<(u32, f32)> {
        let title = words(title).map(|word| (word, TITLE));
        let text = words(text).take(READ).map(|word| (word, 1.0));
        let mut mentions: HashMap<u32, f32> = HashMap::new();
        let mut length = 0.0;
        for (word, n) in title.chain(text) {
            *mentions.entry(self.term(word)).or_default() += n;
            length += n;
        }
        let damping = SATURATION * (1.0 - LENGTH + LENGTH * length / USUAL);
        mentions
            .into_iter()
            .map(|(term, n)| (term, n * (SATURATION + 1.0) / (n + damping)))
            .collect()
    }

    fn term(&mut self, word: String) -> u32 {
        let next = u32::try_from(self.terms.len()).unwrap_or(u32::MAX);
        let term = *self.terms.entry(word.into_boxed_str()).or_insert(next);
        if term == next {
            self.postings.push(Vec::new());
        }
        term
    }

    /// From 0, for a term that tells nothing, upward (idf of BM25).
    fn rarity(&self, term: u32) -> f32 {
        let n = self.len() as f32;
        let held = self.postings[term as usize].len() as f32;
        if self.len() >= FEW && held > n * COMMON {
            0.0
        } else {
            (1.0 + (n - held + 0.5) / (held + 0.5)).ln()
        }
    }
}

impl Document {
    fn is_earlier_than(&self, other: &Document) -> bool {
        (self.published, self.id) < (other.published, other.id)
    }

    fn may_be_read_with(&self, other: &Document) -> bool {
        match (&self.language, &other.language) {
            (Some(mine), Some(others)) => mine == others,
            _ => true,
        }
    }
}

/// From 1 for the same moment down to one half.
fn recency(later: &Document, earlier: &Document) -> f32 {
    let days = (later.published - earlier.published).num_minutes() as f32 / (24.0 * 60.0);
    0.5 + 0.5 * (-days / HALF_LIFE_DAYS).exp2()
}

/// A smaller share of an article's score for itself is no relation: measured to keep seven links
/// of ten right. The fewer articles there are, the less their numbers tell common words from
/// telling ones, and the more has to be shared.
fn cutoff(n_articles: usize) -> f32 {
    0.06 + 4.0 / (40.0 + n_articles as f32)
}

fn primary(language: &str) -> Option<Box<str>> {
    let subtag = language.split(['-', '_']).next()?;
    (!subtag.is_empty()).then(|| subtag.to_ascii_lowercase().into())
}

#[cfg(test)]
mod tests;
