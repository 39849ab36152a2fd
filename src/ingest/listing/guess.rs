//! What links to articles look like: a headline for a text, and an address that names one story.

use std::collections::HashMap;

use dom_query::{Document, NodeRef};
use url::Url;

use super::{LEVELS, Link, date_of, time_in, title_of};
use crate::{dedupe::link::canonical, ingest::dom};

/// Parts of an address that lead to no article.
const ELSEWHERE: &[&str] = &[
    "about",
    "account",
    "advertise",
    "archive",
    "archives",
    "author",
    "authors",
    "autor",
    "cart",
    "categories",
    "category",
    "comments",
    "contact",
    "contributors",
    "cookies",
    "donate",
    "events",
    "feed",
    "feeds",
    "help",
    "impressum",
    "imprint",
    "jobs",
    "kategorie",
    "kontakt",
    "login",
    "logout",
    "members",
    "newsletter",
    "newsletters",
    "page",
    "people",
    "privacy",
    "profile",
    "register",
    "rss",
    "search",
    "share",
    "shop",
    "signin",
    "signup",
    "sitemap",
    "subscribe",
    "subscription",
    "subscriptions",
    "tag",
    "tags",
    "terms",
    "topic",
    "topics",
    "user",
    "users",
    "wp-admin",
    "wp-login.php",
];

/// Endings of addresses that are no pages.
const FILES: &[&str] = &[
    ".pdf", ".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg", ".mp3", ".mp4", ".zip", ".xml",
    ".rss", ".json", ".ics", ".doc", ".docx", ".xls", ".xlsx", ".css", ".js",
];

/// A text of so many characters is a headline; labels of navigation are shorter.
const HEADLINE_CHARS: usize = 25;

/// One word of such a script says as much as several letters.
const HEADLINE_WIDE_CHARS: usize = 10;

/// Parts of a page that hold no headlines.
const FURNITURE: &[&str] = &["nav", "footer", "form", "dialog", "button", "noscript"];

const FURNITURE_TOKENS: &[&str] = &[
    "nav",
    "navbar",
    "navigation",
    "menu",
    "breadcrumb",
    "breadcrumbs",
    "pagination",
    "pager",
    "footer",
    "share",
    "social",
    "tags",
    "cookie",
    "login",
    "skip",
];

pub(super) fn links(doc: &Document, base: &Url) -> Vec<Link> {
    let anchors: Vec<(NodeRef<'_>, Url)> = links_in(doc)
        .into_iter()
        .filter_map(|anchor| Some((anchor, dom::web_address(&anchor.attr("href")?, base)?)))
        .filter(|(_, url)| is_same_site(url, base))
        .collect();
    // A card links its picture, its headline and its `more`: the headline of one is that of all.
    let mut headlined: HashMap<String, bool> = HashMap::new();
    for (anchor, url) in &anchors {
        let says = has_heading(anchor) || is_long(&title_of(anchor));
        *headlined.entry(canonical(url)).or_default() |= says;
    }
    let found = anchors.iter().filter_map(|(anchor, url)| {
        let has_headline = headlined.get(&canonical(url)).copied().unwrap_or_default();
        let is_article = has_headline
            && match Kind::of(url, base) {
                Kind::Story => true,
                Kind::Unclear => has_heading(anchor),
                Kind::Elsewhere => false,
            };
        is_article.then(|| Link {
            url: url.clone(),
            title: headline(anchor),
            date: time_near(anchor),
        })
    });
    found.collect()
}

/// Every link outside the furniture of the page.
pub(super) fn links_in(doc: &Document) -> Vec<NodeRef<'_>> {
    let is_furniture = |node: &NodeRef<'_>| {
        dom::is_any(node, FURNITURE)
            || (!dom::is_frame(node) && dom::has_token(node, FURNITURE_TOKENS))
            || node
                .attr("role")
                .is_some_and(|role| ["navigation", "menu"].contains(&&*role))
    };
    let mut links = Vec::new();
    let mut stack = vec![doc.root()];
    while let Some(node) = stack.pop() {
        if node.is_element() && is_furniture(&node) {
            continue;
        }
        if node.has_name("a") && node.has_attr("href") {
            links.push(node);
        }
        stack.extend(node.children_it(true));
    }
    links
}

/// What an address says of what it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Story,
    Unclear,
    Elsewhere,
}

impl Kind {
    fn of(url: &Url, base: &Url) -> Kind {
        let path = url.path().to_ascii_lowercase();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        // Old systems tell stories apart by a number in the query alone.
        let has_number = url.query_pairs().any(|(name, value)| {
            let is_number = value.len() >= 2 && value.bytes().all(|b| b.is_ascii_digit());
            is_number && !["page", "p", "paged", "start", "offset"].contains(&&*name)
        });
        let is_here = path == base.path().to_ascii_lowercase();
        let Some(last) = parts.last().filter(|_| !is_here) else {
            return if has_number {
                Kind::Story
            } else {
                Kind::Elsewhere
            };
        };
        if parts.iter().any(|part| ELSEWHERE.contains(part))
            || FILES.iter().any(|end| path.ends_with(end))
        {
            return Kind::Elsewhere;
        }
        let digits = |part: &str| part.bytes().filter(u8::is_ascii_digit).count();
        let is_year = |part: &str| {
            part.len() == 4
                && (part.starts_with("19") || part.starts_with("20"))
                && digits(part) == 4
        };
        let is_dated = parts.iter().any(|part| is_year(part)) && parts.len() >= 3;
        let is_slug = last.matches(['-', '_']).count() >= 2 || last.matches('%').count() >= 6;
        let has_id = digits(last) >= 4 && !is_year(last);
        if is_dated || is_slug || has_id || has_number {
            Kind::Story
        } else if parts.len() >= 2 || last.contains(['-', '_', '.']) {
            Kind::Unclear
        } else {
            Kind::Elsewhere
        }
    }
}

/// One host, its front and what stands below it.
fn is_same_site(url: &Url, base: &Url) -> bool {
    let bare = |url: &Url| {
        let host = url.host_str().unwrap_or_default();
        host.strip_prefix("www.").unwrap_or(host).to_owned()
    };
    let (host, home) = (bare(url), bare(base));
    host == home || host.ends_with(&format!(".{home}")) || home.ends_with(&format!(".{host}"))
}

/// Whether the link is a heading, or holds one.
fn has_heading(anchor: &NodeRef<'_>) -> bool {
    anchor.descendants_it().any(|inner| dom::is_heading(&inner))
        || anchor
            .ancestors_it(Some(2))
            .any(|node| dom::is_heading(&node))
}

fn is_long(text: &str) -> bool {
    let n_chars = text.chars().count();
    let n_wide = text.chars().filter(|c| *c >= '\u{2e80}').count();
    let n_words = text.split_whitespace().count();
    (n_chars >= HEADLINE_CHARS && n_words >= 4) || n_wide >= HEADLINE_WIDE_CHARS
}

fn headline(anchor: &NodeRef<'_>) -> String {
    let heading = anchor.descendants_it().find(dom::is_heading);
    title_of(&heading.unwrap_or(*anchor))
}

/// The date of the card around the link: the widest box that holds no other headline.
fn time_near(anchor: &NodeRef<'_>) -> Option<chrono::DateTime<chrono::Utc>> {
    let n_headings = |node: &NodeRef<'_>| node.descendants_it().filter(dom::is_heading).count();
    std::iter::once(*anchor)
        .chain(anchor.ancestors_it(Some(LEVELS)))
        .take_while(|node| !dom::is_any(node, &["body", "html", "main"]) && n_headings(node) <= 1)
        .find_map(|node| date_of(&time_in(&node)?))
}
