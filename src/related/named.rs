//! Links that an author named, before those that were computed.

use std::collections::HashSet;

use super::KEPT;
use crate::{id::ArticleId, library::Related};

/// Merges into at most [`KEPT`] links for `article`, each once and never to itself.
///
/// `named` are the articles that the author's links resolve to, in the author's order; they are
/// all kept before the first computed one.
pub fn merge(
    article: ArticleId,
    named: impl IntoIterator<Item = ArticleId>,
    computed: impl IntoIterator<Item = Related>,
) -> Vec<Related> {
    let named = named.into_iter().map(|id| Related {
        id,
        score: 1.0,
        named: true,
        same_story: false,
    });
    let mut met = HashSet::from([article]);
    named
        .chain(computed)
        .filter(|related| met.insert(related.id))
        .take(KEPT)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a link as its id, with `!` where the author named it.
    #[track_caller]
    fn check(named: &[u64], computed: &[u64], expected: &str) {
        let computed = computed.iter().map(|id| Related {
            id: ArticleId(*id),
            score: 0.5,
            named: false,
            same_story: false,
        });
        let merged = merge(
            ArticleId(1),
            named.iter().map(|id| ArticleId(*id)),
            computed,
        );
        let found: Vec<String> = merged
            .iter()
            .map(|related| format!("{}{}", related.id, if related.named { "!" } else { "" }))
            .collect();
        assert_eq!(found.join(" "), expected);
        assert!(
            merged
                .iter()
                .all(|related| related.named == (related.score == 1.0))
        );
    }

    #[test]
    fn named_links_come_first_and_none_comes_twice() {
        check(&[5, 3], &[4, 3, 2], "5! 3! 4 2");
        check(&[5, 5, 3], &[], "5! 3!");
        check(&[1], &[1, 2], "2");
        check(&[], &[], "");
        let computed: Vec<u64> = (4..40).collect();
        check(&[3, 2], &computed, "3! 2! 4 5 6 7 8 9 10 11");
    }
}
