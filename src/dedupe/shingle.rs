//! What is kept of a text to compare it with others: its runs of three words, and how it begins.

use crate::words::{Term, terms};

/// Words of a text that are read; bounds what one text can cost.
pub(super) const READ: usize = 1_500;

/// Terms in a shingle.
const RUN: usize = 3;

/// Words of the text that count as its lead.
const LEAD: usize = 100;

/// A text with fewer words than this proves nothing by its shingles alone.
pub(super) const SHORT: usize = 40;

/// A run of three terms.
pub type Shingle = Term;

/// A text, prepared for comparing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Each where it first stands, as a number of words; sorted.
    pub(super) shingles: Vec<(Shingle, u16)>,
    /// The terms of title and lead, sorted, each as often as it stands there.
    pub(super) lead: Box<[Term]>,
    /// Words read.
    pub n_words: usize,
}

impl Sketch {
    pub fn of(title: &str, text: &str) -> Self {
        let words: Vec<Term> = terms(text).take(READ).collect();
        let runs = words.windows(RUN).map(Term::joined);
        let mut shingles: Vec<(Shingle, u16)> = runs.zip(0..).collect();
        shingles.sort_unstable();
        shingles.dedup_by_key(|(shingle, _)| *shingle);
        let mut lead: Box<[Term]> = terms(title)
            .chain(words.iter().copied().take(LEAD))
            .collect();
        lead.sort_unstable();
        Sketch {
            shingles,
            lead,
            n_words: words.len(),
        }
    }

    pub fn is_short(&self) -> bool {
        self.n_words < SHORT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_its_distinct_shingles_and_its_lead() {
        #[track_caller]
        fn check(title: &str, text: &str, shingles: usize, lead: usize) {
            let sketch = Sketch::of(title, text);
            assert_eq!((sketch.shingles.len(), sketch.lead.len()), (shingles, lead));
        }

        check("Fog", "The bell rang. The bell rang.", 3, 7);
        check("Fog", "The bell", 0, 3);
        check("", "", 0, 0);
        check("霧", "霧の鐘は三日間", 4, 7);
        check("", &"word ".repeat(10 * READ), 1, LEAD);
    }
}
