//! What templates are given to show.
//!
//! Plain values only. Dates are RFC 3339 in the zone they are meant to be read in. Addresses within
//! the site come as `path` for pages, which may be seen under another host (behind a proxy, on a
//! test machine), and as `url` for mail, which has no other place to start from.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::{
    editions::{Digest, Edition, Published, RelatedLink, Site, feed::Format},
    parts::Picture,
};

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
pub struct ArticleView<'a> {
    pub id: u64,
    pub title: String,
    /// The publisher's page, or ours where there is none.
    pub url: &'a str,
    /// Our page.
    pub path: String,
    /// `url` leads away from this site.
    pub elsewhere: bool,
    pub source: &'a str,
    pub carriers: &'a [String],
    pub authors: Vec<&'a str>,
    pub published: String,
    pub language: &'a str,
    pub dir: &'static str,
    /// Plain text.
    pub summary: &'a str,
    /// Sanitised.
    pub html: &'a str,
    pub picture: Option<PictureView<'a>>,
    /// `html` shows the picture itself.
    pub pictured: bool,
    pub related: &'a [RelatedLink],
}

impl<'a> ArticleView<'a> {
    pub fn new(published: &'a Published, site: &'a Site, zone: Tz) -> Self {
        let article = &published.article;
        let page = site.address(&format!("articles/{}", article.id));
        let language = article.language.as_deref().unwrap_or(&site.language);
        ArticleView {
            id: article.id.0,
            title: article.heading().to_owned(),
            url: published.url.as_str(),
            path: page.path().to_owned(),
            elsewhere: !published.url.as_str().starts_with(site.base_url.as_str()),
            source: &published.source,
            carriers: &published.carriers,
            authors: article
                .authors
                .iter()
                .filter_map(|a| a.name.as_deref())
                .collect(),
            published: local(article.published, zone),
            language,
            dir: direction(language),
            summary: match article.summary.as_str() {
                "" => &published.body.text,
                summary => summary,
            },
            html: &published.body.html,
            picture: article.picture.as_ref().and_then(PictureView::new),
            pictured: published.shows_picture(),
            related: &published.related,
        }
    }

    pub fn all(published: &'a [Published], site: &'a Site, zone: Tz) -> Vec<Self> {
        published
            .iter()
            .map(|one| Self::new(one, site, zone))
            .collect()
    }
}

/// A picture with a size for each place it is shown in: without one, mail and pages jump while
/// they load.
#[derive(Clone, Debug, Serialize)]
pub struct PictureView<'a> {
    pub url: &'a str,
    /// Empty where nobody described it.
    pub alt: &'a str,
    pub caption: &'a str,
    pub credit: Option<&'a str>,
    pub width: u32,
    pub height: u32,
    /// Across a mail.
    pub wide: Size,
    /// Beside a headline.
    pub small: Size,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl<'a> PictureView<'a> {
    /// None for what is too small to be a picture: icons, and the dots that count readers.
    fn new(picture: &'a Picture) -> Option<Self> {
        const LEAST: u32 = 48;
        // Most pictures of the press are 3:2. Where that is wrong the style still lets the picture
        // take its own height.
        let (width, height) = match (picture.width, picture.height) {
            (Some(width), Some(height)) => (width, height),
            (Some(width), None) => (width, width.saturating_mul(2) / 3),
            (None, Some(height)) => (height.saturating_mul(3) / 2, height),
            (None, None) => (1200, 800),
        };
        if width < LEAST || height < LEAST {
            return None;
        }
        let size = Size { width, height };
        Some(PictureView {
            url: picture.url.as_str(),
            alt: picture.alt.as_deref().unwrap_or_default(),
            caption: picture.caption.as_deref().unwrap_or_default(),
            credit: picture
                .credit
                .as_deref()
                .filter(|credit| !credit.is_empty()),
            width,
            height,
            wide: size.within(560, 460),
            small: size.within(96, 120),
        })
    }
}

impl Size {
    /// The largest of the same shape in a box of that size, never enlarged.
    fn within(self, width: u32, height: u32) -> Size {
        let scale = |a: u32, b: u32, c: u32| {
            let scaled = u64::from(a) * u64::from(b) / u64::from(c.max(1));
            u32::try_from(scaled).unwrap_or(u32::MAX).max(1)
        };
        let mut size = self;
        if size.width > width {
            size = Size {
                width,
                height: scale(size.height, width, size.width),
            };
        }
        if size.height > height {
            size = Size {
                width: scale(size.width, height, size.height),
                height,
            };
        }
        size
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

    #[test]
    fn a_picture_keeps_its_shape_in_every_place() {
        let size = |width, height| Size { width, height };

        assert_eq!(size(1200, 800).within(560, 460), size(560, 373));
        assert_eq!(size(300, 200).within(560, 460), size(300, 200));
        assert_eq!(size(500, 5000).within(560, 460), size(46, 460));
        assert_eq!(size(u32::MAX, 1).within(96, 120), size(96, 1));
    }
}
