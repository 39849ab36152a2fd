//! Trims what an extractor left around and between the paragraphs of a story: labels and datelines
//! ahead of it, calls and links behind it, links to other stories in the midst of it.

use dom_query::{Document, NodeRef};
use url::Url;

use crate::{ingest::dom, parts::NamedLink};

/// Blocks that say this and nothing else belong to the page, not to the story.
const FURNITURE: &[&str] = &[
    "advert",
    "advertisement",
    "advertising",
    "ad",
    "anzeige",
    "publicidade",
    "iklan",
    "реклама",
    "continue reading below",
    "story continues below",
    "article continues below",
    "this slideshow requires javascript.",
    "caption",
    "close",
    "share",
    "comments",
    "text size",
    "read more",
    "learn more",
    "loading",
    "image",
    "photo",
    "tags",
    "warning",
    "comment",
    "leave a comment",
    "comments are closed.",
    "add comment",
    "related",
    "trending",
    "share this",
    "more",
    "home",
];

/// How blocks behind a story begin.
const CALLS: &[&str] = &[
    "click here",
    "follow us",
    "follow @",
    "follow him",
    "follow her",
    "follow the author",
    "sign up",
    "subscribe",
    "read more",
    "see more",
    "you may also like",
    "you might also like",
    "tags:",
    "tags ",
    "filed under",
    "posted in",
    "updated at",
    "share this",
    "copyright",
    "©",
    "(c) ",
    "all rights reserved",
    "this document is subject to copyright",
    "citation:",
    "comments",
    "leave a ",
    "have a tip",
    "got a tip",
    "write to ",
    "email ",
    "contact ",
    "get the ",
    "get our ",
    "want more",
    "join our",
    "join us",
    "don't miss",
    "also read",
    "also:",
    "more:",
    "more from",
    "more on",
    "most read",
    "related",
    "recommended",
    "trending",
    "tell us what you think",
    "download the",
    "like us on",
    "view comments",
    "advertisement",
    "this article was originally published",
    "this story was originally published",
    "this post originally appeared",
    "via ",
    "source:",
    "image credit",
    "(reporting by",
    "reporting by",
    "if you enjoyed",
    "support our",
    "donate",
];

/// A block of so many characters is prose.
const PROSE_CHARS: usize = 90;

/// How far into a story what stands ahead of it may reach, in blocks.
const MAX_LEAD: usize = 10;

/// A call behind a story is short; longer blocks are paragraphs that happen to begin so.
const MAX_CALL_CHARS: usize = 320;

const MAX_LABEL_WORDS: usize = 5;

/// Takes out of `story` what is no part of it; gives back the links to other stories. What has no
/// paragraph at all is left as it is.
pub(super) fn trim(story: &Document, base: &Url) -> Vec<NamedLink> {
    let mut links = Vec::new();
    let mut blocks = blocks(story);
    if !blocks.iter().any(Block::is_prose) {
        return links;
    }
    for (at, block) in blocks.iter().enumerate() {
        let earlier = at.checked_sub(1).map(|at| &blocks[at]);
        let repeats = block.is_label_like() && earlier.is_some_and(|e| e.text == block.text);
        if block.is_furniture() || block.is_newsletter() || repeats {
            dom::uproot(&block.node);
        }
    }
    for list in story.select("ul, ol").nodes() {
        links.extend(index(list, base));
    }
    blocks = self::blocks(story);
    for block in blocks.iter().filter(|block| block.is_link_line(base)) {
        links.extend(block.links(base));
        dom::uproot(&block.node);
    }
    blocks = self::blocks(story);
    let lead = blocks
        .iter()
        .take(MAX_LEAD)
        .position(Block::is_prose)
        .unwrap_or(0);
    for block in blocks.iter().take(lead).filter(|block| block.is_ahead()) {
        dom::uproot(&block.node);
    }
    for block in blocks.iter().skip(lead).rev() {
        if !block.is_behind() {
            break;
        }
        if block.linked * 5 >= block.n_chars * 4 {
            links.extend(block.links(base));
        }
        dom::uproot(&block.node);
    }
    links
}

/// A block without blocks inside it.
struct Block<'a> {
    node: NodeRef<'a>,
    text: String,
    n_chars: usize,
    /// Characters that are links.
    linked: usize,
}

fn blocks(story: &Document) -> Vec<Block<'_>> {
    let root = story.root();
    root.descendants_it()
        .filter(|node| node.is_element() && dom::is_block(node))
        .filter(|node| !node.descendants_it().any(|inner| dom::is_block(&inner)))
        .map(Block::new)
        .filter(|block| block.n_chars > 0)
        .collect()
}

impl<'a> Block<'a> {
    fn new(node: NodeRef<'a>) -> Self {
        let text = dom::line(&node);
        let linked = anchors(&node)
            .iter()
            .map(|a| dom::line(a).chars().count())
            .sum();
        Block {
            node,
            n_chars: text.chars().count(),
            text,
            linked,
        }
    }

    fn is_linked(&self) -> bool {
        self.linked * 10 >= self.n_chars * 9
    }

    fn is_inside(&self, names: &[&str]) -> bool {
        dom::is_any(&self.node, names) || dom::is_inside(&self.node, names)
    }

    fn is_sentence(&self) -> bool {
        let end = self
            .text
            .trim_end_matches(['"', '”', '’', '\'', ')', '»', ']']);
        end.ends_with(['.', '!', '?', '…', '。', '！', '？', ':', ';', ','])
    }

    fn n_words(&self) -> usize {
        self.text.split_whitespace().count()
    }

    fn is_prose(&self) -> bool {
        !self.is_linked()
            && (self.n_chars >= PROSE_CHARS || (self.is_sentence() && self.n_words() >= 8))
            && !self.is_dateline()
    }

    fn is_furniture(&self) -> bool {
        let text = self.text.to_lowercase();
        let is_counter = || {
            let words: Vec<&str> = text.split_whitespace().collect();
            let numbers = words
                .iter()
                .filter(|w| w.bytes().all(|b| b.is_ascii_digit()))
                .count();
            let known = words.iter().all(|w| {
                w.bytes().all(|b| b.is_ascii_digit())
                    || ["image", "photo", "slide", "of", "/"].contains(w)
            });
            numbers == 2 && known
        };
        self.n_chars <= 60
            && !self.is_inside(&["pre", "td", "th", "blockquote"])
            && (FURNITURE.contains(&text.trim_matches(['.', ':', '…', '*', ' ']))
                || FURNITURE.contains(&text.as_str())
                || is_counter())
    }

    /// Whether a page may well show the block twice: short and long captions of one picture.
    fn is_label_like(&self) -> bool {
        self.n_chars >= 20
            && !(self.is_inside(&["p"]) && self.is_sentence())
            && !self.is_inside(&["li", "table", "pre", "blockquote"])
    }

    fn is_newsletter(&self) -> bool {
        let text = self.text.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        self.n_chars <= MAX_CALL_CHARS
            && has(&["newsletter", "inbox", "mailing list"])
            && has(&[
                "sign up",
                "subscribe",
                "subscribing",
                "subscribed",
                "get the ",
                "get our ",
                "delivered",
            ])
    }

    /// A paragraph or heading that is one link to another page of the site, or a call to click.
    fn is_link_line(&self, base: &Url) -> bool {
        let is_line = dom::is_any(&self.node, &["p", "div", "h2", "h3", "h4", "h5"])
            && !dom::is_inside(&self.node, &["li", "td", "blockquote", "figure", "pre"]);
        let leads_on = |a: &NodeRef<'_>| {
            let url = a
                .attr("href")
                .and_then(|href| dom::web_address(&href, base));
            url.is_some_and(|url| url.path().len() > 1 && is_same_site(&url, base))
        };
        is_line
            && self.linked * 20 >= self.n_chars * 19
            && (self.text.to_lowercase().contains("click here")
                || self.n_words() >= 3 && anchors(&self.node).iter().all(leads_on))
    }

    fn is_dateline(&self) -> bool {
        let lower = self.text.to_lowercase();
        let year = |word: &str| {
            let digits: String = word.chars().filter(char::is_ascii_digit).collect();
            digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20"))
        };
        let is_dated = self.n_chars <= 110
            && !self.is_sentence()
            && self.text.split([' ', '/', '.', '-']).any(year);
        let begins = [
            "by ",
            "posted ",
            "published",
            "updated",
            "von ",
            "par ",
            "por ",
        ];
        is_dated
            || (self.n_chars <= 80
                && !self.is_sentence()
                && begins.iter().any(|b| lower.starts_with(b)))
    }

    /// Whether the block, ahead of the first paragraph, is a label, crumbs or a dateline.
    fn is_ahead(&self) -> bool {
        let is_label = !self.is_sentence()
            && self.n_words() <= MAX_LABEL_WORDS
            && !dom::is_heading(&self.node);
        !self.is_inside(&["pre", "blockquote", "table", "figure"])
            && (self.is_linked() || self.is_dateline() || is_label)
    }

    /// Whether the block, behind the last paragraph, is a call, a link or a heading of nothing.
    fn is_behind(&self) -> bool {
        if self.is_inside(&["figure", "pre", "table"]) {
            return false;
        }
        let lower = self.text.to_lowercase();
        let is_call =
            self.n_chars <= MAX_CALL_CHARS && CALLS.iter().any(|call| lower.starts_with(call));
        let is_address = self.n_words() == 1 && (lower.contains('@') || lower.contains(".com/"));
        let is_empty_heading =
            dom::is_heading(&self.node) || self.n_words() <= 8 && lower.ends_with(':');
        self.linked * 5 >= self.n_chars * 4 || is_call || is_address || is_empty_heading
    }

    fn links(&self, base: &Url) -> Vec<NamedLink> {
        named(&self.node, base)
    }
}

/// Takes out a list that is nothing but links to other pages of the site, with the label above it.
fn index(list: &NodeRef<'_>, base: &Url) -> Vec<NamedLink> {
    let items = list.element_children();
    let is_link = |item: &NodeRef<'_>| {
        let block = Block::new(*item);
        let url = anchors(item)
            .first()
            .and_then(|a| dom::web_address(&a.attr("href")?, base));
        block.n_chars > 0
            && block.is_linked()
            && block.n_words() >= 3
            && url.is_some_and(|url| is_same_site(&url, base))
    };
    if items.len() < 2 || !items.iter().all(is_link) {
        return Vec::new();
    }
    let links = named(list, base);
    if let Some(label) = list.prev_element_sibling().map(Block::new) {
        let is_label = dom::is_heading(&label.node) || label.n_words() <= MAX_LABEL_WORDS;
        if is_label && !dom::is_any(&label.node, &["figure", "table", "ul", "ol"]) {
            dom::uproot(&label.node);
        }
    }
    dom::uproot(list);
    links
}

/// The links in `node` that are called like stories.
fn named(node: &NodeRef<'_>, base: &Url) -> Vec<NamedLink> {
    let link = |a: &NodeRef<'_>| {
        let (url, title) = (dom::web_address(&a.attr("href")?, base)?, dom::line(a));
        let lower = title.to_lowercase();
        let is_title = title.split_whitespace().count() >= 3
            && !CALLS.iter().any(|call| lower.starts_with(call))
            && !lower.contains("click here");
        (is_title && is_same_site(&url, base) && url.path().len() > 1)
            .then_some(NamedLink { url, title })
    };
    anchors(node).iter().filter_map(link).collect()
}

fn anchors<'a>(node: &NodeRef<'a>) -> Vec<NodeRef<'a>> {
    std::iter::once(*node)
        .chain(node.descendants_it())
        .filter(|inner| inner.has_name("a") && inner.has_attr("href"))
        .collect()
}

fn is_same_site(url: &Url, base: &Url) -> bool {
    let site = |url: &Url| {
        let host = url.host_str().unwrap_or_default().to_owned();
        let labels: Vec<&str> = host.rsplit('.').take(2).collect();
        labels.join(".")
    };
    site(url) == site(base)
}
