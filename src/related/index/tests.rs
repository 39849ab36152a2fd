use super::*;
use crate::{id::SourceName, library::Mail};

/// The index, and the words of what it holds.
#[derive(Default)]
struct Shelf {
    index: Index,
    telling: HashMap<u64, Telling>,
}

impl Shelf {
    fn of(articles: &[(u64, u32, &str, &str)]) -> Self {
        let mut shelf = Shelf::default();
        for (id, day, title, text) in articles {
            shelf.add(&article(*id, *day, title, None), text);
        }
        shelf
    }

    fn add(&mut self, article: &Article, text: &str) {
        let telling = Telling::of(&article.title, text);
        self.index.add(article.id, article, &telling);
        self.telling.insert(article.id.0, telling);
    }

    fn relate(&self, id: u64) -> Reading {
        let telling = self.telling.get(&id).cloned().unwrap_or_default();
        self.index.relate(ArticleId(id), &telling)
    }

    fn ids(&self, id: u64) -> Vec<u64> {
        let related = self.relate(id).related;
        related.iter().map(|related| related.id.0).collect()
    }
}

/// Published on that day of November 2026, at midnight.
pub(super) fn article(id: u64, day: u32, title: &str, language: Option<&str>) -> Article {
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
        story: ArticleId(id),
        mail: Mail::Due,
    }
}

const HARBOR: &str = "The harbor dredging began after the council approved the port budget";
const MUSEUM: &str = "A museum of clocks opens in the old town hall with a hundred pendulums";
const DREDGE: &str = "Dredging of the harbor is late, the port council was told on Friday";

#[test]
fn articles_that_share_telling_words_are_related() {
    let shelf = Shelf::of(&[
        (1, 1, "Harbor dredging begins", HARBOR),
        (2, 2, "Clock museum opens", MUSEUM),
        (3, 3, "Harbor dredging late", DREDGE),
    ]);

    assert_eq!(shelf.ids(3), [1]);
    assert!(shelf.ids(2).is_empty());
    let related = shelf.relate(3).related.remove(0);
    assert!(related.score > 0.2 && related.score < 1.0 && !related.named);
}

#[test]
fn only_earlier_articles_are_related() {
    let same = ("Harbor dredging begins", HARBOR);
    let shelf = Shelf::of(&[
        (1, 5, same.0, same.1),
        (2, 5, same.0, same.1),
        (3, 4, same.0, same.1),
        (4, 9, "Clock museum opens", MUSEUM),
    ]);

    assert_eq!(shelf.ids(2), [1, 3]);
    assert_eq!(shelf.ids(1), [3]);
    assert!(shelf.ids(3).is_empty());
    assert!(shelf.ids(77).is_empty());
}

#[test]
fn of_two_like_articles_the_later_comes_first() {
    let shelf = Shelf::of(&[
        (1, 18, "Harbor dredging begins", HARBOR),
        (2, 20, "Harbor dredging begins", HARBOR),
        (3, 21, "Harbor dredging late", DREDGE),
        (4, 22, "Clock museum opens", MUSEUM),
    ]);

    assert_eq!(shelf.ids(3), [2, 1]);
}

#[test]
fn languages_that_differ_are_not_mixed() {
    let mut shelf = Shelf::default();
    for (id, language) in [
        (1, Some("de")),
        (2, Some("en-GB")),
        (3, None),
        (4, Some("EN_us")),
    ] {
        let day = u32::try_from(id).unwrap();
        shelf.add(&article(id, day, "Harbor", language), HARBOR);
    }

    assert_eq!(shelf.ids(4), [3, 2]);
    assert_eq!(shelf.ids(3), [2, 1]);
}

#[test]
fn what_is_removed_is_forgotten_and_what_is_added_again_is_replaced() {
    let mut shelf = Shelf::of(&[
        (1, 1, "Harbor dredging begins", HARBOR),
        (2, 2, "Harbor dredging begins", HARBOR),
        (3, 3, "Harbor dredging late", DREDGE),
    ]);

    shelf.index.remove(ArticleId(2));
    shelf.index.remove(ArticleId(2));
    assert_eq!((shelf.index.len(), shelf.ids(3)), (2, vec![1]));

    shelf.add(&article(1, 1, "Clock museum opens", None), MUSEUM);
    assert_eq!((shelf.index.len(), shelf.ids(3)), (2, vec![]));

    shelf.add(&article(4, 2, "Harbor dredging begins", None), HARBOR);
    assert_eq!((shelf.index.len(), shelf.ids(3)), (3, vec![4]));
    assert_eq!(shelf.index.len(), 3);
}

#[test]
fn words_that_every_article_holds_tell_nothing() {
    let mut shelf = Shelf::default();
    for id in 1..=60 {
        let text = format!("the and of with from word{id} name{id} place{id}");
        shelf.add(&article(id, 1, &format!("Title{id}"), None), &text);
    }

    assert!(shelf.ids(60).is_empty());
}

#[test]
fn an_empty_or_endless_article_does_no_harm() {
    let endless: String = (0..100_000).map(|n| format!("word{n} ")).collect();
    let shelf = Shelf::of(&[(1, 1, "", ""), (2, 2, "Long", &endless), (3, 3, "", "...")]);

    assert!(shelf.ids(1).is_empty());
    assert!(shelf.ids(3).is_empty());
    assert!(shelf.index.terms.len() <= super::super::telling::READ + 1);
}

/// Published so many hours into November 2026 by `source`.
fn told(id: u64, hours: i64, source: &str) -> Article {
    let article = article(id, 1, "Harbor dredging begins", None);
    Article {
        source: SourceName::parse(source).unwrap(),
        published: article.published + TimeDelta::hours(hours),
        ..article
    }
}

/// Ten articles about something else.
fn museums(shelf: &mut Shelf) {
    for id in 50..60 {
        let text = format!("{MUSEUM} the word{id} before of a");
        shelf.add(&article(id, 1, "Clock museum opens", None), &text);
    }
}

#[test]
fn what_comes_close_in_time_and_words_is_one_story() {
    let mut shelf = Shelf::default();
    museums(&mut shelf);
    shelf.add(&told(1, 0, "a"), HARBOR);
    shelf.index.tell(ArticleId(1), ArticleId(1), &[]);
    shelf.add(&told(2, 20, "b"), DREDGE);
    let second = shelf.relate(2);
    shelf.index.tell(ArticleId(2), second.story.unwrap(), &[]);
    shelf.add(&told(3, 80, "c"), DREDGE);
    let third = shelf.relate(3);
    shelf.index.tell(ArticleId(3), third.story.unwrap(), &[]);
    shelf.add(&told(4, 500, "d"), DREDGE);
    let late = shelf.relate(4);

    assert_eq!(second.story, Some(ArticleId(1)));
    assert!(second.related[0].same_story);
    assert_eq!(third.story, Some(ArticleId(1)));
    assert!(third.related.iter().all(|related| related.same_story));
    assert_eq!(third.related.len(), 2);
    assert_eq!(late.story, None);
    assert!(!late.related[0].same_story);
}

#[test]
fn an_article_that_comes_late_joins_the_story_and_outdates_what_lists_it_now() {
    let mut shelf = Shelf::default();
    museums(&mut shelf);
    shelf.add(&told(1, 40, "a"), DREDGE);
    shelf.index.tell(ArticleId(1), ArticleId(1), &[]);
    shelf.add(&told(2, 0, "b"), HARBOR);

    let late = shelf.relate(2);

    assert_eq!(late.story, Some(ArticleId(1)));
    assert!(late.related.is_empty(), "nothing is earlier");
    assert!(late.outdated.contains(&ArticleId(1)));
    assert_eq!(shelf.ids(1), [2]);
    let related = |score| Related {
        id: ArticleId(7),
        score,
        named: false,
        same_story: false,
    };
    for (score, is_outdated) in [(0.01, true), (1.0, false)] {
        let full = vec![related(score); KEPT];
        shelf.index.tell(ArticleId(1), ArticleId(1), &full);
        let outdated = shelf.relate(2).outdated;
        assert_eq!(
            outdated.contains(&ArticleId(1)),
            is_outdated,
            "a full list ends at {score}"
        );
    }
}

#[test]
fn of_another_story_only_the_best_article_is_read() {
    let mut shelf = Shelf::default();
    for id in 1..=4 {
        let hours = i64::try_from(id).unwrap();
        shelf.add(&told(id, hours, "a"), HARBOR);
        shelf.index.tell(ArticleId(id), ArticleId(1), &[]);
    }
    shelf.add(&told(9, 500, "b"), HARBOR);

    assert_eq!(shelf.ids(9), [4]);
}

#[test]
fn of_two_that_are_alike_the_one_from_another_source_is_read() {
    let mut shelf = Shelf::default();
    shelf.add(&told(1, 1, "b"), HARBOR);
    shelf.add(&told(2, 2, "a"), HARBOR);
    shelf.add(&told(9, 500, "a"), HARBOR);

    assert_eq!(shelf.ids(9), [1, 2]);
}

#[test]
fn removed_articles_leave_no_postings_behind_for_long() {
    let mut shelf = Shelf::default();
    for id in 1..=400 {
        let text = format!("word{id} place{} {HARBOR}", id / 10);
        shelf.add(&article(id, 1, &format!("Title{id}"), None), &text);
    }
    for id in 1..=300 {
        shelf.index.remove(ArticleId(id));
    }

    assert_eq!(shelf.index.len(), 100);
    assert!(shelf.index.documents.len() < 180);
    assert!(shelf.index.terms.len() < 450);
    assert!(shelf.ids(400).iter().all(|id| *id >= 390));
}

#[test]
fn articles_are_related_in_scripts_without_spaces() {
    let shelf = Shelf::of(&[
        (
            1,
            1,
            "港の浚渫が始まる",
            "市議会が港湾予算を承認し、港の浚渫が始まった",
        ),
        (
            2,
            2,
            "時計博物館",
            "古い市庁舎に百の振り子を持つ博物館が開館する",
        ),
        (
            3,
            3,
            "港の浚渫に遅れ",
            "港の浚渫は遅れていると金曜日に市議会へ報告された",
        ),
        (
            4,
            4,
            "ท่าเรือขุดลอก",
            "การขุดลอกท่าเรือเริ่มขึ้นหลังสภาเมืองอนุมัติงบประมาณ",
        ),
        (
            5,
            5,
            "การขุดลอกล่าช้า",
            "การขุดลอกท่าเรือล่าช้า สภาเมืองได้รับแจ้งเมื่อวันศุกร์",
        ),
    ]);

    assert_eq!(shelf.ids(3), [1]);
    assert_eq!(shelf.ids(5), [4]);
}

#[test]
fn what_was_loaded_by_the_page_is_related_like_what_came_one_by_one() {
    let texts = [HARBOR, MUSEUM, DREDGE];
    let mut added = Shelf::default();
    let mut articles = Vec::new();
    for id in 1..=30 {
        let day = u32::try_from(id).unwrap();
        let mut one = article(id, day, &format!("Title {}", id % 7), None);
        one.story = ArticleId(id / 4);
        let text = texts[usize::try_from(id % 3).unwrap()];
        added.add(&one, text);
        added.index.tell(one.id, one.story, &[]);
        articles.push((one, Telling::of(&format!("Title {}", id % 7), text)));
    }
    let mut loaded = Shelf {
        telling: added.telling.clone(),
        ..Shelf::default()
    };
    for page in articles.chunks(8) {
        let words = Page::of(page.iter().map(|(_, telling)| telling.clone()));
        let articles = page.iter().map(|(article, _)| article);
        loaded.index.load(articles, &words);
    }

    assert_eq!(loaded.index.len(), 30);
    for id in 1..=30 {
        let (expected, found) = (added.relate(id), loaded.relate(id));
        assert_eq!(
            (found.story, found.related),
            (expected.story, expected.related)
        );
    }
}

#[test]
fn what_two_articles_have_in_common_is_named_the_most_telling_words_first() {
    let mut shelf = Shelf::default();
    museums(&mut shelf);
    shelf.add(&article(1, 1, "Harbor dredging begins", None), HARBOR);
    shelf.add(&article(2, 2, "Harbor dredging late", None), DREDGE);
    let text = |title, text| common::Text { title, text };

    let words = shelf.index.in_common(
        text("Harbor dredging begins", HARBOR),
        text("Harbor dredging late", DREDGE),
        3,
    );

    assert_eq!(words.len(), 3);
    assert!(words[..2].contains(&"dredging".to_owned()), "{words:?}");
    assert!(words[..2].contains(&"harbor".to_owned()), "{words:?}");
}
