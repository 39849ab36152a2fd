use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;

use super::*;
use crate::{
    editions::fixture::{article, edition, morning, site, source, url},
    library::{Body, Related, Reprint},
    parts::NamedLink,
};

struct Shelf(Vec<Article>);

#[async_trait]
impl ArticleStore for Shelf {
    async fn article(&self, id: ArticleId) -> port::Result<Option<Article>> {
        Ok(self.0.iter().find(|article| article.id == id).cloned())
    }

    async fn articles(&self, ids: &[ArticleId]) -> port::Result<Vec<Article>> {
        Ok(ids
            .iter()
            .filter_map(|id| self.0.iter().find(|article| article.id == *id).cloned())
            .collect())
    }

    async fn page(&self, _: Option<ArticleId>, _: usize) -> port::Result<Vec<(Article, Body)>> {
        Ok(Vec::new())
    }

    async fn folded(&self, _: ArticleId) -> port::Result<Option<(Article, Body)>> {
        Ok(None)
    }

    async fn body(&self, _: ArticleId) -> port::Result<Option<Body>> {
        Ok(None)
    }

    async fn removed(&self, _: ArticleId) -> port::Result<Option<DateTime<Utc>>> {
        Ok(None)
    }

    async fn list(&self, query: &Query) -> port::Result<Vec<Article>> {
        Ok(self
            .0
            .iter()
            .filter(|article| query.selects(article))
            .cloned()
            .collect())
    }
}

fn titles() -> SourceTitles {
    [(source("courier"), "The Courier".to_owned())]
        .into_iter()
        .collect()
}

fn related(id: u64, named: bool) -> Related {
    Related {
        id: ArticleId(id),
        score: 0.5,
        named,
        same_story: false,
    }
}

fn named(address: &str, title: &str) -> NamedLink {
    NamedLink {
        url: url(address),
        title: title.to_owned(),
    }
}

fn published_now(shelf: Vec<Article>, subject: Article, limit: usize) -> Published {
    let (shelf, titles, site) = (Shelf(shelf), titles(), site());
    let published = published(&shelf, &titles, &site, vec![subject], limit);
    published.now_or_never().unwrap().unwrap().remove(0)
}

#[track_caller]
fn check(subject: &Article, shelf: Vec<Article>, limit: usize, expected: &[(&str, bool, bool)]) {
    let published = published_now(shelf, subject.clone(), limit);
    let links: Vec<(&str, bool, bool)> = published
        .related
        .iter()
        .map(|link| (link.title.as_str(), link.named, link.source.is_some()))
        .collect();
    assert_eq!(links, expected);
}

#[test]
fn named_articles_come_first_in_the_order_of_their_author() {
    let mut subject = article(1, "Subject");
    subject.related = vec![related(2, false), related(3, true), related(4, false)];
    subject.named_related = vec![
        named("https://elsewhere.example/report", "The report"),
        named(
            "http://www.courier.example/stories/3/?utm_source=mail#top",
            "As the author calls it",
        ),
    ];
    let shelf = vec![article(2, "Two"), article(3, "Three"), article(4, "Four")];

    let all = [
        ("The report", true, false),
        ("Three", true, true),
        ("Two", false, true),
        ("Four", false, true),
    ];
    check(&subject, shelf.clone(), 9, &all);
    check(&subject, shelf, 3, &all[..3]);
}

#[test]
fn nothing_is_linked_twice_and_nothing_links_to_itself() {
    let mut subject = article(1, "Subject");
    subject.related = vec![
        related(1, false),
        related(2, true),
        related(2, false),
        related(9, false),
    ];
    subject.named_related = vec![
        named("https://gazette.example/two", "By its reprint"),
        named("https://courier.example/stories/2", "By its address"),
        named("https://courier.example/stories/1", "Itself"),
    ];
    let mut two = article(2, "Two");
    two.reprints = vec![Reprint {
        source: source("gazette"),
        guid: None,
        url: Some(url("https://gazette.example/two")),
        score: 1.0,
        measure: None,
        seen: morning(),
        id: None,
    }];

    check(
        &subject,
        vec![subject.clone(), two],
        9,
        &[("Two", true, true)],
    );
}

#[test]
fn an_article_without_an_address_is_read_on_our_page() {
    let mut subject = article(5, "Subject");
    subject.url = None;
    subject.source = source("gone");

    let published = published_now(Vec::new(), subject, 3);

    assert_eq!(
        published.url.as_str(),
        "https://news.example.org/articles/5"
    );
    assert_eq!(published.source, "gone");
}

#[test]
fn an_edition_asks_for_what_it_shows() {
    let mut edition = edition();
    edition.select.sources = vec![source("courier")];

    let query = query(&edition);

    assert_eq!(query.limit, Some(30));
    assert!(query.selects(&article(1, "One")));
    assert!(query.mail.is_none());
}
