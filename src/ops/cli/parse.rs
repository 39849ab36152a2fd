//! A document as a JSON Feed 1.1, for people and programs that look at what a source yields.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use url::Url;

use crate::{
    dedupe::fingerprint::Fingerprint,
    ingest::{article, sanitize, text},
    parts::{Attachment, Author, Picture},
    sources::entry::{Document, Entry},
};

/// The document with what JSON Feed has no place for under `_courant`.
pub fn json_feed(document: &Document) -> Value {
    let hints = json!({
        "ttl": document.hints.ttl_minutes,
        "skip_hours": some(&document.hints.skip_hours),
        "skip_days": some(&document.hints.skip_days),
    });
    let hub = document.hub.as_ref();
    let defects: Vec<Value> = document
        .defects
        .iter()
        .map(|d| json!({ "line": d.line, "what": d.what }))
        .collect();
    stated(json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": document.title.as_deref().unwrap_or_default(),
        "home_page_url": document.home_page_url,
        "description": document.description,
        "language": document.language,
        "authors": authors(&document.authors),
        "items": document.entries.iter().map(item).collect::<Vec<_>>(),
        "_courant": stated(json!({
            "format": document.format.map(|format| format.name()),
            "encoding": document.encoding,
            "defects": defects,
            "hints": stated(hints),
            "hub": hub.map(|hub| json!({ "topic": hub.topic, "hubs": hub.hubs })),
        })),
    }))
}

fn item(entry: &Entry) -> Value {
    let base = entry.base.as_ref().or(entry.url.as_ref());
    let lead = match base {
        Some(base) => article::picture(entry, base),
        None => entry.picture.clone(),
    };
    let stated_html = entry
        .content
        .as_deref()
        .or(entry.summary.as_deref())
        .unwrap_or_default();
    let related: Vec<Value> = entry
        .named_related
        .iter()
        .map(|r| json!({ "url": r.url, "title": r.title }))
        .collect();
    stated(json!({
        "id": id(entry),
        "url": entry.url,
        "title": Some(&entry.title).filter(|title| !title.is_empty()),
        "summary": entry.summary.as_deref().map(text::from_html).filter(|text| !text.is_empty()),
        "content_html": sanitize::html(stated_html, base),
        "content_text": Some(text::from_html(stated_html)).filter(|text| !text.is_empty()),
        "date_published": entry.published.map(instant),
        "date_modified": entry.modified.map(instant),
        "authors": authors(&entry.authors),
        "tags": some(&entry.tags),
        "language": entry.language,
        "image": lead.as_ref().map(|picture| &picture.url),
        "attachments": some(&entry.attachments.iter().map(attachment).collect::<Vec<_>>()),
        "_courant": stated(json!({
            "guid": entry.guid,
            "guid_is_permalink": entry.guid_is_permalink,
            "picture": lead.as_ref().map(picture),
            "named_related": some(&related),
            "canonical": entry.canonical,
            "source": entry.source.as_ref().map(|s| stated(json!({ "title": s.title, "url": s.url }))),
        })),
    }))
}

/// The guid, else the address, else a fingerprint of what is there.
fn id(entry: &Entry) -> String {
    let address = || entry.url.as_ref().map(Url::to_string);
    entry.guid.clone().or_else(address).unwrap_or_else(|| {
        let published = entry.published.map(instant).unwrap_or_default();
        let content = entry
            .content
            .as_deref()
            .or(entry.summary.as_deref())
            .unwrap_or_default();
        let print = Fingerprint::of("entry", &[&entry.title, &published, content]);
        print
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    })
}

fn authors(authors: &[Author]) -> Value {
    let author = |author: &Author| {
        let extension = author.email.as_ref().map(|email| json!({ "email": email }));
        stated(json!({ "name": author.name, "url": author.url, "_courant": extension }))
    };
    some(&authors.iter().map(author).collect::<Vec<_>>())
}

fn attachment(attachment: &Attachment) -> Value {
    stated(json!({
        "url": attachment.url,
        // The one member besides `url` that JSON Feed wants of every attachment.
        "mime_type": attachment.mime_type.as_deref().unwrap_or("application/octet-stream"),
        "size_in_bytes": attachment.size_in_bytes,
        "title": attachment.title,
    }))
}

fn picture(picture: &Picture) -> Value {
    stated(json!({
        "url": picture.url,
        "alt": picture.alt,
        "caption": picture.caption,
        "credit": picture.credit,
        "width": picture.width,
        "height": picture.height,
    }))
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Null where there is nothing to list.
fn some<T: serde::Serialize>(list: &[T]) -> Value {
    if list.is_empty() {
        Value::Null
    } else {
        json!(list)
    }
}

/// The object without the members that say nothing.
fn stated(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, v)| !v.is_null())
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::entry::Defect;

    #[test]
    fn a_document_is_printed_as_a_json_feed() {
        let entry = Entry {
            guid: Some("q-1".to_owned()),
            url: Url::parse("https://quay.example/ferry").ok(),
            title: "Ferry".to_owned(),
            content: Some("<p onclick=x>Long <a href=map>map</a></p>".to_owned()),
            authors: vec![Author {
                email: Some("a@quay.example".to_owned()),
                ..Author::default()
            }],
            published: DateTime::from_timestamp(1_772_521_500, 0),
            ..Entry::default()
        };
        let defects = vec![Defect {
            line: Some(3),
            what: "odd".to_owned(),
        }];
        let document = Document {
            encoding: "UTF-8",
            entries: vec![entry],
            defects,
            ..Document::default()
        };

        let expected = json!({
            "version": "https://jsonfeed.org/version/1.1",
            "title": "",
            "items": [{
                "id": "q-1",
                "url": "https://quay.example/ferry",
                "title": "Ferry",
                "content_html": "<p>Long <a href=\"https://quay.example/map\">map</a></p>",
                "content_text": "Long map",
                "date_published": "2026-03-03T07:05:00Z",
                "authors": [{ "_courant": { "email": "a@quay.example" } }],
                "_courant": { "guid": "q-1", "guid_is_permalink": false },
            }],
            "_courant": { "encoding": "UTF-8", "defects": [{ "line": 3, "what": "odd" }], "hints": {} },
        });
        assert_eq!(json_feed(&document), expected);
    }

    #[test]
    fn an_entry_without_guid_is_known_by_its_address_then_by_what_it_says() {
        let mut entry = Entry {
            url: Url::parse("https://a.example/1").ok(),
            ..Entry::default()
        };
        assert_eq!(id(&entry), "https://a.example/1");

        entry.url = None;
        let print = id(&entry);
        entry.title = "other".to_owned();
        assert_eq!((print.len(), print == id(&entry)), (32, false));
    }
}
