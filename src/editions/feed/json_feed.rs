//! JSON Feed 1.1.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::{Feed, Format, authors, content_html, item_id, labels};
use crate::{editions::Published, parts::Attachment};

pub(super) fn write(feed: &Feed<'_>) -> String {
    let document = Document {
        version: "https://jsonfeed.org/version/1.1",
        title: &feed.title,
        home_page_url: feed.home.as_str(),
        feed_url: feed.address(Format::Json).into(),
        description: &feed.description,
        language: &feed.site.language,
        authors: vec![Author {
            name: &feed.site.title,
            url: Some(feed.site.base_url.as_str()),
        }],
        items: feed.items.iter().map(item).collect(),
    };
    // Strings, numbers and lists of them: nothing in the document can fail to be written.
    serde_json::to_string(&document).unwrap_or_default()
}

fn item(item: &Published) -> Item<'_> {
    let article = &item.article;
    Item {
        id: item_id(article),
        url: item.url.as_str(),
        title: (!article.title.is_empty()).then_some(&article.title),
        summary: (!article.summary.is_empty()).then_some(&article.summary),
        content_html: content_html(item),
        image: article.picture.as_ref().map(|picture| picture.url.as_str()),
        date_published: date(article.published),
        date_modified: article.revised.map(date),
        authors: authors(article)
            .map(|name| Author { name, url: None })
            .collect(),
        tags: labels(article),
        language: article.language.as_deref(),
        attachments: article.attachments.iter().filter_map(attachment).collect(),
        courant: Courant {
            source: &item.source,
            also_carried_by: &item.carriers,
            related: item
                .related
                .iter()
                .map(|link| Related {
                    title: &link.title,
                    url: link.url.as_str(),
                    source: link.source.as_deref(),
                    named: link.named,
                    same_story: link.same_story,
                })
                .collect(),
            picture: article.picture.as_ref().map(|picture| Credit {
                alt: picture.alt.as_deref(),
                caption: picture.caption.as_deref(),
                credit: picture.credit.as_deref(),
            }),
        },
    }
}

/// The format wants both an address and a type.
fn attachment(attachment: &Attachment) -> Option<File<'_>> {
    Some(File {
        url: &attachment.url,
        mime_type: attachment.mime_type.as_deref()?,
        title: attachment.title.as_deref(),
        size_in_bytes: attachment.size_in_bytes,
    })
}

fn date(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    title: &'a str,
    home_page_url: &'a str,
    feed_url: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    language: &'a str,
    authors: Vec<Author<'a>>,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Author<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: String,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a String>,
    content_html: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    date_published: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_modified: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Author<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<File<'a>>,
    #[serde(rename = "_courant")]
    courant: Courant<'a>,
}

#[derive(Serialize)]
struct File<'a> {
    url: &'a str,
    mime_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_in_bytes: Option<u64>,
}

/// What the format has no place for.
#[derive(Serialize)]
struct Courant<'a> {
    source: &'a str,
    also_carried_by: &'a [String],
    related: Vec<Related<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<Credit<'a>>,
}

#[derive(Serialize)]
struct Related<'a> {
    title: &'a str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    named: bool,
    same_story: bool,
}

#[derive(Serialize)]
struct Credit<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    alt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caption: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credit: Option<&'a str>,
}
