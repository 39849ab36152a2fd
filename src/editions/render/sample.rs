//! Values that templates are tried on: whatever may be absent is present in one of them and absent
//! in another.

use chrono::DateTime;
use url::Url;

use super::{
    ConfirmView, DigestView, RenderError, Rendered, Templates,
    view::{ArticleView, DigestLink, EditionLink, EditionView, Front, Letter, Page},
};
use crate::{
    editions::{Digest, Edition, Published, RelatedLink, Select, Site},
    id::{ArticleId, DigestName, EditionSlug, SourceName},
    library::{Article, Body, Mail},
    parts::{Author, Picture, Window},
    subscribers::address::EmailAddress,
};

pub(super) struct Sample {
    pub(super) site: Site,
    edition: Edition,
    articles: Vec<Published>,
    digest: Digest,
}

impl Sample {
    pub(super) fn new() -> Self {
        let slug = EditionSlug::parse("sample").expect("a fixed name is a name");
        let at = DateTime::UNIX_EPOCH;
        Sample {
            site: Site {
                title: "A site".to_owned(),
                base_url: address("/"),
                language: "en".to_owned(),
                zone: chrono_tz::UTC,
                postal_address: "1 Street\n2 Town".to_owned(),
                sender: mailbox(),
            },
            edition: Edition {
                slug: slug.clone(),
                title: "An edition".to_owned(),
                description: "What it is about.".to_owned(),
                select: Select::default(),
                max_articles: 30,
                min_articles: 1,
                max_per_story: 3,
                related: 3,
                digests: Vec::new(),
            },
            articles: vec![full(), bare(1), bare(2)],
            digest: Digest {
                edition: slug,
                name: DigestName::parse("daily").expect("a fixed name is a name"),
                number: 7,
                slot: at,
                window: Window { from: at, to: at },
                articles: Vec::new(),
                planned: true,
            },
        }
    }

    /// Renders the mails of the folder `template`, the first article being a full one and then a
    /// bare one.
    pub(super) fn mails(
        &self,
        templates: &Templates,
        template: &str,
    ) -> Vec<Result<Rendered, RenderError>> {
        let date = DateTime::UNIX_EPOCH.with_timezone(&self.site.zone);
        if template == "confirm" {
            return vec![templates.confirmation(&ConfirmView {
                site: &self.site,
                edition: &self.edition,
                address: &mailbox(),
                requested: date,
            })];
        }
        let digest = |articles, left_out| {
            let view = DigestView {
                site: &self.site,
                edition: &self.edition,
                number: 7,
                date,
                articles,
                left_out,
            };
            templates.digest(template, &view)
        };
        vec![
            digest(&self.articles[..], 0),
            digest(&self.articles[2..], 3),
        ]
    }

    /// Visits each page twice, once with all it can show and once with as little as it can.
    pub(super) fn pages(&self, mut visit: impl FnMut(&Page<'_>)) {
        let edition = || EditionView::new(&self.edition, &self.site);
        let articles = || ArticleView::all(&self.articles, &self.site, self.site.zone);
        let digest = || DigestLink::new(&self.digest, &self.site);
        let link = || EditionLink {
            title: self.edition.title.clone(),
            path: "/e/sample".to_owned(),
        };
        for full in [true, false] {
            let address = full.then(|| mailbox().masked());
            let text = full.then_some("sample");
            let some = usize::from(full);
            let mut pages = vec![
                Page::Index {
                    fronts: vec![
                        Front {
                            edition: edition(),
                            articles: articles()
                        };
                        some
                    ],
                },
                Page::Edition {
                    edition: edition(),
                    articles: articles().split_off(2 - 2 * some),
                    digests: vec![digest(); some],
                },
                Page::Digest {
                    edition: edition(),
                    digest: digest(),
                    articles: articles(),
                    older: full.then(digest),
                    newer: full.then(digest),
                },
                Page::Subscribe {
                    editions: vec![edition()],
                    chosen: text,
                    problem: text,
                },
                Page::Asked { edition: edition() },
                Page::Confirm {
                    edition: edition(),
                    address: address.clone(),
                },
                Page::Confirmed { edition: edition() },
                Page::Unsubscribe {
                    edition: link(),
                    address,
                },
                Page::Unsubscribed {
                    edition: link(),
                    everything: full,
                },
                Page::Mailbox {
                    letters: vec![letter(); 2 * some],
                    current: full.then(letter),
                },
                Page::Message {
                    title: "Title",
                    text: "Text",
                },
            ];
            pages.extend(articles().into_iter().map(|article| Page::Article {
                article: Box::new(article),
                editions: vec![edition(); some],
            }));
            pages.iter().for_each(&mut visit);
        }
    }
}

fn letter() -> Letter {
    Letter {
        number: 1,
        from: "news@example.org".to_owned(),
        to: "reader@example.org".to_owned(),
        subject: "Subject".to_owned(),
        date: "2026-11-23T06:30:00+01:00".to_owned(),
        text: "Text".to_owned(),
        size_kb: 20,
    }
}

fn address(path: &str) -> Url {
    let base = Url::parse("https://example.org/").expect("a fixed address is an address");
    base.join(path).unwrap_or(base)
}

fn mailbox() -> EmailAddress {
    EmailAddress::parse("news@example.org").expect("a fixed address is an address")
}

fn full() -> Published {
    let mut full = bare(1);
    let article = &mut full.article;
    article.title = "A title".to_owned();
    article.summary = "A summary.".to_owned();
    article.language = Some("ar".to_owned());
    article.authors = vec![Author {
        name: Some("An author".to_owned()),
        ..Author::default()
    }];
    article.picture = Some(Picture {
        url: address("picture.jpg"),
        alt: Some("What it shows".to_owned()),
        caption: Some("What it is".to_owned()),
        credit: Some("Who took it".to_owned()),
        width: Some(1200),
        height: Some(800),
    });
    full.body.html = "<p>A text.</p>".to_owned();
    full.carriers = vec!["Another source".to_owned()];
    full.related = [Some("Another source".to_owned()), None]
        .map(|source| RelatedLink {
            title: "A related title".to_owned(),
            url: address("related"),
            source,
            named: true,
            same_story: true,
        })
        .into();
    full
}

fn bare(story: u64) -> Published {
    Published {
        article: Article {
            id: ArticleId(1),
            source: SourceName::parse("source").expect("a fixed name is a name"),
            guid: None,
            url: None,
            title: String::new(),
            summary: String::new(),
            authors: Vec::new(),
            tags: Vec::new(),
            topics: Vec::new(),
            language: None,
            picture: None,
            attachments: Vec::new(),
            named_related: Vec::new(),
            published: DateTime::UNIX_EPOCH,
            first_seen: DateTime::UNIX_EPOCH,
            revised: None,
            reprints: Vec::new(),
            related: Vec::new(),
            story: ArticleId(story),
            mail: Mail::Due,
        },
        body: Body::default(),
        url: address("articles/1"),
        source: "A source".to_owned(),
        carriers: Vec::new(),
        related: Vec::new(),
    }
}
