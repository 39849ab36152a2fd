//! The picture that leads the story, with its caption and credit.

use dom_query::{Document, NodeRef};
use url::Url;

use crate::{ingest::dom, parts::Picture};

/// A paragraph of this size belongs to the story; the lead picture stands before it.
const STORY_CHARS: usize = 120;

/// Narrower pictures are portraits and icons.
const MIN_WIDTH: u32 = 200;

const CAPTION: &[&str] = &["caption", "figcaption", "legend"];
const CREDIT: &[&str] = &[
    "credit",
    "credits",
    "copyright",
    "source",
    "photographer",
    "attribution",
    "imagecredit",
];

/// What introduces a credit in the running text of a caption.
const CREDIT_MARKS: &[&str] = &[
    "photo credit:",
    "picture credit:",
    "image credit:",
    "photograph by",
    "photograph:",
    "photography by",
    "photography:",
    "photo by",
    "photos by",
    "photo:",
    "photos:",
    "picture by",
    "picture:",
    "pictures:",
    "image by",
    "image:",
    "images:",
    "illustration by",
    "illustration:",
    "drawing by",
    "drawing:",
    "credit:",
    "credits:",
    "source:",
    "courtesy of",
    "foto:",
    "fotos:",
    "bild:",
    "crédit photo :",
    "crédit photo:",
    "crédit :",
    "crédit:",
    "photo :",
    "©",
];

/// Takes the lead picture out of the page; `stated` is what the page says of it for machines.
pub(super) fn take(
    doc: &Document,
    heading: Option<&NodeRef<'_>>,
    stated: Option<Picture>,
    base: &Url,
) -> Option<Picture> {
    let Some(story) = heading.and_then(story_of).or_else(|| doc.body()) else {
        return stated;
    };
    let shown: Vec<_> = story
        .descendants_it()
        .filter(|node| {
            node.has_name("img") && !dom::is_inside(node, &["nav", "footer", "noscript"])
        })
        .collect();
    let is_stated = |img: &&NodeRef<'_>| {
        stated
            .as_ref()
            .is_some_and(|s| sources(img, base).any(|u| is_same(&u, &s.url)))
    };
    let Some(img) = shown
        .iter()
        .find(is_stated)
        .copied()
        .or_else(|| leading(&story, base))
    else {
        return stated;
    };
    let Some(url) = sources(&img, base).next() else {
        return stated;
    };
    let stated = stated.filter(|stated| is_same(&url, &stated.url));
    let frame = frame_of(&img);
    let (caption, credit) = caption_and_credit(&frame);
    let pixels =
        |name| dom::attr(&img, name).and_then(|text| text.trim_end_matches("px").parse().ok());
    let said = stated.as_ref();
    let picture = Picture {
        alt: dom::attr(&img, "alt").or_else(|| said?.alt.clone()),
        caption: caption.or_else(|| said?.caption.clone()),
        credit: credit.or_else(|| said?.credit.clone()),
        width: pixels("width").or_else(|| said?.width),
        height: pixels("height").or_else(|| said?.height),
        url,
    };
    dom::uproot(&frame);
    Some(picture)
}

/// The nearest element around the headline that also holds the text.
fn story_of<'a>(heading: &NodeRef<'a>) -> Option<NodeRef<'a>> {
    heading
        .ancestors_it(None)
        .filter(NodeRef::is_element)
        .find(|node| dom::is_frame(node) || node.descendants_it().filter(is_text).count() >= 2)
}

fn is_text(node: &NodeRef<'_>) -> bool {
    node.has_name("p") && dom::line(node).chars().count() >= STORY_CHARS
}

/// The first picture, if it stands before the text.
fn leading<'a>(story: &NodeRef<'a>, base: &Url) -> Option<NodeRef<'a>> {
    story
        .descendants_it()
        .take_while(|node| !is_text(node) || dom::is_inside(node, &["figure"]))
        .filter(|node| {
            node.has_name("img") && !dom::is_inside(node, &["nav", "aside", "a", "footer"])
        })
        .find(|img| {
            let width = dom::attr(img, "width").and_then(|text| text.parse::<u32>().ok());
            let is_framed =
                dom::is_inside(img, &["figure", "picture"]) || frame_of(img).id != img.id;
            width.map_or(is_framed, |width| width >= MIN_WIDTH)
                && sources(img, base).next().is_some()
        })
}

/// Where an `<img>` may be loaded from, the plain address first; lazy pages hide it elsewhere.
fn sources<'n>(img: &'n NodeRef<'_>, base: &'n Url) -> impl Iterator<Item = Url> + 'n {
    let plain = ["src", "data-src", "data-original", "data-lazy-src"]
        .into_iter()
        .filter_map(|name| img.attr(name));
    let beside = img.parent().filter(|parent| parent.has_name("picture"));
    let sets = std::iter::once(*img)
        .chain(beside.into_iter().flat_map(|picture| picture.children()))
        .flat_map(|node| ["srcset", "data-srcset"].map(|name| node.attr(name)))
        .flatten();
    // The last candidate of a set is the largest one, by custom.
    let largest = sets.filter_map(|set| {
        let last = set
            .rsplit(", ")
            .find(|candidate| !candidate.trim().is_empty())?;
        last.split_whitespace().next().map(Into::into)
    });
    plain
        .chain(largest)
        .filter_map(|href| dom::web_address(&href, base))
}

/// The same picture, perhaps in another size: one file name, less its ending and measures.
fn is_same(a: &Url, b: &Url) -> bool {
    let stem = |url: &Url| {
        let name = url.path().rsplit('/').next().unwrap_or_default();
        let name = name
            .rsplit_once('.')
            .map_or(name, |(stem, _)| stem)
            .to_lowercase();
        name.trim_end_matches(|c: char| c.is_ascii_digit() || "-_x@".contains(c))
            .to_owned()
    };
    let name = stem(a);
    a == b || (name.len() >= 6 && name == stem(b))
}

/// The box that holds the picture and its caption, and nothing of the story.
fn frame_of<'a>(img: &NodeRef<'a>) -> NodeRef<'a> {
    if let Some(figure) = img
        .ancestors_it(Some(8))
        .find(|node| node.has_name("figure"))
    {
        return figure;
    }
    img.ancestors_it(Some(4))
        .take_while(|node| node.is_element() && !dom::is_frame(node))
        .take_while(|node| dom::brief(node).is_some_and(|text| text.chars().count() <= 400))
        .take_while(|node| {
            !node
                .descendants_it()
                .any(|inner| dom::is_heading(&inner) || is_text(&inner))
        })
        .filter(|node| {
            node.descendants_it()
                .any(|inner| dom::has_token(&inner, CAPTION) || dom::has_token(&inner, CREDIT))
        })
        .last()
        .unwrap_or(*img)
}

fn caption_and_credit(frame: &NodeRef<'_>) -> (Option<String>, Option<String>) {
    let find = |wanted: &dyn Fn(&NodeRef<'_>) -> bool| {
        frame
            .descendants_it()
            .find(|node| node.is_element() && wanted(node) && !dom::line(node).is_empty())
    };
    let is_credit = |node: &NodeRef<'_>| {
        !dom::is_any(node, &["source", "figcaption"])
            && (dom::has_token(node, CREDIT)
                || node
                    .attr("itemprop")
                    .is_some_and(|p| matches!(&*p, "copyrightHolder" | "creator" | "creditText")))
    };
    let mut credit = None;
    if let Some(node) = find(&is_credit).or_else(|| find(&|n| n.has_name("cite"))) {
        let text = bare_credit(&dom::lines(&node));
        credit = Some(
            text.strip_prefix("Credit ")
                .map(str::to_owned)
                .unwrap_or(text),
        );
        node.remove_from_parent();
    }
    let box_ =
        find(&|n| n.has_name("figcaption")).or_else(|| find(&|n| dom::has_token(n, CAPTION)));
    let text = box_.map(|node| dom::lines(&node)).unwrap_or_default();
    let (caption, found) = match credit {
        Some(credit) => (text, Some(credit)),
        None => split_credit(&text),
    };
    let filled = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    (filled(caption), found.and_then(filled))
}

/// `The pier at dawn. Photo: Ada Ames` as caption and credit.
fn split_credit(text: &str) -> (String, Option<String>) {
    // Lower-casing may change the length of a text; then its byte positions say nothing.
    let lower = text.to_lowercase();
    let mark = CREDIT_MARKS
        .iter()
        .filter_map(|mark| Some((lower.rfind(mark)?, mark)))
        .filter(|(at, _)| {
            lower[..*at]
                .chars()
                .next_back()
                .is_none_or(|c| !c.is_alphanumeric())
        })
        .min_by_key(|(at, _)| *at)
        .filter(|_| lower.len() == text.len());
    match mark {
        Some((at, _)) if text[at..].chars().count() <= 120 => {
            let head = text[..at].trim_end_matches([' ', '(', '[', '/', '|', '–', '—', '-', '•']);
            (head.to_owned(), Some(bare_credit(&text[at..])))
        }
        _ => (text.to_owned(), None),
    }
}

/// A credit without the word that introduces it.
fn bare_credit(text: &str) -> String {
    let text = text.trim().trim_matches(['(', ')', '[', ']', '|', ' ']);
    let mark = CREDIT_MARKS
        .iter()
        .filter(|mark| **mark != "©" && text.to_lowercase().starts_with(**mark))
        .max_by_key(|mark| mark.len());
    let bare = mark.and_then(|mark| text.get(mark.len()..)).unwrap_or(text);
    bare.trim()
        .trim_end_matches(['.', ')', ']'])
        .trim()
        .to_owned()
}
