//! Our identity of an entry.

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use url::Url;

use super::link::canonical;
use crate::{id::SourceName, sources::entry::Entry, words::words};

/// A text below this many words is told apart by its title as well.
const SHORT: usize = 40;

/// Below this many words, title included, two equal texts may well be two articles.
const TELLING: usize = 8;

/// The first 128 bits of a SHA-256 over the kind and the length-prefixed parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    pub fn of(kind: &str, parts: &[&str]) -> Self {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        Self::over(kind, &parts)
    }

    fn over(kind: &str, parts: &[&[u8]]) -> Self {
        let mut cx = Context::new(&SHA256);
        for part in [kind.as_bytes()].iter().chain(parts) {
            cx.update(&(part.len() as u64).to_be_bytes());
            cx.update(part);
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&cx.finish().as_ref()[..16]);
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Of a guid, which means something within its source only.
pub fn guid(source: &SourceName, guid: &str) -> Fingerprint {
    Fingerprint::of("guid", &[source.as_str(), guid])
}

pub fn link(url: &Url) -> Fingerprint {
    Fingerprint::of("link", &[&canonical(url)])
}

/// Ignores case, punctuation and spacing.
pub fn title(title: &str) -> Fingerprint {
    Fingerprint::of("title", &[&joined(title)])
}

/// Of all that an entry can be known by within its source: guid, link and title together, and the
/// text where there is neither guid nor link.
pub fn exact(source: &SourceName, entry: &Entry) -> Fingerprint {
    let guid = entry.guid.as_deref().unwrap_or_default();
    let link = entry.url.as_ref().map(canonical).unwrap_or_default();
    let text = match (guid, link.as_str()) {
        ("", "") => entry.content.as_ref().or(entry.summary.as_ref()),
        _ => None,
    };
    let text = text.map(String::as_str).unwrap_or_default();
    let title = joined(&entry.title);
    Fingerprint::of("exact", &[source.as_str(), guid, &link, &title, text])
}

/// Of a plain text, equal for reprints of it.
///
/// None for a text that is too short to tell anything.
pub fn text(title: &str, text: &str) -> Option<Fingerprint> {
    let mut joined = joined(text);
    if words(text).take(SHORT).count() < SHORT {
        joined = [self::joined(title), joined].join(" ");
    }
    let is_telling = words(&joined).take(TELLING).count() == TELLING;
    is_telling.then(|| Fingerprint::of("text", &[&joined]))
}

/// Of everything that a reader sees: an equal one means that nothing changed.
///
/// Links count in their canonical form, so that a move to https revises nothing. Dates do not
/// count: many feeds state the time of the request.
pub fn revision(entry: &Entry) -> Fingerprint {
    let url = entry.url.as_ref().map(canonical);
    let authors = entry
        .authors
        .iter()
        .map(|author| (&author.name, &author.url));
    let named = entry
        .named_related
        .iter()
        .map(|link| (canonical(&link.url), &link.title));
    let seen = (
        (
            &url,
            &entry.title,
            &entry.summary,
            &entry.content,
            &entry.language,
        ),
        (
            authors.collect::<Vec<_>>(),
            &entry.tags,
            &entry.picture,
            &entry.attachments,
        ),
        (named.collect::<Vec<_>>(), &entry.source),
    );
    let bytes = postcard::to_stdvec(&seen).expect("texts, lists and numbers always serialize");
    Fingerprint::over("revision", &[&bytes])
}

fn joined(text: &str) -> String {
    words(text).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_read_the_same_are_the_same() {
        #[track_caller]
        fn check(a: (&str, &str), b: (&str, &str), expected: Option<bool>) {
            let (a, b) = (text(a.0, a.1), text(b.0, b.1));
            assert_eq!(a.and_then(|a| Some(a == b?)), expected);
        }
        let long = "The fog bell rang for three days. ".repeat(8);
        let short = "The fog bell rang for three days";

        check(("One", &long), ("Two", &long), Some(true));
        check(
            ("One", &long),
            ("One", &long.to_uppercase().replace(". ", "\u{2014}\n")),
            Some(true),
        );
        check(
            ("One", &long),
            ("One", &format!("{long} Again.")),
            Some(false),
        );
        check(("One", short), ("One", short), Some(true));
        check(("One", short), ("Two", short), Some(false));
        check(("Fog", "Comments"), ("Fog", "Comments"), None);
        check(("", ""), ("", ""), None);
        check(
            ("", "霧の鐘は三日間鳴り続けた"),
            ("", "霧の鐘は三日間、鳴り続けた。"),
            Some(true),
        );
    }

    #[test]
    fn a_revision_is_what_readers_see() {
        let entry = Entry {
            guid: Some("1".to_owned()),
            url: Url::parse("http://www.a.example/1?utm_source=rss").ok(),
            title: "Fog bell".to_owned(),
            content: Some("<p>It rang.</p>".to_owned()),
            published: "2026-11-22T00:00:00Z".parse().ok(),
            ..Entry::default()
        };
        let unseen = Entry {
            guid: Some("urn:1".to_owned()),
            url: Url::parse("https://a.example/1").ok(),
            published: None,
            modified: "2026-11-23T00:00:00Z".parse().ok(),
            ..entry.clone()
        };
        let seen = [
            Entry {
                title: "Fog bells".to_owned(),
                ..entry.clone()
            },
            Entry {
                content: Some("<p>It rings.</p>".to_owned()),
                ..entry.clone()
            },
            Entry {
                url: Url::parse("http://a.example/2").ok(),
                ..entry.clone()
            },
            Entry {
                tags: vec!["sea".to_owned()],
                ..entry.clone()
            },
        ];

        assert_eq!(revision(&entry), revision(&unseen));
        for other in seen {
            assert_ne!(revision(&entry), revision(&other), "{other:?}");
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(
            Fingerprint::of("guid", &["a", "bc"]),
            Fingerprint::of("guid", &["ab", "c"])
        );
        assert_ne!(
            Fingerprint::of("guid", &["a"]),
            Fingerprint::of("link", &["a"])
        );
    }
}
