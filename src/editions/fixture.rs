//! A small publication for the tests of this area and of `web`.

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::{Edition, Published, RelatedLink, Select, Site};
use crate::{
    id::{ArticleId, SourceName, TopicSlug},
    library::{Article, Body, Mail, Reprint},
    parts::{Attachment, Author, Picture},
};

/// Monday, 23 November 2026, six in the morning in Berlin.
pub(crate) fn morning() -> DateTime<Utc> {
    "2026-11-23T05:00:00Z".parse().unwrap()
}

pub(crate) fn url(text: &str) -> Url {
    text.parse().unwrap()
}

pub(crate) fn source(name: &str) -> SourceName {
    SourceName::parse(name).unwrap()
}

pub(crate) fn site() -> Site {
    Site {
        title: "The Harbour Press".to_owned(),
        base_url: url("https://news.example.org/"),
        language: "en".to_owned(),
        zone: chrono_tz::Europe::Berlin,
        postal_address: "Harbour Press Cooperative\n12 Quay Street\n20457 Hamburg".to_owned(),
        sender: "news@example.org".parse().unwrap(),
    }
}

pub(crate) fn edition() -> Edition {
    Edition {
        slug: "morning".parse().unwrap(),
        title: "The Morning Edition".to_owned(),
        description: "What the coast talks about, before the first ferry leaves.".to_owned(),
        select: Select::default(),
        max_articles: 30,
        min_articles: 1,
        max_per_story: 3,
        related: 3,
        digests: Vec::new(),
    }
}

/// An article without anything that may be absent, published `id` minutes before [`morning`].
pub(crate) fn article(id: u64, title: &str) -> Article {
    let published = morning() - TimeDelta::minutes(i64::try_from(id).unwrap());
    Article {
        id: ArticleId(id),
        source: source("courier"),
        guid: Some(format!("guid-{id}")),
        url: Some(url(&format!("https://courier.example/stories/{id}"))),
        title: title.to_owned(),
        summary: format!("What happened in story {id}, in a sentence or two."),
        authors: Vec::new(),
        tags: Vec::new(),
        topics: Vec::new(),
        language: None,
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

pub(crate) fn published(article: Article) -> Published {
    Published {
        url: article
            .url
            .clone()
            .unwrap_or_else(|| url("https://news.example.org/articles/1")),
        body: Body {
            html: format!(
                "<p>The text of {}.</p>",
                minijinja::HtmlEscape(&article.title)
            ),
            text: format!("The text of {}.", article.title),
        },
        source: "The Courier".to_owned(),
        carriers: Vec::new(),
        related: Vec::new(),
        article,
    }
}

/// An article with everything an article can have.
pub(crate) fn full(id: u64, title: &str) -> Published {
    let mut one = published(article(id, title));
    one.article.authors = vec![Author {
        name: Some("Ada Lund".to_owned()),
        email: Some("ada@courier.example".to_owned()),
        url: None,
    }];
    one.article.tags = vec!["Harbour".to_owned(), "Politics".to_owned()];
    one.article.topics = vec![TopicSlug::parse("harbour").unwrap()];
    one.article.language = Some("en-GB".to_owned());
    one.article.picture = Some(Picture {
        url: url("https://courier.example/wall.jpg?w=1200&h=800"),
        alt: Some("A breached harbour wall at low tide".to_owned()),
        caption: Some("The wall on Sunday morning.".to_owned()),
        credit: Some("Photo: Ida Holm".to_owned()),
        width: Some(1200),
        height: Some(800),
    });
    one.article.attachments = ["audio/mpeg", "application/pdf"]
        .map(|mime_type| Attachment {
            url: format!("https://courier.example/files/{id}?as={mime_type}"),
            mime_type: Some(mime_type.to_owned()),
            size_in_bytes: None,
            title: Some("The file".to_owned()),
        })
        .into();
    one.article.reprints = vec![Reprint {
        source: source("gazette"),
        guid: None,
        url: Some(url("https://gazette.example/wall")),
        score: 1.0,
        measure: None,
        seen: morning() + TimeDelta::minutes(5),
        id: None,
    }];
    one.carriers = vec!["The Gazette".to_owned()];
    one.related = vec![
        RelatedLink {
            title: "Why the old wall was never finished".to_owned(),
            url: url("https://courier.example/old-wall?a=1&b=2"),
            source: Some("The Courier".to_owned()),
            named: true,
            same_story: false,
        },
        RelatedLink {
            title: "The engineers' report".to_owned(),
            url: url("https://harbour.example/report"),
            source: None,
            named: true,
            same_story: false,
        },
    ];
    one
}
