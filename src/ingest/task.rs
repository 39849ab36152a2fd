//! Polling what is due: the way of an entry from its source into the library.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use tokio::{sync::Mutex, task::spawn_blocking};
use url::Url;

use super::{
    IngestStore, Judged, Recorded, Verdict,
    article::{self, Readable},
    read::{Brought, Reader},
    take::{Bundle, Lifting},
};
use crate::{
    dedupe::{
        fingerprint::{self, Fingerprint},
        flood,
        judge::{self, Finding, Judgment},
    },
    id::ArticleId,
    library::{Article, ArticleStore, Body, Mail, Query, Reprint},
    port,
    related::{index::Index, named},
    sources::{Poll, Source, SourceStore, entry::Entry, websub},
    task::{Report, Task, chain},
};

/// Sources that are asked at the same time.
const AT_ONCE: usize = 8;

/// Related articles that are kept for each; an edition shows its own number of them.
const RELATED: usize = 10;

/// Articles whose text is in memory at once while the index is built.
const PAGE: usize = 1000;

/// Polls every source that is due.
pub struct IngestDueSources {
    pub polls: Arc<dyn SourceStore>,
    pub store: Arc<dyn IngestStore>,
    pub articles: Arc<dyn ArticleStore>,
    pub reader: Reader,
    pub sources: Vec<Source>,
    /// Built from the store when it is first needed. Whoever holds it is the only one who judges:
    /// two sources that bring one story at the same moment are judged one after the other.
    pub index: Arc<Mutex<Option<Index>>>,
}

/// What came of a poll.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    pub recorded: Recorded,
    /// In words an operator reads.
    pub result: String,
    pub failed: bool,
}

impl IngestDueSources {
    /// Polls `sources` whether or not they are due, and yields each as it is done.
    pub fn poll_each<'a>(
        &'a self,
        sources: Vec<&'a Source>,
        now: DateTime<Utc>,
    ) -> impl Stream<Item = (&'a Source, port::Result<Polled>)> {
        let poll = move |source: &'a Source| async move { (source, self.poll(source, now).await) };
        stream::iter(sources).map(poll).buffer_unordered(AT_ONCE)
    }

    /// Polls one source whether or not it is due. A document that makes us panic is a failure of its
    /// source and of no other.
    pub async fn poll(&self, source: &Source, now: DateTime<Utc>) -> port::Result<Polled> {
        let subscription = self.polls.subscription(&source.name).await?;
        let source = &*websub::paced(source, subscription.as_ref(), now);
        let before = Poll::resumed(self.polls.poll(&source.name).await?, source, now);
        match AssertUnwindSafe(self.poll_once(source, &before, now))
            .catch_unwind()
            .await
        {
            Ok(polled) => polled,
            Err(_) => {
                let reason = "its document made the reader panic".to_owned();
                self.keep(source, before.failed(source, reason, None, now))
                    .await
            }
        }
    }

    async fn poll_once(
        &self,
        source: &Source,
        before: &Poll,
        now: DateTime<Utc>,
    ) -> port::Result<Polled> {
        match self.reader.read(source, &before.validators, now).await {
            Brought::Entries {
                entries,
                home,
                arrival,
            } => {
                let bundle = Bundle { entries, home };
                self.take(source, before, bundle, arrival, now).await
            }
            Brought::NotModified {
                validators,
                max_age,
            } => {
                self.keep(source, before.unchanged(source, validators, max_age, now))
                    .await
            }
            Brought::Gone => self.keep(source, before.gone(source, now)).await,
            Brought::Failed {
                reason,
                retry_after,
            } => {
                self.keep(source, before.failed(source, reason, retry_after, now))
                    .await
            }
        }
    }

    /// Records a poll that brought no document.
    async fn keep(&self, source: &Source, poll: Poll) -> port::Result<Polled> {
        self.polls.record_quiet(&source.name, &poll).await?;
        Ok(Polled {
            recorded: Recorded::default(),
            failed: poll.failures > 0,
            result: poll.result,
        })
    }

    /// Judges by guid and link, and where these do not tell, by text; makes readable what readers
    /// will see.
    pub(super) async fn judge(
        &self,
        source: &Source,
        entries: Vec<Entry>,
        home: Url,
        lifting: &mut Lifting,
    ) -> port::Result<Vec<(Judgment, Option<Readable>)>> {
        let mut candidates = judge::candidates(&source.name, entries);
        if !source.is_polled() {
            candidates = judge::with_firm_guids(candidates);
        }
        let known = self.store.known(&judge::asked(&candidates)).await?;
        let known = self.lift(source, known, lifting).await?;
        let sifted = judge::by_identity(&source.name, candidates, &known);

        let (texted, readables, settled) = off_the_runtime(move || {
            let readable = |entry: &Entry| article::readable(entry, &home);
            let open = sifted.open.into_iter().map(|candidate| {
                let readable = readable(&candidate.entry);
                (candidate.with_text(&readable.body.text), Some(readable))
            });
            let (texted, readables): (Vec<_>, Vec<_>) = open.unzip();
            let settled = sifted.settled.into_iter().map(|judgment| {
                let revised =
                    (judgment.finding == Finding::Revised).then(|| readable(&judgment.entry));
                (judgment, revised)
            });
            (texted, readables, settled.collect::<Vec<_>>())
        })
        .await;
        let known = self.store.known(&judge::asked_of_texts(&texted)).await?;
        let known = self.lift(source, known, lifting).await?;
        let opened = judge::by_text(&source.name, texted, &known);
        Ok(opened.into_iter().zip(readables).chain(settled).collect())
    }

    /// Gives every new or revised article its related ones, the oldest first.
    pub(super) async fn relate(
        &self,
        index: Option<Index>,
        judged: &mut [Judged],
    ) -> port::Result<Index> {
        let prints = |one: &Judged| {
            one.prints
                .iter()
                .map(|print| (*print, one.trace.article))
                .collect::<Vec<_>>()
        };
        let fresh: HashMap<Fingerprint, ArticleId> = judged.iter().flat_map(prints).collect();
        let links: Vec<Fingerprint> = articles(judged)
            .flat_map(|(article, _)| named_prints(article))
            .collect();
        let known = self.still_held(self.store.known(&links).await?).await?;
        let find = |print| {
            known
                .get(&print)
                .map(|trace| trace.article)
                .or_else(|| fresh.get(&print).copied())
        };

        let mut index = match index {
            Some(index) => index,
            None => self.build_index().await?,
        };
        judged.sort_by_key(|one| (one.trace.article, !matches!(one.verdict, Verdict::New(_))));
        for (article, body) in articles(judged) {
            index.add(article, &body.text);
        }
        for one in judged {
            if let Verdict::New(new) | Verdict::Revised(new) = &mut one.verdict {
                let article = &mut new.0;
                let named: Vec<ArticleId> = named_prints(article).filter_map(find).collect();
                article.related = named::merge(
                    article.id,
                    named,
                    index.relate(article.id, RELATED),
                    RELATED,
                );
            }
        }
        Ok(index)
    }

    async fn build_index(&self) -> port::Result<Index> {
        let mut index = Index::default();
        let articles = self.articles.list(&Query::default()).await?;
        for page in articles.chunks(PAGE) {
            for article in page {
                let body = self.articles.body(article.id).await?.unwrap_or_default();
                index.add(article, &body.text);
            }
        }
        Ok(index)
    }

    async fn due(&self, now: DateTime<Utc>) -> port::Result<Vec<&Source>> {
        let mut due = Vec::new();
        for source in self.sources.iter().filter(|source| source.is_polled()) {
            if Poll::resumed(self.polls.poll(&source.name).await?, source, now).next <= now {
                due.push(source);
            }
        }
        Ok(due)
    }
}

/// Runs what takes the processor for long where it does not hold up the listeners.
async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(err) => resume_unwind(err.into_panic()),
    }
}

/// Makes articles of judgments.
pub(super) fn judged(
    source: &Source,
    before: &Poll,
    judgments: Vec<(Judgment, Option<Readable>)>,
    first: ArticleId,
    now: DateTime<Utc>,
) -> Vec<Judged> {
    let is_new = |judgment: &Judgment| judgment.finding == Finding::New;
    let dates: Vec<_> = judgments
        .iter()
        .filter(|(judgment, _)| is_new(judgment))
        .map(|(judgment, _)| judgment.entry.published)
        .collect();
    let mails = match source.is_polled() {
        true => flood::mail(before, source.mail_first, &dates),
        false => flood::mail_pushed(before, source.mail_first, &dates, now),
    };
    let mut mails = mails.into_iter();
    let judge = |(judgment, readable): (Judgment, Option<Readable>)| {
        let trace = judgment.trace(&source.name, first);
        let entry = judgment.entry;
        let id = trace.article;
        let verdict = match (judgment.finding, readable) {
            (Finding::New, Some(readable)) => {
                let mail = mails.next().unwrap_or(Mail::Held);
                Verdict::New(Box::new(article::article(
                    id, source, entry, readable, mail, now,
                )))
            }
            (Finding::Revised, Some(readable)) => {
                let (article, body) =
                    article::article(id, source, entry, readable, Mail::Held, now);
                Verdict::Revised(Box::new((
                    Article {
                        revised: Some(now),
                        ..article
                    },
                    body,
                )))
            }
            (Finding::Reprint { score }, _) => Verdict::Reprint(Reprint {
                source: source.name.clone(),
                guid: entry.guid,
                url: entry.url,
                score,
                seen: now,
            }),
            (Finding::Known | Finding::New | Finding::Revised, _) => Verdict::Known,
        };
        Judged {
            prints: judgment.prints,
            trace,
            verdict,
        }
    };
    judgments.into_iter().map(judge).collect()
}

pub(super) fn articles(judged: &[Judged]) -> impl Iterator<Item = &(Article, Body)> {
    judged.iter().filter_map(|one| match &one.verdict {
        Verdict::New(new) | Verdict::Revised(new) => Some(&**new),
        Verdict::Reprint(_) | Verdict::Known => None,
    })
}

/// The fingerprints of the links that an article's author named.
fn named_prints(article: &Article) -> impl Iterator<Item = Fingerprint> {
    article
        .named_related
        .iter()
        .map(|named| fingerprint::link(&named.url))
}

#[async_trait]
impl Task for IngestDueSources {
    fn name(&self) -> &'static str {
        "ingest_due_sources"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(30)
    }

    async fn activate(&self, now: DateTime<Utc>) -> Report {
        let due = match self.due(now).await {
            Ok(due) => due,
            Err(err) => return Report::failed(&err),
        };
        let mut report = Report::default();
        let mut sum = Recorded::default();
        let polls = self.poll_each(due, now);
        tokio::pin!(polls);
        while let Some((source, polled)) = polls.next().await {
            match polled {
                Ok(polled) if polled.failed => report
                    .errors
                    .push(format!("source {}: {}", source.name, polled.result)),
                Ok(polled) => sum += polled.recorded,
                Err(err) => report
                    .errors
                    .push(format!("source {}: {}", source.name, chain(&err))),
            }
        }
        report.counts = vec![
            ("new", sum.new),
            ("revised", sum.revised),
            ("reprints", sum.reprints),
            ("held", sum.held),
        ];
        report
    }
}
