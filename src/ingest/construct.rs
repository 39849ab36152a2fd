//! Text constructs of Atom 1.0 (RFC 4287, section 3.1) and content of Atom 0.3.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    charset, links, text,
    xml::{self, Element},
};

/// What a text construct states, before it becomes plain text or HTML.
enum Construct<'a> {
    /// The flag says that it was explicitly stated to be text.
    Text(Cow<'a, str>, bool),
    Html(Cow<'a, str>),
}

fn construct<'a>(element: &'a Element<'_>) -> Option<Construct<'a>> {
    let kind = element
        .attribute("type")
        .map(str::to_ascii_lowercase)
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let mode = element.attribute("mode").unwrap_or_default();
    if mode == "base64" {
        let text = base64(element)?;
        let is_html = kind.ends_with("html") || text::looks_like_html(&text);
        return Some(if is_html {
            Construct::Html(text.into())
        } else {
            Construct::Text(text.into(), true)
        });
    }
    Some(match kind {
        "xhtml" | "application/xhtml+xml" => Construct::Html(unwrapped(element).into()),
        "html" | "text/html" if mode == "xml" => Construct::Html(unwrapped(element).into()),
        "html" | "text/html" => Construct::Html(element.html()),
        "" | "text" | "text/plain" if element.has_elements() => {
            Construct::Html(unwrapped(element).into())
        }
        "" if mode == "escaped" => Construct::Html(element.text()),
        "" | "text" | "text/plain" => Construct::Text(element.text(), !kind.is_empty()),
        _ if kind.ends_with("xml") => Construct::Html(unwrapped(element).into()),
        _ if kind.starts_with("text/") => Construct::Text(element.text(), true),
        _ if element.attribute("src").is_some() => return None,
        _ if element.has_elements() => Construct::Html(unwrapped(element).into()),
        _ => match base64(element) {
            Some(text) if text::looks_like_html(&text) => Construct::Html(text.into()),
            Some(text) => Construct::Text(text.into(), true),
            None => Construct::Html(element.html()),
        },
    })
}

fn base64(element: &Element<'_>) -> Option<String> {
    let packed: String = element.text().split_whitespace().collect();
    let bytes = STANDARD.decode(packed).ok()?;
    String::from_utf8(bytes)
        .ok()
        .map(|text| charset::clean(&text).into_owned())
}

/// XHTML content without the `div` that carries it (RFC 4287, section 3.1.1.3).
fn unwrapped(element: &Element<'_>) -> String {
    let mut children = element.elements();
    match (children.next(), children.next()) {
        (Some(div), None) if div.name == "div" && div.text().trim() == element.text().trim() => {
            div.markup()
        }
        _ => element.markup(),
    }
}

/// The plain text of a title.
pub(super) fn title(element: &Element<'_>) -> String {
    match construct(element) {
        Some(Construct::Text(text, true)) => text::one_line(&text),
        Some(Construct::Text(text, false)) => text::guessed_text(&text),
        Some(Construct::Html(html)) => text::one_line(&text::from_html(&html)),
        None => String::new(),
    }
}

/// The HTML of a text construct, unless empty; see [`based`].
pub(super) fn html(element: &Element<'_>) -> Option<String> {
    match construct(element)? {
        Construct::Text(text, _) => Some(xml::escape(text.trim())).filter(|html| !html.is_empty()),
        Construct::Html(html) => based(element, &html),
    }
}

/// What `element` states as HTML, unless empty: with absolute addresses where an `xml:base`
/// applies. Others start from [`Entry::base`](crate::sources::entry::Entry::base).
pub(super) fn based(element: &Element<'_>, html: &str) -> Option<String> {
    let html = html.trim();
    match &element.scope.base {
        _ if html.is_empty() => None,
        Some(base) => Some(links::absolute(html, base)),
        None => Some(html.to_owned()),
    }
}
