//! What a page states about its article for machines: JSON-LD, OpenGraph and their elders.

use chrono::{DateTime, Utc};
use dom_query::Document;
use serde_json::Value;
use url::Url;

use super::byline::{credited, names};
use crate::{
    ingest::{date, dom},
    parts::{Author, Picture},
};

/// Marks between a title and the name of its site.
const TITLE_MARKS: &[&str] = &[" | ", " - ", " – ", " — ", " · ", " :: ", " » ", " « "];

#[derive(Default)]
pub(super) struct Metadata {
    /// Never empty strings; the most trustworthy first.
    pub(super) titles: Vec<String>,
    pub(super) description: Option<String>,
    pub(super) authors: Vec<Author>,
    pub(super) published: Option<DateTime<Utc>>,
    pub(super) modified: Option<DateTime<Utc>>,
    pub(super) picture: Option<Picture>,
    pub(super) language: Option<String>,
    pub(super) canonical: Option<Url>,
    pub(super) tags: Vec<String>,
}

impl Metadata {
    pub(super) fn read(doc: &Document, base: &Url) -> Self {
        let ld = json_ld(doc).unwrap_or(Value::Null);
        let meta = Meta::read(doc);
        let or_meta = |key: &str, names: &[&str]| text(&ld[key]).or_else(|| meta.first(names));
        let date = |key: &str, names: &[&str]| or_meta(key, names).as_deref().and_then(date::parse);
        Metadata {
            titles: titles(doc, &ld, &meta),
            description: or_meta(
                "description",
                &[
                    "og:description",
                    "description",
                    "twitter:description",
                    "dc.description",
                ],
            ),
            authors: authors(&ld["author"], &meta),
            published: date("datePublished", PUBLISHED),
            modified: date("dateModified", MODIFIED),
            picture: picture(&ld["image"], &meta, base),
            language: language(doc, &ld, &meta),
            canonical: canonical(doc, &meta, base),
            tags: meta.all("article:tag"),
        }
    }
}

const PUBLISHED: &[&str] = &[
    "article:published_time",
    "og:article:published_time",
    "datepublished",
    "parsely-pub-date",
    "sailthru.date",
    "dc.date.issued",
    "dcterms.created",
    "dc.date",
    "pubdate",
    "publishdate",
    "date",
];

const MODIFIED: &[&str] = &[
    "article:modified_time",
    "og:updated_time",
    "datemodified",
    "dcterms.modified",
    "last-modified",
];

/// Endings of the schema.org types of articles: `NewsArticle`, `LiveBlogPosting`.
const ARTICLE_TYPES: &[&str] = &["Article", "Posting", "Report"];

/// The `<meta>` elements of a page, names lower-case, in page order.
struct Meta(Vec<(String, String)>);

impl Meta {
    fn read(doc: &Document) -> Self {
        let mut pairs = Vec::new();
        for node in doc.select("meta[content]").nodes() {
            let Some(content) = dom::attr(node, "content") else {
                continue;
            };
            for key in ["property", "name", "itemprop"]
                .into_iter()
                .filter_map(|k| dom::attr(node, k))
            {
                pairs.push((key.to_lowercase(), unescaped(&content)));
            }
        }
        Meta(pairs)
    }

    fn first(&self, names: &[&str]) -> Option<String> {
        names
            .iter()
            .find_map(|name| self.all(name).into_iter().next())
    }

    fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, content)| content.clone())
            .collect()
    }
}

/// The first object that describes an article, wherever in the graph it stands.
fn json_ld(doc: &Document) -> Option<Value> {
    doc.select(r#"script[type*="ld+json" i]"#)
        .nodes()
        .iter()
        .find_map(|script| {
            let text = script.text();
            let json = text
                .trim()
                .trim_start_matches("<!--")
                .trim_start_matches("//<![CDATA[")
                .trim_start_matches("<![CDATA[")
                .trim_end_matches("-->")
                .trim_end_matches("]]>")
                .trim_end_matches("//");
            article_in(serde_json::from_str(json.trim()).ok()?)
        })
}

fn article_in(value: Value) -> Option<Value> {
    match value {
        Value::Array(values) => values.into_iter().find_map(article_in),
        Value::Object(mut object) => {
            let is_article = object.get("@type").is_some_and(|kind| {
                let kinds = kind
                    .as_array()
                    .map_or(std::slice::from_ref(kind), Vec::as_slice);
                let mut names = kinds.iter().filter_map(Value::as_str);
                names.any(|name| ARTICLE_TYPES.iter().any(|known| name.ends_with(known)))
            });
            if is_article {
                return Some(Value::Object(object));
            }
            ["@graph", "mainEntity", "mainEntityOfPage"]
                .into_iter()
                .find_map(|key| article_in(object.remove(key)?))
        }
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    Some(unescaped(value.as_str()?)).filter(|text| !text.is_empty())
}

/// Text on one line; publishers often escape what they state for machines once too often.
fn unescaped(text: &str) -> String {
    if text.contains('&') {
        dom::line(&Document::fragment(text.replace('<', "&lt;")).root())
    } else {
        dom::squeeze(text)
    }
}

fn titles(doc: &Document, ld: &Value, meta: &Meta) -> Vec<String> {
    let site = meta.first(&["og:site_name", "application-name"]);
    let tag = doc.select("head > title").nodes().first().map(dom::line);
    let tag = tag.or_else(|| doc.select("title").nodes().first().map(dom::line));
    let mut titles = Vec::new();
    titles.extend(text(&ld["headline"]));
    titles.extend(
        meta.first(&["og:title", "dc.title", "parsely-title"])
            .map(|t| without_site(&t, &site)),
    );
    titles.extend(
        meta.first(&["twitter:title"])
            .map(|t| without_site(&t, &site)),
    );
    titles.extend(
        tag.as_deref()
            .map(|t| without_site(&without_site(t, &site), &None)),
    );
    titles.retain(|title| !title.is_empty());
    titles
}

/// `Headline | Site` without the site; where its name is not known, a short tail counts as one.
fn without_site(title: &str, site: &Option<String>) -> String {
    let is_site = |head: &str, tail: &str| match site {
        Some(site) => tail.trim().eq_ignore_ascii_case(site),
        None => tail.split_whitespace().count() <= 4 && head.split_whitespace().count() >= 3,
    };
    TITLE_MARKS
        .iter()
        .filter_map(|mark| title.rsplit_once(mark))
        .find(|(head, tail)| is_site(head, tail))
        .map_or(title, |(head, _)| head)
        .trim()
        .to_owned()
}

fn authors(ld: &Value, meta: &Meta) -> Vec<Author> {
    let listed = ld
        .as_array()
        .map_or(std::slice::from_ref(ld), Vec::as_slice);
    let mut authors: Vec<Author> = Vec::new();
    for value in listed {
        let url = text(&value["url"]);
        for name in text(value)
            .or_else(|| text(&value["name"]))
            .iter()
            .flat_map(|n| names(n))
        {
            authors.push(Author {
                name: Some(name),
                email: None,
                url: url.clone(),
            });
        }
    }
    if authors.is_empty() {
        let keys = [
            "author",
            "article:author",
            "parsely-author",
            "sailthru.author",
            "dc.creator",
            "byl",
        ];
        let stated = keys
            .iter()
            .map(|key| meta.all(key))
            .find(|names| !names.is_empty());
        authors = stated
            .unwrap_or_default()
            .iter()
            .flat_map(|text| credited(text))
            .collect();
    }
    authors
}

fn language(doc: &Document, ld: &Value, meta: &Meta) -> Option<String> {
    let html = doc.html_root();
    let stated = dom::attr(&html, "lang")
        .or_else(|| dom::attr(&html, "xml:lang"))
        .or_else(|| text(&ld["inLanguage"]))
        .or_else(|| meta.first(&["language", "content-language", "dc.language", "og:locale"]))?;
    let tag = stated.replace('_', "-");
    let is_tag = tag.len() <= 35 && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    is_tag.then_some(tag)
}

/// What the page calls its own address. A home page is none: sites that name it everywhere would
/// have one article for ever.
fn canonical(doc: &Document, meta: &Meta, base: &Url) -> Option<Url> {
    let link = doc.select(r#"link[rel~="canonical" i][href]"#);
    let href = link
        .nodes()
        .first()
        .and_then(|node| dom::attr(node, "href"));
    let is_home = |url: &Url| url.path() == "/" && url.query().is_none() && base.path() != "/";
    href.or_else(|| meta.first(&["og:url"]))
        .and_then(|href| dom::web_address(&href, base))
        .filter(|url| !is_home(url))
}

fn picture(ld: &Value, meta: &Meta, base: &Url) -> Option<Picture> {
    let ld = ld.as_array().and_then(|all| all.first()).unwrap_or(ld);
    let number = |value: &Value| match value {
        Value::String(text) => text.trim_end_matches("px").trim().parse().ok(),
        value => value.as_u64().and_then(|n| u32::try_from(n).ok()),
    };
    let pixels = |name: &str| meta.first(&[name]).and_then(|text| text.parse().ok());
    let of_meta = meta
        .first(&[
            "og:image:secure_url",
            "og:image",
            "og:image:url",
            "twitter:image",
            "twitter:image:src",
        ])
        .and_then(|href| {
            Some(Picture {
                url: dom::web_address(&href, base)?,
                alt: meta.first(&["og:image:alt", "twitter:image:alt"]),
                caption: None,
                credit: None,
                width: pixels("og:image:width"),
                height: pixels("og:image:height"),
            })
        });
    let href = text(ld)
        .or_else(|| text(&ld["url"]))
        .or_else(|| text(&ld["contentUrl"]));
    let of_ld = href.and_then(|href| {
        Some(Picture {
            url: dom::web_address(&href, base)?,
            alt: None,
            caption: text(&ld["caption"]),
            credit: text(&ld["creditText"]).or_else(|| text(&ld["creator"]["name"])),
            width: number(&ld["width"]),
            height: number(&ld["height"]),
        })
    });
    match (of_meta, of_ld) {
        (Some(meta), Some(ld)) => Some(Picture {
            caption: ld.caption,
            credit: ld.credit,
            ..meta
        }),
        (meta, ld) => meta.or(ld),
    }
}
