//! Takes boxes beside the story out of a page by the names their authors give them: comments,
//! crumbs, teasers, advertisements, author boxes. What only machines read goes as well.

use std::collections::HashSet;

use dom_query::{Document, NodeRef};

use crate::ingest::dom;

/// Names that begin so hold what readers wrote.
const COMMENTS: &[&str] = &[
    "comment",
    "disqus",
    "fb-comments",
    "respond",
    "reader-comments",
];

/// Words in the names of boxes that hold no part of a story.
const BOXES: &[&str] = &[
    "breadcrumb",
    "breadcrumbs",
    "crumbs",
    "ad",
    "ads",
    "advert",
    "adverts",
    "advertisement",
    "sponsored",
    "outbrain",
    "taboola",
    "recirc",
    "recirculation",
    "trending",
    "mostread",
    "mostpopular",
    "recommended",
    "recommendations",
    "teaser",
    "teasers",
    "rail",
    "promo",
    "promos",
    "promobox",
    "tags",
    "taglist",
    "tagcloud",
    "pagination",
    "pager",
];

/// With `author` in one name, a box about the author.
const ABOUT: &[&str] = &[
    "bio",
    "biography",
    "box",
    "card",
    "info",
    "about",
    "profile",
];

/// Text for programs that read aloud, and for paper.
const UNSEEN: &[&str] = &[
    "sr-only",
    "visually-hidden",
    "screen-reader-text",
    "d-print-block",
];

/// A paragraph longer than this is part of a story, whatever the box around it is called.
const STORY_CHARS: usize = 300;

const MAX_BOX_CHARS: usize = 1_500;

/// Boxes that are taken out of one page. Taking one out looks at what it leaves behind, so that
/// their number has to be bounded.
const MOST_BOXES: usize = 2_000;

/// A page that says less than this without its comments consists of them.
const LEAST_STORY_CHARS: usize = 200;

pub(super) fn remove(doc: &Document) {
    let (mut comments, mut boxes) = (Vec::new(), Vec::new());
    for node in doc.select("[class], [id]").nodes() {
        if dom::is_frame(node) {
            continue;
        }
        let names = names(node);
        if names
            .iter()
            .any(|name| COMMENTS.iter().any(|word| name.starts_with(word)))
        {
            comments.push(*node);
        } else if names.iter().any(|name| UNSEEN.contains(&name.as_str())) || is_named_box(node) {
            boxes.push(*node);
        }
    }
    for node in boxes.iter().filter(|node| is_box(node)).take(MOST_BOXES) {
        dom::uproot(node);
    }
    let comment_ids: HashSet<_> = comments.iter().map(|node| node.id).collect();
    let is_comment = |node: &NodeRef<'_>| {
        node.ancestors_it(None)
            .any(|ancestor| comment_ids.contains(&ancestor.id))
    };
    let paragraphs = doc.select("p");
    let told: usize = paragraphs
        .nodes()
        .iter()
        .filter(|node| !is_comment(node))
        .map(|node| dom::line(node).chars().count())
        .sum();
    if told >= LEAST_STORY_CHARS {
        comments.iter().take(MOST_BOXES).for_each(dom::uproot);
    }
}

fn names(node: &NodeRef<'_>) -> Vec<String> {
    let class = node.class().unwrap_or_default().to_lowercase();
    let id = node.id_attr().map(|id| id.to_lowercase());
    class
        .split_whitespace()
        .map(str::to_owned)
        .chain(id)
        .collect()
}

fn is_named_box(node: &NodeRef<'_>) -> bool {
    let tokens = dom::tokens(node);
    let has = |words: &[&str]| tokens.iter().any(|token| words.contains(&token.as_str()));
    has(BOXES) || (has(&["author", "authors", "contributor"]) && has(ABOUT))
}

/// Whether nothing in `node` is part of a story.
fn is_box(node: &NodeRef<'_>) -> bool {
    let is_story = |inner: NodeRef<'_>| {
        inner.has_name("h1")
            || (inner.has_name("p") && dom::line(&inner).chars().count() > STORY_CHARS)
    };
    dom::brief(node).is_some_and(|text| text.chars().count() <= MAX_BOX_CHARS)
        && !node.descendants_it().any(is_story)
}
