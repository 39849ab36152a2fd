//! Closing the digests that are due and handing them to the outbox.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Close, Closed, Digest, DigestRule, Edition, EditionStore, Site,
    digest::{self, Due},
    render::{DigestView, RenderError, Templates},
    select::{self, SourceTitles},
    stories,
};
use crate::{
    delivery::{Audience, Content, OutboxStore, Plan, Planned, Purpose, destination::Destinations},
    library::{Article, ArticleStore, Mail, Query},
    parts::Window,
    port::StoreError,
    subscribers::address::EmailAddress,
    task::{Activator, Report, Task, chain},
};

/// Publishes every digest that is due, once per edition and slot.
pub struct PublishDigests {
    pub articles: Arc<dyn ArticleStore>,
    pub editions: Arc<dyn EditionStore>,
    pub outbox: Arc<dyn OutboxStore>,
    pub rules: Arc<[Edition]>,
    pub site: Arc<Site>,
    pub titles: Arc<SourceTitles>,
    pub templates: Arc<Templates>,
    pub destinations: Arc<Destinations>,
    pub delivery: Activator,
}

/// What came of a digest that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    Planned {
        digest: Digest,
        planned: Planned,
    },
    /// Fewer new articles than the edition wants; they wait for the next digest.
    TooFew {
        articles: usize,
    },
    /// The slot, or a later one, was closed before.
    Already,
}

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("edition {edition} cannot be rendered")]
    Render {
        edition: String,
        #[source]
        source: RenderError,
    },
    #[error("edition {0} has no articles yet: `courant ingest` polls its sources")]
    NoArticles(String),
    #[error("edition {0} is no longer configured")]
    UnknownEdition(String),
}

impl PublishDigests {
    /// Closes the digest over `window`, whose end is its slot, and plans it for everybody subscribed.
    ///
    /// The digest is durable before it is planned, and `plan` answers a repeat with
    /// [`Planned::Already`]: a crash at any line leaves either nothing or a digest that the next
    /// activation finishes.
    pub async fn publish(
        &self,
        edition: &Edition,
        rule: &DigestRule,
        window: Window,
    ) -> Result<Published, PublishError> {
        let slot = window.to;
        let articles = self.due_articles(edition, window).await?;
        if articles.len() < edition.min_articles {
            self.editions
                .pass(&edition.slug, &rule.name, window)
                .await?;
            return Ok(Published::TooFew {
                articles: articles.len(),
            });
        }
        let close = Close {
            edition: edition.slug.clone(),
            name: rule.name.clone(),
            slot,
            window,
            articles: articles.iter().map(|article| article.id).collect(),
        };
        match self.editions.close(close).await? {
            Closed::Already => Ok(Published::Already),
            Closed::New(digest) => {
                let planned = self.plan(&digest, slot).await?;
                Ok(Published::Planned { digest, planned })
            }
        }
    }

    /// The window of a digest that is sent out of turn, now; its end is the digest's slot.
    ///
    /// The slot is later than every closed one, also where the clock was set back: what the
    /// operator asks for is sent.
    pub async fn window(
        &self,
        edition: &Edition,
        rule: &DigestRule,
        now: DateTime<Utc>,
    ) -> Result<Window, PublishError> {
        let progress = self
            .editions
            .progress(&edition.slug, &rule.name, now)
            .await?;
        let slot = now.max(progress.slot + TimeDelta::microseconds(1));
        Ok(digest::window(rule, progress, slot))
    }

    /// What a digest over `window` would say, to be shown or sent as a test; nothing is recorded.
    ///
    /// Where nothing is new it says what the edition's page says, so that there is something to see.
    pub async fn preview(
        &self,
        edition: &Edition,
        rule: &DigestRule,
        window: Window,
    ) -> Result<Content, PublishError> {
        let mut articles = self.due_articles(edition, window).await?;
        if articles.is_empty() {
            let latest = self.articles.list(&select::query(edition)).await?;
            articles = stories::together(latest, edition.max_per_story);
        }
        if articles.is_empty() {
            return Err(PublishError::NoArticles(edition.slug.to_string()));
        }
        let digest = Digest {
            edition: edition.slug.clone(),
            name: rule.name.clone(),
            number: self
                .editions
                .digests(&edition.slug, 1)
                .await?
                .first()
                .map_or(1, |last| last.number + 1),
            slot: window.to,
            window,
            articles: articles.iter().map(|article| article.id).collect(),
            planned: false,
        };
        self.content(edition, rule, &digest, articles).await
    }

    /// Sends a content to one address that need not be a subscriber's; marks nothing as sent.
    pub async fn plan_test(
        &self,
        content: Content,
        to: EmailAddress,
        now: DateTime<Utc>,
    ) -> Result<Planned, PublishError> {
        let content = Content {
            purpose: Purpose::Notice,
            subject: format!("[Test] {}", content.subject),
            ..content
        };
        let key = format!(
            "test:{}:{}:{}",
            content.edition,
            to.canonical(),
            now.to_rfc3339()
        );
        let plan = Plan {
            key,
            content,
            audience: Audience::Address(to),
            stale: None,
            destinations: self.destinations.clone(),
            now,
        };
        let planned = self.outbox.plan(plan).await?;
        self.delivery.wake();
        Ok(planned)
    }

    async fn plan(&self, digest: &Digest, now: DateTime<Utc>) -> Result<Planned, PublishError> {
        let unknown = || PublishError::UnknownEdition(digest.edition.to_string());
        let edition = self
            .rules
            .iter()
            .find(|edition| edition.slug == digest.edition)
            .ok_or_else(unknown)?;
        let rule = edition
            .digests
            .iter()
            .find(|rule| rule.name == digest.name)
            .ok_or_else(unknown)?;
        let articles = self.articles.articles(&digest.articles).await?;
        let content = self.content(edition, rule, digest, articles).await?;
        let planned = self
            .outbox
            .plan(Plan {
                key: digest.key(),
                content,
                audience: Audience::Subscribed,
                stale: rule.stale(now),
                destinations: self.destinations.clone(),
                now,
            })
            .await?;
        self.editions
            .planned(&digest.edition, digest.number)
            .await?;
        self.delivery.wake();
        Ok(planned)
    }

    async fn content(
        &self,
        edition: &Edition,
        rule: &DigestRule,
        digest: &Digest,
        articles: Vec<Article>,
    ) -> Result<Content, PublishError> {
        let published = select::published(
            &*self.articles,
            &self.titles,
            &self.site,
            articles,
            edition.related,
        )
        .await?;
        let view = DigestView {
            site: &self.site,
            edition,
            number: digest.number,
            date: digest.slot.with_timezone(&rule.cadence.zone()),
            articles: &published,
            left_out: 0,
        };
        let rendered = self
            .templates
            .digest(&rule.template, &view)
            .map_err(|source| PublishError::Render {
                edition: edition.slug.to_string(),
                source,
            })?;
        Ok(Content {
            purpose: Purpose::Digest,
            edition: edition.slug.clone(),
            edition_title: edition.title.clone(),
            sender: self.site.sender.clone(),
            subject: rendered.subject,
            html: rendered.html,
            text: rendered.text,
            archived_at: Some(
                self.site
                    .address(&format!("e/{}/{}", edition.slug, digest.number))
                    .to_string(),
            ),
            date: digest.slot,
        })
    }

    async fn due_articles(
        &self,
        edition: &Edition,
        window: Window,
    ) -> Result<Vec<Article>, PublishError> {
        let query = Query {
            seen: Some(window),
            mail: Some(Mail::Due),
            limit: None,
            ..select::query(edition)
        };
        let articles = self.articles.list(&query).await?;
        let mut articles = stories::together(articles, edition.max_per_story);
        articles.truncate(edition.max_articles);
        Ok(articles)
    }

    async fn publish_due(
        &self,
        edition: &Edition,
        rule: &DigestRule,
        now: DateTime<Utc>,
    ) -> Result<Option<Published>, PublishError> {
        let progress = self
            .editions
            .progress(&edition.slug, &rule.name, now)
            .await?;
        match digest::due(rule, progress, now) {
            Due::NotYet => Ok(None),
            Due::TooLate { window } => {
                self.editions
                    .pass(&edition.slug, &rule.name, window)
                    .await?;
                Ok(Some(Published::Already))
            }
            Due::Now { window } => self.publish(edition, rule, window).await.map(Some),
        }
    }
}

#[async_trait]
impl Task for PublishDigests {
    fn name(&self) -> &'static str {
        "publish_digests"
    }

    /// Short, so that a clock that jumps or a machine that slept is noticed within half a minute.
    fn period(&self) -> Duration {
        Duration::from_secs(20)
    }

    async fn activate(&self, now: DateTime<Utc>) -> Report {
        let mut report = Report::default();
        let (mut digests, mut deliveries, mut empty) = (0, 0, 0);
        match self.editions.unplanned().await {
            Ok(unplanned) => {
                for digest in unplanned {
                    match self.plan(&digest, now).await {
                        Ok(_) => digests += 1,
                        Err(err) => report.errors.push(chain(&err)),
                    }
                }
            }
            Err(err) => return Report::failed(&err),
        }
        for edition in self.rules.iter() {
            for rule in &edition.digests {
                match self.publish_due(edition, rule, now).await {
                    Ok(Some(Published::Planned { planned, .. })) => {
                        digests += 1;
                        if let Planned::New { deliveries: n, .. } = planned {
                            deliveries += n;
                        }
                    }
                    Ok(Some(Published::TooFew { .. })) => empty += 1,
                    Ok(Some(Published::Already) | None) => {}
                    Err(err) => report.errors.push(chain(&err)),
                }
            }
        }
        report.counts = vec![
            ("digests", digests),
            ("deliveries", deliveries),
            ("not sent for want of articles", empty),
        ];
        report
    }
}
