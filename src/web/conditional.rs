//! Answering only what the client does not have yet (RFC 9110, sections 8.8, 12.5.3 and 13), and
//! in a coding that it takes.

use std::io::Write;

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use flate2::{Compression, write::GzEncoder};
use ring::digest::{SHA256, digest};

/// A document in the codings it is served in, with validators that depend on nothing but itself:
/// a restart, another replica and another day give the same.
#[derive(Debug)]
pub(super) struct Representation {
    content_type: &'static str,
    cache_control: &'static str,
    /// Opaque part of the entity tags.
    tag: String,
    modified: Option<DateTime<Utc>>,
    plain: Bytes,
    gzip: Bytes,
}

impl Representation {
    pub(super) fn new(
        text: &str,
        content_type: &'static str,
        cache_control: &'static str,
        modified: Option<DateTime<Utc>>,
    ) -> Self {
        let hash = digest(&SHA256, text.as_bytes());
        Representation {
            content_type,
            cache_control,
            tag: hash.as_ref()[..16]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            modified,
            plain: Bytes::copy_from_slice(text.as_bytes()),
            gzip: gzip(text.as_bytes()).unwrap_or_default().into(),
        }
    }

    /// Answers a GET; the framework leaves out the body where it was a HEAD.
    pub(super) fn answer(&self, request: &HeaderMap) -> Response {
        let zipped = !self.gzip.is_empty() && takes_gzip(request);
        let mut response = if self.is_known(request) {
            StatusCode::NOT_MODIFIED.into_response()
        } else if zipped {
            self.gzip.clone().into_response()
        } else {
            self.plain.clone().into_response()
        };
        let full = response.status() == StatusCode::OK;

        // Two codings are two representations, and a strong tag names one (section 8.8.3.3).
        let suffix = if zipped { "-gzip" } else { "" };
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        };
        set(header::ETAG, &format!("\"{}{suffix}\"", self.tag));
        set(header::CACHE_CONTROL, self.cache_control);
        set(header::VARY, "Accept-Encoding");
        if let Some(modified) = self.modified {
            set(header::LAST_MODIFIED, &http_date(modified));
        }
        if full {
            set(header::CONTENT_TYPE, self.content_type);
            if zipped {
                set(header::CONTENT_ENCODING, "gzip");
            }
        }
        response
    }

    /// `If-None-Match` wins over `If-Modified-Since`, even where it does not match.
    fn is_known(&self, request: &HeaderMap) -> bool {
        let mut tags = request.get_all(header::IF_NONE_MATCH).iter().peekable();
        if tags.peek().is_some() {
            return tags
                .filter_map(|list| list.to_str().ok())
                .any(|list| self.is_among(list));
        }
        let since = request
            .get(header::IF_MODIFIED_SINCE)
            .and_then(|value| value.to_str().ok());
        let since = since.and_then(|text| DateTime::parse_from_rfc2822(text.trim()).ok());
        match (since, self.modified) {
            (Some(since), Some(modified)) => modified.timestamp() <= since.timestamp(),
            _ => false,
        }
    }

    /// Compares weakly, and forgives what servers in between do to a tag: Apache appends `-gzip`,
    /// others `;gzip` or `:br`, nginx makes it weak, and some clients lose the quotes.
    fn is_among(&self, list: &str) -> bool {
        list.split(',').map(str::trim).any(|tag| {
            let opaque = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
            let rest = opaque.strip_prefix(&self.tag);
            tag == "*"
                || rest
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', ';', ':', '+']))
        })
    }
}

/// The date in the header is left at zero: equal texts give equal bytes.
fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Tells whether gzip is acceptable and not less welcome than no coding at all.
fn takes_gzip(request: &HeaderMap) -> bool {
    let (mut gzip, mut any, mut identity) = (None, None, None);
    let lists = request.get_all(header::ACCEPT_ENCODING).iter();
    for item in lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
    {
        let mut parts = item.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let weight: f32 = weight
            .map_or(Some(1.0), |q| q.trim().parse().ok())
            .unwrap_or(0.0);
        match coding.as_str() {
            "gzip" | "x-gzip" => gzip = Some(weight),
            "*" => any = Some(weight),
            "identity" => identity = Some(weight),
            _ => {}
        }
    }
    let gzip = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

/// The fixed form of section 5.6.7.
fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Representation {
        let modified = DateTime::from_timestamp(1_000_000_000, 900_000_000);
        Representation::new("Some text.", "text/plain", "public, max-age=900", modified)
    }

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        let fields = fields
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()));
        fields.collect()
    }

    #[track_caller]
    fn check(fields: &[(HeaderName, &str)], expected: u16) {
        let response = document().answer(&headers(fields));
        assert_eq!(response.status().as_u16(), expected, "{fields:?}");
    }

    #[test]
    fn a_tag_is_recognised_through_what_proxies_do_to_it() {
        let tag = document().tag;
        for known in [
            format!("\"{tag}\""),
            format!("W/\"{tag}\""),
            format!("\"{tag}-gzip\""),
            format!("W/\"{tag}-gzip\""),
            format!("\"{tag};gzip\""),
            format!("\"{tag}:br\""),
            format!("\"{tag}--gzip\""),
            tag.clone(),
            format!("\"other\", \"{tag}\""),
            "*".to_owned(),
        ] {
            check(&[(header::IF_NONE_MATCH, &known)], 304);
        }
        check(&[(header::IF_NONE_MATCH, "\"other\"")], 200);
        check(&[(header::IF_NONE_MATCH, &format!("\"{tag}0\""))], 200);
        check(&[(header::IF_NONE_MATCH, "")], 200);
        check(&[], 200);
    }

    #[test]
    fn a_date_counts_only_where_no_tag_is_given() {
        let same = "Sun, 09 Sep 2001 01:46:40 GMT";
        check(&[(header::IF_MODIFIED_SINCE, same)], 304);
        check(
            &[(header::IF_MODIFIED_SINCE, "Sun, 09 Sep 2001 01:46:39 GMT")],
            200,
        );
        check(&[(header::IF_MODIFIED_SINCE, "yesterday")], 200);
        check(
            &[
                (header::IF_MODIFIED_SINCE, same),
                (header::IF_NONE_MATCH, "\"x\""),
            ],
            200,
        );
    }

    #[test]
    fn an_answer_without_a_body_has_the_same_validators() {
        let response = document().answer(&headers(&[(header::IF_NONE_MATCH, "*")]));

        assert_eq!(
            response.headers()[header::ETAG],
            format!("\"{}\"", document().tag)
        );
        assert_eq!(
            response.headers()[header::LAST_MODIFIED],
            "Sun, 09 Sep 2001 01:46:40 GMT"
        );
        assert_eq!(
            response.headers()[header::CACHE_CONTROL],
            "public, max-age=900"
        );
        assert_eq!(response.headers()[header::VARY], "Accept-Encoding");
        assert!(!response.headers().contains_key(header::CONTENT_TYPE));
    }

    #[test]
    fn gzip_is_sent_to_those_who_want_it_under_a_tag_of_its_own() {
        for (accept, expected) in [
            ("gzip, deflate, br", true),
            ("br;q=1, gzip;q=0.5", true),
            ("*", true),
            ("X-GZIP", true),
            ("gzip;q=0", false),
            ("*;q=0", false),
            ("gzip;q=0.2, identity", false),
            ("gzip;q=0, *", false),
            ("gzip;q=oops", false),
            ("br", false),
            ("", false),
        ] {
            let response = document().answer(&headers(&[(header::ACCEPT_ENCODING, accept)]));
            let zipped = response.headers().contains_key(header::CONTENT_ENCODING);
            assert_eq!(zipped, expected, "{accept}");
            let tag = response.headers()[header::ETAG].to_str().unwrap();
            assert_eq!(tag.ends_with("-gzip\""), expected, "{accept}");
        }
    }

    #[test]
    fn equal_texts_have_equal_bytes_and_tags() {
        assert_eq!(document().gzip, document().gzip);
        assert_eq!(document().tag, document().tag);
    }
}
