//! From an entry to what a reader sees of it.

use chrono::{DateTime, Utc};
use url::Url;

use super::{defect::AHEAD, media, named, sanitize, text};
use crate::{
    id::ArticleId,
    library::{Article, Body, Mail},
    parts::{NamedLink, Picture},
    sources::{Source, entry::Entry},
};

/// The longest summary, in characters.
const SUMMARY: usize = 400;

/// No feed is older than the web; an earlier date is a default of somebody's software.
const EARLIEST_YEAR: i32 = 1990;

/// The readable part of an entry: sanitised once, here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readable {
    pub body: Body,
    pub summary: String,
    pub named_related: Vec<NamedLink>,
    pub picture: Option<Picture>,
}

/// Sanitises an entry's HTML, takes the `Related:` lines out of it, and makes its plain text.
pub fn readable(entry: &Entry, home: &Url) -> Readable {
    let base = entry.base_or(home);
    let raw = entry
        .content
        .as_deref()
        .or(entry.summary.as_deref())
        .unwrap_or_default();
    let (raw, mut named_related) = named::named_related(raw, base);
    named::add(&mut named_related, entry.named_related.clone());
    let html = sanitize::html(&raw, Some(base));
    let body = Body {
        text: text::from_html(&html),
        html,
    };
    let summary = match (&entry.summary, &entry.content) {
        (Some(summary), Some(_)) => text::summary(&text::from_html(summary), SUMMARY),
        _ => text::summary(&body.text, SUMMARY),
    };
    Readable {
        body,
        summary,
        named_related,
        picture: picture(entry, base),
    }
}

/// The lead picture of an entry: the one it states, else the first large one of its text, whose
/// relative addresses start from `base`.
pub fn picture(entry: &Entry, base: &Url) -> Option<Picture> {
    let html = || entry.content.as_deref().or(entry.summary.as_deref());
    let stated = entry.picture.clone();
    stated.or_else(|| media::first_in(html()?, base))
}

/// Makes the article that `entry` of `source` becomes, and its text.
pub fn article(
    id: ArticleId,
    source: &Source,
    entry: Entry,
    readable: Readable,
    mail: Mail,
    now: DateTime<Utc>,
) -> (Article, Body) {
    let Readable {
        body,
        summary,
        named_related,
        picture,
    } = readable;
    let title = match entry.title.as_str() {
        // Some feeds, microblogs above all, have no titles; a reader still needs something to click on.
        "" => text::summary(&body.text, 80),
        _ => entry.title,
    };
    let article = Article {
        id,
        source: source.name.clone(),
        guid: entry.guid,
        url: entry
            .url
            .filter(|url| matches!(url.scheme(), "http" | "https")),
        title,
        summary,
        authors: entry.authors,
        tags: entry.tags,
        topics: source.topics.clone(),
        language: entry.language,
        picture,
        attachments: entry.attachments,
        named_related,
        published: believable(entry.published.or(entry.modified), now),
        first_seen: now,
        revised: None,
        reprints: Vec::new(),
        related: Vec::new(),
        story: id,
        mail,
    };
    (article, body)
}

/// A stated date that can be true; else the moment we first saw the entry.
fn believable(stated: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
    use chrono::Datelike;
    stated
        .filter(|date| *date <= now + AHEAD && date.year() >= EARLIEST_YEAR)
        .unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_to_come_or_before_the_web_is_not_believed() {
        let now: DateTime<Utc> = "2026-11-23T08:00:00Z".parse().unwrap();
        #[track_caller]
        fn check(stated: &str, now: DateTime<Utc>, expected: &str) {
            assert_eq!(
                believable(stated.parse().ok(), now),
                expected.parse::<DateTime<Utc>>().unwrap(),
                "{stated}"
            );
        }
        check("2026-11-22T08:00:00Z", now, "2026-11-22T08:00:00Z");
        check("2026-11-23T08:30:00Z", now, "2026-11-23T08:30:00Z");
        check("2031-01-01T00:00:00Z", now, "2026-11-23T08:00:00Z");
        check("1970-01-01T00:00:00Z", now, "2026-11-23T08:00:00Z");
        check("", now, "2026-11-23T08:00:00Z");
    }

    #[test]
    fn a_reader_sees_sanitised_html_and_related_lines_are_taken_out() {
        let home = Url::parse("https://news.example/").unwrap();
        let entry = Entry {
            url: Some(home.join("ferry").unwrap()),
            content: Some("<p onclick=\"x()\">The ferry is back.</p><script>alert(1)</script><p>Related: <a href=\"/pier\">The old pier</a></p>".to_owned()),
            ..Entry::default()
        };
        let readable = readable(&entry, &home);

        assert_eq!(readable.body.html.trim(), "<p>The ferry is back.</p>");
        assert_eq!(readable.body.text, "The ferry is back.");
        assert_eq!(readable.summary, "The ferry is back.");
        assert_eq!(
            readable.named_related,
            [NamedLink {
                url: home.join("pier").unwrap(),
                title: "The old pier".to_owned()
            }]
        );
    }
}
