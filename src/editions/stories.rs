//! Articles that tell one story, shown together.

use std::collections::HashMap;

use crate::{id::ArticleId, library::Article};

/// Puts the articles of each story behind the first of it, at most `most` of them; the rest is left
/// out.
pub fn together(articles: Vec<Article>, most: usize) -> Vec<Article> {
    let mut places: HashMap<ArticleId, usize> = HashMap::new();
    let mut stories: Vec<Vec<Article>> = Vec::new();
    for article in articles {
        let next = stories.len();
        let place = *places.entry(article.story).or_insert(next);
        if place == next {
            stories.push(Vec::new());
        }
        if stories[place].len() < most {
            stories[place].push(article);
        }
    }
    stories.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editions::fixture::article;

    #[track_caller]
    fn check(stories: &[u64], most: usize, expected: &[u64]) {
        let articles = (1..).zip(stories).map(|(id, story)| Article {
            story: ArticleId(*story),
            ..article(id, "Ferry")
        });
        let shown = together(articles.collect(), most);
        let ids: Vec<u64> = shown.iter().map(|article| article.id.0).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn a_story_stands_where_its_first_article_stood() {
        check(&[10, 20, 10, 30, 20, 10], 9, &[1, 3, 6, 2, 5, 4]);
        check(&[10, 20, 30], 9, &[1, 2, 3]);
        check(&[], 9, &[]);
    }

    #[test]
    fn of_a_long_story_the_first_articles_are_shown() {
        check(&[10, 10, 20, 10], 2, &[1, 2, 3]);
        check(&[10, 10, 20, 10], 1, &[1, 3]);
    }
}
