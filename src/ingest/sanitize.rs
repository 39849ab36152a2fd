//! The HTML that may leave this program.

use std::collections::{HashMap, HashSet};

use ammonia::{Builder, UrlRelative};
use dom_query::{Document, NodeRef};
use url::Url;

use super::{bounds, charset, text, xml};

const TAGS: [&str; 39] = [
    "p",
    "br",
    "hr",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "blockquote",
    "pre",
    "code",
    "em",
    "strong",
    "b",
    "i",
    "u",
    "s",
    "sub",
    "sup",
    "small",
    "a",
    "img",
    "figure",
    "figcaption",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "abbr",
    "time",
];
/// Dropped with what is inside them.
const ACTIVE: [&str; 16] = [
    "script", "style", "iframe", "object", "embed", "applet", "form", "svg", "math", "template",
    "noscript", "head", "title", "textarea", "select", "button",
];
/// Containers that are not kept; those with nothing but words become paragraphs.
const CONTAINERS: &str =
    "div, section, article, center, header, footer, main, aside, address, details, summary";
/// Rounds of cleaning until nothing changes.
const ROUNDS: usize = 4;

/// `raw` with what the allow-list holds: text, structure, links and pictures with absolute
/// addresses. Sanitising the result again changes nothing.
pub fn html(raw: &str, base: Option<&Url>) -> String {
    if !raw.contains(['<', '&', '>']) {
        return charset::clean(raw).into_owned();
    }
    let cleaner = cleaner(base);
    let clean = |html: &str| {
        let cleaned = cleaner.clean(&prepared(html, base)).to_string();
        charset::clean(cleaned.trim()).into_owned()
    };
    let mut html = clean(raw);
    for _ in 0..ROUNDS {
        let again = clean(&html);
        if again == html {
            return html;
        }
        html = again;
    }
    // Markup that never comes to rest is not worth keeping.
    xml::escape(&text::from_html(&html))
}

fn cleaner(base: Option<&Url>) -> Builder<'static> {
    let attributes = HashMap::from([
        ("a", HashSet::from(["href"])),
        ("img", HashSet::from(["src", "alt", "width", "height"])),
        ("td", HashSet::from(["colspan", "rowspan"])),
        ("th", HashSet::from(["colspan", "rowspan"])),
        ("time", HashSet::from(["datetime"])),
        ("abbr", HashSet::from(["title"])),
    ]);
    let relative = match base {
        Some(base) => UrlRelative::RewriteWithBase(base.clone()),
        None => UrlRelative::Deny,
    };
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(TAGS))
        .clean_content_tags(HashSet::from(ACTIVE))
        .tag_attributes(attributes)
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(relative)
        .link_rel(None);
    builder
}

/// Keeps what the allow-list would lose without need: the words of neighbouring containers apart,
/// first headings, pictures that load late. Takes out pictures that show nothing.
fn prepared(raw: &str, base: Option<&Url>) -> String {
    let document = Document::fragment(bounds::tame(raw).as_ref());
    for image in document.select("img").nodes() {
        match shown(image, base) {
            Some(address) => image.set_attr("src", address.as_str()),
            None => image.remove_from_parent(),
        }
    }
    for heading in document.select("h1").nodes() {
        heading.rename("h2");
    }
    for container in document.select(CONTAINERS).nodes() {
        if !container
            .children_it(false)
            .any(|child| child.is_nonempty_text())
        {
            continue;
        }
        if container.element_children().iter().any(text::is_block) {
            container.append_html(" ");
        } else {
            container.rename("p");
        }
    }
    document.html().to_string()
}

/// Where the picture is, unless it is a tracking pixel or stands in the text itself.
fn shown(image: &NodeRef<'_>, base: Option<&Url>) -> Option<Url> {
    let tiny = |name: &str| {
        let pixels = image.attr(name).unwrap_or_default();
        matches!(pixels.trim().trim_end_matches("px"), "0" | "1")
    };
    let address = ["src", "data-src"].iter().find_map(|name| {
        let address = image.attr(name)?;
        let absolute = match base {
            Some(base) => base.join(&address),
            None => Url::parse(&address),
        };
        let is_web = |url: &Url| matches!(url.scheme(), "http" | "https");
        absolute
            .ok()
            .filter(is_web)
            .filter(|_| !address.trim().is_empty())
    });
    address.filter(|_| !tiny("width") && !tiny("height"))
}

#[cfg(test)]
mod tests;
