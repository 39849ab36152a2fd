//! `courant outbox retry`.

use anyhow::{Context, bail};

use crate::{
    delivery::{Delivery, Status, Tally},
    id::{ContentId, DeliveryId, EditionSlug, SubscriberId},
    ops::{
        app::App,
        cli::{order::Done, output::Out},
    },
};

/// Deliveries that are looked at, and retried, at a time.
const PAGE: usize = 2_000;

/// What is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Waiting,
    FailedToo,
}

impl Which {
    fn has(self, delivery: &Delivery) -> bool {
        match delivery.status {
            Status::Deferred { .. } | Status::Uncertain { .. } => true,
            Status::Failed { .. } => self == Which::FailedToo,
            Status::Scheduled { .. }
            | Status::Leased { .. }
            | Status::Sent { .. }
            | Status::Withheld { .. } => false,
        }
    }

    fn is_in(self, tally: Tally) -> bool {
        let failed = if self == Which::FailedToo {
            tally.failed
        } else {
            0
        };
        tally.deferred + tally.uncertain + failed > 0
    }
}

pub(super) async fn retry(app: &App, out: &Out, what: &str, which: Which) -> anyhow::Result<Done> {
    let now = app.clock.now();
    let retried = match what.parse::<DeliveryId>() {
        Ok(id) => {
            let found = app.store.deliveries_of(id, 1).await?;
            if found.first().is_none_or(|delivery| delivery.id != id) {
                bail!("there is no delivery {id}");
            }
            app.store.retry(vec![id], now).await?
        }
        Err(_) => {
            let slug = EditionSlug::parse(what)
                .ok()
                .filter(|slug| app.edition(slug).is_ok());
            let slug = slug.with_context(|| format!("there is no edition or delivery `{what}`"))?;
            let mut retried = 0;
            for issue in app.store.issues(usize::MAX).await? {
                if issue.edition == slug && which.is_in(issue.tally) {
                    retried += retry_all(app, issue.content, which).await?;
                }
            }
            retried
        }
    };
    app.wakes.delivery.wake();
    if out.wants_json() {
        out.object(&serde_json::json!({ "retried": retried }))
            .await?;
    }
    out.line(format!("{retried} to be tried again now")).await;
    Ok(Done::Wholly)
}

async fn retry_all(app: &App, content: ContentId, which: Which) -> anyhow::Result<u64> {
    let mut from = DeliveryId {
        content,
        recipient: SubscriberId(0),
    };
    let mut retried = 0;
    loop {
        let page = app.store.deliveries_of(from, PAGE).await?;
        let ids = page.iter().filter(|delivery| which.has(delivery));
        let ids = ids.map(|delivery| delivery.id).collect();
        retried += app.store.retry(ids, app.clock.now()).await?;
        match page.last() {
            Some(last) if page.len() == PAGE => from.recipient.0 = last.id.recipient.0 + 1,
            _ => return Ok(retried),
        }
    }
}
