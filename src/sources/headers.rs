//! What HTTP headers say about a document's state and about when to come again.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{Validators, entry::Hub};

/// Hubs of one document; what follows is left out.
const MOST_HUBS: usize = 5;

/// RFC 9110, section 13.1, with the bytes that the server gave.
pub(super) fn conditions(validators: &Validators) -> HeaderMap {
    [
        (header::IF_NONE_MATCH, &validators.etag),
        (header::IF_MODIFIED_SINCE, &validators.last_modified),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, HeaderValue::from_bytes(value.as_ref()?).ok()?)))
    .collect()
}

/// Those that the answer of `url` bears.
pub(super) fn validators_of(headers: &HeaderMap, url: &Url) -> Validators {
    let bytes = |name| {
        headers
            .get(name)
            .map(|value: &HeaderValue| value.as_bytes().to_vec())
    };
    Validators {
        url: Some(url.clone()),
        etag: bytes(header::ETAG),
        last_modified: bytes(header::LAST_MODIFIED),
    }
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `Cache-Control: max-age`, else `Expires` less `Date` (RFC 9111, section 4.2.1).
pub(super) fn max_age(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let stated = headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|directive| {
            let (name, value) = directive.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("max-age")
                .then(|| value.trim().trim_matches('"'))
        });
    match stated {
        Some(seconds) => seconds.parse().ok().map(Duration::from_secs),
        None => {
            let expires = http_date(text(headers, &header::EXPIRES)?)?;
            let from = text(headers, &header::DATE)
                .and_then(http_date)
                .unwrap_or(now);
            (expires - from).to_std().ok()
        }
    }
}

/// The hubs and the name of its own that an answer from `at` states in its `Link` headers (WebSub,
/// section 4). None unless there are both.
pub(super) fn hub(headers: &HeaderMap, at: &Url) -> Option<Hub> {
    let mut hubs = Vec::new();
    let mut topic = None;
    let values = headers.get_all(header::LINK).iter();
    for value in values.filter_map(|value| value.to_str().ok()) {
        for (target, rels) in links(value) {
            let Ok(url) = at.join(target) else { continue };
            for rel in rels.split_ascii_whitespace() {
                if rel.eq_ignore_ascii_case("hub") && hubs.len() < MOST_HUBS {
                    hubs.push(url.clone());
                } else if rel.eq_ignore_ascii_case("self") && topic.is_none() {
                    topic = Some(url.clone());
                }
            }
        }
    }
    match hubs.is_empty() {
        true => None,
        false => topic.map(|topic| Hub { hubs, topic }),
    }
}

/// The targets of a `Link` header with their relations (RFC 8288, section 3).
fn links(value: &str) -> Vec<(&str, &str)> {
    let mut links = Vec::new();
    let mut rest = value;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((target, after)) = after.split_once('>') else {
            break;
        };
        let end = unquoted(after, ',').unwrap_or(after.len());
        let mut parameters = &after[..end];
        rest = &after[end..];
        let mut rel = "";
        while let Some(parameter) = parameters.strip_prefix(|c: char| c == ';' || c.is_whitespace())
        {
            let end = unquoted(parameter, ';').unwrap_or(parameter.len());
            let (name, value) = parameter[..end].split_once('=').unwrap_or_default();
            if name.trim().eq_ignore_ascii_case("rel") && rel.is_empty() {
                rel = value.trim().trim_matches('"');
            }
            parameters = &parameter[end..];
        }
        links.push((target.trim(), rel));
    }
    links
}

/// Where the first `sign` outside quotation marks stands.
fn unquoted(text: &str, sign: char) -> Option<usize> {
    let mut is_quoted = false;
    text.char_indices().find_map(|(at, c)| {
        is_quoted ^= c == '"';
        (c == sign && !is_quoted).then_some(at)
    })
}

/// Seconds or a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let value = text(headers, &header::RETRY_AFTER)?.trim();
    match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => (http_date(value)? - now).to_std().ok(),
    }
}

/// The three forms that a recipient must read (RFC 9110, section 5.6.7).
fn http_date(text: &str) -> Option<DateTime<Utc>> {
    [
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y",
    ]
    .iter()
    .find_map(|form| NaiveDateTime::parse_from_str(text.trim(), form).ok())
    .map(|date| date.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn freshness_is_read_as_servers_state_it() {
        #[track_caller]
        fn check(lines: &[(&'static str, &'static str)], expected: Option<u64>) {
            let now = "2026-11-23T08:00:00Z".parse().unwrap();
            let age = max_age(&headers(lines), now);
            assert_eq!(age, expected.map(Duration::from_secs), "{lines:?}");
        }

        check(&[("cache-control", "public, max-age=600")], Some(600));
        check(&[("cache-control", "Max-Age=\"60\"")], Some(60));
        check(&[("cache-control", "s-maxage=5, no-transform")], None);
        check(&[("cache-control", "max-age=soon")], None);
        let expires = ("expires", "Mon, 23 Nov 2026 10:00:00 GMT");
        check(&[expires], Some(7200));
        check(
            &[expires, ("date", "Mon, 23 Nov 2026 09:00:00 GMT")],
            Some(3600),
        );
        check(&[expires, ("cache-control", "max-age=1")], Some(1));
        check(&[("expires", "Mon, 23 Nov 2026 07:00:00 GMT")], None);
        check(&[("expires", "0")], None);
        check(&[], None);
    }

    #[test]
    fn a_hub_is_read_from_link_headers_that_name_the_document_as_well() {
        #[track_caller]
        fn check(lines: &[&'static str], expected: Option<(&[&str], &str)>) {
            let lines: Vec<_> = lines.iter().map(|line| ("link", *line)).collect();
            let mut headers = HeaderMap::new();
            for (name, line) in &lines {
                headers.append(*name, HeaderValue::from_static(line));
            }
            let at = Url::parse("https://wire.example/feeds/all").unwrap();
            let hub = hub(&headers, &at);
            let found = hub.as_ref().map(|hub| {
                let hubs: Vec<&str> = hub.hubs.iter().map(Url::as_str).collect();
                (hubs, hub.topic.as_str())
            });
            let expected = expected.map(|(hubs, topic)| (hubs.to_vec(), topic));
            assert_eq!(found, expected, "{lines:?}");
        }
        let (hub, own) = ("https://hub.example/", "https://wire.example/feed");

        let both = "<https://hub.example/>; rel=\"hub\", <../feed>; rel=\"self\"";
        check(&[both], Some((&[hub], own)));
        check(
            &[
                "<https://hub.example/>;rel=hub",
                "</feed>; title=\"a, <b>; c\"; REL=self",
            ],
            Some((&[hub], own)),
        );
        check(
            &[
                "</feed>; rel=\"alternate Self\", <//hub.example>; rel=\"x hub\", <//b.example>; rel=hub",
            ],
            Some((&[hub, "https://b.example/"], own)),
        );
        check(&["<https://hub.example/>; rel=hub"], None);
        check(&["</feed>; rel=self"], None);
        check(&["<https://hub.example/; rel=hub, </feed>; rel=self"], None);
        check(&["</feed>; rel=\"self, <x>; rel=hub"], None);
        check(
            &["<>;;;; ; rel; =;rel=\"hub self\""],
            Some((
                &["https://wire.example/feeds/all"],
                "https://wire.example/feeds/all",
            )),
        );
        check(&["<http://[>; rel=hub, </feed>; rel=self"], None);
        check(&[], None);
    }

    #[test]
    fn a_wish_to_be_left_alone_is_read_as_seconds_or_date() {
        #[track_caller]
        fn check(value: &'static str, expected: Option<u64>) {
            let now = "1994-11-06T08:49:00Z".parse().unwrap();
            let wait = retry_after(&headers(&[("retry-after", value)]), now);
            assert_eq!(wait, expected.map(Duration::from_secs), "{value}");
        }

        check("120", Some(120));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(37));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some(37));
        check("Sun Nov  6 08:49:37 1994", Some(37));
        check("Sun, 06 Nov 1994 08:00:00 GMT", None);
        check("-1", None);
        check("later", None);
    }
}
