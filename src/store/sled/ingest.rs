//! Recording what a poll brought.

use std::collections::HashMap;

use async_trait::async_trait;

use super::{
    Durability, SledStore, fold,
    table::{APART, ARTICLE, BODY, BROUGHT, BY_PUBLISHED, BY_SEEN, FOLDED, POLL, TRACE},
    tx::Tx,
};
use crate::{
    dedupe::{Known, Trace, fingerprint::Fingerprint},
    id::ArticleId,
    ingest::{IngestStore, Judged, Place, Record, Recorded, Split, Verdict},
    library::{Article, Body, Mail, Reprint},
    port::Result,
};

#[async_trait]
impl IngestStore for SledStore {
    async fn known(&self, prints: &[Fingerprint]) -> Result<Known> {
        let prints = prints.to_vec();
        self.read(move |tx| {
            let mut known = Known::new();
            for print in prints {
                if let Some(trace) = tx.get(TRACE, &print)? {
                    known.insert(print, trace);
                }
            }
            Ok(known)
        })
        .await
    }

    async fn reserve(&self, n: u64) -> Result<ArticleId> {
        self.write(Durability::Flushed, move |tx| {
            tx.take("article", n).map(ArticleId)
        })
        .await
    }

    async fn places(&self, articles: &[ArticleId]) -> Result<HashMap<ArticleId, Place>> {
        let articles = articles.to_vec();
        self.read(move |tx| {
            let mut places = HashMap::new();
            for id in articles {
                if let Some(place) = fold::place(tx, id)? {
                    places.insert(id, place);
                }
            }
            Ok(places)
        })
        .await
    }

    async fn split(&self, id: ArticleId) -> Result<Split> {
        self.write(Durability::Flushed, move |tx| fold::split(tx, id))
            .await
    }

    async fn apart(&self) -> Result<Vec<(ArticleId, ArticleId)>> {
        self.read(|tx| tx.scan(APART.all()).keys().collect()).await
    }

    async fn record(&self, record: Record) -> Result<Recorded> {
        self.write(Durability::Flushed, move |tx| {
            let mut recorded = Recorded::default();
            for judged in record.judged {
                keep(tx, judged, &mut recorded)?;
            }
            tx.put(POLL, &record.source, &record.poll)?;
            if recorded.new > 0 {
                let before = tx.get(BROUGHT, &record.source)?.unwrap_or(0);
                tx.put(BROUGHT, &record.source, &(before + recorded.new))?;
            }
            Ok(recorded)
        })
        .await
    }
}

/// Keeps one entry and counts it as what it turned out to be.
fn keep(tx: &mut Tx<'_>, judged: Judged, recorded: &mut Recorded) -> Result<()> {
    let Judged {
        prints,
        trace,
        verdict,
    } = judged;
    match verdict {
        Verdict::New(new) => {
            let (article, body) = *new;
            if is_any_taken(tx, &prints)? {
                recorded.known += 1;
                return Ok(());
            }
            recorded.new += 1;
            recorded.held += u64::from(article.mail == Mail::Held);
            insert(tx, &article, &body)?;
        }
        Verdict::Revised(revised) => {
            let (article, body) = *revised;
            revise(tx, trace.article, article, &body)?;
            recorded.revised += 1;
        }
        Verdict::Reprint(reprint) => {
            if fold(tx, trace.article, reprint)? {
                recorded.reprints += 1;
            } else {
                recorded.known += 1;
            }
        }
        Verdict::Folded(fold) => {
            if is_any_taken(tx, &prints)? {
                recorded.known += 1;
                return Ok(());
            }
            let (article, body) = (fold.article.clone(), fold.body.clone());
            if fold::fold_new(tx, trace.article, *fold)? {
                recorded.reprints += 1;
            } else {
                recorded.new += 1;
                recorded.held += u64::from(article.mail == Mail::Held);
                insert(tx, &article, &body)?;
            }
        }
        Verdict::Known => recorded.known += 1,
    }
    leave_traces(tx, &prints, &trace)
}

fn is_any_taken(tx: &Tx<'_>, prints: &[Fingerprint]) -> Result<bool> {
    for print in prints {
        if tx.has(TRACE, print)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A print that leads to another article goes on leading there.
fn leave_traces(tx: &mut Tx<'_>, prints: &[Fingerprint], trace: &Trace) -> Result<()> {
    for print in prints {
        let taken = tx.get(TRACE, print)?;
        if taken.is_none_or(|held| held.article == trace.article) {
            tx.put(TRACE, print, trace)?;
        }
    }
    Ok(())
}

pub(super) fn insert(tx: &mut Tx<'_>, article: &Article, body: &Body) -> Result<()> {
    let id = article.id;
    tx.put(ARTICLE, &id, article)?;
    tx.put(BODY, &id, body)?;
    tx.put(BY_PUBLISHED, &(article.published, id), &())?;
    tx.put(BY_SEEN, &(article.first_seen, id), &())
}

/// Takes an article out of the lists.
pub(super) fn uproot(tx: &mut Tx<'_>, article: &Article) {
    tx.remove(BY_PUBLISHED, &(article.published, article.id));
    tx.remove(BY_SEEN, &(article.first_seen, article.id));
}

/// An article that is no longer there is left gone; of one that shows another text only its own
/// copy changes.
fn revise(tx: &mut Tx<'_>, id: ArticleId, new: Article, body: &Body) -> Result<()> {
    let id = match fold::place(tx, id)? {
        Some(Place::Shown(home)) => home,
        Some(Place::Folded(_)) => {
            let article = Article { id, ..new };
            return tx.put(FOLDED, &id, &(article, body.clone()));
        }
        None => return Ok(()),
    };
    let Some(old) = tx.get(ARTICLE, &id)? else {
        return Ok(());
    };
    uproot(tx, &old);
    let revised = Article {
        id,
        first_seen: old.first_seen,
        published: new.published.min(old.first_seen),
        reprints: old.reprints,
        story: old.story,
        mail: old.mail,
        ..new
    };
    insert(tx, &revised, body)
}

/// Adds a reprint to its article; tells whether it was not there yet.
fn fold(tx: &mut Tx<'_>, id: ArticleId, reprint: Reprint) -> Result<bool> {
    let id = fold::home(tx, id)?;
    let Some(mut article) = tx.get(ARTICLE, &id)? else {
        return Ok(false);
    };
    if article.reprints.iter().any(|held| is_same(held, &reprint)) {
        return Ok(false);
    }
    article.reprints.push(reprint);
    tx.put(ARTICLE, &id, &article)?;
    Ok(true)
}

fn is_same(a: &Reprint, b: &Reprint) -> bool {
    a.source == b.source
        && match (&a.guid, &b.guid) {
            (Some(a), Some(b)) => a == b,
            _ => a.url == b.url,
        }
}
