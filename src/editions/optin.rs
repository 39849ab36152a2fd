//! The confirmation request of double opt-in.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    Edition, Site,
    render::{ConfirmView, RenderError, Templates},
};
use crate::{
    delivery::{Audience, Content, OutboxStore, Plan, Purpose, destination::Destinations},
    port::StoreError,
    subscribers::{SubscriberStore, Unconfirmed},
    task::{Activator, Report, Task, chain},
};

/// Asks everybody who asked for an edition to confirm it.
pub struct RequestConfirmations {
    pub subscribers: Arc<dyn SubscriberStore>,
    pub outbox: Arc<dyn OutboxStore>,
    pub editions: Arc<[Edition]>,
    pub site: Arc<Site>,
    pub templates: Arc<Templates>,
    pub destinations: Arc<Destinations>,
    pub delivery: Activator,
}

/// Requests planned in one activation.
const LIMIT: usize = 500;

#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a confirmation request cannot be rendered")]
    Render(#[from] RenderError),
}

impl RequestConfirmations {
    async fn ask(&self, request: &Unconfirmed, now: DateTime<Utc>) -> Result<(), AskError> {
        let edition = self
            .editions
            .iter()
            .find(|edition| edition.slug == request.edition);
        let profile = self.subscribers.profile(request.subscriber).await?;
        if let (Some(edition), Some(profile)) = (edition, profile) {
            let rendered = self.templates.confirmation(&ConfirmView {
                site: &self.site,
                edition,
                address: &profile.subscriber.address,
                requested: request.since.with_timezone(&self.site.zone),
            })?;
            let content = Content {
                purpose: Purpose::Confirmation,
                edition: edition.slug.clone(),
                edition_title: edition.title.clone(),
                sender: self.site.sender.clone(),
                subject: rendered.subject,
                html: rendered.html,
                text: rendered.text,
                archived_at: None,
                date: request.since,
            };
            let key = format!(
                "confirm:{}:{}:{}",
                request.subscriber,
                request.edition,
                request.since.to_rfc3339()
            );
            self.outbox
                .plan(Plan {
                    key,
                    content,
                    audience: Audience::One(request.subscriber),
                    stale: None,
                    destinations: self.destinations.clone(),
                    now,
                })
                .await?;
        }
        Ok(self.subscribers.asked(request).await?)
    }
}

#[async_trait]
impl Task for RequestConfirmations {
    fn name(&self) -> &'static str {
        "request_confirmations"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn activate(&self, now: DateTime<Utc>) -> Report {
        let due = match self.subscribers.unconfirmed(LIMIT).await {
            Ok(due) => due,
            Err(err) => return Report::failed(&err),
        };
        let mut report = Report::default();
        let mut asked = 0;
        for request in &due {
            match self.ask(request, now).await {
                Ok(()) => asked += 1,
                Err(err) => report.errors.push(chain(&err)),
            }
        }
        if asked > 0 {
            self.delivery.wake();
        }
        report.counts = vec![("requests", asked)];
        report
    }
}
