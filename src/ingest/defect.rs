//! What is wrong with entries that were read: each kind once, with an example and how often.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::{
    date,
    xml::{self, Element, Space},
};
use crate::sources::entry::{Defect, Document, Entry};

/// Clocks of publishers that run ahead by less are believed.
pub(super) const AHEAD: TimeDelta = TimeDelta::hours(1);

/// The longest piece of a feed that a defect shows, in characters.
const SHOWN: usize = 60;

/// What is wrong with the entries of `document`, which came at `now`: no guid, a guid that several
/// share, a date to come, nothing to show.
pub fn of_entries(document: &Document, now: DateTime<Utc>) -> Vec<Defect> {
    let entries = || document.entries.iter();
    let mut titles: HashMap<&str, &str> = HashMap::new();
    let mut shared = BTreeSet::new();
    for entry in entries() {
        if let Some(guid) = entry.guid.as_deref()
            && *titles.entry(guid).or_insert(&entry.title) != entry.title
        {
            shared.insert(guid);
        }
    }

    let is_later = |date: &DateTime<Utc>| *date > now + AHEAD;
    let later = entries().filter_map(|entry| entry.published.filter(is_later));
    let no_guid = entries().filter(|entry| entry.guid.is_none());
    let says_nothing = |entry: &&Entry| {
        entry.title.is_empty() && entry.content.is_none() && entry.summary.is_none()
    };
    [
        counted("an entry has no guid", no_guid.map(named).collect()),
        counted(
            "a guid is given to different entries",
            shared.into_iter().map(quoted).collect(),
        ),
        counted("a date is yet to come", later.map(instant).collect()),
        counted(
            "an entry has neither title nor text",
            entries().filter(says_nothing).map(named).collect(),
        ),
    ]
    .into_iter()
    .flatten()
    .map(|what| Defect { line: None, what })
    .collect()
}

/// Dates that stand in an entry and cannot be read, where none that can stands there.
pub(super) fn of_dates(text: &str, elements: &[&Element<'_>], entries: &[Entry]) -> Option<Defect> {
    let undated = elements
        .iter()
        .zip(entries)
        .filter(|(_, entry)| entry.published.is_none() && entry.modified.is_none());
    let unread = undated.filter_map(|(element, _)| {
        let stated = element.elements().filter(|e| is_date(e));
        stated.filter_map(|e| Some((e.at, e.stated()?))).next()
    });
    let unread: Vec<_> = unread
        .filter(|(_, date)| date::parse(date).is_none())
        .collect();
    let line = xml::line(text, unread.first()?.0);
    let examples = unread.iter().map(|(_, date)| quoted(date)).collect();
    Some(Defect {
        line: Some(line),
        what: counted("a date cannot be read", examples)?,
    })
}

fn is_date(element: &Element<'_>) -> bool {
    const NAMES: [&str; 7] = [
        "pubdate",
        "published",
        "updated",
        "date",
        "issued",
        "created",
        "modified",
    ];
    let is_feeds = matches!(element.space, Space::Core | Space::Atom | Space::Dc);
    is_feeds && NAMES.contains(&&*element.name)
}

/// `what`, with the first of the examples and how many more there are; none if there are none.
fn counted(what: &str, examples: Vec<String>) -> Option<String> {
    let first = examples.first()?;
    Some(match examples.len() - 1 {
        0 => format!("{what}: {first}"),
        more => format!("{what}: {first} and {more} more"),
    })
}

fn named(entry: &Entry) -> String {
    match (&entry.url, entry.title.as_str()) {
        (Some(url), "") => quoted(url.as_str()),
        (None, "") => "an untitled one".to_owned(),
        (_, title) => quoted(title),
    }
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(guid: Option<&str>, title: &str, published: &str) -> Entry {
        Entry {
            guid: guid.map(str::to_owned),
            title: title.to_owned(),
            published: published.parse().ok(),
            ..Entry::default()
        }
    }

    #[test]
    fn each_kind_is_said_once_with_an_example() {
        let now = "2026-11-23T08:00:00Z".parse().unwrap();
        let document = Document {
            entries: vec![
                entry(Some("1"), "One", "2026-11-23T08:30:00Z"),
                entry(Some("1"), "Other", "2031-01-01T00:00:00Z"),
                entry(None, "Two", "2032-01-01T00:00:00Z"),
                entry(None, "", ""),
            ],
            ..Document::default()
        };

        let found: Vec<String> = of_entries(&document, now)
            .into_iter()
            .map(|d| d.what)
            .collect();

        assert_eq!(
            found,
            [
                "an entry has no guid: `Two` and 1 more",
                "a guid is given to different entries: `1`",
                "a date is yet to come: 2031-01-01T00:00:00Z and 1 more",
                "an entry has neither title nor text: an untitled one",
            ]
        );
        assert_eq!(of_entries(&Document::default(), now), []);
    }
}
