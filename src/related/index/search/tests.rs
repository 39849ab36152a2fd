use super::*;
use crate::related::{index::tests::article, telling::Telling};

/// Articles by id, with titles and texts, each published on the day of its id.
fn index(articles: &[(u64, &str, &str)]) -> Index {
    let mut index = Index::default();
    for (id, title, text) in articles {
        let day = u32::try_from(*id).unwrap().clamp(1, 30);
        let article = article(*id, day, title, None);
        index.add(article.id, &article, &Telling::of(title, text));
    }
    index
}

fn ids(found: &Search) -> Vec<u64> {
    match found {
        Search::Ranked(ranked) => ranked.iter().map(|ranked| ranked.id.0).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_article_with_more_of_the_words_comes_first_and_the_title_counts_more() {
    let index = index(&[
        (1, "A quiet day", "Nothing but a ferry and the gulls."),
        (
            2,
            "The ferry",
            "It sails again after the strike of last week.",
        ),
        (
            3,
            "The strike",
            "Talks go on, and the harbor waits for them.",
        ),
        (
            4,
            "Clocks",
            "A museum of clocks opens in the old town hall.",
        ),
    ]);

    assert_eq!(ids(&index.search("Ferry strike", 9)), [2, 3, 1]);
    assert_eq!(ids(&index.search("ferry", 9)), [2, 1]);
    assert_eq!(ids(&index.search("ferry", 1)), [2]);
    assert!(ids(&index.search("zeppelin", 9)).is_empty());
    let Search::Ranked(ranked) = index.search("ferry zeppelin", 9) else {
        panic!();
    };
    assert!(
        ranked[0].score < 0.5,
        "half of the words are in none: {ranked:?}"
    );
}

#[test]
fn of_equal_articles_the_latest_comes_first_and_removed_ones_do_not_come() {
    let mut index = index(&[
        (5, "The ferry", "It sails."),
        (7, "The ferry", "It sails."),
        (6, "The ferry", "It sails."),
        (8, "The ferry", "It sails."),
        (9, "A museum", "It opens."),
    ]);

    index.remove(ArticleId(8));

    assert_eq!(ids(&index.search("ferry", 9)), [7, 6, 5]);
}

#[test]
fn what_tells_nothing_is_said_to() {
    let articles: Vec<(u64, String)> = (1..=60)
        .map(|n| (n, format!("the word{n} of rest")))
        .collect();
    let articles: Vec<(u64, &str, &str)> = articles
        .iter()
        .map(|(n, text)| (*n, text.as_str(), ""))
        .collect();
    let index = index(&articles);

    assert_eq!(index.search("", 9), Search::NoWord);
    assert_eq!(index.search("?! ...", 9), Search::NoWord);
    assert_eq!(index.search("The of the", 9), Search::OnlyCommon);
    assert_eq!(ids(&index.search("the word7", 9)), [7]);
    assert!(ids(&index.search("the zeppelin", 9)).is_empty());
}

#[test]
fn words_are_found_in_every_script() {
    let index = index(&[
        (1, "日銀、利上げを決定", "日本銀行は金融政策を変更した。"),
        (2, "ราคาน้ำมันขึ้นอีก", "รัฐบาลประกาศมาตรการใหม่"),
        (3, "Паром вернулся", "После забастовки паромы ходят снова."),
        (4, "عادت العبارة", "بعد إضراب دام أسبوعا"),
        (5, "फेरी लौटी", "हड़ताल के बाद"),
        (6, "The ferry is back", "After a strike."),
    ]);
    for (asked, id) in [
        ("利上げ", 1),
        ("金融", 1),
        ("น้ำมัน", 2),
        ("ПАРОМ", 3),
        ("إضراب", 4),
        ("हड़ताल", 5),
        ("Ferry", 6),
    ] {
        assert_eq!(ids(&index.search(asked, 1)), [id], "{asked}");
    }
}

#[test]
fn a_question_of_any_length_looks_up_a_bounded_number_of_words() {
    let index = index(&[(1, "The ferry", "It sails."), (2, "Clocks", "Of old.")]);
    let fill: String = (0..2 * MOST).map(|n| format!("w{n} ")).collect();

    assert!(ids(&index.search(&format!("{fill} ferry"), 9)).is_empty());
    assert_eq!(ids(&index.search(&format!("ferry {fill}"), 9)), [1]);
}
