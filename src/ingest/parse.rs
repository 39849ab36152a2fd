//! Bytes in, a document out.

use url::Url;

use super::{
    atom, charset, defect, extract, json_feed, markdown, rss,
    tags::{Tag, tags},
    xml::{self, Element, Space},
};
use crate::sources::entry::{Defect, Document, Format};

/// What is known about bytes before they are read.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The address that they came from in the end, after redirects.
    pub base: &'a Url,
    /// As HTTP states it.
    pub content_type: Option<&'a str>,
    pub kind: Kind,
}

/// What bytes are to be read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whatever they look like.
    Auto,
    /// A feed of any format; a page is refused.
    Feed,
    Page,
    Markdown,
}

/// Why nothing at all can be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("the document is empty")]
    Empty,
    #[error("an HTML page, not a feed")]
    HtmlPage,
    #[error("a JSON document, but not a JSON Feed")]
    NotJsonFeed,
    #[error("not valid JSON (line {line}, column {column})")]
    Json { line: usize, column: usize },
    #[error("neither RSS, Atom nor JSON Feed: it begins with `{beginning}`")]
    Unknown { beginning: String },
}

/// Reads one document. Entries that can be kept are, whatever is wrong with the rest.
pub fn parse(bytes: &[u8], given: &Given<'_>) -> Result<Document, Unreadable> {
    let decoded = charset::decode(bytes, given.content_type);
    let text = decoded.text.trim_start();
    if text.is_empty() {
        return Err(Unreadable::Empty);
    }
    let mut document = match (given.kind, form(text, given.content_type)) {
        (Kind::Page, _) | (Kind::Auto, Form::Page) => page(text, given.base),
        (Kind::Markdown, _) | (Kind::Auto, Form::Markdown) => Document {
            format: Some(Format::Markdown),
            entries: vec![markdown::entry(text, given.base)],
            ..Document::default()
        },
        (Kind::Feed, Form::Page) => return Err(Unreadable::HtmlPage),
        (Kind::Auto | Kind::Feed, Form::Json) => json(text, given.base)?,
        (Kind::Auto | Kind::Feed, Form::Xml { junk }) => feed(&decoded.text, junk, given.base)?,
        (Kind::Feed, Form::Markdown) | (_, Form::Unknown) => return Err(unknown(text)),
    };
    document.encoding = decoded.encoding;
    document
        .defects
        .extend(decoded.defect.map(|what| Defect { line: None, what }));
    Ok(document)
}

/// What a text looks like.
enum Form {
    /// With junk before the first tag of the feed.
    Xml {
        junk: bool,
    },
    Json,
    Page,
    Markdown,
    Unknown,
}

fn form(text: &str, content_type: Option<&str>) -> Form {
    let media_type = content_type.unwrap_or_default().to_ascii_lowercase();
    if text.starts_with(['{', '[']) {
        return Form::Json;
    }
    if media_type.starts_with("text/markdown") {
        return Form::Markdown;
    }
    let is_feed = |name: &str| {
        let local = name.rsplit(':').next().unwrap_or(name).to_ascii_lowercase();
        matches!(
            local.as_str(),
            "rss" | "feed" | "rdf" | "channel" | "item" | "entry"
        )
    };
    let is_telling = |tag: &Tag<'_>| is_feed(tag.name) || tag.is(&["html", "head", "body"]);
    let first = tags(text)
        .take(200)
        .enumerate()
        .find(|(_, tag)| is_telling(tag));
    match first {
        Some((n, tag)) if is_feed(tag.name) => Form::Xml {
            junk: n > 0 || !text.starts_with('<'),
        },
        Some(_) => Form::Page,
        None if media_type.starts_with("text/html") => Form::Page,
        None if text
            .get(..9)
            .is_some_and(|head| head.eq_ignore_ascii_case("<!doctype")) =>
        {
            Form::Page
        }
        None if text.starts_with('<') && tags(text).next().is_some() => Form::Page,
        None => Form::Unknown,
    }
}

fn page(html: &str, base: &Url) -> Document {
    let entry = extract::page(html, base);
    Document {
        format: Some(Format::Page),
        language: entry.language.clone(),
        entries: vec![entry],
        ..Document::default()
    }
}

fn json(text: &str, base: &Url) -> Result<Document, Unreadable> {
    let value = serde_json::from_str(text).map_err(|err| Unreadable::Json {
        line: err.line(),
        column: err.column(),
    })?;
    json_feed::document(&value, base).ok_or(Unreadable::NotJsonFeed)
}

fn unknown(text: &str) -> Unreadable {
    let beginning = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Unreadable::Unknown {
        beginning: beginning.chars().take(40).collect(),
    }
}

fn feed(text: &str, junk: bool, base: &Url) -> Result<Document, Unreadable> {
    let tree = xml::read(text, base);
    let mut defects = tree.defects;
    if junk {
        defects.insert(
            0,
            Defect {
                line: Some(1),
                what: "text before the feed".to_owned(),
            },
        );
    }
    let mut entries = Vec::new();
    gather(&tree.root, &mut entries);
    entries.retain(|entry| {
        let is_whole = !is_cut(entry);
        if !is_whole {
            let what = "an entry that the end of the document cuts was left out".to_owned();
            defects.push(Defect {
                line: Some(xml::line(text, entry.at)),
                what,
            });
        }
        is_whole
    });
    let atom = find(&tree.root, &|e| {
        e.name == "feed" && matches!(e.space, Space::Atom | Space::Core)
    });
    let channel = find(&tree.root, &|e| e.name == "channel");
    let root = find(&tree.root, &|e| matches!(&*e.name, "rss" | "rdf"));
    let format = if root.is_some_and(|e| e.name == "rdf") {
        Format::Rdf
    } else {
        Format::Rss
    };
    let mut document = match (channel.or(root), atom) {
        (None, Some(feed)) => atom::document(feed, &entries, base),
        (Some(channel), _) => rss::document(channel, &entries, format, base),
        (None, None) if entries.iter().any(|e| e.name == "entry") => {
            atom::document(&tree.root, &entries, base)
        }
        (None, None) if !entries.is_empty() => rss::document(&tree.root, &entries, format, base),
        (None, None) => return Err(unknown(text)),
    };
    defects.append(&mut document.defects);
    defects.extend(defect::of_dates(text, &entries, &document.entries));
    document.defects = defects;
    Ok(document)
}

/// Entries wherever they stand: RSS 1.0 has them beside the channel, 2.0 inside.
fn gather<'a>(element: &'a Element<'a>, entries: &mut Vec<&'a Element<'a>>) {
    for child in element.elements() {
        let is_feed_word = matches!(child.space, Space::Atom | Space::Core);
        if is_feed_word && matches!(&*child.name, "item" | "entry") {
            entries.push(child);
        } else {
            gather(child, entries);
        }
    }
}

/// Whether the end of the text cut one of its elements, or itself before its identity was stated.
fn is_cut(entry: &Element<'_>) -> bool {
    let identifies = |e: &Element<'_>| matches!(&*e.name, "guid" | "id" | "link");
    entry.cut && (entry.elements().any(|e| e.cut) || !entry.elements().any(identifies))
}

/// The outermost element for which `wanted` holds, the first one of these.
fn find<'a>(
    element: &'a Element<'a>,
    wanted: &dyn Fn(&Element<'_>) -> bool,
) -> Option<&'a Element<'a>> {
    let here = element.elements().find(|child| wanted(child));
    here.or_else(|| {
        element
            .elements()
            .filter(|e| !matches!(&*e.name, "item" | "entry"))
            .find_map(|child| find(child, wanted))
    })
}

#[cfg(test)]
mod tests;
