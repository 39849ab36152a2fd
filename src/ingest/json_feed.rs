//! JSON Feed 1.0 and 1.1.

use serde_json::{Map, Value};
use url::Url;

use super::{
    charset, date,
    fields::{MOST_HUBS, is_web},
    text, xml,
};
use crate::{
    parts::{Attachment, Author, NamedLink, Picture},
    sources::entry::{Defect, Document, Entry, Format, Hub},
};

/// Reads a feed that came from `at`; none if the value is not one.
pub(super) fn document(value: &Value, at: &Url) -> Option<Document> {
    let feed = value.as_object()?;
    let items = feed.get("items").and_then(Value::as_array);
    let is_feed =
        text_of(feed, "version").is_some_and(|v| v.contains("jsonfeed.org")) || items.is_some();
    let home_page_url = address(feed, "home_page_url", at);
    let site = home_page_url.as_ref().unwrap_or(at);
    let mut document = Document {
        format: Some(Format::JsonFeed),
        title: text_of(feed, "title").map(|t| text::one_line(&t)),
        description: text_of(feed, "description").map(|t| text::one_line(&t)),
        language: text_of(feed, "language"),
        authors: authors(feed),
        hub: hub(feed, at),
        ..Document::default()
    };
    for (n, item) in items.into_iter().flatten().enumerate() {
        match item.as_object().filter(|item| id(item).is_some()) {
            Some(item) => document.entries.push(entry(item, &document.authors, site)),
            None => {
                let what = format!("item {} has no id and was left out", n + 1);
                document.defects.push(Defect { line: None, what });
            }
        }
    }
    document.home_page_url = home_page_url;
    is_feed.then_some(document)
}

fn hub(feed: &Map<String, Value>, at: &Url) -> Option<Hub> {
    let is_hub = |hub: &&Map<String, Value>| {
        text_of(hub, "type").is_none_or(|kind| kind.eq_ignore_ascii_case("websub"))
    };
    let hubs = list(feed, "hubs")
        .filter_map(Value::as_object)
        .filter(is_hub);
    let hubs: Vec<Url> = hubs
        .filter_map(|hub| address(hub, "url", at))
        .filter(is_web)
        .take(MOST_HUBS)
        .collect();
    let topic = address(feed, "feed_url", at).filter(is_web)?;
    (!hubs.is_empty()).then_some(Hub { hubs, topic })
}

fn entry(item: &Map<String, Value>, inherited: &[Author], site: &Url) -> Entry {
    let content = text_of(item, "content_html")
        .or_else(|| text_of(item, "content_text").map(|text| paragraphs(&text)));
    let own = authors(item);
    let attachments: Vec<Attachment> = list(item, "attachments")
        .filter_map(|v| attachment(v, site))
        .collect();
    let stated_picture =
        address(item, "image", site).or_else(|| address(item, "banner_image", site));
    let bare = |url| Picture {
        url,
        alt: None,
        caption: None,
        credit: None,
        width: None,
        height: None,
    };
    Entry {
        guid: id(item),
        url: address(item, "url", site).or_else(|| address(item, "external_url", site)),
        title: text_of(item, "title")
            .map(|t| text::one_line(&t))
            .unwrap_or_default(),
        summary: text_of(item, "summary").map(|text| xml::escape(&text)),
        published: text_of(item, "date_published").and_then(|t| date::parse(&t)),
        modified: text_of(item, "date_modified").and_then(|t| date::parse(&t)),
        authors: if own.is_empty() {
            inherited.to_vec()
        } else {
            own
        },
        tags: list(item, "tags")
            .filter_map(|v| Some(charset::clean(v.as_str()?.trim()).into_owned()))
            .filter(|t| !t.is_empty())
            .collect(),
        language: text_of(item, "language"),
        named_related: named_related(item, site),
        picture: stated_picture.map(bare),
        content,
        base: Some(site.clone()),
        attachments,
        ..Entry::default()
    }
}

/// A number is read as its text (JSON Feed 1.1, "items").
fn id(item: &Map<String, Value>) -> Option<String> {
    match item.get("id")? {
        Value::Number(number) => Some(number.to_string()),
        _ => text_of(item, "id"),
    }
}

/// `authors` of 1.1, else `author` of 1.0.
fn authors(object: &Map<String, Value>) -> Vec<Author> {
    let read = |value: &Value| {
        let person = value.as_object()?;
        let author = Author {
            name: text_of(person, "name"),
            email: None,
            url: text_of(person, "url"),
        };
        (author != Author::default()).then_some(author)
    };
    let several: Vec<Author> = list(object, "authors").filter_map(read).collect();
    if several.is_empty() {
        object.get("author").and_then(read).into_iter().collect()
    } else {
        several
    }
}

fn attachment(value: &Value, site: &Url) -> Option<Attachment> {
    let object = value.as_object()?;
    Some(Attachment {
        url: address(object, "url", site)?.into(),
        mime_type: text_of(object, "mime_type"),
        size_in_bytes: object.get("size_in_bytes").and_then(Value::as_u64),
        title: text_of(object, "title"),
    })
}

/// What a feed of ours states of related articles.
fn named_related(item: &Map<String, Value>, site: &Url) -> Vec<NamedLink> {
    let Some(extension) = item.get("_courant").and_then(Value::as_object) else {
        return Vec::new();
    };
    let read = |value: &Value| {
        let link = value.as_object()?;
        Some(NamedLink {
            url: address(link, "url", site)?,
            title: text_of(link, "title")?,
        })
    };
    list(extension, "named_related").filter_map(read).collect()
}

fn list<'a>(object: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    object
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text_of(object: &Map<String, Value>, name: &str) -> Option<String> {
    let text = charset::clean(object.get(name)?.as_str()?.trim());
    (!text.is_empty()).then(|| text.into_owned())
}

fn address(object: &Map<String, Value>, name: &str, base: &Url) -> Option<Url> {
    base.join(&text_of(object, name)?).ok()
}

/// Plain text as HTML: a blank line ends a paragraph, a line break is one.
fn paragraphs(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let paragraph =
        |part: &str| format!("<p>{}</p>", xml::escape(part.trim()).replace('\n', "<br>"));
    text.split("\n\n")
        .filter(|part| !part.trim().is_empty())
        .map(paragraph)
        .collect()
}
