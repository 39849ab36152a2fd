//! The related articles that an author names in the text: `Related:` lines, and boxes so headed.

use dom_query::{Document, NodeRef};
use url::Url;

use super::{bounds, dom};
use crate::parts::NamedLink;

/// What stands before the links of a line, ahead of a colon or dash; alone, it heads a box.
const LABELS: &[&str] = &[
    "related",
    "related article",
    "related articles",
    "related content",
    "related coverage",
    "related link",
    "related links",
    "related news",
    "related post",
    "related posts",
    "related reading",
    "related stories",
    "related story",
    "read more",
    "read also",
    "also read",
    "read next",
    "see also",
    "also see",
    "further reading",
    "more on this",
    "more on this story",
    "more on this topic",
    "more on the story",
    "lesen sie auch",
    "lesen sie mehr",
    "mehr zum thema",
    "siehe auch",
    "zum thema",
    "à lire aussi",
    "lire aussi",
    "voir aussi",
    "lea también",
    "lee también",
    "ver también",
    "leia também",
    "leia mais",
    "leggi anche",
    "vedi anche",
    "lees ook",
    "zie ook",
    "läs också",
    "læs også",
    "les også",
    "lue myös",
    "czytaj także",
    "czytaj też",
    "zobacz także",
    "читайте также",
    "читайте також",
    "смотрите также",
];

/// Words that a line may hold beside its label and its links: a date, a source, `and`.
const MAX_ASIDE_CHARS: usize = 40;

/// A list that is related by its class alone holds no more links than this, two to a card.
const MAX_UNLABELLED: usize = 12;

/// More links than this are an index, of which the first ones are kept.
pub(super) const MAX_LINKS: usize = 20;

/// Takes `Related:` lines and boxes out of the HTML of an article; `html` without any comes back
/// byte for byte.
pub fn named_related(html: &str, base: &Url) -> (String, Vec<NamedLink>) {
    let doc = bounds::is_bounded(html)
        .then(|| Document::fragment(html))
        .filter(dom::is_bounded);
    if let Some(doc) = doc {
        let taken = take(&doc, base);
        if taken.n_removed > 0 {
            return (doc.html_root().inner_html().to_string(), taken.links);
        }
    }
    (html.to_owned(), Vec::new())
}

/// Adds those links that `links` does not name yet.
pub(super) fn add(links: &mut Vec<NamedLink>, more: Vec<NamedLink>) {
    for link in more {
        if !links.iter().any(|known| known.url == link.url) {
            links.push(link);
        }
    }
}

/// What was taken out of a tree; a line whose links lead nowhere goes as well.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) links: Vec<NamedLink>,
    n_removed: usize,
}

/// Takes `Related:` lines and boxes out of `doc`.
pub(super) fn take(doc: &Document, base: &Url) -> Taken {
    let mut taken = Taken::default();
    for block in doc
        .select("p, div, li, h2, h3, h4, h5, h6, aside, section, dt, strong, b, span")
        .nodes()
    {
        if !is_attached(block) || dom::is_inside(block, &["nav", "footer", "dialog", "button"]) {
            continue;
        }
        taken.line(block, base);
        taken.headed(block, base);
    }
    for holder in doc.select("p, div, li, blockquote").nodes() {
        if is_attached(holder) {
            taken.broken_lines(holder, base);
        }
    }
    for list in doc.select("[class*=related i], [id*=related i]").nodes() {
        if is_attached(list) && dom::has_token(list, &["related"]) && is_link_list(list) {
            taken.unlabelled(list, base);
        }
    }
    taken.links.retain(|link| !link.title.is_empty());
    taken.links.truncate(MAX_LINKS);
    taken
}

impl Taken {
    /// `<p>Related: <a href="..">Title</a></p>`
    fn line(&mut self, block: &NodeRef<'_>, base: &Url) {
        if is_line(&[*block]) {
            self.remove(&[*block], base);
        }
    }

    /// `<h3>Related</h3><ul>..</ul>`, whether or not a box holds both.
    fn headed(&mut self, heading: &NodeRef<'_>, base: &Url) {
        let Some(text) = dom::brief(heading) else {
            return;
        };
        if !is_label(text.trim_end_matches([':', '-', '–', '—', ' '])) {
            return;
        }
        // The heading may stand alone in a wrapper, or be one word of bold type in a paragraph.
        let top = std::iter::successors(Some(*heading), |node| {
            node.parent().filter(|p| {
                p.is_element() && !dom::is_frame(p) && dom::brief(p).is_some_and(|t| t == text)
            })
        })
        .last()
        .unwrap_or(*heading);
        let mut group = Vec::new();
        let mut next = top.next_element_sibling();
        while let Some(node) = next.filter(|n| n.has_name("br") || is_link_list(n)) {
            group.push(node);
            next = node.next_element_sibling();
        }
        if group.iter().any(is_link_list) {
            dom::uproot(&top);
            self.remove(&group, base);
        }
    }

    /// Feeds often separate lines by `<br>` inside one paragraph.
    fn broken_lines(&mut self, holder: &NodeRef<'_>, base: &Url) {
        let children = holder.children();
        if !children.iter().any(|child| child.has_name("br")) {
            return;
        }
        let mut after_br = None;
        for segment in children.split_inclusive(|child| child.has_name("br")) {
            let (end, run) = match segment.split_last() {
                Some((last, run)) if last.has_name("br") => (Some(*last), run),
                _ => (None, segment),
            };
            if !run.is_empty() && is_line(run) {
                self.remove(run, base);
                // One of the two breaks around the line goes with it.
                if let Some(br) = after_br.or(end) {
                    br.remove_from_parent();
                }
                after_br = None;
            } else {
                after_br = end;
            }
        }
    }

    /// A list that only its class calls related: topics, authors and whole indexes are called so
    /// too.
    fn unlabelled(&mut self, list: &NodeRef<'_>, base: &Url) {
        let anchors = anchors(list);
        if anchors.len() <= MAX_UNLABELLED {
            let is_title = |(_, title): &(Url, String)| title.split_whitespace().count() >= 3;
            self.keep(
                anchors
                    .iter()
                    .filter_map(|a| named(a, base))
                    .filter(is_title),
            );
        }
        dom::uproot(list);
        self.n_removed += 1;
    }

    fn remove(&mut self, group: &[NodeRef<'_>], base: &Url) {
        self.keep(
            group
                .iter()
                .flat_map(anchors)
                .filter_map(|a| named(&a, base)),
        );
        for node in group {
            dom::uproot(node);
        }
        self.n_removed += 1;
    }

    fn keep(&mut self, links: impl Iterator<Item = (Url, String)>) {
        for (url, title) in links {
            match self.links.iter_mut().find(|link| link.url == url) {
                // A card links its picture and its headline alike; the longer text is the title.
                Some(link) if link.title.len() < title.len() => link.title = title,
                Some(_) => {}
                None => self.links.push(NamedLink { url, title }),
            }
        }
    }
}

/// A label, a colon or dash, links, and little else.
fn is_line(nodes: &[NodeRef<'_>]) -> bool {
    let Some(texts) = nodes.iter().map(dom::brief).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let text = dom::squeeze(&texts.join(" "));
    let Some(rest) = after_label(&text) else {
        return false;
    };
    let linked: usize = nodes
        .iter()
        .flat_map(anchors)
        .map(|a| dom::line(&a).chars().count())
        .sum();
    let label = text.chars().count() - rest.chars().count();
    let others = text.chars().count().saturating_sub(linked);
    linked > 0 && !rest.is_empty() && others <= label + MAX_ASIDE_CHARS
}

/// What follows `Related:` and its like at the start of `text`.
fn after_label(text: &str) -> Option<&str> {
    let end = text.find([':', '-', '–', '—', '|', '»', '→'])?;
    let label = text[..end].trim();
    is_label(label)
        .then(|| text[end..].trim_start_matches([':', '-', '–', '—', '|', '»', '→', ' ']))
}

fn is_label(text: &str) -> bool {
    // The longest label is far below this; longer texts need no lowering.
    text.len() <= 60 && LABELS.contains(&text.to_lowercase().as_str())
}

/// Whether nearly all of the text of `node` is links, to more than the place the reader is at.
fn is_link_list(node: &NodeRef<'_>) -> bool {
    let text = dom::brief(node).filter(|_| !dom::is_frame(node) && !dom::is_heading(node));
    let all = text.map_or(usize::MAX, |text| text.chars().count());
    let linked: usize = anchors(node)
        .iter()
        .map(|a| dom::line(a).chars().count())
        .sum();
    linked > 0 && linked >= all / 2
}

fn anchors<'a>(node: &NodeRef<'a>) -> Vec<NodeRef<'a>> {
    std::iter::once(*node)
        .chain(node.descendants_it())
        .filter(|n| n.has_name("a") && n.has_attr("href"))
        .collect()
}

/// Where a link leads and what it calls it.
fn named(anchor: &NodeRef<'_>, base: &Url) -> Option<(Url, String)> {
    let url = dom::web_address(&anchor.attr("href")?, base).filter(|url| url != base)?;
    let heading = anchor.descendants_it().find(dom::is_heading);
    let text = dom::lines(&heading.unwrap_or(*anchor));
    let text = after_label(&text).map(str::to_owned).unwrap_or(text);
    let title = Some(text).filter(|text| !text.is_empty() && !is_label(text));
    let told = || dom::attr(anchor, "title").or_else(|| dom::attr(anchor, "aria-label"));
    Some((url, title.or_else(told).unwrap_or_default()))
}

/// Whether `node` still hangs in its tree: lists of nodes outlive removals.
fn is_attached(node: &NodeRef<'_>) -> bool {
    node.ancestors_it(None)
        .last()
        .is_some_and(|top| !top.is_element())
}

#[cfg(test)]
mod tests;
