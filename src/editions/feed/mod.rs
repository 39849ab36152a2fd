//! An edition, a topic or a source as an RSS, Atom or JSON document.
//!
//! A document is a function of its articles alone: the same articles give the same bytes, today
//! and after a restart, so that a validator made of the bytes means something.

mod atom;
mod json_feed;
mod rss;

use std::fmt::Write;

use chrono::{DateTime, Utc};
use ring::digest::{SHA256, digest};
use url::Url;

use super::{Edition, Published, Site, escape::Escaped};
use crate::{library::Article, parts::Picture};

/// How long a reader waits before it asks again; the daemon's answers say the same.
pub const MAX_AGE_MINUTES: u32 = 15;

/// What a document says about itself, and its articles, latest first.
#[derive(Clone, Debug)]
pub struct Feed<'a> {
    /// Never changes, whatever the title and the addresses do: see [`feed_id`].
    pub id: String,
    pub title: String,
    pub description: String,
    /// The page for people.
    pub home: Url,
    /// The three documents stand in this folder, under [`Format::file_name`]; ends with `/`.
    pub folder: Url,
    pub site: &'a Site,
    pub items: &'a [Published],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    Rss,
    Atom,
    Json,
}

impl Format {
    /// The one we would have a reader take first.
    pub const ALL: [Format; 3] = [Format::Rss, Format::Atom, Format::Json];

    pub fn file_name(self) -> &'static str {
        match self {
            Format::Rss => "rss.xml",
            Format::Atom => "atom.xml",
            Format::Json => "feed.json",
        }
    }

    pub fn named(file_name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.file_name() == file_name)
    }

    pub fn label(self) -> &'static str {
        match self {
            Format::Rss => "RSS",
            Format::Atom => "Atom",
            Format::Json => "JSON Feed",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Format::Rss => "application/rss+xml",
            Format::Atom => "application/atom+xml",
            Format::Json => "application/feed+json",
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Format::Rss => "application/rss+xml; charset=utf-8",
            Format::Atom => "application/atom+xml; charset=utf-8",
            Format::Json => "application/feed+json; charset=utf-8",
        }
    }
}

impl<'a> Feed<'a> {
    pub fn of_edition(site: &'a Site, edition: &Edition, items: &'a [Published]) -> Self {
        let slug = edition.slug.as_str();
        Feed {
            id: feed_id("edition", slug),
            title: edition.title.clone(),
            description: edition.description.clone(),
            home: site.address(&format!("e/{slug}")),
            folder: site.address(&format!("e/{slug}/")),
            site,
            items,
        }
    }

    pub fn address(&self, format: Format) -> Url {
        let file = self.folder.join(format.file_name());
        file.unwrap_or_else(|_| self.folder.clone())
    }

    /// When the latest of its articles was published or revised; none for an empty feed.
    pub fn updated(&self) -> Option<DateTime<Utc>> {
        self.items.iter().map(|item| updated(&item.article)).max()
    }
}

/// Writes `feed` as a document.
pub fn write(format: Format, feed: &Feed<'_>) -> String {
    match format {
        Format::Rss => rss::write(feed),
        Format::Atom => atom::write(feed),
        Format::Json => json_feed::write(feed),
    }
}

/// When anything that a feed shows of an article last changed here; the article's part of
/// `Last-Modified`.
pub fn last_change(article: &Article) -> DateTime<Utc> {
    let reprints = article.reprints.iter().map(|reprint| reprint.seen);
    reprints.fold(article.changed(), Ord::max)
}

/// The permanent name of an article (RFC 4287, section 4.2.6): a UUID of version 8 (RFC 9562)
/// over its id and the moment it was first seen.
///
/// Neither ever changes, while title, address, domain and even the representing source may; and a
/// store that starts over at id 1 does not give an old name to a new article.
pub fn item_id(article: &Article) -> String {
    let seen = article.first_seen.timestamp_micros();
    uuid(&["article", &article.id.to_string(), &seen.to_string()])
}

/// The permanent name of a feed: `kind` is `edition`, `topic` or `source`.
pub fn feed_id(kind: &str, name: &str) -> String {
    uuid(&["feed", kind, name])
}

fn uuid(parts: &[&str]) -> String {
    let hash = digest(&SHA256, parts.join("\n").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut urn = String::from("urn:uuid:");
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            urn.push('-');
        }
        let _ = write!(urn, "{byte:02x}");
    }
    urn
}

/// An article's date as its readers understand it: when it was published, or last revised. When
/// we happened to find it does not make it newer.
fn updated(article: &Article) -> DateTime<Utc> {
    article.revised.unwrap_or(article.published)
}

/// Where we ourselves publish the source of an article, by which it can be attributed. The address
/// we poll is not shown: it may hold somebody's key.
fn source_address(site: &Site, article: &Article, format: Format) -> Url {
    site.address(&format!(
        "sources/{}/{}",
        article.source,
        format.file_name()
    ))
}

/// Names of authors, without their addresses.
fn authors(article: &Article) -> impl Iterator<Item = &str> {
    article
        .authors
        .iter()
        .filter_map(|author| author.name.as_deref())
}

/// Our topics and the source's own categories, each once.
fn labels(article: &Article) -> Vec<&str> {
    let mut labels: Vec<&str> = Vec::new();
    let topics = article.topics.iter().map(|topic| topic.as_str());
    for label in topics.chain(article.tags.iter().map(String::as_str)) {
        let known = labels.iter().any(|other| other.eq_ignore_ascii_case(label));
        if !known && !label.trim().is_empty() {
            labels.push(label);
        }
    }
    labels
}

/// The whole article for a reader that shows nothing else: picture, text, who else carries it, and
/// what to read with it.
fn content_html(item: &Published) -> String {
    let mut html = String::new();
    if let Some(picture) = item
        .article
        .picture
        .as_ref()
        .filter(|_| !item.shows_picture())
    {
        figure(&mut html, picture);
    }
    if item.body.html.trim().is_empty() {
        paragraph(&mut html, "", &item.article.summary);
    } else {
        html.push_str(&item.body.html);
    }
    if !item.carriers.is_empty() {
        paragraph(&mut html, "Also carried by ", &item.carriers.join(", "));
    }
    if !item.related.is_empty() {
        html.push_str("<h2>Related</h2><ul>");
        for link in &item.related {
            let source = link.source.as_ref().map(|source| format!(" ({source})"));
            let _ = write!(
                html,
                "<li><a href=\"{}\">{}</a>{}</li>",
                Escaped(link.url.as_str()),
                Escaped(&link.title),
                Escaped(source.as_deref().unwrap_or_default()),
            );
        }
        html.push_str("</ul>");
    }
    html
}

fn paragraph(html: &mut String, lead: &str, text: &str) {
    if !text.is_empty() {
        let _ = write!(html, "<p>{lead}{}</p>", Escaped(text));
    }
}

fn figure(html: &mut String, picture: &Picture) {
    let _ = write!(
        html,
        "<figure><img src=\"{}\" alt=\"{}\">",
        Escaped(picture.url.as_str()),
        Escaped(picture.alt.as_deref().unwrap_or_default()),
    );
    let words = [picture.caption.as_deref(), picture.credit.as_deref()];
    let words: Vec<&str> = words.into_iter().flatten().collect();
    if !words.is_empty() {
        let _ = write!(
            html,
            "<figcaption>{}</figcaption>",
            Escaped(&words.join(" "))
        );
    }
    html.push_str("</figure>");
}

/// Keeps what XML 1.0 allows (section 2.2, `Char`). Neither writer below does it, and one backspace
/// in one title makes the whole document unreadable.
fn xml(text: &str) -> String {
    text.chars().filter(|&c| is_xml(c)).collect()
}

fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// As [`xml`], for text that must stay on one line.
fn xml_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    xml(&words.join(" "))
}

#[cfg(test)]
mod tests;
