//! Atom 1.0 (RFC 4287) and 0.3, with or without their namespace.

use chrono::{DateTime, Utc};
use url::Url;

use super::{
    construct::{html, title},
    date,
    fields::{self, ATOM, child},
    media, text,
    xml::{self, Element},
};
use crate::{
    parts::Author,
    sources::entry::{Document, Entry, Format},
};

/// Reads a `feed` that came from `at`. Entries are those of `entries`.
pub(super) fn document(feed: &Element<'_>, entries: &[&Element<'_>], at: &Url) -> Document {
    let home_page_url = fields::alternate(feed, at);
    let site = home_page_url.as_ref().unwrap_or(at);
    let authors = fields::authors(feed, site);
    let mut document = Document {
        format: Some(Format::Atom),
        title: child(feed, &["title"])
            .map(title)
            .filter(|title| !title.is_empty()),
        description: child(feed, &["subtitle", "tagline", "info"])
            .and_then(html)
            .map(|html| text::from_html(&html)),
        language: fields::language(feed),
        hints: fields::hints(feed),
        hub: fields::hub(feed, at),
        ..Document::default()
    };
    document.entries = entries
        .iter()
        .map(|element| entry(element, &authors, site))
        .collect();
    document.home_page_url = home_page_url;
    document.authors = authors;
    document
}

fn entry(element: &Element<'_>, inherited: &[Author], site: &Url) -> Entry {
    let guid = child(element, &["id"]).and_then(Element::stated);
    let body = child(element, &["content"]);
    let content = body.and_then(html);
    let by_guid = || {
        guid.as_deref()
            .and_then(|guid| Url::parse(guid).ok())
            .filter(fields::is_web)
    };
    let elsewhere = || {
        body.and_then(|e| e.resolve(e.attribute("src")?, site))
            .filter(fields::is_web)
    };
    let mut authors = fields::authors(element, site);
    let source = child(element, &["source"]);
    if authors.is_empty() {
        authors = source
            .map(|source| fields::authors(source, site))
            .filter(|a| !a.is_empty())
            .unwrap_or_else(|| inherited.to_vec());
    }
    let attachments = fields::attachments(element, site);
    let summary = child(element, &["summary"]).and_then(html);
    let picture = media::picture(element, &attachments, site);
    let stated_title = child(element, &["title"])
        .map(title)
        .filter(|title| !title.is_empty());
    Entry {
        url: fields::alternate(element, site)
            .or_else(elsewhere)
            .or_else(by_guid),
        guid,
        canonical: fields::original(element),
        title: stated_title
            .or_else(|| media::title(element))
            .unwrap_or_default(),
        summary: summary.or_else(|| media::description(element).map(|text| xml::escape(&text))),
        content,
        base: Some(site.clone()),
        published: when(element, &["published", "issued", "created"])
            .or_else(|| fields::dc_date(element)),
        modified: when(element, &["updated", "modified"]),
        authors,
        tags: fields::tags(element),
        language: fields::language(element),
        picture,
        attachments,
        named_related: fields::related(element, site),
        source: source.map(|source| fields::attribution(source, site)),
        ..Entry::default()
    }
}

fn when(element: &Element<'_>, names: &[&str]) -> Option<DateTime<Utc>> {
    let dates = names
        .iter()
        .flat_map(|name| ATOM.iter().flat_map(|space| element.all(*space, name)));
    dates.filter_map(|e| date::parse(&e.text())).next()
}
