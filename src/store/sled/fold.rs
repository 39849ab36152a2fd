//! Folding articles into one, and splitting them again.
//!
//! What came under an id keeps it. While an article shows one text, the others that are one with it
//! lie in `FOLDED`, each under its own id; `HOME` leads from there to the article, and `FACE` says
//! whose text an article shows if not its own.

use chrono::{DateTime, Utc};

use super::{
    ingest::{insert, uproot},
    table::{APART, ARTICLE, BODY, FACE, FOLDED, HOME},
    tx::Tx,
};
use crate::{
    id::ArticleId,
    ingest::{Fold, Place, Shown, Split},
    library::{Article, Body, Mail, Measure, Reprint},
    port::Result,
};

/// The article that what came under `id` belongs to now.
pub(super) fn home(tx: &Tx<'_>, id: ArticleId) -> Result<ArticleId> {
    Ok(tx.get(HOME, &id)?.unwrap_or(id))
}

/// Where what came under `id` stands; none if it is gone.
pub(super) fn place(tx: &Tx<'_>, id: ArticleId) -> Result<Option<Place>> {
    let home = home(tx, id)?;
    if !tx.has(ARTICLE, &home)? {
        return Ok(None);
    }
    let is_shown = face(tx, home)? == id;
    Ok(Some(if is_shown {
        Place::Shown(home)
    } else {
        Place::Folded(home)
    }))
}

/// Whose text an article shows.
fn face(tx: &Tx<'_>, home: ArticleId) -> Result<ArticleId> {
    Ok(tx.get(FACE, &home)?.unwrap_or(home))
}

/// Folds a new article; tells whether the one it belongs to is still there.
pub(super) fn fold_new(tx: &mut Tx<'_>, id: ArticleId, fold: Fold) -> Result<bool> {
    let home = home(tx, fold.home)?;
    if !tx.has(ARTICLE, &home)? {
        return Ok(false);
    }
    let now = fold.article.first_seen;
    let mut shown = (fold.shown == Shown::New).then_some(id);
    for (other, measure) in fold.merged {
        let face = face(tx, other)?;
        fold_kept(tx, other, home, measure)?;
        if fold.shown == Shown::Merged(other) {
            shown = Some(face);
        }
    }
    let reprint = reprint(id, &fold.article, fold.measure);
    tx.put(HOME, &id, &home)?;
    tx.put(FOLDED, &id, &(fold.article, fold.body))?;
    add_reprints(tx, home, vec![reprint])?;
    if let Some(member) = shown {
        show(tx, home, member, now)?;
    }
    Ok(true)
}

/// Has an article show the text of what came under `member` and is folded into it.
fn show(tx: &mut Tx<'_>, home: ArticleId, member: ArticleId, now: DateTime<Utc>) -> Result<()> {
    let (Some((shown, body)), Some((new, new_body))) =
        (article(tx, home)?, tx.get(FOLDED, &member)?)
    else {
        return Ok(());
    };
    let before = face(tx, home)?;
    let copy = copy(&shown, before);
    let mut reprints = shown.reprints.clone();
    for held in &mut reprints {
        if held.id == Some(member)
            && let Some(measure) = held.measure
        {
            *held = reprint(before, &copy, measure);
        }
    }
    tx.put(FOLDED, &before, &(copy, body))?;
    tx.remove(FOLDED, &member);
    tx.put(FACE, &home, &member)?;
    uproot(tx, &shown);
    let revised = Article {
        id: home,
        published: shown.published.min(new.published),
        first_seen: shown.first_seen,
        revised: Some(now),
        reprints,
        related: shown.related,
        story: shown.story,
        mail: shown.mail,
        ..new
    };
    insert(tx, &revised, &new_body)
}

/// Folds an article that the library has, with all that was folded into it.
fn fold_kept(tx: &mut Tx<'_>, id: ArticleId, home: ArticleId, measure: Measure) -> Result<()> {
    if id == home {
        return Ok(());
    }
    let Some((shown, body)) = article(tx, id)? else {
        return Ok(());
    };
    let face = face(tx, id)?;
    let copy = copy(&shown, face);
    let mut reprints = shown.reprints.clone();
    reprints.push(reprint(face, &copy, measure));
    for member in reprints.iter().filter_map(|reprint| reprint.id) {
        tx.put(HOME, &member, &home)?;
    }
    tx.put(HOME, &id, &home)?;
    tx.remove(FACE, &id);
    tx.put(FOLDED, &face, &(copy, body))?;
    uproot(tx, &shown);
    tx.remove(ARTICLE, &id);
    tx.remove(BODY, &id);
    add_reprints(tx, home, reprints)
}

/// Forgets all that is folded into an article which is removed; returns under which ids it came.
pub(super) fn remove(tx: &mut Tx<'_>, article: &Article) -> Result<Vec<ArticleId>> {
    let face = tx.get(FACE, &article.id)?;
    let members = article.reprints.iter().filter_map(|reprint| reprint.id);
    let members: Vec<ArticleId> = members.chain(face).collect();
    for member in &members {
        tx.remove(FOLDED, member);
        tx.remove(HOME, member);
    }
    tx.remove(FACE, &article.id);
    Ok(members)
}

/// Makes what came under `id` an article of its own again.
pub(super) fn split(tx: &mut Tx<'_>, id: ArticleId) -> Result<Split> {
    let Some(home) = tx.get(HOME, &id)? else {
        // The article shows another text than that under which it began: the other one leaves.
        return match tx.get(FACE, &id)? {
            Some(face) => split(tx, face),
            None => Ok(Split::NotFolded),
        };
    };
    let Some((shown, body)) = article(tx, home)? else {
        return Ok(Split::NotFolded);
    };
    let mut rest = shown.clone();
    let (alone, text) = if face(tx, home)? == id {
        // Its own text comes back to the article.
        let Some((own, own_text)) = tx.get(FOLDED, &home)? else {
            return Ok(Split::NotFolded);
        };
        rest = Article {
            first_seen: shown.first_seen,
            revised: shown.revised,
            reprints: shown.reprints.clone(),
            related: shown.related.clone(),
            story: shown.story,
            mail: shown.mail,
            ..own
        };
        rest.reprints.retain(|reprint| reprint.id != Some(home));
        tx.remove(FOLDED, &home);
        tx.remove(FACE, &home);
        uproot(tx, &shown);
        insert(tx, &rest, &own_text)?;
        (copy(&shown, id), body)
    } else {
        let Some(folded) = tx.get(FOLDED, &id)? else {
            return Ok(Split::NotFolded);
        };
        rest.reprints.retain(|reprint| reprint.id != Some(id));
        tx.put(ARTICLE, &home, &rest)?;
        folded
    };
    tx.remove(FOLDED, &id);
    tx.remove(HOME, &id);
    tx.put(APART, &(home, id), &())?;
    // Nobody is mailed what was told already under another name.
    let alone = Article {
        story: shown.story,
        mail: Mail::Held,
        ..alone
    };
    insert(tx, &alone, &text)?;
    Ok(Split::Apart(home, id))
}

fn article(tx: &Tx<'_>, id: ArticleId) -> Result<Option<(Article, Body)>> {
    let Some(article) = tx.get(ARTICLE, &id)? else {
        return Ok(None);
    };
    Ok(Some((article, tx.get(BODY, &id)?.unwrap_or_default())))
}

fn add_reprints(tx: &mut Tx<'_>, home: ArticleId, reprints: Vec<Reprint>) -> Result<()> {
    let Some(mut article) = tx.get(ARTICLE, &home)? else {
        return Ok(());
    };
    article.reprints.extend(reprints);
    tx.put(ARTICLE, &home, &article)
}

/// What an article shows, as it came under `id`.
fn copy(shown: &Article, id: ArticleId) -> Article {
    Article {
        id,
        reprints: Vec::new(),
        related: Vec::new(),
        ..shown.clone()
    }
}

fn reprint(id: ArticleId, article: &Article, measure: Measure) -> Reprint {
    Reprint {
        source: article.source.clone(),
        guid: article.guid.clone(),
        url: article.url.clone(),
        score: crate::dedupe::reprint::score(measure),
        measure: Some(measure),
        seen: article.first_seen,
        id: Some(id),
    }
}
