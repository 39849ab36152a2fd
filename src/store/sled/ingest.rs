//! Recording what a poll brought.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    Durability, SledStore, fold, removal,
    table::{
        ANSWER, ANSWER_BY_AGE, APART, ARTICLE, BODY, BROUGHT, BY_PUBLISHED, BY_SEEN, FOLDED, POLL,
        TRACE,
    },
    tx::Tx,
};
use crate::{
    dedupe::{Known, Trace, fingerprint::Fingerprint},
    id::{ArticleId, SourceName},
    ingest::{Answer, IngestStore, Judged, Place, Push, Record, Recorded, Split, Verdict},
    library::{Article, Body, Mail, Related, Reprint},
    port::{Result, StoreError},
};

/// Expired answers that are removed when one is added: more than one, so that they grow fewer.
const PRUNED: usize = 10;

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
        self.write(Durability::Journaled, move |tx| {
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
        self.write(Durability::Journaled, move |tx| fold::split(tx, id))
            .await
    }

    async fn apart(&self) -> Result<Vec<(ArticleId, ArticleId)>> {
        self.read(|tx| tx.scan(APART.all()).keys().collect()).await
    }

    async fn relate(&self, related: Vec<(ArticleId, Vec<Related>)>) -> Result<()> {
        self.write(Durability::Journaled, move |tx| {
            for (id, related) in related {
                if let Some(article) = tx.get(ARTICLE, &id)? {
                    tx.put(ARTICLE, &id, &Article { related, ..article })?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn record(&self, record: Record) -> Result<Recorded> {
        // A poll finds again what a power cut took; who pushes does not push twice.
        let durability = match record.push {
            Some(_) => Durability::Synced,
            None => Durability::Journaled,
        };
        self.write(durability, move |tx| {
            let mut recorded = Recorded::default();
            let race = match record.push {
                Some(_) => Race::Refused,
                None => Race::Tolerated,
            };
            if let Some(push) = record.push {
                keep_push(tx, &record.source, push, record.now)?;
            }
            for judged in record.judged {
                keep(tx, judged, race, &mut recorded)?;
            }
            if let Some(poll) = record.poll {
                tx.put(POLL, &record.source, &poll)?;
            }
            if recorded.new > 0 {
                let before = tx.get(BROUGHT, &record.source)?.unwrap_or(0);
                tx.put(BROUGHT, &record.source, &(before + recorded.new))?;
            }
            Ok(recorded)
        })
        .await
    }

    async fn answer(
        &self,
        source: &SourceName,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Answer>> {
        let key = (source.clone(), key.to_owned());
        let kept = self.read(move |tx| tx.get(ANSWER, &key)).await?;
        Ok(kept.filter(|answer| !answer.has_expired(now)))
    }

    async fn remove(&self, ids: &[ArticleId], now: DateTime<Utc>) -> Result<Vec<Article>> {
        // The whole library is read, and nobody waits for that in the queue of the writer.
        let gone = ids.to_vec();
        let mentions = self.read(move |tx| removal::mentions(tx, &gone)).await?;
        let ids = ids.to_vec();
        self.write(Durability::Synced, move |tx| {
            removal::remove(tx, &ids, mentions, now)
        })
        .await
    }

    async fn unfold(&self, article: ArticleId, source: &SourceName, guid: &str) -> Result<()> {
        let (source, guid) = (source.clone(), guid.to_owned());
        self.write(Durability::Synced, move |tx| {
            removal::unfold(tx, article, &source, &guid)
        })
        .await
    }
}

/// What becomes of a new article whose fingerprint is taken.
#[derive(Clone, Copy)]
enum Race {
    Tolerated,
    Refused,
}

fn keep_push(tx: &mut Tx<'_>, source: &SourceName, push: Push, now: DateTime<Utc>) -> Result<()> {
    for print in push.lifted {
        if tx
            .get(TRACE, &print)?
            .is_some_and(|trace| trace.source == *source)
        {
            tx.remove(TRACE, &print);
        }
    }
    let Some((key, answer)) = push.answer else {
        return Ok(());
    };
    for row in tx.scan(ANSWER_BY_AGE.all()).keys().take(PRUNED) {
        let (at, source, key) = row?;
        if at + Answer::KEPT_FOR > now {
            break;
        }
        tx.remove(ANSWER_BY_AGE, &(at, source.clone(), key.clone()));
        tx.remove(ANSWER, &(source, key));
    }
    let key = (source.clone(), key);
    if let Some(kept) = tx.get(ANSWER, &key)? {
        if !kept.has_expired(now) {
            return Err(lost("answer one request twice"));
        }
        tx.remove(ANSWER_BY_AGE, &(kept.at, key.0.clone(), key.1.clone()));
    }
    tx.put(
        ANSWER_BY_AGE,
        &(answer.at, key.0.clone(), key.1.clone()),
        &(),
    )?;
    tx.put(ANSWER, &key, &answer)
}

fn lost(doing: &'static str) -> StoreError {
    StoreError::Unavailable {
        doing,
        source: None,
    }
}

/// Keeps one entry and counts it as what it turned out to be.
fn keep(tx: &mut Tx<'_>, judged: Judged, race: Race, recorded: &mut Recorded) -> Result<()> {
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
                return match race {
                    Race::Tolerated => Ok(()),
                    Race::Refused => Err(lost("record an article that came another way meanwhile")),
                };
            }
            recorded.new += 1;
            recorded.held += u64::from(article.mail == Mail::Held);
            insert(tx, &article, &body)?;
        }
        Verdict::Revised(revised) => {
            let (article, body) = *revised;
            if revise(tx, trace.article, article, &body)? {
                recorded.revised += 1;
            } else {
                recorded.known += 1;
            }
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

/// Tells whether it did: an article that is no longer there is left gone, and of one that shows another text only its own
/// copy changes.
fn revise(tx: &mut Tx<'_>, id: ArticleId, new: Article, body: &Body) -> Result<bool> {
    let id = match fold::place(tx, id)? {
        Some(Place::Shown(home)) => home,
        Some(Place::Folded(_)) => {
            let article = Article { id, ..new };
            tx.put(FOLDED, &id, &(article, body.clone()))?;
            return Ok(false);
        }
        None => return Ok(false),
    };
    let Some(old) = tx.get(ARTICLE, &id)? else {
        return Ok(false);
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
    insert(tx, &revised, body)?;
    Ok(true)
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
