//! Mail and pages from templates.
//!
//! The templates that come with the program can be replaced file by file. Whatever takes part is
//! compiled and tried on a sample when it is loaded, so that a typing error is found by whoever
//! made it, and not by the next digest.

mod filter;
mod load;
mod sample;
pub mod view;

use std::io;

use chrono::DateTime;
use chrono_tz::Tz;
use minijinja::{
    Environment,
    value::{Serde, Value},
};
use serde::Serialize;

use super::{Edition, Published, Site};
use crate::{delivery::Mark, subscribers::address::EmailAddress};
pub use load::TemplateProblem;
use view::{ArticleView, EditionView, Page, SiteView};

/// Gmail cuts a message off after some 102 KB, and with it the way to unsubscribe. A recipient's
/// own links are longer than the marks that hold their places; 2 KB are kept for them.
pub const MAX_HTML_BYTES: usize = 100_000 - 2_000;

/// The longest result of one rendering. Fuel does not count the bytes that one step yields.
const MAX_OUTPUT_BYTES: usize = 8_000_000;

/// The three files of a mail.
const ROLES: [&str; 3] = ["subject.txt", "body.txt", "body.html"];

const STYLE: &str = "web/style.css";

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../templates/", $name)))),+]
    };
}

/// The templates that come with the program, by their names below `templates`.
pub const SHIPPED: &[(&str, &str)] = shipped![
    "mail/digest/subject.txt",
    "mail/digest/body.txt",
    "mail/digest/body.html",
    "mail/confirm/subject.txt",
    "mail/confirm/body.txt",
    "mail/confirm/body.html",
    "web/base.html",
    "web/parts.html",
    "web/index.html",
    "web/edition.html",
    "web/digest.html",
    "web/article.html",
    "web/subscribe.html",
    "web/asked.html",
    "web/confirm.html",
    "web/confirmed.html",
    "web/unsubscribe.html",
    "web/unsubscribed.html",
    "web/mailbox.html",
    "web/message.html",
    "web/style.css",
];

/// Every template, ready to use.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    style: String,
}

#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("cannot render {template}")]
    Template {
        template: String,
        #[source]
        source: minijinja::Error,
    },
    /// Not even one article fits.
    #[error("{template} yields more than {MAX_HTML_BYTES} bytes for a single article")]
    TooLarge { template: String },
}

/// A mail, with marks where a recipient's own links belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub html: String,
    pub text: String,
}

/// What a digest says.
#[derive(Clone, Debug)]
pub struct DigestView<'a> {
    pub site: &'a Site,
    pub edition: &'a Edition,
    pub number: u32,
    /// In the zone of the digest's schedule.
    pub date: DateTime<Tz>,
    pub articles: &'a [Published],
    /// Articles of the digest that are not among `articles`.
    pub left_out: usize,
}

/// What a request to confirm says.
#[derive(Clone, Debug)]
pub struct ConfirmView<'a> {
    pub site: &'a Site,
    pub edition: &'a Edition,
    pub address: &'a EmailAddress,
    pub requested: DateTime<Tz>,
}

impl Templates {
    /// Tells whether there is a folder of that name under `mail`.
    pub fn has_mail(&self, template: &str) -> bool {
        let name = format!("mail/{template}/body.html");
        self.environment.get_template(&name).is_ok()
    }

    /// The style sheet of the pages.
    pub fn style(&self) -> &str {
        &self.style
    }

    /// Renders a digest with as many of its articles as its HTML may hold; those beyond are counted
    /// in it, and wait on the web.
    pub fn digest(&self, template: &str, digest: &DigestView<'_>) -> Result<Rendered, RenderError> {
        let count =
            |views: &[ArticleView<'_>]| views.iter().map(ArticleView::n_articles).sum::<usize>();
        let articles = ArticleView::all(digest.articles, digest.site, digest.date.timezone());
        let context = |shown: usize| {
            let path = format!("e/{}/{}", digest.edition.slug, digest.number);
            let shown_articles = &articles[..shown];
            let preheader: Vec<&str> = shown_articles.iter().map(|a| a.title.as_str()).collect();
            Value::from(Serde(DigestContext {
                site: SiteView::new(digest.site),
                edition: EditionView::new(digest.edition, digest.site),
                number: digest.number,
                date: digest.date.to_rfc3339(),
                articles: shown_articles,
                left_out: digest.left_out + count(&articles[shown..]),
                preheader: filter::clip(&preheader.join(" · "), 120),
                archive: digest.site.address(&path).into(),
                unsubscribe: Mark::Unsubscribe.text(),
            }))
        };
        let html = |shown| self.render(&mail(template, "body.html"), context(shown));
        let fits = |shown| Ok::<_, RenderError>(html(shown)?.len() <= MAX_HTML_BYTES);

        let mut shown = articles.len();
        if !fits(shown)? {
            let mut too_many = shown;
            shown = 0;
            while shown + 1 < too_many {
                let middle = shown.midpoint(too_many);
                if fits(middle)? {
                    shown = middle;
                } else {
                    too_many = middle;
                }
            }
            if shown == 0 {
                let template = mail(template, "body.html");
                return Err(RenderError::TooLarge { template });
            }
        }
        self.mail(template, &context(shown))
    }

    /// Renders the request to confirm a subscription.
    pub fn confirmation(&self, confirm: &ConfirmView<'_>) -> Result<Rendered, RenderError> {
        let context = Value::from(Serde(ConfirmContext {
            site: SiteView::new(confirm.site),
            edition: EditionView::new(confirm.edition, confirm.site),
            address: confirm.address.as_str(),
            requested: confirm.requested.to_rfc3339(),
            confirm: Mark::Confirm.text(),
            unsubscribe: Mark::Unsubscribe.text(),
        }));
        self.mail("confirm", &context)
    }

    /// Renders a page of the site.
    pub fn page(&self, site: &Site, page: &Page<'_>) -> Result<String, RenderError> {
        let site = SiteView::new(site);
        self.render(
            page.template(),
            Value::from(Serde(PageContext { site, page })),
        )
    }

    fn mail(&self, template: &str, context: &Value) -> Result<Rendered, RenderError> {
        let [subject, text, html] = ROLES;
        let subject = self.render(&mail(template, subject), context.clone())?;
        Ok(Rendered {
            subject: filter::one_line(&subject),
            text: self.render(&mail(template, text), context.clone())?,
            html: self.render(&mail(template, html), context.clone())?,
        })
    }

    fn render(&self, template: &str, context: Value) -> Result<String, RenderError> {
        let failed = |source| RenderError::Template {
            template: template.to_owned(),
            source,
        };
        let mut output = Capped(Vec::new());
        self.environment
            .get_template(template)
            .and_then(|found| found.render_captured_to(context, &mut output).map(drop))
            .map_err(failed)?;
        // Only whole pieces of text were written.
        Ok(String::from_utf8(output.0).unwrap_or_default())
    }
}

fn mail(template: &str, role: &str) -> String {
    format!("mail/{template}/{role}")
}

/// Refuses what goes beyond [`MAX_OUTPUT_BYTES`].
struct Capped(Vec<u8>);

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT_BYTES {
            return Err(io::Error::other("the result is too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Serialize)]
struct DigestContext<'a> {
    site: SiteView<'a>,
    edition: EditionView<'a>,
    number: u32,
    date: String,
    articles: &'a [ArticleView<'a>],
    left_out: usize,
    preheader: String,
    archive: String,
    unsubscribe: &'static str,
}

#[derive(Serialize)]
struct ConfirmContext<'a> {
    site: SiteView<'a>,
    edition: EditionView<'a>,
    address: &'a str,
    requested: String,
    confirm: &'static str,
    unsubscribe: &'static str,
}

#[derive(Serialize)]
struct PageContext<'a> {
    site: SiteView<'a>,
    #[serde(flatten)]
    page: &'a Page<'a>,
}

#[cfg(test)]
mod tests;
