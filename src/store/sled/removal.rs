//! Taking articles out of the library.
//!
//! Traces stay: a fingerprint that leads to an article without a row is what stops it coming back.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{
    fold,
    table::{ARTICLE, BODY, BY_PUBLISHED, BY_SEEN, TOMBSTONE},
    tx::{Tx, legible},
};
use crate::{
    id::{ArticleId, SourceName},
    library::Article,
    port::Result,
};

/// The articles that have one of `ids` among their related links.
pub(super) fn mentions(tx: &Tx<'_>, ids: &[ArticleId]) -> Result<Vec<ArticleId>> {
    let ids: HashSet<ArticleId> = ids.iter().copied().collect();
    let mut mentions = Vec::new();
    for article in tx.scan(ARTICLE.all()).filter_map(legible) {
        let (id, article) = article?;
        if article.related.iter().any(|other| ids.contains(&other.id)) {
            mentions.push(id);
        }
    }
    Ok(mentions)
}

/// Removes those of `ids` that are there, also from what `mentions` them.
pub(super) fn remove(
    tx: &mut Tx<'_>,
    ids: &[ArticleId],
    mentions: Vec<ArticleId>,
    now: DateTime<Utc>,
) -> Result<Vec<Article>> {
    let mut removed = Vec::new();
    for id in ids {
        let Some(article) = tx.get(ARTICLE, id)? else {
            continue;
        };
        tx.remove(ARTICLE, id);
        tx.remove(BODY, id);
        tx.remove(BY_PUBLISHED, &(article.published, *id));
        tx.remove(BY_SEEN, &(article.first_seen, *id));
        tx.put(TOMBSTONE, id, &now)?;
        for member in fold::remove(tx, &article)? {
            tx.put(TOMBSTONE, &member, &now)?;
        }
        removed.push(article);
    }
    for id in mentions {
        if let Some(mut article) = tx.get(ARTICLE, &id)? {
            article.related.retain(|other| !ids.contains(&other.id));
            tx.put(ARTICLE, &id, &article)?;
        }
    }
    Ok(removed)
}

pub(super) fn unfold(
    tx: &mut Tx<'_>,
    id: ArticleId,
    source: &SourceName,
    guid: &str,
) -> Result<()> {
    let id = fold::home(tx, id)?;
    let Some(mut article) = tx.get(ARTICLE, &id)? else {
        return Ok(());
    };
    article
        .reprints
        .retain(|held| held.source != *source || held.guid.as_deref() != Some(guid));
    tx.put(ARTICLE, &id, &article)
}
