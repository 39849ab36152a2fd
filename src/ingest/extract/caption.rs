//! Gives captions the one name that HTML has for them, so that they go with their pictures and not
//! with the text.

use dom_query::{Document, NodeRef};

use crate::ingest::dom;

const CAPTION: &[&str] = &["caption", "captions", "credit", "credits", "imagecaption"];

const MAX_CHARS: usize = 700;

/// Captions of one page that are looked at.
const MOST_CAPTIONS: usize = 1_000;

/// How far above a caption its picture hangs.
const LEVELS: usize = 3;

/// Makes every caption and credit of a picture a `figcaption`.
pub(super) fn mark(doc: &Document) {
    let named = doc.select("[class]");
    let captions = named
        .nodes()
        .iter()
        .filter(|node| dom::has_token(node, CAPTION));
    for node in captions.take(MOST_CAPTIONS) {
        let is_text = !dom::is_frame(node)
            && !dom::is_any(
                node,
                &["figure", "figcaption", "img", "picture", "a", "li", "ul"],
            );
        if is_text && is_brief(node) && !holds_picture(node) && has_picture_near(node) {
            node.rename("figcaption");
        }
    }
}

fn is_brief(node: &NodeRef<'_>) -> bool {
    let n_chars = dom::brief(node).map_or(usize::MAX, |text| text.chars().count());
    (1..=MAX_CHARS).contains(&n_chars)
}

fn has_picture_near(node: &NodeRef<'_>) -> bool {
    node.ancestors_it(Some(LEVELS))
        .take_while(|ancestor| ancestor.is_element() && !dom::is_frame(ancestor))
        .take_while(|ancestor| dom::brief(ancestor).is_some())
        .any(|ancestor| holds_picture(&ancestor))
}

fn holds_picture(node: &NodeRef<'_>) -> bool {
    node.descendants_it()
        .any(|inner| dom::is_any(&inner, &["img", "picture", "video"]))
}
