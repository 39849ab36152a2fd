//! Takes the furniture of a news page away: share bars and newsletter boxes.

use dom_query::{Document, NodeRef};

use crate::ingest::dom;

const SHARE: &[&str] = &[
    "share",
    "shares",
    "sharing",
    "sharebar",
    "social",
    "socials",
    "addtoany",
    "sharedaddy",
    "addthis",
    "sharethis",
];

/// Where share buttons lead.
const SHARE_LINKS: &[&str] = &[
    "facebook.com/sharer",
    "facebook.com/dialog",
    "twitter.com/intent",
    "twitter.com/share",
    "x.com/intent",
    "x.com/share",
    "linkedin.com/share",
    "api.whatsapp.com",
    "wa.me/",
    "whatsapp://",
    "reddit.com/submit",
    "t.me/share",
    "pinterest.com/pin",
    "bsky.app/intent",
    "threads.net/intent",
    "tumblr.com/share",
    "mailto:?",
];

const NEWSLETTER: &[&str] = &[
    "newsletter",
    "newsletters",
    "signup",
    "subscribe",
    "subscription",
    "mailinglist",
    "optin",
];

/// What a box that asks for an address says; in lower case.
const NEWSLETTER_WORDS: &[&str] = &[
    "newsletter",
    "sign up",
    "subscribe",
    "in your inbox",
    "to your inbox",
    "email address",
];

/// A paragraph longer than this is part of the story, whatever the box around it is called.
const MAX_CHARS_IN_BOX: usize = 400;

pub(super) fn remove(doc: &Document, headline: &str) {
    let is_box = |node: &NodeRef<'_>, max_chars: usize| {
        !dom::is_frame(node)
            && dom::brief(node).is_some_and(|text| text.chars().count() <= max_chars)
            && !node.descendants_it().any(|inner| {
                inner.has_name("h1")
                    || (inner.has_name("p") && dom::line(&inner).chars().count() > MAX_CHARS_IN_BOX)
                    || (dom::is_heading(&inner) && dom::line(&inner) == headline)
            })
    };
    for node in doc.select("[class], [id], [aria-label]").nodes() {
        let told = dom::attr(node, "aria-label")
            .unwrap_or_default()
            .to_lowercase();
        let is_share = dom::has_token(node, SHARE) || told.starts_with("share");
        let is_newsletter = dom::has_token(node, NEWSLETTER) || told.contains("newsletter");
        if (is_share && is_box(node, 400)) || (is_newsletter && is_box(node, 1_000)) {
            dom::uproot(node);
        }
    }
    for link in doc.select("a[href]").nodes() {
        let href = link.attr("href").unwrap_or_default();
        if SHARE_LINKS.iter().any(|known| href.contains(known)) {
            let holder = widest(link, |node| !node.has_name("p") && is_box(node, 200));
            dom::uproot(&holder);
        }
    }
    for form in doc.select("form").nodes() {
        let has_field = form.descendants_it().any(|n| n.has_name("input"));
        let asks = |node: &NodeRef<'_>| {
            let text = dom::lines(node).to_lowercase();
            NEWSLETTER_WORDS.iter().any(|words| text.contains(words))
        };
        if has_field && is_box(form, 1_000) {
            let holder = widest(form, |node| is_box(node, 600) && asks(node));
            dom::uproot(&holder);
        }
    }
}

/// The highest of `node` and its nearest ancestors that are all boxes of one kind.
fn widest<'a>(node: &NodeRef<'a>, is_box: impl Fn(&NodeRef<'a>) -> bool) -> NodeRef<'a> {
    node.ancestors_it(Some(4))
        .take_while(|n| n.is_element() && is_box(n))
        .last()
        .unwrap_or(*node)
}
