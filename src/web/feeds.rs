//! Feeds over HTTP.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use ring::digest::{SHA256, digest};

use super::{Shared, Web, conditional::Representation, problem::Problem};
use crate::{
    editions::{
        feed::{self, Feed, Format},
        select,
    },
    id::{SourceName, TopicSlug},
    library::{Article, Query},
    port,
};

/// As long as [`feed::MAX_AGE_MINUTES`] says: readers take it for their timer.
const CACHE_CONTROL: &str = "public, max-age=900";
const _: () = assert!(feed::MAX_AGE_MINUTES == 15);

/// In a feed of a topic or a source, which has no setting of its own.
const MAX_ARTICLES: usize = 30;
const RELATED: usize = 3;

/// More feeds than any site has; topics can be many.
const MAX_CACHED: usize = 512;

/// What a feed is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Edition,
    Topic,
    Source,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Edition => "edition",
            Kind::Topic => "topic",
            Kind::Source => "source",
        }
    }
}

type Key = (Kind, String, Format);

type Held = (Stamp, Arc<Representation>);
type Stamp = Vec<u8>;

/// Documents as they were last served, each with the stamp of the articles it was made from.
///
/// A feed is asked for far more often than it changes. Every request still lists the articles,
/// without their texts, so nothing that was removed or revised is served from here.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<Key, Held>>);

impl Cache {
    fn get(&self, key: &Key, stamp: &[u8]) -> Option<Arc<Representation>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (of, document) = held.get(key)?;
        (of == stamp).then(|| document.clone())
    }

    fn put(&self, key: Key, stamp: Stamp, document: Arc<Representation>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MAX_CACHED {
            held.clear();
        }
        held.insert(key, (stamp, document));
    }
}

/// What the address of a feed stands for.
struct Subject {
    title: String,
    description: String,
    /// The page for people, and the folder of the feeds, below the base address.
    home: String,
    folder: String,
    query: Query,
    related: usize,
}

pub(super) fn route(kind: Kind, format: Format) -> MethodRouter<Arc<Web>> {
    let show = async move |State(web): Shared, Path(name): Path<String>, headers: HeaderMap| {
        show(&web, (kind, name, format), &headers).await
    };
    get(show).options(options)
}

/// A page of another site asks first before it sends validators along (Fetch, section 4.8).
async fn options() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let mut set = |name, value| {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value))
    };
    set(header::ALLOW, "GET, HEAD, OPTIONS");
    set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD");
    set(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "If-None-Match, If-Modified-Since",
    );
    response
}

async fn show(web: &Web, key: Key, request: &HeaderMap) -> Result<Response, Problem> {
    let (kind, name, _) = &key;
    let subject = subject(web, *kind, name).ok_or_else(Problem::not_found)?;
    let articles = web.store.list(&subject.query).await?;
    if articles.is_empty() && *kind == Kind::Topic && !is_configured(web, name) {
        return Err(Problem::not_found());
    }
    let stamp = stamp(&articles);
    let document = match web.feeds.get(&key, &stamp) {
        Some(document) => document,
        None => {
            let document = Arc::new(document(web, &key, &subject, articles).await?);
            web.feeds.put(key, stamp, document.clone());
            document
        }
    };
    let mut response = document.answer(request);
    let anybody = HeaderValue::from_static("*");
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, anybody);
    Ok(response)
}

fn subject(web: &Web, kind: Kind, name: &str) -> Option<Subject> {
    let query = Query {
        limit: Some(MAX_ARTICLES),
        ..Query::default()
    };
    let site = &web.site.title;
    Some(match kind {
        Kind::Edition => {
            let edition = web.edition(name)?;
            Subject {
                title: edition.title.clone(),
                description: edition.description.clone(),
                home: format!("e/{name}"),
                folder: format!("e/{name}/"),
                query: select::query(edition),
                related: edition.related,
            }
        }
        Kind::Topic => {
            let slug = TopicSlug::parse(name).ok()?;
            let topic = web.ingest.topics.iter().find(|topic| topic.slug == slug);
            let title = topic.map_or(name, |topic| topic.title.as_str());
            Subject {
                title: format!("{site}: {title}"),
                description: format!("Articles about {title}"),
                home: String::new(),
                folder: format!("topics/{name}/"),
                query: Query {
                    topics: vec![slug],
                    ..query
                },
                related: RELATED,
            }
        }
        Kind::Source => {
            let source = SourceName::parse(name).ok()?;
            let title = web.source_titles.get(&source)?;
            Subject {
                title: title.to_owned(),
                description: format!("Articles from {title}, at {site}"),
                home: String::new(),
                folder: format!("sources/{name}/"),
                query: Query {
                    sources: vec![source],
                    ..query
                },
                related: RELATED,
            }
        }
    })
}

/// A topic that has a rule or that an edition names exists before its first article does.
fn is_configured(web: &Web, topic: &str) -> bool {
    let by_rule = web.ingest.topics.iter().map(|topic| &topic.slug);
    let by_editions = web.editions.iter();
    let mut named = by_rule.chain(by_editions.flat_map(|edition| &edition.select.topics));
    named.any(|named| named.as_str() == topic)
}

/// Differs when anything differs that a feed shows of these articles: a text does not change
/// without its article's `revised`.
fn stamp(articles: &[Article]) -> Stamp {
    let bytes = postcard::to_stdvec(articles).unwrap_or_default();
    digest(&SHA256, &bytes).as_ref().to_vec()
}

async fn document(
    web: &Web,
    (kind, name, format): &Key,
    subject: &Subject,
    articles: Vec<Article>,
) -> port::Result<Representation> {
    let modified = articles.iter().map(feed::last_change).max();
    let items = select::published(
        web.store.as_ref(),
        &web.source_titles,
        &web.site,
        articles,
        subject.related,
    )
    .await?;
    let text = feed::write(
        *format,
        &Feed {
            id: feed::feed_id(kind.name(), name),
            title: subject.title.clone(),
            description: subject.description.clone(),
            home: web.site.address(&subject.home),
            folder: web.site.address(&subject.folder),
            site: &web.site,
            items: &items,
        },
    );
    Ok(Representation::new(
        &text,
        format.content_type(),
        CACHE_CONTROL,
        modified,
    ))
}
