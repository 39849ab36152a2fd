use super::*;
use crate::{id::SourceName, library::Mail};

/// Published on that day of November 2026, at midnight.
fn article(id: u64, day: u32, title: &str, language: Option<&str>) -> Article {
    let published = format!("2026-11-{day:02}T00:00:00Z").parse().unwrap();
    Article {
        id: ArticleId(id),
        source: SourceName::parse("wire").unwrap(),
        guid: None,
        url: None,
        title: title.to_owned(),
        summary: String::new(),
        authors: Vec::new(),
        tags: Vec::new(),
        topics: Vec::new(),
        language: language.map(str::to_owned),
        picture: None,
        attachments: Vec::new(),
        named_related: Vec::new(),
        published,
        first_seen: published,
        revised: None,
        reprints: Vec::new(),
        related: Vec::new(),
        mail: Mail::Due,
    }
}

fn index(articles: &[(u64, u32, &str, &str)]) -> Index {
    let mut index = Index::default();
    for (id, day, title, text) in articles {
        index.add(&article(*id, *day, title, None), text);
    }
    index
}

fn ids(index: &Index, id: u64, k: usize) -> Vec<u64> {
    index
        .relate(ArticleId(id), k)
        .iter()
        .map(|related| related.id.0)
        .collect()
}

const HARBOR: &str = "The harbor dredging began after the council approved the port budget";
const MUSEUM: &str = "A museum of clocks opens in the old town hall with a hundred pendulums";
const DREDGE: &str = "Dredging of the harbor is late, the port council was told on Friday";

#[test]
fn articles_that_share_telling_words_are_related() {
    let index = index(&[
        (1, 1, "Harbor dredging begins", HARBOR),
        (2, 2, "Clock museum opens", MUSEUM),
        (3, 3, "Harbor dredging late", DREDGE),
    ]);

    assert_eq!(ids(&index, 3, 5), [1]);
    assert!(ids(&index, 2, 5).is_empty());
    let related = index.relate(ArticleId(3), 1).remove(0);
    assert!(related.score > 0.2 && related.score < 1.0 && !related.named);
}

#[test]
fn only_earlier_articles_are_related() {
    let same = ("Harbor dredging begins", HARBOR);
    let index = index(&[
        (1, 5, same.0, same.1),
        (2, 5, same.0, same.1),
        (3, 4, same.0, same.1),
        (4, 9, "Clock museum opens", MUSEUM),
    ]);

    assert_eq!(ids(&index, 2, 5), [1, 3]);
    assert_eq!(ids(&index, 1, 5), [3]);
    assert!(ids(&index, 3, 5).is_empty());
    assert!(ids(&index, 77, 5).is_empty());
}

#[test]
fn of_two_like_articles_the_later_comes_first_and_k_is_the_limit() {
    let index = index(&[
        (1, 1, "Harbor dredging begins", HARBOR),
        (2, 20, "Harbor dredging begins", HARBOR),
        (3, 21, "Harbor dredging late", DREDGE),
        (4, 22, "Clock museum opens", MUSEUM),
    ]);

    assert_eq!(ids(&index, 3, 5), [2, 1]);
    assert_eq!(ids(&index, 3, 1), [2]);
    assert!(ids(&index, 3, 0).is_empty());
}

#[test]
fn languages_that_differ_are_not_mixed() {
    let mut index = Index::default();
    for (id, language) in [
        (1, Some("de")),
        (2, Some("en-GB")),
        (3, None),
        (4, Some("EN_us")),
    ] {
        let day = u32::try_from(id).unwrap();
        index.add(&article(id, day, "Harbor", language), HARBOR);
    }

    assert_eq!(ids(&index, 4, 5), [3, 2]);
    assert_eq!(ids(&index, 3, 5), [2, 1]);
}

#[test]
fn what_is_removed_is_forgotten_and_what_is_added_again_is_replaced() {
    let mut index = index(&[
        (1, 1, "Harbor dredging begins", HARBOR),
        (2, 2, "Harbor dredging begins", HARBOR),
        (3, 3, "Harbor dredging late", DREDGE),
    ]);

    index.remove(ArticleId(2));
    index.remove(ArticleId(2));
    assert_eq!((index.len(), ids(&index, 3, 5)), (2, vec![1]));

    index.add(&article(1, 1, "Clock museum opens", None), MUSEUM);
    assert_eq!((index.len(), ids(&index, 3, 5)), (2, vec![]));

    index.add(&article(4, 2, "Harbor dredging begins", None), HARBOR);
    assert_eq!((index.len(), ids(&index, 3, 5)), (3, vec![4]));
    assert_eq!(index.documents.len(), 3);
}

#[test]
fn words_that_every_article_holds_tell_nothing() {
    let mut index = Index::default();
    for id in 1..=60 {
        let text = format!("the and of with from word{id} name{id} place{id}");
        index.add(&article(id, 1, &format!("Title{id}"), None), &text);
    }

    assert!(ids(&index, 60, 5).is_empty());
}

#[test]
fn an_empty_or_endless_article_does_no_harm() {
    let endless: String = (0..100_000).map(|n| format!("word{n} ")).collect();
    let index = index(&[(1, 1, "", ""), (2, 2, "Long", &endless), (3, 3, "", "...")]);

    assert!(ids(&index, 1, 5).is_empty());
    assert!(ids(&index, 3, 5).is_empty());
    assert!(index.terms.len() <= READ + 1);
}
