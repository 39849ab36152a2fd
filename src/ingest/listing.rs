//! The articles that a listing page links to: by the operator's selectors, or by what links to
//! articles look like.

mod guess;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use dom_query::{Document, Matcher, NodeRef};
use url::Url;

use super::{bounds, charset, date, dom, tags::tags, text};
use crate::{
    dedupe::link::{canonical, is_front_page},
    sources::page::Select,
};

/// Links that are taken from one page; what follows is left out.
pub const MOST_LINKS: usize = 100;

/// How far above a link what belongs to it may stand, where no `list` says.
const LEVELS: usize = 4;

/// A title is cut after so many characters.
const MAX_TITLE: usize = 300;

/// A link to an article, and what stands near it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub url: Url,
    /// Plain text; empty where nothing is said.
    pub title: String,
    pub date: Option<DateTime<Utc>>,
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a CSS selector")]
pub struct BadSelector(String);

/// Checks a selector of a [`Select`].
pub fn selector(text: &str) -> Result<String, BadSelector> {
    matcher(text).map(|_| text.to_owned())
}

fn matcher(text: &str) -> Result<Matcher, BadSelector> {
    Matcher::new(text).map_err(|_| BadSelector(text.to_owned()))
}

/// The links to articles in the page at `base`: in page order, each once, at most [`MOST_LINKS`].
pub fn links(html: &str, base: &Url, select: &Select) -> Vec<Link> {
    if !bounds::is_bounded(html) {
        return Vec::new();
    }
    let doc = Document::from(html);
    if !dom::is_bounded(&doc) {
        return Vec::new();
    }
    let base = doc
        .base_uri()
        .and_then(|href| base.join(href.trim()).ok())
        .unwrap_or_else(|| base.clone());
    let found = if *select == Select::default() {
        guess::links(&doc, &base)
    } else {
        selected(&doc, &base, select)
    };
    once(found, &base)
}

/// What a page that nobody described lists: its links to articles, and what it calls itself.
pub fn of_page(bytes: &[u8], content_type: Option<&str>, url: &Url) -> (Vec<Link>, Option<String>) {
    let html = charset::decode(bytes, content_type).text;
    (links(&html, url, &Select::default()), title(&html))
}

/// What the page calls itself.
fn title(html: &str) -> Option<String> {
    let start = tags(html).find(|tag| tag.is(&["title"]) && !tag.is_end)?;
    let stated = html[start.span.end..].split('<').next()?;
    let title = text::from_html(stated);
    let words: Vec<&str> = title.split_whitespace().collect();
    Some(words.join(" ")).filter(|title| !title.is_empty())
}

/// The first of each canonical address; a later one gives it the title that it lacks.
fn once(found: Vec<Link>, base: &Url) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut seen = HashSet::new();
    for mut link in found {
        link.url.set_fragment(None);
        let address = canonical(&link.url);
        if address == canonical(base) || is_front_page(&link.url) {
            continue;
        }
        if seen.insert(address.clone()) {
            if links.len() < MOST_LINKS {
                links.push(link);
            }
        } else if let Some(first) = links.iter_mut().find(|l| canonical(&l.url) == address) {
            if first.title.len() < link.title.len() {
                first.title = link.title;
            }
            first.date = first.date.or(link.date);
        }
    }
    links
}

fn selected(doc: &Document, base: &Url, select: &Select) -> Vec<Link> {
    let compiled = |text: &Option<String>| text.as_deref().and_then(|text| matcher(text).ok());
    let (list, link) = (compiled(&select.list), compiled(&select.link));
    let (title, date) = (compiled(&select.title), compiled(&select.date));
    let boxes: Vec<NodeRef<'_>> = match (&list, &link) {
        (Some(list), _) => doc.select_matcher(list).nodes().to_vec(),
        (None, Some(link)) => doc.select_matcher(link).nodes().to_vec(),
        (None, None) => guess::links_in(doc),
    };
    let read = |found: &NodeRef<'_>| {
        let anchor = match (&list, &link) {
            (Some(_), Some(link)) => first(found, link).and_then(|node| anchor_in(&node)),
            _ => anchor_in(found),
        }?;
        let near = |wanted: &Matcher| match &list {
            Some(_) => first(found, wanted),
            None => around(&anchor, wanted),
        };
        let titled = title.as_ref().and_then(near);
        let dated = match &date {
            Some(date) => near(date),
            None => list.as_ref().and_then(|_| time_in(found)),
        };
        Some(Link {
            url: dom::web_address(&anchor.attr("href")?, base)?,
            title: title_of(&titled.unwrap_or(anchor)),
            date: dated.and_then(|node| date_of(&node)),
        })
    };
    boxes
        .iter()
        .take(MOST_LINKS * 10)
        .filter_map(read)
        .collect()
}

/// `node` itself or the first match inside it.
fn first<'a>(node: &NodeRef<'a>, wanted: &Matcher) -> Option<NodeRef<'a>> {
    std::iter::once(*node)
        .chain(node.descendants_it())
        .find(|inner| inner.is_element() && inner.is_match(wanted))
}

/// The first match in the nearest box around `anchor` that has one.
fn around<'a>(anchor: &NodeRef<'a>, wanted: &Matcher) -> Option<NodeRef<'a>> {
    std::iter::once(*anchor)
        .chain(anchor.ancestors_it(Some(LEVELS)))
        .take_while(|node| !dom::is_any(node, &["body", "html", "main"]))
        .find_map(|node| first(&node, wanted))
}

fn anchor_in<'a>(node: &NodeRef<'a>) -> Option<NodeRef<'a>> {
    std::iter::once(*node)
        .chain(node.descendants_it())
        .find(|inner| inner.has_name("a") && inner.has_attr("href"))
}

fn time_in<'a>(node: &NodeRef<'a>) -> Option<NodeRef<'a>> {
    node.descendants_it().find(|inner| inner.has_name("time"))
}

fn title_of(node: &NodeRef<'_>) -> String {
    let text = dom::brief(node).unwrap_or_default();
    text.chars().take(MAX_TITLE).collect()
}

fn date_of(node: &NodeRef<'_>) -> Option<DateTime<Utc>> {
    ["datetime", "content", "title"]
        .into_iter()
        .filter_map(|name| dom::attr(node, name))
        .chain(dom::brief(node))
        .find_map(|text| date::parse(&text))
}

#[cfg(test)]
mod tests;
