//! Keeps the subscriptions at hubs: asks, asks again before a lease ends, and takes leave.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use ring::rand::{SecureRandom, SystemRandom};
use url::Url;

use super::{
    Poll, Source, SourceStore, Standing,
    entry::Hub,
    fetch::Fetcher,
    websub::{Mode, Subscription, askable, may_be_called},
};
use crate::{
    id::SourceName,
    port,
    task::{Report, Task, chain},
};

/// Hubs that are asked at the same time, and in one activation: the rest waits for the next one.
const AT_ONCE: usize = 4;
const MOST_ASKED: usize = 100;

/// Subscribes to the hubs that sources name, so that news comes at once and polls can be rare.
pub struct RenewSubscriptions {
    pub store: Arc<dyn SourceStore>,
    pub fetcher: Fetcher,
    pub sources: Arc<[Source]>,
    /// Hubs are told of addresses below it.
    pub base_url: Url,
}

/// What to do about one source.
#[derive(Debug)]
enum Duty {
    Subscribe(SourceName, Hub, Option<Subscription>),
    Leave(SourceName, Subscription),
}

impl RenewSubscriptions {
    fn duty(&self, source: SourceName, standing: Standing, now: DateTime<Utc>) -> Option<Duty> {
        let Standing {
            poll,
            paused,
            subscription,
            ..
        } = standing;
        let mut sources = self.sources.iter();
        let is_wanted =
            paused.is_none() && sources.any(|one| one.name == source && one.is_polled());
        let poll = poll.filter(Poll::is_active);
        let hub = poll
            .and_then(|poll| poll.hub)
            .filter(|hub| is_wanted && !askable(hub).is_empty());
        match (hub, subscription) {
            (Some(hub), None) => Some(Duty::Subscribe(source, hub, None)),
            // A feed that names itself anew is another topic: the old one is left first.
            (Some(hub), Some(kept)) if hub.topic == kept.topic && !kept.is_leaving() => {
                (kept.next <= now).then_some(Duty::Subscribe(source, hub, Some(kept)))
            }
            (_, Some(kept)) => {
                let was_tried = kept.is_leaving() || kept.failures > 0;
                (!was_tried || kept.next <= now).then_some(Duty::Leave(source, kept))
            }
            (None, None) => None,
        }
    }

    async fn fulfil(&self, duty: Duty, now: DateTime<Utc>) -> Result<(), String> {
        let (source, done) = match duty {
            Duty::Subscribe(source, hub, kept) => {
                let done = self.subscribe(&source, &hub, kept, now).await;
                (source, done)
            }
            Duty::Leave(source, subscription) => {
                let done = self.leave(&source, subscription, now).await;
                (source, done)
            }
        };
        match done {
            Ok(None) => Ok(()),
            Ok(Some(reason)) => Err(format!("source {source}: {reason}")),
            Err(err) => Err(format!("source {source}: {}", chain(&err))),
        }
    }

    /// Asks one hub after the other until one takes the request. Each request is on disk before it
    /// is sent: the hub may ask back before it has answered.
    async fn subscribe(
        &self,
        source: &SourceName,
        hub: &Hub,
        kept: Option<Subscription>,
        now: DateTime<Utc>,
    ) -> port::Result<Option<String>> {
        if let Some(late) = kept.as_ref().and_then(|kept| kept.overdue(now)) {
            self.store.keep_subscription(source, &late).await?;
            return Ok(late.error);
        }
        let begun = match kept {
            Some(kept) => Some(kept),
            None => draw().and_then(|(id, secret)| Subscription::begin(hub, id, secret, now)),
        };
        let Some(mut subscription) = begun else {
            return Ok(Some("no random numbers can be had".to_owned()));
        };
        let mut reason = None;
        for _ in askable(hub) {
            subscription = subscription.asking(Mode::Subscribe, Some(hub), now);
            self.store.keep_subscription(source, &subscription).await?;
            reason = self.ask(&subscription, Mode::Subscribe).await;
            let Some(said) = &reason else { break };
            subscription = subscription.failed(said.clone(), now);
            let id = &subscription.id;
            self.store
                .subscription_failed(source, id, said, now)
                .await?;
        }
        Ok(reason)
    }

    /// Tells the hub to stop. One that never listens is not asked for ever: what it posts later
    /// finds nobody.
    async fn leave(
        &self,
        source: &SourceName,
        kept: Subscription,
        now: DateTime<Utc>,
    ) -> port::Result<Option<String>> {
        if !kept.is_live(now) || kept.is_hopeless() {
            self.store.forget_subscription(source).await?;
            return Ok(None);
        }
        if let Some(late) = kept.overdue(now).filter(|_| kept.is_leaving()) {
            self.store.keep_subscription(source, &late).await?;
            return Ok(late.error);
        }
        let leaving = kept.asking(Mode::Unsubscribe, None, now);
        self.store.keep_subscription(source, &leaving).await?;
        let reason = self.ask(&leaving, Mode::Unsubscribe).await;
        if let Some(reason) = &reason {
            let id = &leaving.id;
            self.store
                .subscription_failed(source, id, reason, now)
                .await?;
        }
        Ok(reason)
    }

    /// Returns why the hub did not take the request, if it did not.
    async fn ask(&self, subscription: &Subscription, mode: Mode) -> Option<String> {
        let Ok(callback) = self.base_url.join(&format!("hooks/{}", subscription.id)) else {
            return Some("site.base_url leads nowhere".to_owned());
        };
        let form = subscription.form(mode, &callback);
        let asked = self.fetcher.post_form(&subscription.hub, form).await;
        asked
            .err()
            .map(|reason| format!("hub {}: {reason}", subscription.hub))
    }
}

/// An address that nobody guesses, of 128 random bits, and a secret of 256.
fn draw() -> Option<(String, String)> {
    let mut bytes = [0_u8; 48];
    SystemRandom::new().fill(&mut bytes).ok()?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let (id, secret) = hex.split_at(32);
    Some((id.to_owned(), secret.to_owned()))
}

#[async_trait]
impl Task for RenewSubscriptions {
    fn name(&self) -> &'static str {
        "renew_subscriptions"
    }

    fn period(&self) -> std::time::Duration {
        std::time::Duration::from_secs(300)
    }

    async fn activate(&self, now: DateTime<Utc>) -> Report {
        if !may_be_called(&self.base_url) {
            return Report::default();
        }
        let standings = match self.store.standings().await {
            Ok(standings) => standings,
            Err(err) => return Report::failed(&err),
        };
        let duties: Vec<Duty> = standings
            .into_iter()
            .filter_map(|(source, standing)| self.duty(source, standing, now))
            .take(MOST_ASKED)
            .collect();
        let asked = duties.len() as u64;
        let done = stream::iter(duties).map(|duty| self.fulfil(duty, now));
        let errors: Vec<String> = done
            .buffer_unordered(AT_ONCE)
            .filter_map(async |done| done.err())
            .collect()
            .await;
        Report {
            counts: vec![("asked", asked - errors.len() as u64)],
            errors,
            ..Report::default()
        }
    }
}
