//! Which words two articles are related by.

use std::collections::HashMap;

use super::{
    super::telling::{READ, Telling},
    Index,
};
use crate::words::{Term, spelled};

/// Title and text of an article.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    pub title: &'a str,
    pub text: &'a str,
}

impl Index {
    /// The words that both hold, at most `k`, those first that make most of their likeness.
    pub fn in_common(&self, one: Text<'_>, other: Text<'_>, k: usize) -> Vec<String> {
        let telling = |text: Text<'_>| Telling::of(text.title, text.text).terms;
        let others: HashMap<Term, f32> = telling(other).into_iter().collect();
        let mut shared: Vec<(Term, f32)> = telling(one)
            .into_iter()
            .filter_map(|(term, weight)| {
                let list = self.terms.get(&term).map(|at| &self.lists[*at as usize]);
                let rarity = self.rarity(list.map_or(1, |list| list.len()));
                Some((term, weight * others.get(&term)? * rarity))
            })
            .filter(|(_, worth)| *worth > 0.0)
            .collect();
        shared.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        shared.truncate(k);
        let words = spelled(one.title).chain(spelled(one.text).take(READ));
        let spelling: HashMap<Term, String> = words
            .map(|word| (Term::of(&word), word.into_owned()))
            .collect();
        let words = shared.iter().filter_map(|(term, _)| spelling.get(term));
        words.cloned().collect()
    }
}
