//! Pages to read: editions, digests, articles.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse, Response},
};

use super::{Shared, Web, conditional::Representation, problem::Problem};
use crate::{
    editions::{
        Digest, Edition, Published,
        render::view::{ArticleView, DigestLink, EditionView, Front, Page},
        select, stories,
    },
    id::ArticleId,
    library::{Article, Query},
    port,
};

/// Headlines of each edition on the front page.
const HEADLINES: usize = 3;

/// Digests in the list beside an edition.
const LISTED_DIGESTS: usize = 60;

/// Related links of an article on its own page.
const RELATED: usize = 6;

/// Short, because a page has no validator and readers reload it to see what is new.
const CACHE_CONTROL: &str = "public, max-age=60";

/// A minute for the page, an hour for what it looks like.
const STYLE_CACHE_CONTROL: &str = "public, max-age=3600";

pub(super) async fn index(State(web): Shared) -> Result<Response, Problem> {
    let mut latest = Vec::with_capacity(web.editions.len());
    for edition in web.editions.iter() {
        let query = Query {
            limit: Some(HEADLINES),
            ..select::query(edition)
        };
        let articles = stories::together(web.store.list(&query).await?, 1);
        latest.push(published(&web, articles, 0).await?);
    }
    let fronts = web
        .editions
        .iter()
        .zip(&latest)
        .map(|(edition, articles)| Front {
            edition: EditionView::new(edition, &web.site),
            articles: ArticleView::all(articles, &web.site, web.site.zone),
        });
    public(
        &web,
        &Page::Index {
            fronts: fronts.collect(),
        },
    )
}

pub(super) async fn style(State(web): Shared, headers: HeaderMap) -> Response {
    let style = web.templates.style();
    Representation::new(style, "text/css; charset=utf-8", STYLE_CACHE_CONTROL, None)
        .answer(&headers)
}

pub(super) async fn edition(
    State(web): Shared,
    Path(slug): Path<String>,
) -> Result<Response, Problem> {
    let edition = web.edition(&slug).ok_or_else(Problem::not_found)?;
    let articles = web.store.list(&select::query(edition)).await?;
    let articles = stories::together(articles, usize::MAX);
    let articles = published(&web, articles, edition.related).await?;
    let digests = web.store.digests(&edition.slug, LISTED_DIGESTS).await?;
    let page = Page::Edition {
        edition: EditionView::new(edition, &web.site),
        articles: ArticleView::all(&articles, &web.site, web.site.zone),
        digests: digests
            .iter()
            .map(|digest| DigestLink::new(digest, &web.site))
            .collect(),
    };
    public(&web, &page)
}

pub(super) async fn digest(
    State(web): Shared,
    Path((slug, number)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let edition = web.edition(&slug).ok_or_else(Problem::not_found)?;
    let number: u32 = number.parse().map_err(|_| Problem::not_found())?;
    let digest = numbered(&web, edition, Some(number)).await?;
    let digest = digest.ok_or_else(Problem::not_found)?;
    let articles = web.store.articles(&digest.articles).await?;
    let articles = published(&web, articles, edition.related).await?;
    let link = |digest: Option<Digest>| digest.map(|digest| DigestLink::new(&digest, &web.site));
    let page = Page::Digest {
        edition: EditionView::new(edition, &web.site),
        digest: DigestLink::new(&digest, &web.site),
        articles: ArticleView::all(&articles, &web.site, web.site.zone),
        older: link(numbered(&web, edition, number.checked_sub(1)).await?),
        newer: link(numbered(&web, edition, number.checked_add(1)).await?),
    };
    public(&web, &page)
}

async fn numbered(
    web: &Web,
    edition: &Edition,
    number: Option<u32>,
) -> port::Result<Option<Digest>> {
    match number {
        Some(number) => web.store.digest(&edition.slug, number).await,
        None => Ok(None),
    }
}

pub(super) async fn article(
    State(web): Shared,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id: ArticleId = id.parse().map_err(|_| Problem::not_found())?;
    let Some(article) = web.store.article(id).await? else {
        return Err(match web.store.removed(id).await? {
            Some(_) => Problem::removed(),
            None => Problem::not_found(),
        });
    };
    let published = published(&web, vec![article], RELATED).await?;
    let views = ArticleView::all(&published, &web.site, web.site.zone);
    let view = views.into_iter().next().ok_or_else(Problem::not_found)?;
    public(
        &web,
        &Page::Article {
            article: Box::new(view),
            editions: editions(&web),
        },
    )
}

async fn published(
    web: &Web,
    articles: Vec<Article>,
    related: usize,
) -> port::Result<Vec<Published>> {
    let store = web.store.as_ref();
    select::published(store, &web.source_titles, &web.site, articles, related).await
}

pub(super) fn editions(web: &Web) -> Vec<EditionView<'_>> {
    web.editions
        .iter()
        .map(|edition| EditionView::new(edition, &web.site))
        .collect()
}

/// A page for everybody.
fn public(web: &Web, page: &Page<'_>) -> Result<Response, Problem> {
    let mut response = personal(web, page)?;
    let cache = HeaderValue::from_static(CACHE_CONTROL);
    response.headers_mut().insert(header::CACHE_CONTROL, cache);
    Ok(response)
}

/// A page that nobody keeps.
pub(super) fn personal(web: &Web, page: &Page<'_>) -> Result<Response, Problem> {
    let html = web.templates.page(&web.site, page)?;
    let cache = [(header::CACHE_CONTROL, "no-store")];
    Ok((cache, Html(html)).into_response())
}
