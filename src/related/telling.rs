//! The words that tell what an article is about, with their weights.

use crate::words::{Term, terms};

/// A word of the title weighs as much as this many in the text.
const TITLE: f32 = 3.0;

/// How soon further mentions of a word add little (k1 of BM25).
const SATURATION: f32 = 1.2;

/// How much of a word's weight depends on the length of its text (b of BM25).
const LENGTH: f32 = 0.75;

/// The words of a text of usual length. Fixed, so that weights never change once computed.
const USUAL: f32 = 200.0;

/// Words of a text that are read; bounds what one article can cost.
pub(super) const READ: usize = 2_000;

/// No weight reaches this.
pub(super) const HEAVIEST: f32 = SATURATION + 1.0;

/// The words of a page of articles: a term, the place of the article on the page, and the weight, in
/// the order of terms and then of places.
#[derive(Clone, Debug, Default)]
pub struct Page(pub(super) Vec<(Term, u32, f32)>);

impl Page {
    pub fn of(articles: impl IntoIterator<Item = Telling>) -> Self {
        let of_one = |(place, telling): (u32, Telling)| {
            let terms = telling.terms.into_iter();
            terms.map(move |(term, weight)| (term, place, weight))
        };
        let mut postings: Vec<_> = (0..).zip(articles).flat_map(of_one).collect();
        postings.sort_unstable_by_key(|(term, place, _)| (*term, *place));
        Page(postings)
    }
}

/// The words of one article, each once, with their weights before rarity, below [`HEAVIEST`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Telling {
    pub(super) terms: Vec<(Term, f32)>,
}

impl Telling {
    pub fn of(title: &str, text: &str) -> Self {
        let title = terms(title).map(|term| (term, TITLE));
        let text = terms(text).take(READ).map(|term| (term, 1.0));
        let mut mentions: Vec<(Term, f32)> = title.chain(text).collect();
        let length: f32 = mentions.iter().map(|(_, n)| n).sum();
        let damping = SATURATION * (1.0 - LENGTH + LENGTH * length / USUAL);
        mentions.sort_unstable_by_key(|(term, _)| *term);
        let terms = mentions.chunk_by(|a, b| a.0 == b.0).map(|of_one| {
            let n: f32 = of_one.iter().map(|(_, n)| n).sum();
            (of_one[0].0, n * HEAVIEST / (n + damping))
        });
        let terms = terms.collect();
        Telling { terms }
    }
}
