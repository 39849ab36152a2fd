//! Polling what is due: the way of an entry from its source into the library.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::{sync::Mutex, task::spawn_blocking};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    IngestStore, Judged, Recorded, Verdict,
    article::{self, Readable},
    full_text,
    memory::{Known, Memory, Merits},
    read::{Asked, Brought, Reader},
    round::ROUND,
    take::{Bundle, Lifting},
    topics::Topic,
    turns::Turns,
};
use crate::{
    clock::Clock,
    dedupe::{
        fingerprint::{self, Fingerprint},
        flood,
        judge::{self, Finding, Judgment},
    },
    id::ArticleId,
    library::{Article, ArticleStore, Body, Mail, Reprint},
    port,
    sources::{
        Poll, Source, SourceStore,
        entry::{Entry, Full},
        websub,
    },
    task::{Report, Task, chain},
};

/// Polls every source that is due.
pub struct IngestDueSources {
    pub polls: Arc<dyn SourceStore>,
    pub store: Arc<dyn IngestStore>,
    pub articles: Arc<dyn ArticleStore>,
    pub reader: Reader,
    pub sources: Arc<[Source]>,
    /// What articles get by rule.
    pub topics: Arc<[Topic]>,
    pub turns: Turns,
    pub clock: Clock,
    /// Cancelled when no further source should be begun.
    pub retired: CancellationToken,
    pub merits: Arc<Merits>,
    /// Read from the store when it is first needed. Whoever holds it is the only one who judges:
    /// two sources that bring one story at the same moment are judged one after the other.
    pub memory: Arc<Mutex<Option<Memory>>>,
}

/// What came of a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polled {
    pub recorded: Recorded,
    /// Entries that the source's rules did not admit.
    pub left_out: u64,
    /// In words an operator reads.
    pub result: String,
    pub failed: bool,
    /// What the log should say of it; a source that goes on failing is not news.
    pub news: Option<String>,
    /// Where the source stands now.
    pub poll: Poll,
}

impl IngestDueSources {
    /// Polls one source whether or not it is due. A document that makes us panic is a failure of its
    /// source and of no other.
    pub async fn poll(
        &self,
        source: &Source,
        asked: Asked,
        now: DateTime<Utc>,
    ) -> port::Result<Polled> {
        let subscription = self.polls.subscription(&source.name).await?;
        let before = Poll::resumed(self.polls.poll(&source.name).await?, source, now);
        let source = &*websub::paced(source, &before, subscription.as_ref(), now);
        match AssertUnwindSafe(self.poll_once(source, &before, asked, now))
            .catch_unwind()
            .await
        {
            Ok(polled) => polled,
            Err(_) => {
                let reason = "its document made the reader panic".to_owned();
                let after = before.failed(source, reason, None, now);
                self.keep(source, &before, after).await
            }
        }
    }

    async fn poll_once(
        &self,
        source: &Source,
        before: &Poll,
        asked: Asked,
        now: DateTime<Utc>,
    ) -> port::Result<Polled> {
        match self.reader.read(source, before, asked, now).await? {
            Brought::Entries {
                entries,
                home,
                arrival,
            } => {
                let bundle = Bundle { entries, home };
                self.take(source, before, bundle, *arrival, now).await
            }
            Brought::NotModified {
                validators,
                max_age,
                moved,
            } => {
                let after = before.unchanged(source, validators, max_age, moved.as_ref(), now);
                self.keep(source, before, after).await
            }
            Brought::Gone => self.keep(source, before, before.gone(now)).await,
            Brought::Failed {
                reason,
                retry_after,
            } => {
                let after = before.failed(source, reason, retry_after, now);
                self.keep(source, before, after).await
            }
        }
    }

    /// Records a poll that brought no document.
    async fn keep(&self, source: &Source, before: &Poll, after: Poll) -> port::Result<Polled> {
        self.polls.record_quiet(&source.name, &after).await?;
        Ok(Polled::of(Recorded::default(), before, after))
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
            let open = sifted.open.into_iter().map(|mut candidate| {
                full_text::complete(&mut candidate.entry);
                let readable = readable(&candidate.entry);
                (candidate.with_text(&readable.body.text), Some(readable))
            });
            let (texted, readables): (Vec<_>, Vec<_>) = open.unzip();
            let settled = sifted.settled.into_iter().map(|mut judgment| {
                if judgment.finding == Finding::Revised && judgment.entry.full == Full::Missing {
                    // The whole text that is kept is worth more than the new teaser.
                    judgment.finding = Finding::Known;
                }
                full_text::complete(&mut judgment.entry);
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

    /// Folds reprints and relates what is left, the oldest first.
    pub(super) async fn place(
        &self,
        memory: Option<Memory>,
        mut judged: Vec<Judged>,
        now: DateTime<Utc>,
    ) -> port::Result<(Memory, Vec<Judged>)> {
        let known = self.known(&judged).await?;
        let mut memory = match memory {
            Some(memory) => memory,
            None => self.remember(now).await?,
        };
        judged.sort_by_key(|one| (one.trace.article, !matches!(one.verdict, Verdict::New(_))));
        memory.heed(&self.merits);
        Ok(off_the_runtime(move || {
            let judged = memory.place(judged, &known, now);
            (memory, judged)
        })
        .await)
    }

    /// What the store knows of the links that authors named and of where revised entries stand.
    async fn known(&self, judged: &[Judged]) -> port::Result<Known> {
        let named: Vec<Fingerprint> = articles(judged)
            .flat_map(|(article, _)| named_prints(article))
            .collect();
        let found = self.still_held(self.store.known(&named).await?).await?;
        let fresh = |one: &Judged| {
            let article = one.trace.article;
            one.prints
                .iter()
                .map(move |print| (*print, article))
                .collect::<Vec<_>>()
        };
        let mut links: HashMap<Fingerprint, ArticleId> = judged.iter().flat_map(fresh).collect();
        links.extend(found.iter().map(|(print, trace)| (*print, trace.article)));
        let mut ids: Vec<ArticleId> = found.values().map(|trace| trace.article).collect();
        ids.extend(articles(judged).map(|(article, _)| article.id));
        let places = self.store.places(&ids).await?;
        for id in links.values_mut() {
            *id = places.get(id).map_or(*id, |place| place.home());
        }
        Ok(Known { links, places })
    }
}

impl Polled {
    pub(super) fn of(recorded: Recorded, before: &Poll, after: Poll) -> Self {
        Polled {
            recorded,
            left_out: 0,
            result: after.result.clone(),
            failed: after.failures > 0,
            news: after.news_since(before),
            poll: after,
        }
    }
}

/// Runs what takes the processor for long where it does not hold up the listeners.
pub(super) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
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
    // The pages of a first listing that came with its first poll are the latest ones.
    let mail_first = if before.left > 0 {
        0
    } else {
        source.mail_first
    };
    let mails = match source.is_polled() {
        true => flood::mail(before, mail_first, &dates),
        false => flood::mail_pushed(before, mail_first, &dates, now),
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
                measure: None,
                seen: now,
                id: None,
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
        Verdict::Folded(_) | Verdict::Reprint(_) | Verdict::Known => None,
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
        if let Err(err) = self.plan(now).await {
            return Report::failed(&err);
        }
        let mut report = Report::default();
        let mut sum = Recorded::default();
        let tell = |source: &Source, what: String| format!("source {}: {what}", source.name);
        self.round(now + ROUND, |source, polled| match polled {
            Ok(polled) => {
                sum += polled.recorded;
                let told = match polled.failed {
                    true => &mut report.errors,
                    false => &mut report.notices,
                };
                told.extend(polled.news.map(|news| tell(source, news)));
            }
            Err(err) => report.errors.push(tell(source, chain(&err))),
        })
        .await;
        if let Err(err) = self.refresh().await {
            report.errors.push(chain(&err));
        }
        report.again = self.turns.next();
        report.counts = vec![
            ("new", sum.new),
            ("revised", sum.revised),
            ("reprints", sum.reprints),
            ("held", sum.held),
        ];
        report
    }
}
