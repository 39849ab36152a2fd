//! How entries enter the library, whichever way they came: judged, related, and recorded in one
//! transaction.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use url::Url;

use super::{
    Answer, Judged, Push, Record, Recorded, Verdict,
    fate::{Fate, Name},
    memory::Memory,
    sift::{self, Sifted},
    task::{IngestDueSources, Polled, articles, judged, off_the_runtime},
    topics,
};
use crate::{
    dedupe::{Known, Trace, fingerprint::Fingerprint, judge::Finding},
    id::ArticleId,
    library::Article,
    port,
    sources::{Poll, Source, entry::Entry, schedule::Arrival},
};

/// Entries, with what relative links of those without an address start from.
#[derive(Clone, Debug)]
pub struct Bundle {
    pub entries: Vec<Entry>,
    pub home: Url,
}

/// Whether entries bring back articles of their source that were removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    StayGone,
    /// As new articles, under new ids.
    ComeBack,
}

/// The fingerprints that removed articles give back while entries are judged.
pub(super) struct Lifting {
    removed: Removed,
    prints: Vec<Fingerprint>,
}

/// Judged and related, to be recorded before anybody else judges.
struct Ready {
    judged: Vec<Judged>,
    memory: Option<Memory>,
    lifted: Vec<Fingerprint>,
    new: u64,
}

/// What the operator's rules leave of a bundle, and how many entries they leave out.
async fn sifted(source: &Source, bundle: Bundle, now: DateTime<Utc>) -> (Bundle, u64) {
    let rules = source.rules.clone();
    let Bundle { entries, home } = bundle;
    let sifted = off_the_runtime(move || sift::sift(&rules, entries, now)).await;
    let Sifted { entries, left_out } = sifted;
    (Bundle { entries, home }, left_out)
}

impl IngestDueSources {
    /// Takes in what a poll brought.
    pub(super) async fn take(
        &self,
        source: &Source,
        before: &Poll,
        bundle: Bundle,
        mut arrival: Arrival,
        now: DateTime<Utc>,
    ) -> port::Result<Polled> {
        let (bundle, left_out) = sifted(source, bundle, now).await;
        arrival.unread.extend(sift::note(left_out));
        let mut kept = self.memory.lock().await;
        let ready = self
            .prepare(&mut kept, source, before, bundle, Removed::StayGone, now)
            .await?;
        let new = ready.new;
        let poll = before.read(source, &Arrival { new, ..arrival }, now);
        let record = Record {
            source: source.name.clone(),
            poll: Some(poll.clone()),
            judged: ready.judged,
            push: None,
            now,
        };
        let recorded = self.store.record(record).await?;
        *kept = ready.memory;
        Ok(Polled {
            left_out,
            ..Polled::of(recorded, before, poll)
        })
    }

    /// Takes in what a hub delivered for `source`. When to poll, and with which validators, stays as
    /// it is.
    pub async fn deliver(
        &self,
        source: &Source,
        bundle: Bundle,
        now: DateTime<Utc>,
    ) -> port::Result<Recorded> {
        let (bundle, _) = sifted(source, bundle, now).await;
        let mut kept = self.memory.lock().await;
        let before = Poll::resumed(self.polls.poll(&source.name).await?, source, now);
        let ready = self
            .prepare(&mut kept, source, &before, bundle, Removed::StayGone, now)
            .await?;
        let record = Record {
            source: source.name.clone(),
            poll: None,
            judged: ready.judged,
            push: None,
            now,
        };
        let recorded = self.store.record(record).await?;
        *kept = ready.memory;
        Ok(recorded)
    }

    /// Takes in what was pushed to `source`, each entry with a guid of its own: all of it or nothing.
    ///
    /// What `answer` makes of the fates is recorded together with the articles, under its key.
    pub async fn push(
        &self,
        source: &Source,
        bundle: Bundle,
        removed: Removed,
        answer: impl FnOnce(&[Fate]) -> Option<(String, Answer)>,
        now: DateTime<Utc>,
    ) -> port::Result<Vec<Fate>> {
        let mut kept = self.memory.lock().await;
        let before = Poll::resumed(self.polls.poll(&source.name).await?, source, now);
        let dates: Vec<_> = bundle.entries.iter().map(|entry| entry.published).collect();
        let names: Vec<Name> = bundle
            .entries
            .iter()
            .map(|entry| Name::of(source, entry))
            .collect();
        let mut ready = self
            .prepare(&mut kept, source, &before, bundle, removed, now)
            .await?;
        let fates = self.fates(names, &mut ready.judged, &ready.lifted).await?;
        let push = Push {
            lifted: ready.lifted,
            answer: answer(&fates),
        };
        let record = Record {
            source: source.name.clone(),
            poll: Some(before.pushed(&dates, ready.new, now)),
            judged: ready.judged,
            push: Some(push),
            now,
        };
        self.store.record(record).await?;
        *kept = ready.memory;
        Ok(fates)
    }

    /// Judges the entries of a document and relates what is new. The memory is taken out of
    /// `kept`, to be put back when the store holds what it holds, and else to be read anew.
    async fn prepare(
        &self,
        kept: &mut Option<Memory>,
        source: &Source,
        before: &Poll,
        bundle: Bundle,
        removed: Removed,
        now: DateTime<Utc>,
    ) -> port::Result<Ready> {
        let mut lifting = Lifting {
            removed,
            prints: Vec::new(),
        };
        let Bundle { entries, home } = bundle;
        let judgments = self.judge(source, entries, home, &mut lifting).await?;
        let new = judgments
            .iter()
            .filter(|(judgment, _)| judgment.finding == Finding::New)
            .count() as u64;
        let first = self.store.reserve(new).await?;
        let judged = judged(source, before, judgments, first, now);
        let mut judged = topics::given(&self.topics, judged).await;
        self.leave_gone(&mut judged).await?;
        let mut memory = kept.take();
        if articles(&judged).next().is_some() {
            let placed;
            (placed, judged) = self.place(memory, judged, now).await?;
            memory = Some(placed);
        }
        Ok(Ready {
            judged,
            memory,
            lifted: lifting.prints,
            new,
        })
    }

    /// What revises or repeats a removed article does nothing.
    async fn leave_gone(&self, judged: &mut [Judged]) -> port::Result<()> {
        let new: HashSet<ArticleId> = articles(judged)
            .filter(|(article, _)| article.revised.is_none())
            .map(|(article, _)| article.id)
            .collect();
        let changes = |one: &Judged| {
            let is_change = matches!(one.verdict, Verdict::Revised(_) | Verdict::Reprint(_));
            is_change && !new.contains(&one.trace.article)
        };
        let changed = judged.iter().filter(|one| changes(one));
        let held = self.held(changed.map(|one| one.trace.article)).await?;
        for one in judged {
            if changes(one) && !held.contains_key(&one.trace.article) {
                one.verdict = Verdict::Known;
            }
        }
        Ok(())
    }

    /// Those of `ids` that are in the library, each with the article that it stands in now.
    pub(super) async fn held(
        &self,
        ids: impl Iterator<Item = ArticleId>,
    ) -> port::Result<HashMap<ArticleId, Article>> {
        let ids: HashSet<ArticleId> = ids.collect();
        let mut held = HashMap::new();
        for id in ids {
            if let Some(article) = self.articles.article(id).await? {
                held.insert(id, article);
            }
        }
        Ok(held)
    }

    /// Leaves out what leads to removed articles.
    pub(super) async fn still_held(&self, mut known: Known) -> port::Result<Known> {
        let held = self.held(known.values().map(|trace| trace.article)).await?;
        known.retain(|_, trace| held.contains_key(&trace.article));
        Ok(known)
    }

    /// Leaves out, where removed articles come back, the traces that `source` has of what it took
    /// away: a whole article, or its own entry among the reprints of one.
    pub(super) async fn lift(
        &self,
        source: &Source,
        mut known: Known,
        lifting: &mut Lifting,
    ) -> port::Result<Known> {
        if lifting.removed == Removed::StayGone {
            return Ok(known);
        }
        let held = self.held(known.values().map(|trace| trace.article)).await?;
        let is_there = |trace: &Trace| {
            held.get(&trace.article).is_some_and(|article| {
                let mut carriers = article.reprints.iter().map(|reprint| &reprint.source);
                let represents = trace.represents && article.source == source.name;
                represents || carriers.any(|carrier| *carrier == source.name)
            })
        };
        known.retain(|print, trace| {
            let stays = trace.source != source.name || is_there(trace);
            if !stays {
                lifting.prints.push(*print);
            }
            stays
        });
        Ok(known)
    }
}
