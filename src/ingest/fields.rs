//! What entries and feeds of RSS and Atom have in common, modules included.

use chrono::{DateTime, Utc, Weekday};
use url::Url;

use super::{
    construct, date, media, person, text,
    xml::{Element, Space},
};
use crate::{
    parts::{Attachment, Attribution, Author, NamedLink},
    sources::entry::{Hints, Hub},
};

/// Hubs of one feed that are kept.
pub(super) const MOST_HUBS: usize = 5;

/// Names of either origin mean the same in an Atom document.
pub(super) const ATOM: [Space; 2] = [Space::Atom, Space::Core];

/// The first child with one of the names that says anything; earlier names go first.
pub(super) fn child<'a>(element: &'a Element<'a>, names: &[&str]) -> Option<&'a Element<'a>> {
    names.iter().find_map(|name| {
        ATOM.iter()
            .find_map(|space| element.all(*space, name).find(|e| says(e)))
    })
}

fn says(element: &Element<'_>) -> bool {
    element.stated().is_some() || element.has_elements() || element.attribute("src").is_some()
}

pub(super) fn dc_date(element: &Element<'_>) -> Option<DateTime<Utc>> {
    let names = ["issued", "created", "date", "available"];
    names
        .iter()
        .find_map(|name| date::parse(&element.text_of(Space::Dc, name)?))
}

/// People of `element`: authors, then Dublin Core creators.
pub(super) fn authors(element: &Element<'_>, site: &Url) -> Vec<Author> {
    let read = |e| person::read(e, site);
    let is_author = |e: &&Element<'_>| {
        ATOM.contains(&e.space) && e.name == "author" || e.is(Space::Itunes, "author")
    };
    let stated: Vec<Author> = element
        .elements()
        .filter(is_author)
        .filter_map(read)
        .collect();
    if !stated.is_empty() {
        return distinct(stated);
    }
    let creators = element
        .elements()
        .filter(|e| e.space == Space::Dc && matches!(&*e.name, "creator" | "author"));
    distinct(creators.filter_map(read).collect())
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
pub(super) fn tags(element: &Element<'_>) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    let nested = |e: &Element<'_>| e.is(Space::Itunes, "category");
    let inner = element
        .elements()
        .filter(|e| nested(e))
        .flat_map(Element::elements);
    for child in element.elements().chain(inner.filter(|e| nested(e))) {
        let stated = match (child.space, &*child.name) {
            (Space::Atom | Space::Core, "category") => child
                .attribute("label")
                .or_else(|| child.attribute("term"))
                .map(str::to_owned),
            (Space::Itunes, "category") => child.attribute("text").map(str::to_owned),
            _ => None,
        };
        let by_text = || {
            let named = matches!(
                (child.space, &*child.name),
                (Space::Atom | Space::Core, "category")
                    | (Space::Dc, "subject")
                    | (Space::Media, "category")
            );
            named.then(|| child.stated()).flatten()
        };
        let keywords = matches!(
            (child.space, &*child.name),
            (Space::Itunes | Space::Media, "keywords") | (Space::Core, "keywords" | "tags")
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

pub(super) fn language(element: &Element<'_>) -> Option<String> {
    element
        .text_of(Space::Dc, "language")
        .or_else(|| element.scope.language.clone())
        .map(|tag| language_tag(&tag))
}

/// POSIX writes `en_US` where BCP 47 writes `en-US`.
pub(super) fn language_tag(stated: &str) -> String {
    stated.trim().replace('_', "-")
}

/// The links of `element` with their relations, which are `alternate` where none is stated.
fn links<'a>(element: &'a Element<'a>) -> impl Iterator<Item = (&'a Element<'a>, &'a str)> {
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
pub(super) fn alternate(element: &Element<'_>, site: &Url) -> Option<Url> {
    let pages: Vec<&Element<'_>> = links(element)
        .filter(|(_, relation)| *relation == "alternate")
        .map(|(link, _)| link)
        .collect();
    let is_html = |link: &&&Element<'_>| link.attribute("type").is_none_or(|t| t.contains("html"));
    let page = pages.iter().find(is_html).or(pages.first())?;
    page.resolve(page.attribute("href")?, site)
}

/// What a feed service says that the address was before it put its own in.
pub(super) fn original(element: &Element<'_>) -> Option<Url> {
    Url::parse(&element.text_of(Space::FeedBurner, "origlink")?)
        .ok()
        .filter(is_web)
}

pub(super) fn related(element: &Element<'_>, site: &Url) -> Vec<NamedLink> {
    let related = links(element).filter(|(_, relation)| *relation == "related");
    let named = |(link, _): (&Element<'_>, &str)| {
        let url = link.resolve(link.attribute("href")?, site)?;
        let title = link
            .attribute("title")
            .map_or_else(|| url.to_string(), text::guessed);
        Some(NamedLink { url, title })
    };
    related.filter_map(named).collect()
}

/// Enclosures of Atom and RSS, then what Media RSS adds; every address once.
pub(super) fn attachments(element: &Element<'_>, site: &Url) -> Vec<Attachment> {
    let enclosures = element.all(Space::Core, "enclosure");
    let linked = links(element)
        .filter(|(_, relation)| *relation == "enclosure")
        .map(|(link, _)| link);
    let attach = |e: &Element<'_>| {
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
pub(super) fn attribution(source: &Element<'_>, site: &Url) -> Attribution {
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
/// The hubs that a feed names and its own name, if it names both (WebSub, section 4).
pub(super) fn hub(feed: &Element<'_>, site: &Url) -> Option<Hub> {
    let named = |wanted: &'static str| {
        let of_kind = links(feed).filter(move |(_, relation)| *relation == wanted);
        of_kind.filter_map(|(link, _)| link.resolve(link.attribute("href")?, site))
    };
    let hubs: Vec<Url> = named("hub").filter(is_web).take(MOST_HUBS).collect();
    let topic = named("self").find(is_web)?;
    (!hubs.is_empty()).then_some(Hub { hubs, topic })
}

/// How often to poll, as RSS and its syndication module put it.
pub(super) fn hints(channel: &Element<'_>) -> Hints {
    let within = |list: &str, name: &'static str| {
        let list = channel.first(Space::Core, list);
        list.into_iter()
            .flat_map(move |list| list.all(Space::Core, name))
            .filter_map(Element::stated)
            .collect::<Vec<_>>()
    };
    let ttl = channel.text_of(Space::Core, "ttl");
    let mut hints = Hints {
        ttl_minutes: ttl
            .and_then(|ttl| ttl.parse().ok())
            .or_else(|| period(channel)),
        skip_hours: within("skiphours", "hour")
            .iter()
            .filter_map(|hour| hour_of_day(hour))
            .collect(),
        skip_days: within("skipdays", "day")
            .iter()
            .filter_map(|day| day_of_week(day))
            .collect(),
    };
    for list in [&mut hints.skip_hours, &mut hints.skip_days] {
        list.sort_unstable();
        list.dedup();
    }
    hints
}

/// 24 is midnight in the RSS 0.91 of some.
fn hour_of_day(text: &str) -> Option<u8> {
    text.parse()
        .ok()
        .filter(|hour| *hour <= 24)
        .map(|hour: u8| hour % 24)
}

/// 0 is Monday.
fn day_of_week(text: &str) -> Option<u8> {
    let day: Weekday = text.parse().ok()?;
    u8::try_from(day.num_days_from_monday()).ok()
}

/// `sy:updatePeriod` divided by `sy:updateFrequency`, in minutes.
fn period(channel: &Element<'_>) -> Option<u32> {
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
