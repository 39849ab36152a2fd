//! Which articles hold the words that somebody asks for.

use chrono::{DateTime, Utc};

use super::{super::telling::HEAVIEST, Index, READ};
use crate::{
    id::ArticleId,
    words::{Term, terms},
};

/// Terms of a question that are looked up, the first ones; bounds what a question can cost.
const MOST: usize = 100;

/// What came of asking for words.
#[derive(Clone, Debug, PartialEq)]
pub enum Search {
    /// There is no word in what was asked for.
    NoWord,
    /// Every word of it is in so many articles that it tells none from another.
    OnlyCommon,
    /// Best first, the latest of equal ones first.
    Ranked(Vec<Ranked>),
}

/// An article that holds what was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    pub id: ArticleId,
    pub published: DateTime<Utc>,
    /// Share of the most that an article could score with these words, 0 to 1.
    pub score: f32,
}

impl Index {
    /// Ranks the articles that hold any word of `asked`, and returns the `k` best.
    ///
    /// Rare words count for more than common ones, and words of the title for more than those of
    /// the text. What stands in almost a third of the articles is not asked for.
    pub fn search(&self, asked: &str, k: usize) -> Search {
        let mut asked: Vec<Term> = terms(asked).take(MOST).collect();
        asked.sort_unstable();
        asked.dedup();
        let list = |term: &Term| self.terms.get(term).map(|at| &self.lists[*at as usize]);
        let worth = |term: Term| {
            let list = list(&term);
            (list, self.rarity(list.map_or(1, |list| list.len())))
        };
        let n_asked = asked.len();
        let mut asked: Vec<_> = asked.into_iter().map(worth).collect();
        asked.retain(|(_, worth)| *worth > 0.0);
        if asked.is_empty() {
            return match n_asked {
                0 => Search::NoWord,
                _ => Search::OnlyCommon,
            };
        }
        asked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
        let most: f32 = asked.iter().map(|(_, worth)| worth * HEAVIEST).sum();

        let mut products = vec![0.0_f32; self.documents.len()];
        let mut left = READ;
        for (list, worth) in asked {
            let Some((list, rest)) =
                list.and_then(|list| Some((list, left.checked_sub(list.len())?)))
            else {
                continue;
            };
            left = rest;
            for (slot, weight) in list.postings() {
                products[slot as usize] += worth * weight;
            }
        }
        let held = products.into_iter().zip(&self.documents);
        let mut ranked: Vec<Ranked> = held
            .filter(|(product, _)| *product > 0.0)
            .filter_map(|(product, document)| {
                let document = document.as_ref()?;
                Some(Ranked {
                    id: document.id,
                    published: document.published,
                    score: (product / most).min(1.0),
                })
            })
            .collect();
        best(&mut ranked, k);
        Search::Ranked(ranked)
    }
}

/// Brings the best to the front, and leaves `k` of them.
pub fn best(ranked: &mut Vec<Ranked>, k: usize) {
    ranked.sort_unstable_by(|a, b| {
        let later = (b.published, b.id).cmp(&(a.published, a.id));
        b.score.total_cmp(&a.score).then(later)
    });
    ranked.truncate(k);
}

#[cfg(test)]
mod tests;
