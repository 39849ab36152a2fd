//! Who is polled when: the daemon's rounds of what is due, and an operator's orders.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{
    Stream, StreamExt,
    stream::{self, FuturesUnordered},
};

use super::{
    Recorded,
    read::Asked,
    task::{IngestDueSources, Polled},
    turns::{Claimed, Turn},
};
use crate::{
    id::SourceName,
    port,
    sources::{
        Poll, Source,
        agenda::{MOST_IN_HAND, Polling},
    },
};

/// How long sources are begun in one activation. What is in hand then is finished, so a slow source
/// delays the next activation by no more than one fetch may take.
pub(super) const ROUND: TimeDelta = TimeDelta::seconds(60);

impl IngestDueSources {
    /// Polls `sources` whether or not they are due, and yields each as it is done.
    ///
    /// Hosts are spared all the same: each source waits for its turn, and one whose host asked to
    /// be left alone is not polled, which counts as failed.
    pub fn poll_each<'a>(
        &'a self,
        sources: Vec<&'a Source>,
    ) -> impl Stream<Item = (&'a Source, port::Result<Polled>)> {
        let poll =
            move |source: &'a Source| async move { (source, self.poll_in_turn(source).await) };
        stream::iter(by_turns(sources))
            .map(poll)
            .buffer_unordered(MOST_IN_HAND)
    }

    async fn poll_in_turn(&self, source: &Source) -> port::Result<Polled> {
        let asked = Asked::ByOperator;
        self.plan(self.clock.now()).await?;
        match self.turns.claim(&source.name).await {
            Claimed::Taken(turn) => self.poll_and_end(source, turn, asked).await,
            Claimed::Unknown => self.poll(source, asked, self.clock.now()).await,
            Claimed::Resting(until) => {
                let now = self.clock.now();
                let kept = self.polls.poll(&source.name).await?;
                let until = until.format("%Y-%m-%d %H:%M UTC");
                Ok(Polled {
                    recorded: Recorded::default(),
                    left_out: 0,
                    result: format!("not asked: its host wants to be left alone until {until}"),
                    failed: true,
                    news: None,
                    poll: Poll::resumed(kept, source, now),
                })
            }
        }
    }

    async fn poll_and_end(
        &self,
        source: &Source,
        turn: Turn<'_>,
        asked: Asked,
    ) -> port::Result<Polled> {
        let polled = self.poll(source, asked, self.clock.now()).await?;
        turn.end(&polled.poll);
        Ok(polled)
    }

    /// Reads anew where a source stands, after somebody else changed it.
    pub async fn reconsider(&self, source: &Source, now: DateTime<Utc>) -> port::Result<()> {
        let kept = self.polls.poll(&source.name).await?;
        let polling = Polling::of(source, &self.polls.paused().await?);
        let poll = Poll::resumed(kept, source, now);
        self.turns.reconsider(&source.name, &poll, polling);
        Ok(())
    }

    /// Makes a source due that has something new by its own account.
    pub async fn stir(&self, source: &SourceName) -> port::Result<()> {
        self.plan(self.clock.now()).await?;
        self.turns.stir(source);
        Ok(())
    }

    /// The sources that are polled and that the operator has not paused.
    pub async fn unpaused(&self) -> port::Result<Vec<&Source>> {
        let paused = self.polls.paused().await?;
        let is_active = |source: &&Source| Polling::of(source, &paused) == Polling::Active;
        Ok(self.sources.iter().filter(is_active).collect())
    }

    /// Makes the agenda from what is kept, if there is none yet.
    pub(super) async fn plan(&self, now: DateTime<Utc>) -> port::Result<()> {
        let Some(mut agenda) = self.turns.to_plan(now) else {
            return Ok(());
        };
        let paused = self.polls.paused().await?;
        for source in self.sources.iter() {
            let kept = self.polls.poll(&source.name).await?;
            let polling = Polling::of(source, &paused);
            agenda.add(source, &Poll::resumed(kept, source, now), polling);
        }
        self.turns.plan(agenda, now);
        Ok(())
    }

    /// Begins what is due, and what falls due meanwhile, until `ends`; yields each as it is done.
    pub(super) async fn round(
        &self,
        ends: DateTime<Utc>,
        mut done: impl FnMut(&Source, port::Result<Polled>),
    ) {
        let mut polls = FuturesUnordered::new();
        loop {
            let now = self.clock.now();
            let mut wait = None;
            if now < ends && !self.retired.is_cancelled() {
                while let Some(turn) = self.turns.take(now) {
                    let source = &self.sources[turn.source];
                    let poll = self.poll_and_end(source, turn, Asked::BySchedule);
                    polls.push(async move { (source, poll.await) });
                }
                wait = self.turns.next().map(|next| next - now);
            }
            let wait = wait.unwrap_or(ROUND).to_std().unwrap_or_default();
            match tokio::time::timeout(wait, polls.next()).await {
                Ok(Some((source, polled))) => done(source, polled),
                Ok(None) => return,
                Err(_) => {}
            }
        }
    }
}

/// The first source of each host, then the second of each: one with many holds nobody up.
fn by_turns(sources: Vec<&Source>) -> Vec<&Source> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut numbered: Vec<_> = sources
        .into_iter()
        .map(|source| {
            let address = source.origin.address();
            let host = address.and_then(|address| address.url().host_str());
            let nth = host.map_or(0, |host| {
                let before = seen.entry(host).or_default();
                *before += 1;
                *before - 1
            });
            (nth, source)
        })
        .collect();
    numbered.sort_by_key(|(n, _)| *n);
    numbered.into_iter().map(|(_, source)| source).collect()
}
