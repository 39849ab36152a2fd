//! Articles as templates are given them.

use chrono_tz::Tz;
use serde::Serialize;

use super::{direction, local};
use crate::{
    editions::{Published, RelatedLink, Site},
    parts::Picture,
};

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
    /// Without those among `more`.
    pub related: Vec<&'a RelatedLink>,
    /// Further articles of its story that are shown with it.
    pub more: Vec<ArticleView<'a>>,
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
            related: published.related.iter().collect(),
            more: Vec::new(),
        }
    }

    /// Shows what follows each other of one story as one, under the first of it.
    pub fn all(published: &'a [Published], site: &'a Site, zone: Tz) -> Vec<Self> {
        let is_one_story = |a: &Published, b: &Published| a.article.story == b.article.story;
        published
            .chunk_by(is_one_story)
            .filter_map(|story| {
                let (first, more) = story.split_first()?;
                let is_shown = |link: &&RelatedLink| more.iter().any(|one| one.url == link.url);
                let mut view = Self::new(first, site, zone);
                view.related.retain(|link| !is_shown(link));
                let more = more.iter().map(|one| Self::new(one, site, zone));
                view.more = more.collect();
                Some(view)
            })
            .collect()
    }

    /// How many articles it shows.
    pub fn n_articles(&self) -> usize {
        1 + self.more.len()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_keeps_its_shape_in_every_place() {
        let size = |width, height| Size { width, height };

        assert_eq!(size(1200, 800).within(560, 460), size(560, 373));
        assert_eq!(size(300, 200).within(560, 460), size(300, 200));
        assert_eq!(size(500, 5000).within(560, 460), size(46, 460));
        assert_eq!(size(u32::MAX, 1).within(96, 120), size(96, 1));
    }
}
