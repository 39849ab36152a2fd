//! The headline that a reader sees, and the standfirst below it.

use std::collections::HashSet;

use dom_query::{Document, NodeRef};

use super::metadata::Metadata;
use crate::ingest::dom;

/// A headline is one sentence; longer first headings are something else.
const MAX_HEADLINE_CHARS: usize = 300;

const STANDFIRST: &[&str] = &[
    "standfirst",
    "dek",
    "deck",
    "subtitle",
    "subheadline",
    "subhead",
    "subheading",
    "subline",
    "strapline",
    "teaser",
    "abstract",
];

/// What a standfirst may measure; shorter ones are labels, longer ones are the story.
const STANDFIRST_CHARS: std::ops::RangeInclusive<usize> = 20..=700;

/// How far above the headline its standfirst, byline and date may hang.
const HEADER_LEVELS: usize = 3;

pub(super) struct Headline<'a> {
    pub(super) text: String,
    /// The heading that shows it, if the page has one.
    pub(super) node: Option<NodeRef<'a>>,
}

/// The heading that says what the page calls itself; else what it calls itself.
pub(super) fn find<'a>(doc: &'a Document, stated: &Metadata) -> Headline<'a> {
    let headings: Vec<_> = doc
        .select("h1, [itemprop=headline], h2")
        .nodes()
        .iter()
        .filter(|n| (dom::is_heading(n) || n.has_attr("itemprop")) && !n.has_name("meta"))
        .map(|n| (*n, dom::line(n)))
        .filter(|(_, text)| !text.is_empty() && text.chars().count() <= MAX_HEADLINE_CHARS)
        .collect();
    let best = headings
        .iter()
        .filter(|(node, text)| {
            let agreement = stated
                .titles
                .iter()
                .map(|t| likeness(t, text))
                .fold(0.0, f64::max);
            agreement >= if node.has_name("h2") { 0.9 } else { 0.5 }
        })
        .min_by_key(|(node, _)| node.has_name("h2"));
    let only = || {
        let mut first = headings.iter().filter(|(node, _)| node.has_name("h1"));
        first
            .next()
            .filter(|_| stated.titles.is_empty() && first.next().is_none())
    };
    match best.or_else(only) {
        Some((node, text)) => Headline {
            text: text.clone(),
            node: Some(*node),
        },
        None => Headline {
            text: stated.titles.first().cloned().unwrap_or_default(),
            node: None,
        },
    }
}

/// The share of words that two titles have in common, of the longer one's.
fn likeness(a: &str, b: &str) -> f64 {
    let words = |text: &str| -> HashSet<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect()
    };
    let (a, b) = (words(a), words(b));
    let most = u32::try_from(a.len().max(b.len())).unwrap_or(u32::MAX);
    let shared = u32::try_from(a.intersection(&b).count()).unwrap_or(u32::MAX);
    if most == 0 {
        0.0
    } else {
        f64::from(shared) / f64::from(most)
    }
}

/// The box that holds `heading` and what goes with it: the widest one that is still a header, or
/// the few levels above it.
pub(super) fn header_of<'a>(heading: &NodeRef<'a>) -> NodeRef<'a> {
    let mut top = *heading;
    for ancestor in heading.ancestors_it(Some(HEADER_LEVELS)) {
        if dom::is_any(&ancestor, &["html", "body"]) || !ancestor.is_element() {
            break;
        }
        top = ancestor;
        if dom::is_any(&ancestor, &["header", "article", "main"]) {
            break;
        }
    }
    top
}

/// Takes out the sentence or two that stand between headline and story.
pub(super) fn take_standfirst(heading: &NodeRef<'_>) -> Option<String> {
    let holds = |node: &NodeRef<'_>| STANDFIRST_CHARS.contains(&dom::lines(node).chars().count());
    let is_story = |node: &NodeRef<'_>| node.has_name("p") && dom::line(node).len() > 200;
    let named = header_of(heading)
        .descendants_it()
        .filter(|node| node.is_element() && !dom::is_any(node, &["meta", "header"]))
        .filter(|node| !dom::is_frame(node))
        .map(|node| (node, is_standfirst(&node)))
        .take_while(|(node, is_standfirst)| *is_standfirst || !is_story(node))
        .filter(|(node, is_standfirst)| *is_standfirst && !holds_node(node, heading))
        .map(|(node, _)| node)
        .find(holds);
    let found = named.or_else(|| unnamed(heading).filter(holds))?;
    let text = dom::lines(&found);
    dom::uproot(&found);
    Some(text)
}

fn is_standfirst(node: &NodeRef<'_>) -> bool {
    dom::has_token(node, STANDFIRST)
        || node
            .attr("itemprop")
            .is_some_and(|prop| &*prop == "description")
        || ["data-testid", "data-component", "data-gu-name"]
            .iter()
            .any(|name| {
                node.attr(name)
                    .is_some_and(|value| value.to_lowercase().contains("standfirst"))
            })
}

/// A paragraph or lesser heading right below the headline, inside a header of its own.
fn unnamed<'a>(heading: &NodeRef<'a>) -> Option<NodeRef<'a>> {
    let parent = heading.parent()?;
    let next = heading.next_element_sibling()?;
    let is_header =
        dom::is_any(&parent, &["header", "hgroup"]) || dom::has_token(&parent, &["header"]);
    let is_lead = dom::has_token(&next, &["lead", "lede", "intro", "summary", "description"]);
    let is_text = dom::is_any(&next, &["p", "h2", "h3"]);
    let is_byline = dom::has_token(&next, &["byline", "author", "authors", "meta", "date"])
        || next.descendants_it().any(|n| n.has_name("time"));
    (is_text && (is_header || is_lead) && !is_byline).then_some(next)
}

fn holds_node(node: &NodeRef<'_>, inner: &NodeRef<'_>) -> bool {
    inner
        .ancestors_it(None)
        .any(|ancestor| ancestor.id == node.id)
}
