//! `courant digest`.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::{order::Done, output::Out};
use crate::{
    delivery::{Content, Issue, Planned, Purpose, Recipient, Tally, compose::Links},
    editions::{DigestRule, Edition, task::Published},
    id::{ContentId, DigestName, EditionSlug, SubscriberId},
    ops::app::App,
    subscribers::address::EmailAddress,
    task::{Report, Task},
};

#[derive(Clone, Debug, Subcommand, Serialize, Deserialize)]
pub enum Digest {
    /// Render what the next digest would say, without sending
    Preview {
        /// The edition's slug
        edition: EditionSlug,
        /// Which of the edition's digests; default the first
        #[arg(long, value_name = "NAME")]
        digest: Option<DigestName>,
        /// With the links of this subscriber
        #[arg(long = "for", value_name = "ADDRESS")]
        for_address: Option<EmailAddress>,
        /// As if it were then, in RFC 3339
        #[arg(long, value_name = "TIME")]
        at: Option<DateTime<Utc>>,
        /// Write subject.txt, body.txt and body.html there instead of printing the text
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Send now what is new
    Send {
        /// The edition's slug
        edition: EditionSlug,
        /// Which of the edition's digests; default the first
        #[arg(long, value_name = "NAME")]
        digest: Option<DigestName>,
        /// Only to this address; marks nothing as sent
        #[arg(long, value_name = "ADDRESS")]
        test: Option<EmailAddress>,
    },
}

/// Contents among which the one that is sent is looked for.
const LATEST: usize = 100;

/// How often progress is read while a digest is sent.
const TICK: Duration = Duration::from_millis(200);

impl Digest {
    pub fn make_paths_absolute(&mut self) -> anyhow::Result<()> {
        if let Digest::Preview { out: Some(dir), .. } = self {
            *dir = std::path::absolute(&*dir).with_context(|| dir.display().to_string())?;
        }
        Ok(())
    }

    pub async fn obey(self, app: &App, out: &Out) -> anyhow::Result<Done> {
        match self {
            Digest::Preview {
                edition,
                digest,
                for_address,
                at,
                out: dir,
            } => {
                let (edition, rule) = rule(app, &edition, digest.as_ref())?;
                let window = app
                    .publish
                    .window(edition, rule, at.unwrap_or_else(|| app.clock.now()))
                    .await?;
                let content = app.publish.preview(edition, rule, window).await?;
                let reader = match for_address {
                    Some(address) => Some(reader(app, &edition.slug, &address).await?),
                    None => None,
                };
                preview(
                    app,
                    out,
                    Preview {
                        content,
                        reader,
                        dir,
                    },
                )
                .await
            }
            Digest::Send {
                edition,
                digest,
                test,
            } => {
                let (edition, rule) = rule(app, &edition, digest.as_ref())?;
                if app.deliver.is_none() {
                    bail!("there is no [[relay]] to send by");
                }
                match test {
                    Some(address) => send_test(app, out, edition, rule, address).await,
                    None => send(app, out, edition, rule).await,
                }
            }
        }
    }
}

fn rule<'a>(
    app: &'a App,
    edition: &EditionSlug,
    name: Option<&DigestName>,
) -> anyhow::Result<(&'a Edition, &'a DigestRule)> {
    let edition = app.edition(edition)?;
    let rule = match name {
        None => edition.digests.first(),
        Some(name) => edition.digests.iter().find(|rule| rule.name == *name),
    };
    match (rule, name) {
        (Some(rule), _) => Ok((edition, rule)),
        (None, None) => bail!("edition {} has no [[edition.digest]]", edition.slug),
        (None, Some(name)) => bail!("edition {} has no digest `{name}`", edition.slug),
    }
}

/// What is previewed, and for whom.
struct Preview {
    content: Content,
    /// Whose links it carries; without one they lead to the edition's page.
    reader: Option<SubscriberId>,
    dir: Option<PathBuf>,
}

async fn preview(app: &App, out: &Out, preview: Preview) -> anyhow::Result<Done> {
    let Preview {
        content,
        reader,
        dir,
    } = preview;
    let links = Links {
        base_url: app.config.site.base_url.clone(),
        tokens: app.web.tokens.as_ref().clone(),
        bounces: None,
    };
    let to = reader.map_or_else(
        || Recipient::Address(content.sender.clone()),
        Recipient::Subscriber,
    );
    let fill = |text: &str| links.fill_in(text, &to, &content.edition, content.date);
    let (html, text) = (fill(&content.html), fill(&content.text));
    if let Some(dir) = dir {
        out.file(dir.join("subject.txt"), content.subject + "\n")
            .await;
        out.file(dir.join("body.txt"), text).await;
        out.file(dir.join("body.html"), html).await;
    } else if out.wants_json() {
        out.object(&serde_json::json!({ "subject": content.subject, "text": text, "html": html }))
            .await?;
    } else {
        out.line(format!("Subject: {}\n", content.subject)).await;
        out.text(text).await;
    }
    Ok(Done::Wholly)
}

async fn reader(
    app: &App,
    edition: &EditionSlug,
    address: &EmailAddress,
) -> anyhow::Result<SubscriberId> {
    let profile = app.store.find(address).await?;
    let profile = profile.filter(|profile| {
        profile
            .subscriptions
            .iter()
            .any(|(slug, _)| slug == edition)
    });
    Ok(profile
        .with_context(|| format!("{} is no subscriber of {edition}", address.as_str()))?
        .subscriber
        .id)
}

async fn send_test(
    app: &App,
    out: &Out,
    edition: &Edition,
    rule: &DigestRule,
    address: EmailAddress,
) -> anyhow::Result<Done> {
    let now = app.clock.now();
    let window = app.publish.window(edition, rule, now).await?;
    let content = app.publish.preview(edition, rule, window).await?;
    match app.publish.plan_test(content, address, now).await? {
        Planned::New { content, .. } | Planned::Already(content) => {
            deliver(app, out, content).await
        }
    }
}

async fn send(app: &App, out: &Out, edition: &Edition, rule: &DigestRule) -> anyhow::Result<Done> {
    let now = app.clock.now();
    let window = app.publish.window(edition, rule, now).await?;
    match app.publish.publish(edition, rule, window).await? {
        Published::TooFew { articles } => {
            if let Some(issue) = unfinished(app, &edition.slug).await? {
                let left = issue.tally.waiting();
                let planned = issue.planned.format("%Y-%m-%d %H:%M UTC");
                out.line(format!(
                    "nothing new in {}; {left} messages of {planned} wait still",
                    edition.slug
                ))
                .await;
                return deliver(app, out, issue.content).await;
            }
            if out.wants_json() {
                out.object(&serde_json::json!({ "edition": edition.slug, "articles": articles, "sent": 0 })).await?;
            }
            out.line(format!(
                "nothing sent: {articles} new articles in {}, {} wanted",
                edition.slug, edition.min_articles
            ))
            .await;
            Ok(Done::Wholly)
        }
        Published::Already => {
            out.line(format!(
                "nothing sent: {} was closed at this very moment",
                edition.slug
            ))
            .await;
            Ok(Done::Wholly)
        }
        Published::Planned { digest, planned } => {
            let articles = digest.articles.len();
            out.line(format!(
                "{} no. {} with {articles} articles",
                edition.title, digest.number
            ))
            .await;
            match planned {
                Planned::New { content, .. } | Planned::Already(content) => {
                    deliver(app, out, content).await
                }
            }
        }
    }
}

/// The latest digest of an edition that is not out.
async fn unfinished(app: &App, edition: &EditionSlug) -> anyhow::Result<Option<Issue>> {
    let issues = app.store.issues(LATEST).await?;
    let is_it = |issue: &Issue| {
        issue.purpose == Purpose::Digest && issue.edition == *edition && issue.tally.waiting() > 0
    };
    Ok(issues.into_iter().find(is_it))
}

/// Sends what is due, beside the daemon's own task if there is one, and shows how it goes.
async fn deliver(app: &App, out: &Out, content: ContentId) -> anyhow::Result<Done> {
    let Some(outbox) = &app.deliver else {
        bail!("there is no [[relay]] to send by")
    };
    let sending = outbox.activate(app.clock.now());
    tokio::pin!(sending);
    let report: Report = loop {
        tokio::select! {
            report = &mut sending => break report,
            () = tokio::time::sleep(TICK) => {
                let tally = app.store.tally(content).await?;
                out.progress(tally.settled(), tally.total(), "messages").await;
            }
        }
    };
    for err in &report.errors {
        out.note(err.clone()).await;
    }
    let issues = app.store.issues(LATEST).await?;
    // A hold that came meanwhile is among the errors.
    let is_this = |issue: &&Issue| issue.content == content && report.errors.is_empty();
    if let Some(issue) = issues.iter().find(is_this) {
        for (reach, hold) in app.store.holds().await? {
            if reach.keeps(issue) {
                out.note(format!("held: {}; see `courant outbox show`", hold.reason))
                    .await;
            }
        }
    }
    let tally = app.store.tally(content).await?;
    if out.wants_json() {
        out.object(&tally).await?;
    }
    let Tally {
        scheduled,
        sent,
        deferred,
        failed,
        withheld,
        uncertain,
    } = tally;
    let waiting = scheduled + deferred;
    let mut line = format!("{sent} sent");
    for (n, what) in [
        (waiting, "waiting"),
        (failed, "failed"),
        (uncertain, "uncertain"),
        (withheld, "withheld"),
    ] {
        if n > 0 {
            line += &format!(", {n} {what}");
        }
    }
    if waiting > 0 {
        line += "; `courant run` sends what waits when it is due";
    }
    out.line(line).await;
    Ok(if failed + waiting + uncertain == 0 {
        Done::Wholly
    } else {
        Done::InPart
    })
}
