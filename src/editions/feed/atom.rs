//! Atom 1.0 (RFC 4287).

use atom_syndication::{
    Category, Content, Entry, Feed as Document, FixedDateTime, Generator, Link, Person, Source,
    Text,
};
use chrono::{DateTime, Utc};

use super::{
    Feed, Format, authors, content_html, feed_id, item_id, labels, source_address, updated, xml,
    xml_line,
};
use crate::editions::{Published, Site};

pub(super) fn write(feed: &Feed<'_>) -> String {
    let document = Document {
        id: feed.id.clone(),
        title: Text::plain(xml_line(&feed.title)),
        subtitle: (!feed.description.is_empty()).then(|| Text::plain(xml_line(&feed.description))),
        // An empty feed has never changed, but must say when it did.
        updated: fixed(feed.updated().unwrap_or(DateTime::UNIX_EPOCH)),
        authors: vec![person(&feed.site.title)],
        generator: Some(Generator {
            value: "Courant".to_owned(),
            uri: None,
            version: None,
        }),
        links: vec![
            Link {
                mime_type: Some(Format::Atom.media_type().to_owned()),
                ..link("self", feed.address(Format::Atom).as_str())
            },
            Link {
                mime_type: Some("text/html".to_owned()),
                ..link("alternate", feed.home.as_str())
            },
        ],
        lang: Some(feed.site.language.clone()),
        entries: feed
            .items
            .iter()
            .map(|item| entry(item, feed.site))
            .collect(),
        ..Document::default()
    };
    document.to_string()
}

fn entry(item: &Published, site: &Site) -> Entry {
    let article = &item.article;
    let related = item.related.iter().map(|other| Link {
        title: Some(xml_line(&other.title)),
        ..link("related", other.url.as_str())
    });
    let enclosures = article.attachments.iter().map(|attachment| Link {
        mime_type: attachment.mime_type.as_deref().map(xml_line),
        length: attachment.size_in_bytes.map(|bytes| bytes.to_string()),
        title: attachment.title.as_deref().map(xml_line),
        ..link("enclosure", &xml(&attachment.url))
    });
    Entry {
        id: item_id(article),
        title: Text::plain(xml_line(article.heading())),
        published: Some(fixed(article.published)),
        updated: fixed(updated(article)),
        authors: authors(article).map(person).collect(),
        categories: labels(article)
            .into_iter()
            .map(|label| Category {
                term: xml_line(label),
                scheme: None,
                label: None,
            })
            .collect(),
        links: std::iter::once(Link {
            mime_type: None,
            hreflang: article.language.as_deref().map(xml_line),
            ..link("alternate", item.url.as_str())
        })
        .chain(related)
        .chain(enclosures)
        .collect(),
        summary: (!article.summary.is_empty()).then(|| Text::plain(xml(&article.summary))),
        content: Some(Content {
            content_type: Some("html".to_owned()),
            value: Some(xml(&content_html(item))),
            lang: article.language.as_deref().map(xml_line),
            ..Content::default()
        }),
        source: Some(Source {
            id: feed_id("source", article.source.as_str()),
            title: Text::plain(xml_line(&item.source)),
            updated: fixed(updated(article)),
            links: vec![link(
                "self",
                source_address(site, article, Format::Atom).as_str(),
            )],
            ..Source::default()
        }),
        ..Entry::default()
    }
}

fn fixed(at: DateTime<Utc>) -> FixedDateTime {
    at.fixed_offset()
}

fn person(name: &str) -> Person {
    Person {
        name: xml_line(name),
        ..Person::default()
    }
}

fn link(rel: &str, href: &str) -> Link {
    Link {
        rel: rel.to_owned(),
        href: href.to_owned(),
        ..Link::default()
    }
}
