//! The article in a news page: what its publisher states about it, and its text without the
//! furniture around it.

mod boilerplate;
mod byline;
mod caption;
mod consent;
mod furniture;
mod headline;
mod metadata;
mod picture;
mod trim;

use dom_query::{Document, NodeRef};
use dom_smoothie::Readability;
use url::Url;

use self::metadata::Metadata;
use super::{bounds, dom, named};
use crate::{parts::NamedLink, sources::entry::Entry};

/// Reads the article that the page at `base` shows.
///
/// `content` is the story alone: headline, standfirst, byline, lead picture and `Related:` lines
/// are fields of the entry and stand nowhere in it.
pub fn page(html: &str, base: &Url) -> Entry {
    let doc = Document::from(if bounds::is_bounded(html) { html } else { "" });
    let base = document_base(&doc, base);
    let stated = Metadata::read(&doc, &base);
    let mut entry = Entry {
        url: stated
            .canonical
            .clone()
            .or_else(|| Some(base.clone()).filter(dom::is_web)),
        canonical: stated.canonical.clone(),
        base: Some(base.clone()),
        title: stated.titles.first().cloned().unwrap_or_default(),
        summary: stated.description.clone(),
        published: stated.published,
        modified: stated.modified,
        authors: stated.authors.clone(),
        tags: stated.tags.clone(),
        language: stated.language.clone(),
        picture: stated.picture.clone(),
        ..Entry::default()
    };
    if !dom::is_bounded(&doc) {
        return entry;
    }

    doc.select("script, style, template").remove();
    let headline = headline::find(&doc, &stated);
    entry.title = headline.text;
    consent::remove(&doc);
    boilerplate::remove(&doc, &entry.title);
    entry.named_related = named::take(&doc, &base).links;
    if let Some(heading) = &headline.node {
        if let Some(standfirst) = headline::take_standfirst(heading) {
            entry.summary = Some(standfirst);
        }
        entry.published = entry.published.or_else(|| byline::time_near(heading));
        let named = byline::take(heading);
        if entry.authors.is_empty() {
            entry.authors = named;
        }
    }
    if entry.authors.is_empty() {
        entry.authors = byline::anywhere(&doc);
    }
    entry.picture = picture::take(&doc, headline.node.as_ref(), stated.picture, &base);
    if let Some(heading) = &headline.node {
        dom::uproot(heading);
    }
    caption::mark(&doc);
    furniture::remove(&doc);
    let (content, links) = body(doc, &entry, &base);
    entry.content = content;
    named::add(&mut entry.named_related, links);
    entry.named_related.truncate(named::MAX_LINKS);
    entry
}

/// The address that relative ones in the page start from.
fn document_base(doc: &Document, base: &Url) -> Url {
    doc.base_uri()
        .and_then(|href| base.join(href.trim()).ok())
        .unwrap_or_else(|| base.clone())
}

/// The HTML of the story, none where the page has no text at all, and the links to others that
/// stood in it.
fn body(doc: Document, entry: &Entry, base: &Url) -> (Option<String>, Vec<NamedLink>) {
    let whole = doc.clone();
    let address = Some(base.as_str()).filter(|_| dom::is_web(base));
    // What the page states is read already; without it the crate would read it once more.
    let config = dom_smoothie::Config {
        disable_json_ld: true,
        ..Default::default()
    };
    let grabbed = Readability::with_document(doc, address, Some(config))
        .and_then(|mut readability| readability.parse())
        .ok()
        .filter(|article| !article.text_content.trim().is_empty());
    let story = match grabbed {
        Some(article) => Document::fragment(article.content),
        None => whole,
    };
    drop_repeats(&story, entry);
    let links = trim::trim(&story, base);
    let root = story.select("#readability-page-1, body");
    let node = root
        .nodes()
        .first()
        .copied()
        .unwrap_or_else(|| story.html_root());
    let html = node.inner_html().trim().to_owned();
    let content = (!node.text().trim().is_empty()).then_some(html);
    (content, links)
}

/// Takes out what an entry says elsewhere, where it opens the story once more.
fn drop_repeats(story: &Document, entry: &Entry) {
    for node in story.select("h1, h2, h3").nodes().iter().take(3) {
        if dom::line(node) == entry.title {
            dom::uproot(node);
        }
    }
    let caption = entry
        .picture
        .as_ref()
        .and_then(|picture| picture.caption.as_deref());
    let is_caption = |node: &NodeRef<'_>| Some(dom::lines(node).as_str()) == caption;
    for node in story
        .select("figcaption, p")
        .nodes()
        .iter()
        .take(3)
        .filter(|n| is_caption(n))
    {
        dom::uproot(node);
    }
}

#[cfg(test)]
mod tests;
