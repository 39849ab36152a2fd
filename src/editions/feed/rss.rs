//! RSS 2.0, after the RSS Board's profile.

use std::collections::BTreeMap;

use rss::{
    Category, Channel, Enclosure, Guid, Item, Source,
    extension::{
        Extension, ExtensionMap,
        atom::{AtomExtension, Link},
        dublincore::DublinCoreExtension,
    },
};

use super::{
    Feed, Format, MAX_AGE_MINUTES, authors, content_html, item_id, labels, source_address, xml,
    xml_line,
};
use crate::{
    editions::{Published, Site, escape::Escaped},
    parts::{Attachment, Picture},
};

const MEDIA: &str = "http://search.yahoo.com/mrss/";

pub(super) fn write(feed: &Feed<'_>) -> String {
    let items: Vec<Item> = feed
        .items
        .iter()
        .map(|item| entry(item, feed.site))
        .collect();
    let mut namespaces = BTreeMap::new();
    if items
        .iter()
        .any(|item| item.extensions.contains_key("media"))
    {
        namespaces.insert("media".to_owned(), MEDIA.to_owned());
    }
    let channel = Channel {
        title: xml_line(&feed.title),
        link: feed.home.to_string(),
        // Some readers reject an empty one.
        description: xml_line(match feed.description.as_str() {
            "" => &feed.title,
            description => description,
        }),
        language: Some(feed.site.language.clone()),
        // The last change, not the hour of writing: a date that moves by itself would give every
        // poll a new validator.
        last_build_date: feed.updated().map(|at| at.to_rfc2822()),
        ttl: Some(MAX_AGE_MINUTES.to_string()),
        generator: Some("Courant".to_owned()),
        docs: Some("https://www.rssboard.org/rss-specification".to_owned()),
        atom_ext: Some(AtomExtension {
            links: vec![Link {
                rel: "self".to_owned(),
                href: feed.address(Format::Rss).to_string(),
                mime_type: Some(Format::Rss.media_type().to_owned()),
                ..Link::default()
            }],
        }),
        namespaces,
        items,
        ..Channel::default()
    };
    channel.to_string()
}

fn entry(item: &Published, site: &Site) -> Item {
    let article = &item.article;
    let full = content_html(item);
    let creators: Vec<String> = authors(article).map(xml_line).collect();
    let enclosed = article.attachments.iter().position(is_enclosure);
    Item {
        title: Some(xml_line(article.heading())),
        link: Some(item.url.to_string()),
        description: Some(if article.summary.is_empty() {
            xml(&full)
        } else {
            xml(&escaped(&article.summary))
        }),
        content: Some(xml(&full)),
        guid: Some(Guid {
            value: item_id(article),
            permalink: false,
        }),
        pub_date: Some(article.published.to_rfc2822()),
        categories: labels(article)
            .into_iter()
            .map(|label| Category {
                name: xml_line(label),
                domain: None,
            })
            .collect(),
        // `author` would have to be a mail address, and nobody asked to have theirs republished.
        dublin_core_ext: (!creators.is_empty()).then(|| DublinCoreExtension {
            creators,
            ..DublinCoreExtension::default()
        }),
        source: Some(Source {
            url: source_address(site, article, Format::Rss).to_string(),
            title: Some(xml_line(&item.source)),
        }),
        enclosure: enclosed.map(|at| enclosure(&article.attachments[at])),
        extensions: media(item, enclosed),
        ..Item::default()
    }
}

/// A description is HTML to every reader, so plain text is escaped once more.
fn escaped(text: &str) -> String {
    Escaped(text).to_string()
}

fn is_enclosure(attachment: &Attachment) -> bool {
    attachment.mime_type.is_some()
}

/// The profile allows one for an item; the length of an unknown one is 0.
fn enclosure(attachment: &Attachment) -> Enclosure {
    Enclosure {
        url: xml(&attachment.url),
        length: attachment.size_in_bytes.unwrap_or(0).to_string(),
        mime_type: attachment
            .mime_type
            .clone()
            .map_or_else(String::new, |t| xml_line(&t)),
    }
}

/// Media RSS for the picture and for the attachments after the first.
fn media(item: &Published, enclosed: Option<usize>) -> ExtensionMap {
    let others = item.article.attachments.iter().enumerate();
    let others =
        others.filter(|(at, attachment)| Some(*at) != enclosed && is_enclosure(attachment));
    let contents: Vec<Extension> = item
        .article
        .picture
        .iter()
        .map(picture)
        .chain(others.map(|(_, attachment)| file(attachment)))
        .collect();
    if contents.is_empty() {
        return ExtensionMap::default();
    }
    let tags = BTreeMap::from([("content".to_owned(), contents)]);
    ExtensionMap::from([("media".to_owned(), tags)])
}

fn picture(picture: &Picture) -> Extension {
    let mut attrs = BTreeMap::from([
        ("url".to_owned(), picture.url.to_string()),
        ("medium".to_owned(), "image".to_owned()),
    ]);
    for (name, pixels) in [("width", picture.width), ("height", picture.height)] {
        if let Some(pixels) = pixels {
            attrs.insert(name.to_owned(), pixels.to_string());
        }
    }
    let words = picture.caption.as_deref().or(picture.alt.as_deref());
    let parts = [
        ("description", words),
        ("credit", picture.credit.as_deref()),
    ];
    let mut children = BTreeMap::new();
    for (name, text) in parts {
        if let Some(text) = text {
            let part = element(name, BTreeMap::new(), Some(xml_line(text)));
            children.insert(name.to_owned(), vec![part]);
        }
    }
    Extension {
        children,
        ..element("content", attrs, None)
    }
}

fn file(attachment: &Attachment) -> Extension {
    let mut attrs = BTreeMap::from([("url".to_owned(), xml(&attachment.url))]);
    if let Some(mime_type) = &attachment.mime_type {
        attrs.insert("type".to_owned(), xml_line(mime_type));
    }
    if let Some(bytes) = attachment.size_in_bytes {
        attrs.insert("fileSize".to_owned(), bytes.to_string());
    }
    element("content", attrs, None)
}

fn element(name: &str, attrs: BTreeMap<String, String>, value: Option<String>) -> Extension {
    Extension {
        name: format!("media:{name}"),
        value,
        attrs,
        children: BTreeMap::new(),
    }
}
