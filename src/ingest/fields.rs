//! What entries and feeds of RSS and Atom have in common, modules included.

use chrono::{DateTime, Utc};
use url::Url;

use super::{
    construct, date, media, person, text,
    xml::{Element, Space},
};
use crate::parts::{Attachment, Attribution, Author, NamedLink};

/// Names of either origin mean the same in an Atom document.
pub(super) const ATOM: [Space; 2] = [Space::Atom, Space::Core];

/// The first child with one of the names that says anything; earlier names go first.
pub(super) fn child<'a>(element: &'a Element, names: &[&str]) -> Option<&'a Element> {
    names.iter().find_map(|name| {
        ATOM.iter()
            .find_map(|space| element.all(*space, name).find(|e| says(e)))
    })
}

fn says(element: &Element) -> bool {
    element.stated().is_some() || element.has_elements() || element.attribute("src").is_some()
}

pub(super) fn dc_date(element: &Element) -> Option<DateTime<Utc>> {
    let names = ["issued", "created", "date", "available"];
    names
        .iter()
        .find_map(|name| date::parse(&element.text_of(Space::Dc, name)?))
}

/// People of `element`: authors, then Dublin Core creators.
pub(super) fn authors(element: &Element) -> Vec<Author> {
    let is_author = |e: &&Element| {
        ATOM.contains(&e.space) && e.name == "author" || e.is(Space::Itunes, "author")
    };
    let stated: Vec<Author> = element
        .elements()
        .filter(is_author)
        .filter_map(person::read)
        .collect();
    if !stated.is_empty() {
        return distinct(stated);
    }
    let creators = element
        .elements()
        .filter(|e| e.space == Space::Dc && matches!(e.name.as_str(), "creator" | "author"));
    distinct(creators.filter_map(person::read).collect())
}

fn distinct(authors: Vec<Author>) -> Vec<Author> {
    let mut distinct = Vec::new();
    for author in authors {
        if !distinct.contains(&author) {
            distinct.push(author);
        }
    }
    distinct
}

/// Categories in any of the vocabularies, each once, as a reader would name them.
pub(super) fn tags(element: &Element) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for child in element.elements() {
        let stated = match (child.space, child.name.as_str()) {
            (Space::Atom | Space::Core, "category") => child
                .attribute("label")
                .or_else(|| child.attribute("term"))
                .map(str::to_owned),
            (Space::Itunes, "category") => child.attribute("text").map(str::to_owned),
            _ => None,
        };
        let by_text = || {
            let named = matches!(
                (child.space, child.name.as_str()),
                (Space::Atom | Space::Core, "category" | "keywords")
                    | (Space::Dc, "subject")
                    | (Space::Media, "category")
            );
            named.then(|| child.stated()).flatten()
        };
        let keywords = matches!(
            (child.space, child.name.as_str()),
            (Space::Itunes | Space::Media, "keywords")
        );
        let list = if keywords {
            child.stated().unwrap_or_default()
        } else {
            String::new()
        };
        let several = list.split(',').map(str::to_owned);
        for tag in stated.or_else(by_text).into_iter().chain(several) {
            let tag = text::guessed(&tag);
            if !tag.is_empty() && !tags.contains(&tag) {
                tags.push(tag);
            }
        }
    }
    tags
}

pub(super) fn language(element: &Element) -> Option<String> {
    element
        .text_of(Space::Dc, "language")
        .or_else(|| element.scope.language.clone())
}

/// The links of `element` with their relations, which are `alternate` where none is stated.
fn links(element: &Element) -> impl Iterator<Item = (&Element, &str)> {
    let links = ATOM
        .into_iter()
        .flat_map(|space| element.all(space, "link"));
    links
        .filter(|link| link.attribute("href").is_some())
        .map(|link| {
            let relation = link.attribute("rel").unwrap_or("alternate");
            (
                link,
                relation
                    .strip_prefix("http://www.iana.org/assignments/relation/")
                    .unwrap_or(relation),
            )
        })
}

/// The page that shows it, an HTML one if there are several.
pub(super) fn alternate(element: &Element, site: &Url) -> Option<Url> {
    let pages: Vec<&Element> = links(element)
        .filter(|(_, relation)| *relation == "alternate")
        .map(|(link, _)| link)
        .collect();
    let is_html = |link: &&&Element| link.attribute("type").is_none_or(|t| t.contains("html"));
    let page = pages.iter().find(is_html).or(pages.first())?;
    page.resolve(page.attribute("href")?, site)
}

/// What a feed service says that the address was before it put its own in.
pub(super) fn original(element: &Element) -> Option<Url> {
    Url::parse(&element.text_of(Space::FeedBurner, "origlink")?)
        .ok()
        .filter(is_web)
}

pub(super) fn related(element: &Element, site: &Url) -> Vec<NamedLink> {
    let related = links(element).filter(|(_, relation)| *relation == "related");
    let named = |(link, _): (&Element, &str)| {
        let url = link.resolve(link.attribute("href")?, site)?;
        let title = link
            .attribute("title")
            .map_or_else(|| url.to_string(), text::guessed);
        Some(NamedLink { url, title })
    };
    related.filter_map(named).collect()
}

/// Enclosures of Atom and RSS, then what Media RSS adds; every address once.
pub(super) fn attachments(element: &Element, site: &Url) -> Vec<Attachment> {
    let enclosures = element.all(Space::Core, "enclosure");
    let linked = links(element)
        .filter(|(_, relation)| *relation == "enclosure")
        .map(|(link, _)| link);
    let attach = |e: &Element| {
        Some(Attachment {
            url: e
                .resolve(e.attribute("url").or_else(|| e.attribute("href"))?, site)?
                .into(),
            mime_type: e.attribute("type").map(str::to_owned),
            size_in_bytes: e.attribute("length").and_then(|n| n.parse().ok()),
            title: e.attribute("title").map(str::to_owned),
        })
    };
    let mut attachments: Vec<Attachment> = Vec::new();
    for attachment in enclosures
        .chain(linked)
        .filter_map(attach)
        .chain(media::recordings(element, site))
    {
        if attachments.iter().all(|known| known.url != attachment.url) {
            attachments.push(attachment);
        }
    }
    attachments
}

/// Where a copied entry says that it is from.
pub(super) fn attribution(source: &Element, site: &Url) -> Attribution {
    let stated = source.stated().filter(|_| !source.has_elements());
    let linked = || {
        source
            .resolve(source.attribute("url")?, site)
            .or_else(|| child(source, &["id"])?.resolve(&child(source, &["id"])?.stated()?, site))
    };
    Attribution {
        title: child(source, &["title"]).map(construct::title).or(stated),
        url: alternate(source, site).or_else(linked).map(String::from),
    }
}

pub(super) fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}
/// `sy:updatePeriod` divided by `sy:updateFrequency`, in minutes.
pub(super) fn period(channel: &Element) -> Option<u32> {
    let period = match channel
        .text_of(Space::Syndication, "updateperiod")?
        .to_ascii_lowercase()
        .as_str()
    {
        "hourly" => 60,
        "daily" => 24 * 60,
        "weekly" => 7 * 24 * 60,
        "monthly" => 30 * 24 * 60,
        "yearly" => 365 * 24 * 60,
        _ => return None,
    };
    let times = channel
        .text_of(Space::Syndication, "updatefrequency")
        .and_then(|n| n.parse().ok());
    Some(period / times.unwrap_or(1).max(1))
}
