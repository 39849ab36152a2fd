//! Reads an OPML list, however its writer understood the standard.

use super::Outline;
use crate::ingest::{
    charset,
    tags::{Tag, tags},
    text,
};

/// Feeds of one list; what follows is left out.
pub(super) const MOST: usize = 10_000;

/// Folders within folders; the names of deeper ones are forgotten, their feeds are kept.
pub(super) const DEEPEST: usize = 16;

/// The longest title or folder, in characters.
const LONGEST: usize = 200;

/// The feeds of a list in its order. A document that is no OPML has none.
///
/// An outline with an `xmlUrl` is a feed, whatever its `type` says or does not say; any other is a
/// folder. Tags are found without regard to well-formedness, so that a bare `&` or an undefined
/// entity costs nothing.
pub fn read(bytes: &[u8]) -> Vec<Outline> {
    let decoded = charset::decode(bytes, None);
    let mut outlines = Vec::new();
    // None for an outline whose name is not to be kept: a feed with feeds in it, or too deep.
    let mut open: Vec<Option<String>> = Vec::new();
    let mut deeper = 0_usize;
    for tag in tags(&decoded.text).filter(|tag| tag.is(&["outline"])) {
        if tag.is_end {
            match deeper {
                0 => drop(open.pop()),
                _ => deeper -= 1,
            }
            continue;
        }
        let title = ["title", "text"]
            .iter()
            .find_map(|name| said(&tag, name))
            .unwrap_or_default();
        let address = address(&tag);
        let is_folder = address.is_none() && !title.is_empty();
        if let Some(address) = address {
            outlines.push(Outline {
                title: title.clone(),
                address,
                folders: open.iter().flatten().cloned().collect(),
            });
        }
        if outlines.len() == MOST {
            break;
        }
        if !decoded.text[tag.span.clone()].ends_with("/>") {
            match open.len() < DEEPEST {
                true => open.push(is_folder.then_some(title)),
                false => deeper += 1,
            }
        }
    }
    outlines
}

fn address(tag: &Tag<'_>) -> Option<String> {
    let stated = tag.attribute("xmlUrl")?;
    // References of HTML's other names are left alone: `&copy=1` is a part of many an address.
    let address = ["&amp;", "&#38;", "&#x26;"]
        .iter()
        .fold(stated.trim().to_owned(), |address, reference| {
            address.replace(reference, "&")
        });
    (!address.is_empty()).then_some(address)
}

/// The plain text of an attribute, unless it says nothing.
fn said(tag: &Tag<'_>, name: &str) -> Option<String> {
    let text = text::one_line(&text::from_html(tag.attribute(name)?));
    let text: String = text.chars().take(LONGEST).collect();
    (!text.is_empty()).then_some(text)
}
