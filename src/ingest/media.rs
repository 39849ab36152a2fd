//! Pictures and files of an entry: Media RSS, enclosures, iTunes, the text itself.

use url::Url;

use super::{
    tags::tags,
    text,
    xml::{Element, Space},
};
use crate::parts::{Attachment, Picture};

/// The lead picture that an RSS item or Atom entry states: media content, thumbnail, enclosure,
/// podcast cover, in this order.
pub(super) fn picture(
    entry: &Element<'_>,
    attachments: &[Attachment],
    site: &Url,
) -> Option<Picture> {
    let contents = contents(entry);
    let thumbnails = within(entry, "thumbnail");
    let pictures = contents.into_iter().filter(|e| is_picture(e)).collect();
    let stated = largest(pictures).or_else(|| largest(thumbnails));
    let from_media = stated.and_then(|element| {
        let url = web(element.resolve(element.attribute("url")?, site)?)?;
        let about = |name: &str| {
            said(element, name)
                .or_else(|| said(entry, name))
                .or_else(|| group_says(entry, name))
        };
        Some(Picture {
            url,
            alt: said(element, "title"),
            caption: if is_picture(element) {
                about("description")
            } else {
                said(element, "description")
            },
            credit: about("credit"),
            width: number(element, "width"),
            height: number(element, "height"),
        })
    });
    let enclosed = || {
        let is_image = |a: &&Attachment| {
            a.mime_type
                .as_deref()
                .is_some_and(|t| t.starts_with("image/"))
        };
        bare(Url::parse(&attachments.iter().find(is_image)?.url).ok()?)
    };
    let cover = || {
        let image = entry
            .elements()
            .find(|e| e.name == "image" && matches!(e.space, Space::Itunes | Space::Core))?;
        let reference = image.attribute("href").map(str::to_owned);
        let reference = reference
            .or_else(|| image.text_of(Space::Core, "url"))
            .or_else(|| image.stated())?;
        bare(image.resolve(&reference, site)?)
    };
    from_media.or_else(enclosed).or_else(cover)
}

/// The first of the largest.
fn largest<'a>(candidates: Vec<&'a Element<'a>>) -> Option<&'a Element<'a>> {
    candidates
        .into_iter()
        .rev()
        .max_by_key(|e| (number(e, "width"), number(e, "height")))
}

fn bare(url: Url) -> Option<Picture> {
    Some(Picture {
        url: web(url)?,
        alt: None,
        caption: None,
        credit: None,
        width: None,
        height: None,
    })
}

fn web(url: Url) -> Option<Url> {
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// The first `img` of a text that is not a tracking pixel or an icon.
pub(super) fn first_in(html: &str, base: &Url) -> Option<Picture> {
    const LARGE: u32 = 100;
    tags(html)
        .filter(|tag| !tag.is_end && tag.is(&["img"]))
        .find_map(|tag| {
            let pixels = |name: &str| {
                tag.attribute(name)
                    .and_then(|v| v.trim().trim_end_matches("px").parse().ok())
            };
            let (width, height) = (pixels("width"), pixels("height"));
            if [width, height].into_iter().flatten().any(|n| n < LARGE) {
                return None;
            }
            let address = tag
                .attribute("src")
                .filter(|src| !src.starts_with("data:"))
                .or_else(|| tag.attribute("data-src"))?;
            let url = web(base.join(&text::from_html(address)).ok()?)?;
            let alt = tag
                .attribute("alt")
                .map(text::from_html)
                .filter(|alt| !alt.is_empty());
            Some(Picture {
                url,
                alt,
                caption: None,
                credit: None,
                width,
                height,
            })
        })
}

/// Audio and video that Media RSS names and no enclosure does.
pub(super) fn recordings(entry: &Element<'_>, site: &Url) -> Vec<Attachment> {
    let attach = |element: &Element<'_>| {
        let kind = element
            .attribute("type")
            .or_else(|| element.attribute("medium"))?;
        let is_recording = kind.starts_with("audio") || kind.starts_with("video");
        let url = element.resolve(element.attribute("url")?, site)?;
        is_recording.then(|| Attachment {
            url: url.into(),
            mime_type: element.attribute("type").map(str::to_owned),
            size_in_bytes: element.attribute("filesize").and_then(|n| n.parse().ok()),
            title: said(element, "title"),
        })
    };
    contents(entry).into_iter().filter_map(attach).collect()
}

/// The description that Media RSS gives of the whole entry.
pub(super) fn description(entry: &Element<'_>) -> Option<String> {
    said(entry, "description").or_else(|| group_says(entry, "description"))
}

pub(super) fn title(entry: &Element<'_>) -> Option<String> {
    said(entry, "title").or_else(|| group_says(entry, "title"))
}

fn group_says(entry: &Element<'_>, name: &str) -> Option<String> {
    said(entry.first(Space::Media, "group")?, name)
}

/// The plain text of a Media RSS child.
fn said(element: &Element<'_>, name: &str) -> Option<String> {
    let text = element.text_of(Space::Media, name)?;
    Some(text::from_html(&text)).filter(|text| !text.is_empty())
}

fn contents<'a>(entry: &'a Element<'a>) -> Vec<&'a Element<'a>> {
    within(entry, "content")
}

/// Media elements of that name in the entry itself, its groups and its contents.
fn within<'a>(entry: &'a Element<'a>, name: &str) -> Vec<&'a Element<'a>> {
    let mut found: Vec<&Element<'_>> = entry.all(Space::Media, name).collect();
    for nest in entry
        .elements()
        .filter(|e| e.is(Space::Media, "group") || e.is(Space::Media, "content"))
    {
        found.extend(nest.all(Space::Media, name));
        for inner in nest.all(Space::Media, "content") {
            found.extend(inner.all(Space::Media, name));
        }
    }
    found
}

fn is_picture(element: &Element<'_>) -> bool {
    if element.name != "content" {
        return false;
    }
    let stated = element
        .attribute("medium")
        .or_else(|| element.attribute("type"));
    match stated {
        Some(kind) => kind.starts_with("image"),
        None => element.attribute("url").is_some_and(|url| {
            let path = url
                .split(['?', '#'])
                .next()
                .unwrap_or(url)
                .to_ascii_lowercase();
            [".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif"]
                .iter()
                .any(|end| path.ends_with(end))
        }),
    }
}

fn number(element: &Element<'_>, name: &str) -> Option<u32> {
    element.attribute(name)?.trim_end_matches("px").parse().ok()
}
