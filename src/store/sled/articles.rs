//! Reading the library.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    SledStore, fold,
    table::{ARTICLE, BODY, BY_PUBLISHED, BY_SEEN, FOLDED, TOMBSTONE},
    tx::{Tx, legible},
};
use crate::{
    id::ArticleId,
    library::{Article, ArticleStore, Body, Query},
    parts::Window,
    port::Result,
};

#[async_trait]
impl ArticleStore for SledStore {
    async fn article(&self, id: ArticleId) -> Result<Option<Article>> {
        self.read(move |tx| tx.get(ARTICLE, &fold::home(tx, id)?))
            .await
    }

    async fn articles(&self, ids: &[ArticleId]) -> Result<Vec<Article>> {
        let ids = ids.to_vec();
        self.read(move |tx| {
            let mut homes = Vec::new();
            for id in &ids {
                let home = fold::home(tx, *id)?;
                if !homes.contains(&home) {
                    homes.push(home);
                }
            }
            homes
                .iter()
                .filter_map(|id| tx.get(ARTICLE, id).transpose())
                .filter_map(legible)
                .collect()
        })
        .await
    }

    async fn body(&self, id: ArticleId) -> Result<Option<Body>> {
        self.read(move |tx| tx.get(BODY, &fold::home(tx, id)?))
            .await
    }

    async fn page(&self, after: Option<ArticleId>, n: usize) -> Result<Vec<(Article, Body)>> {
        self.read(move |tx| {
            let rows = match after {
                Some(id) => tx.scan(ARTICLE.after(&id)),
                None => tx.scan(ARTICLE.all()),
            };
            let articles = rows.map(|row| row.map(|(_, article)| article));
            let with_body = |article: Result<Article>| {
                let article = article?;
                let body = tx.get(BODY, &article.id)?.unwrap_or_default();
                Ok((article, body))
            };
            articles
                .map(with_body)
                .filter_map(legible)
                .take(n)
                .collect()
        })
        .await
    }

    async fn folded(&self, id: ArticleId) -> Result<Option<(Article, Body)>> {
        self.read(move |tx| tx.get(FOLDED, &id)).await
    }

    async fn removed(&self, id: ArticleId) -> Result<Option<DateTime<Utc>>> {
        self.read(move |tx| tx.get(TOMBSTONE, &id)).await
    }

    async fn list(&self, query: &Query) -> Result<Vec<Article>> {
        let query = query.clone();
        self.read(move |tx| match query.seen {
            Some(window) => list_seen(tx, &query, window),
            None => pick(tx, &query, tx.scan_back(BY_PUBLISHED.all()))
                .take(limit(&query))
                .collect(),
        })
        .await
    }
}

/// A window is read by `first_seen`, however long ago its articles say they were published.
fn list_seen(tx: &Tx<'_>, query: &Query, window: Window) -> Result<Vec<Article>> {
    let seen = tx.scan(BY_SEEN.between(&window.from, &window.to));
    let mut articles = pick(tx, query, seen).collect::<Result<Vec<_>>>()?;
    articles.sort_by_key(|article| std::cmp::Reverse((article.published, article.id)));
    articles.truncate(limit(query));
    Ok(articles)
}

fn limit(query: &Query) -> usize {
    query.limit.unwrap_or(usize::MAX)
}

type Indexed = Result<((DateTime<Utc>, ArticleId), ())>;

/// The articles behind index rows, as far as `query` selects them.
fn pick<'a>(
    tx: &'a Tx<'_>,
    query: &'a Query,
    index: impl Iterator<Item = Indexed> + 'a,
) -> impl Iterator<Item = Result<Article>> + 'a {
    index
        .filter_map(|row| match row {
            Ok(((_, id), ())) => tx.get(ARTICLE, &id).transpose(),
            Err(err) => Some(Err(err)),
        })
        .filter_map(legible)
        .filter(|article| article.as_ref().map_or(true, |found| query.selects(found)))
}
