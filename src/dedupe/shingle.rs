//! What is kept of a text to compare it with others: its runs of three words, and how it begins.

use std::{borrow::Cow, collections::HashSet};

use crate::words::{Term, spelled, terms};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// Each where it first stands, as a number of words; sorted.
    pub(super) shingles: Vec<(Shingle, u16)>,
    /// The terms of title and lead, sorted, each as often as it stands there.
    pub(super) lead: Box<[Term]>,
    pub(super) title: Title,
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
            title: Title::of(title),
            n_words: words.len(),
        }
    }

    pub fn is_short(&self) -> bool {
        self.n_words < SHORT
    }
}

/// A title, for telling whether two are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Title {
    words: Term,
    /// Those words that hold digits.
    pub(super) numbers: Term,
}

impl Title {
    fn of(title: &str) -> Self {
        let has_digit = |word: &Cow<'_, str>| word.contains(char::is_numeric);
        let numbers = spelled(title).filter(has_digit);
        let numbers: Vec<Term> = numbers.map(|word| Term::of(&word)).collect();
        Title {
            words: Term::joined(&terms(title).collect::<Vec<_>>()),
            numbers: Term::joined(&numbers),
        }
    }
}

/// The longest passages of `a` that stand in `b` as well, at most `k`, longest first, as words.
pub fn passages(a: &str, b: &str, k: usize) -> Vec<String> {
    let held: HashSet<Shingle> = {
        let words: Vec<Term> = terms(b).take(READ).collect();
        words.windows(RUN).map(Term::joined).collect()
    };
    let words: Vec<_> = spelled(a).take(READ).collect();
    let terms: Vec<Term> = words.iter().map(|word| Term::of(word)).collect();
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (at, run) in terms.windows(RUN).enumerate() {
        if !held.contains(&Term::joined(run)) {
            continue;
        }
        match found.last_mut() {
            Some((_, end)) if *end + 1 == at + RUN => *end += 1,
            _ => found.push((at, at + RUN)),
        }
    }
    found.sort_by_key(|(from, to)| std::cmp::Reverse(to - from));
    found.truncate(k);
    let text = |(from, to): &(usize, usize)| words[*from..*to].join(" ");
    found.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_passages_in_common_come_first() {
        let a = "The ferry is back at the old pier, and the fog bell rang for three days.";
        let b = "For three days nobody slept: the fog bell rang. The ferry is back.";

        assert_eq!(
            passages(a, b, 2),
            ["the ferry is back", "the fog bell rang"]
        );
        assert_eq!(passages(a, "Nothing of it", 2), [""; 0]);
    }

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
