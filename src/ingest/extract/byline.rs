//! Who wrote it and when, as the lines below the headline tell readers.

use chrono::{DateTime, Utc};
use dom_query::{Document, NodeRef};

use super::headline::header_of;
use crate::{
    ingest::{date, dom},
    parts::Author,
};

const BYLINE: &[&str] = &["byline", "author", "authors", "dateline", "timestamp"];

/// Takes byline and date near `heading` out of the page, and says whom the byline names.
pub(super) fn take(heading: &NodeRef<'_>) -> Vec<Author> {
    let header = header_of(heading);
    let bylines: Vec<_> = header
        .descendants_it()
        .filter(|node| node.is_element() && !dom::is_frame(node) && is_byline(node))
        .filter(|node| dom::brief(node).is_some_and(|text| text.chars().count() <= 200))
        .collect();
    let mut authors = Vec::new();
    if let Some(byline) = bylines.first() {
        let links: Vec<_> = byline
            .descendants_it()
            .filter(|n| n.has_name("a"))
            .collect();
        let named = if links.is_empty() {
            vec![*byline]
        } else {
            links
        };
        authors = named
            .iter()
            .flat_map(|node| credited(&dom::lines(node)))
            .collect();
    }
    let is_date = |node: &NodeRef<'_>| node.has_name("time") && dom::is_inside(node, &["header"]);
    let dates: Vec<_> = header.descendants_it().filter(is_date).collect();
    for node in bylines.iter().chain(&dates) {
        dom::uproot(node);
    }
    authors
}

fn is_byline(node: &NodeRef<'_>) -> bool {
    dom::has_token(node, BYLINE)
        || node.attr("rel").is_some_and(|rel| &*rel == "author")
        || node.attr("itemprop").is_some_and(|prop| &*prop == "author")
}

/// Whom the page names as author, where nothing near the headline does.
pub(super) fn anywhere(doc: &Document) -> Vec<Author> {
    doc.select("[itemprop=author], [rel=author], [class*=byline i]")
        .nodes()
        .iter()
        .filter(|node| is_byline(node) && !dom::is_inside(node, &["aside", "footer", "nav"]))
        .filter_map(dom::brief)
        .map(|text| credited(&text))
        .find(|authors| !authors.is_empty())
        .unwrap_or_default()
}

/// The first `<time>` beside `heading`.
pub(super) fn time_near(heading: &NodeRef<'_>) -> Option<DateTime<Utc>> {
    header_of(heading)
        .descendants_it()
        .filter(|node| node.has_name("time"))
        .find_map(|time| {
            date::parse(&dom::attr(&time, "datetime").unwrap_or_else(|| dom::line(&time)))
        })
}

/// The authors a byline names.
pub(super) fn credited(byline: &str) -> Vec<Author> {
    let author = |name| Author {
        name: Some(name),
        email: None,
        url: None,
    };
    names(byline).into_iter().map(author).collect()
}

/// The names in `By Ada Ames, Ben Bray and Cy Coe`; an address is no name.
pub(super) fn names(text: &str) -> Vec<String> {
    const BY: &[&str] = &[
        "by ",
        "words by ",
        "written by ",
        "von ",
        "par ",
        "por ",
        "door ",
    ];
    let lower = text.to_lowercase();
    let by = BY
        .iter()
        .find(|by| lower.starts_with(*by))
        .map_or(0, |by| by.len());
    let text = text.get(by..).unwrap_or(text);
    if text.contains("://") {
        return Vec::new();
    }
    text.replace(" and ", ",")
        .replace(" & ", ",")
        .split([',', ';', '|'])
        .map(dom::squeeze)
        .filter(|name| !name.is_empty() && name.chars().count() <= 80)
        .filter(|name| !name.chars().any(|c| c.is_ascii_digit()))
        .collect()
}
