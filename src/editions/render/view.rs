//! What templates are given to show.
//!
//! Plain values only. Dates are RFC 3339 in the zone they are meant to be read in. Addresses within
//! the site come as `path` for pages, which may be seen under another host (behind a proxy, on a
//! test machine), and as `url` for mail, which has no other place to start from.

mod article;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::editions::{Digest, Edition, Site, feed::Format};
pub use article::{ArticleView, PictureView, Size};

#[derive(Clone, Debug, Serialize)]
pub struct SiteView<'a> {
    pub title: &'a str,
    pub base_url: &'a str,
    /// The path of the base address: `/`, or `/news/`.
    pub path: &'a str,
    pub language: &'a str,
    pub dir: &'static str,
    pub postal_address: &'a str,
}

impl<'a> SiteView<'a> {
    pub fn new(site: &'a Site) -> Self {
        SiteView {
            title: &site.title,
            base_url: site.base_url.as_str(),
            path: site.base_url.path(),
            language: &site.language,
            dir: direction(&site.language),
            postal_address: &site.postal_address,
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct EditionView<'a> {
    pub slug: &'a str,
    pub title: &'a str,
    pub description: &'a str,
    pub path: String,
    pub url: String,
    pub feeds: Vec<FeedView>,
    /// The names of its digests; empty where it has feeds only.
    pub digests: Vec<&'a str>,
}

#[derive(Clone, Debug, Serialize)]
pub struct FeedView {
    pub label: &'static str,
    pub media_type: &'static str,
    pub path: String,
}

impl<'a> EditionView<'a> {
    pub fn new(edition: &'a Edition, site: &Site) -> Self {
        let url = site.address(&format!("e/{}", edition.slug));
        EditionView {
            slug: edition.slug.as_str(),
            title: &edition.title,
            description: &edition.description,
            path: url.path().to_owned(),
            feeds: Format::ALL
                .into_iter()
                .map(|format| FeedView {
                    label: format.label(),
                    media_type: format.media_type(),
                    path: format!("{}/{}", url.path(), format.file_name()),
                })
                .collect(),
            digests: edition
                .digests
                .iter()
                .map(|rule| rule.name.as_str())
                .collect(),
            url: url.into(),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct DigestLink {
    pub number: u32,
    pub date: String,
    pub path: String,
}

impl DigestLink {
    pub fn new(digest: &Digest, site: &Site) -> Self {
        let url = site.address(&format!("e/{}/{}", digest.edition, digest.number));
        DigestLink {
            number: digest.number,
            date: local(digest.slot, site.zone),
            path: url.path().to_owned(),
        }
    }
}

/// A page of the site with what it shows.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Page<'a> {
    Index {
        fronts: Vec<Front<'a>>,
    },
    Edition {
        edition: EditionView<'a>,
        articles: Vec<ArticleView<'a>>,
        digests: Vec<DigestLink>,
    },
    Digest {
        edition: EditionView<'a>,
        digest: DigestLink,
        articles: Vec<ArticleView<'a>>,
        older: Option<DigestLink>,
        newer: Option<DigestLink>,
    },
    Article {
        article: Box<ArticleView<'a>>,
        editions: Vec<EditionView<'a>>,
    },
    Subscribe {
        editions: Vec<EditionView<'a>>,
        chosen: Option<&'a str>,
        problem: Option<&'a str>,
    },
    Asked {
        edition: EditionView<'a>,
    },
    Confirm {
        edition: EditionView<'a>,
        /// Masked.
        address: Option<String>,
    },
    Confirmed {
        edition: EditionView<'a>,
    },
    Unsubscribe {
        edition: EditionLink,
        /// Masked.
        address: Option<String>,
    },
    Unsubscribed {
        edition: EditionLink,
        everything: bool,
    },
    /// A folder of mails as a reader sees them.
    Mailbox {
        letters: Vec<Letter>,
        current: Option<Letter>,
    },
    Message {
        title: &'a str,
        text: &'a str,
    },
}

/// A mail that was written to a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// From 1, oldest first.
    pub number: usize,
    pub from: String,
    pub to: String,
    pub subject: String,
    /// RFC 3339; empty where the mail has none.
    pub date: String,
    pub text: String,
    pub size_kb: usize,
}

/// An edition with its latest articles.
#[derive(Clone, Debug, Serialize)]
pub struct Front<'a> {
    pub edition: EditionView<'a>,
    pub articles: Vec<ArticleView<'a>>,
}

/// An edition that may be gone, while the links in its mail must go on working.
#[derive(Clone, Debug, Serialize)]
pub struct EditionLink {
    pub title: String,
    pub path: String,
}

impl Page<'_> {
    pub fn template(&self) -> &'static str {
        match self {
            Page::Index { .. } => "web/index.html",
            Page::Edition { .. } => "web/edition.html",
            Page::Digest { .. } => "web/digest.html",
            Page::Article { .. } => "web/article.html",
            Page::Subscribe { .. } => "web/subscribe.html",
            Page::Asked { .. } => "web/asked.html",
            Page::Confirm { .. } => "web/confirm.html",
            Page::Confirmed { .. } => "web/confirmed.html",
            Page::Unsubscribe { .. } => "web/unsubscribe.html",
            Page::Unsubscribed { .. } => "web/unsubscribed.html",
            Page::Mailbox { .. } => "web/mailbox.html",
            Page::Message { .. } => "web/message.html",
        }
    }
}

fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).to_rfc3339()
}

/// Which way a language (BCP 47) is written, by its primary subtag, or by its script if it names one.
fn direction(language: &str) -> &'static str {
    const RIGHT_TO_LEFT: [&str; 11] = [
        "ar", "arc", "ckb", "dv", "fa", "he", "iw", "ps", "sd", "ur", "yi",
    ];
    const SCRIPTS: [&str; 5] = ["arab", "hebr", "thaa", "syrc", "nkoo"];
    let language = language.to_ascii_lowercase();
    let mut subtags = language.split('-');
    let primary = subtags.next().unwrap_or_default();
    let rtl = match subtags.find(|subtag| subtag.len() == 4) {
        Some(script) => SCRIPTS.contains(&script),
        None => RIGHT_TO_LEFT.contains(&primary),
    };
    if rtl { "rtl" } else { "ltr" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_a_direction() {
        for (language, expected) in [
            ("en", "ltr"),
            ("ar-EG", "rtl"),
            ("HE", "rtl"),
            ("az-Arab", "rtl"),
            ("ur-Latn", "ltr"),
            ("", "ltr"),
        ] {
            assert_eq!(direction(language), expected, "{language}");
        }
    }
}
