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

/// The words of a page of articles, sorted: a term, the place of the article on the page, and the
/// weight.
#[derive(Clone, Debug, Default)]
pub struct Page(Vec<(u64, f32)>);

impl Page {
    pub fn of(articles: impl IntoIterator<Item = Telling>) -> Self {
        // One number for both sorts twice as fast as a pair.
        let of_one = |(place, telling): (u32, Telling)| {
            let key = move |term: Term| u64::from(term.number()) << 32 | u64::from(place);
            let terms = telling.terms.into_iter();
            terms.map(move |(term, weight)| (key(term), weight))
        };
        let mut postings: Vec<_> = (0..).zip(articles).flat_map(of_one).collect();
        postings.sort_unstable_by_key(|(key, _)| *key);
        Page(postings)
    }

    /// The places and weights of each term.
    pub(super) fn by_term(
        &self,
    ) -> impl Iterator<Item = (Term, impl Iterator<Item = (u32, f32)> + Clone)> {
        let halves = |key: u64| (high(key), high(key << 32));
        let of_one = self.0.chunk_by(move |a, b| halves(a.0).0 == halves(b.0).0);
        of_one.map(move |postings| {
            let places = postings
                .iter()
                .map(move |(key, weight)| (halves(*key).1, *weight));
            (Term::numbered(high(postings[0].0)), places)
        })
    }
}

fn high(number: u64) -> u32 {
    u32::try_from(number >> 32).unwrap_or_default()
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
