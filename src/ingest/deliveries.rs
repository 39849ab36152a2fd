//! What hubs post, from the moment it is accepted until it is in the library.
//!
//! A hub wants its answer at once (WebSub, section 7), so documents wait in memory. A crash loses
//! them; the next poll finds what they held.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::task::spawn_blocking;
use url::Url;

use super::{
    Recorded,
    parse::{Given, Kind, parse},
    read::MOST_ENTRIES,
    take::Bundle,
    task::IngestDueSources,
};
use crate::{
    id::SourceName,
    task::{Report, Task, chain},
};

/// Documents that wait at the same time.
const MOST: usize = 64;

/// A document that a hub signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub source: SourceName,
    pub topic: Url,
    pub content_type: Option<String>,
    pub bytes: Vec<u8>,
}

/// Documents that wait to be taken in, the first one first.
#[derive(Debug)]
pub struct Inbox {
    waiting: Mutex<VecDeque<Delivery>>,
    /// All of them together; one may always wait alone.
    most_bytes: usize,
}

/// Come again later.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl Inbox {
    pub fn new(most_bytes: usize) -> Self {
        Inbox {
            waiting: Mutex::default(),
            most_bytes,
        }
    }

    pub fn put(&self, delivery: Delivery) -> Result<(), Full> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let held: usize = waiting.iter().map(|other| other.bytes.len()).sum();
        let is_full = waiting.len() >= MOST || held + delivery.bytes.len() > self.most_bytes;
        if is_full && !waiting.is_empty() {
            return Err(Full);
        }
        waiting.push_back(delivery);
        Ok(())
    }

    fn take(&self) -> Option<Delivery> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.pop_front()
    }
}

/// Takes in what hubs delivered.
pub struct TakeDeliveries {
    pub inbox: Arc<Inbox>,
    pub ingest: Arc<IngestDueSources>,
}

impl TakeDeliveries {
    async fn take(&self, delivery: Delivery, now: DateTime<Utc>) -> Result<Recorded, String> {
        let mut sources = self.ingest.sources.iter();
        let Some(source) = sources.find(|source| source.name == delivery.source) else {
            return Ok(Recorded::default());
        };
        let paused = self.ingest.polls.paused().await;
        if paused
            .map_err(|err| chain(&err))?
            .contains_key(&source.name)
        {
            return Ok(Recorded::default());
        }
        let parsed = spawn_blocking(move || {
            let given = Given {
                base: &delivery.topic,
                content_type: delivery.content_type.as_deref(),
                kind: Kind::Feed,
            };
            parse(&delivery.bytes, &given).map(|document| (document, delivery.topic))
        });
        let (mut document, topic) = parsed
            .await
            .map_err(|_| "the parser gave up on this document".to_owned())?
            .map_err(|unreadable| chain(&unreadable))?;
        document.entries.truncate(MOST_ENTRIES);
        let bundle = Bundle {
            entries: document.entries,
            home: document.home_page_url.unwrap_or(topic),
        };
        let taken = self.ingest.deliver(source, bundle, now).await;
        taken.map_err(|err| chain(&err))
    }
}

#[async_trait]
impl Task for TakeDeliveries {
    fn name(&self) -> &'static str {
        "take_deliveries"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn activate(&self, now: DateTime<Utc>) -> Report {
        let mut report = Report::default();
        let mut sum = Recorded::default();
        while let Some(delivery) = self.inbox.take() {
            let name = delivery.source.clone();
            match self.take(delivery, now).await {
                Ok(recorded) => sum += recorded,
                Err(reason) => report
                    .errors
                    .push(format!("source {name}: pushed by its hub: {reason}")),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(bytes: usize) -> Delivery {
        Delivery {
            source: SourceName::parse("wire").unwrap(),
            topic: Url::parse("https://wire.example/feed").unwrap(),
            content_type: None,
            bytes: vec![0; bytes],
        }
    }

    #[test]
    fn so_much_waits_and_no_more() {
        let inbox = Inbox::new(100);

        assert_eq!(inbox.put(delivery(150)), Ok(()), "one may wait alone");
        assert_eq!(inbox.put(delivery(1)), Err(Full));
        assert!(inbox.take().is_some());
        assert_eq!(inbox.put(delivery(60)), Ok(()));
        assert_eq!(inbox.put(delivery(41)), Err(Full));
        assert_eq!(inbox.put(delivery(40)), Ok(()));
        while inbox.take().is_some() {}
        let taken = (0..MOST + 1).filter(|_| inbox.put(delivery(1)).is_ok());
        assert_eq!(taken.count(), MOST);
    }
}
