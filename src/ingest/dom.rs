//! What reading articles asks of an HTML tree.

use dom_query::{Document, NodeRef};
use url::Url;

/// Elements that stand for a block of text of their own.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "button",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "label",
    "legend",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "td",
    "th",
    "tr",
    "ul",
];

/// Elements that hold the story, so that nothing may take them for a box beside it.
const FRAMES: &[&str] = &["html", "head", "body", "main", "article"];

/// What a tree may hold for its nodes to be looked at one by one. Browsers stop at 512 levels.
const MAX_DEPTH: usize = 400;
const MAX_NODES: usize = 200_000;

/// What a box beside a story may hold.
const MAX_BRIEF_CHARS: usize = 4_000;
const MAX_BRIEF_NODES: usize = 600;

/// Whether `doc` is of a size that people write, so that work on it stays bounded.
pub(super) fn is_bounded(doc: &Document) -> bool {
    let mut stack = vec![(doc.root(), 0)];
    let mut n_nodes = 0;
    while let Some((node, depth)) = stack.pop() {
        n_nodes += 1;
        if depth > MAX_DEPTH || n_nodes > MAX_NODES {
            return false;
        }
        stack.extend(node.children_it(false).map(|child| (child, depth + 1)));
    }
    true
}

pub(super) fn is_any(node: &NodeRef<'_>, names: &[&str]) -> bool {
    names.iter().any(|name| node.has_name(name))
}

pub(super) fn is_block(node: &NodeRef<'_>) -> bool {
    is_any(node, BLOCKS)
}

pub(super) fn is_frame(node: &NodeRef<'_>) -> bool {
    is_any(node, FRAMES)
}

pub(super) fn is_heading(node: &NodeRef<'_>) -> bool {
    is_any(node, &["h1", "h2", "h3", "h4", "h5", "h6"])
}

/// Runs of white space become one space.
pub(super) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text of `node` on one line. Blocks inside it run together, as its author wrote them.
pub(super) fn line(node: &NodeRef<'_>) -> String {
    squeeze(&node.text())
}

/// The text of `node` on one line, with a space wherever a block or a line ends.
pub(super) fn lines(node: &NodeRef<'_>) -> String {
    squeeze(&node.formatted_text())
}

/// The text of `node` on one line, unless it is too large for a line or a box.
pub(super) fn brief(node: &NodeRef<'_>) -> Option<String> {
    let mut text = String::new();
    for (n, inner) in std::iter::once(*node)
        .chain(node.descendants_it())
        .enumerate()
    {
        if n >= MAX_BRIEF_NODES || text.len() >= MAX_BRIEF_CHARS {
            return None;
        }
        if inner.is_text() {
            text.push_str(&inner.text());
        }
    }
    Some(squeeze(&text))
}

/// An attribute that says something.
pub(super) fn attr(node: &NodeRef<'_>, name: &str) -> Option<String> {
    let value = squeeze(&node.attr(name)?);
    (!value.is_empty()).then_some(value)
}

/// The words in the id and the classes of `node`, lower-case: `shareBar` and `share-bar` alike.
pub(super) fn tokens(node: &NodeRef<'_>) -> Vec<String> {
    let mut tokens = Vec::new();
    for name in [node.id_attr(), node.class()].into_iter().flatten() {
        let mut token = String::new();
        let mut after_lower = false;
        for c in name.chars().chain([' ']) {
            let starts_word = !c.is_alphanumeric() || (c.is_uppercase() && after_lower);
            if starts_word && !token.is_empty() {
                tokens.push(std::mem::take(&mut token));
            }
            if c.is_alphanumeric() {
                token.extend(c.to_lowercase());
            }
            after_lower = c.is_lowercase();
        }
    }
    tokens
}

pub(super) fn has_token(node: &NodeRef<'_>, words: &[&str]) -> bool {
    tokens(node)
        .iter()
        .any(|token| words.contains(&token.as_str()))
}

pub(super) fn is_inside(node: &NodeRef<'_>, names: &[&str]) -> bool {
    node.ancestors_it(None)
        .any(|ancestor| is_any(&ancestor, names))
}

/// Takes `node` out, and every ancestor that it leaves with nothing to show.
pub(super) fn uproot(node: &NodeRef<'_>) {
    let mut parent = node.parent();
    node.remove_from_parent();
    while let Some(empty) = parent.filter(|n| n.is_element() && !is_frame(n) && shows_nothing(n)) {
        parent = empty.parent();
        empty.remove_from_parent();
    }
}

fn shows_nothing(node: &NodeRef<'_>) -> bool {
    node.descendants_it().all(|inner| {
        if inner.is_element() {
            !is_any(
                &inner,
                &[
                    "img", "picture", "video", "audio", "svg", "iframe", "table", "hr",
                ],
            )
        } else {
            !inner.is_text() || inner.text().trim().is_empty()
        }
    })
}

/// An absolute http or https address, if `href` is one against `base`.
pub(super) fn web_address(href: &str, base: &Url) -> Option<Url> {
    let href = href.trim();
    if href.is_empty() || href.starts_with('#') {
        return None;
    }
    base.join(href).ok().filter(is_web)
}

pub(super) fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}
