//! What became of each entry that was pushed, as its pusher is told.

use std::collections::HashSet;

use super::{
    Judged, Verdict,
    task::{IngestDueSources, articles},
};
use crate::{
    dedupe::{
        Known,
        fingerprint::{self, Fingerprint},
    },
    id::ArticleId,
    port::{self, StoreError},
    sources::{Source, entry::Entry},
};

/// What became of one pushed entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    pub guid: String,
    pub article: ArticleId,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    New,
    Revised,
    /// Nothing that readers see changed.
    Known,
    /// Another source brought the same text before.
    Reprint,
    /// The article was removed, and stays so.
    Removed,
}

impl IngestDueSources {
    /// Finds out, for each entry that was pushed, what it was judged to be.
    pub(super) async fn fates(
        &self,
        names: Vec<Name>,
        judged: &mut [Judged],
        lifted: &[Fingerprint],
    ) -> port::Result<Vec<Fate>> {
        let prints: Vec<Fingerprint> = names.iter().flat_map(Name::prints).collect();
        let mut known = self.store.known(&prints).await?;
        known.retain(|print, _| !lifted.contains(print));
        let mut fates = Vec::with_capacity(names.len());
        for name in names {
            fates.push(name.fate(&known, judged)?);
        }
        let is_settled = |fate: &&mut Fate| fate.outcome == Outcome::Known;
        let known = fates.iter_mut().filter(is_settled);
        let ids: Vec<ArticleId> = known.map(|fate| fate.article).collect();
        let held = self.held(ids.into_iter()).await?;
        let fresh: HashSet<ArticleId> = articles(judged).map(|(new, _)| new.id).collect();
        for fate in fates.iter_mut().filter(is_settled) {
            let is_held = held.contains_key(&fate.article);
            if !is_held && !fresh.contains(&fate.article) {
                fate.outcome = Outcome::Removed;
            }
        }
        Ok(fates)
    }
}

/// What a pushed entry can be found by, once it is judged.
pub(super) struct Name {
    guid: String,
    print: Fingerprint,
    link: Option<Fingerprint>,
}

impl Name {
    pub(super) fn of(source: &Source, entry: &Entry) -> Self {
        let guid = entry.guid.clone().unwrap_or_default();
        Name {
            print: fingerprint::guid(&source.name, &guid),
            link: entry.url.as_ref().map(fingerprint::link),
            guid,
        }
    }

    fn prints(&self) -> impl Iterator<Item = Fingerprint> {
        [self.print].into_iter().chain(self.link)
    }

    /// An entry that repeats the link of another one in the same request is that one's article, and
    /// its guid will lead there.
    fn fate(self, known: &Known, judged: &mut [Judged]) -> port::Result<Fate> {
        let guid = Some(self.guid.as_str());
        let own = judged.iter().find_map(|one| {
            let outcome = match &one.verdict {
                Verdict::New(new) if new.0.guid.as_deref() == guid => Outcome::New,
                Verdict::Revised(new) if new.0.guid.as_deref() == guid => Outcome::Revised,
                Verdict::Folded(fold) if fold.article.guid.as_deref() == guid => {
                    return Some((fold.home, Outcome::Reprint));
                }
                Verdict::Reprint(reprint) if reprint.guid.as_deref() == guid => Outcome::Reprint,
                Verdict::Known if one.prints.contains(&self.print) => Outcome::Known,
                _ => return None,
            };
            Some((one.trace.article, outcome))
        });
        let kept = || Some((known.get(&self.print)?.article, Outcome::Known));
        let twin = |judged: &mut [Judged]| {
            let link = self.link?;
            let twin = judged.iter_mut().find(|one| one.trace.link == Some(link));
            if let Some(twin) = twin {
                twin.prints.push(self.print);
                return Some((twin.trace.article, Outcome::Known));
            }
            Some((known.get(&link)?.article, Outcome::Known))
        };
        let (article, outcome) =
            own.or_else(kept)
                .or_else(|| twin(judged))
                .ok_or(StoreError::Unavailable {
                    doing: "tell what became of an entry",
                    source: None,
                })?;
        Ok(Fate {
            guid: self.guid,
            article,
            outcome,
        })
    }
}
