//! `courant articles`.

mod search;
mod why;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use clap::{Subcommand, value_parser};
use serde::{Deserialize, Serialize};

use super::{order::Done, output::Out, table::Table};
use crate::{
    id::{ArticleId, SourceName, TopicSlug},
    ingest::Split,
    library::{Article, Mail, Measure, Query, Reprint},
    ops::app::App,
    port,
};

#[derive(Clone, Debug, Subcommand, Serialize, Deserialize)]
pub enum Articles {
    /// List articles, latest first
    List {
        /// Only those that this source carries
        #[arg(long, value_name = "NAME")]
        source: Option<SourceName>,
        /// Only those with this topic
        #[arg(long, value_name = "TOPIC")]
        topic: Option<TopicSlug>,
        /// At most so many
        #[arg(long, default_value_t = 50, conflicts_with = "all")]
        limit: usize,
        /// The whole library
        #[arg(long)]
        all: bool,
    },
    /// Show one article with everything known about it
    Show {
        /// Its number, the first column of `articles list`
        id: ArticleId,
    },
    /// Find articles by the words they hold, the best first
    Search {
        /// Any of these; rare words count for more than common ones
        #[arg(required = true)]
        words: Vec<String>,
        /// At most so many
        #[arg(long, default_value_t = 20, value_parser = value_parser!(u16).range(1..))]
        limit: u16,
    },
    /// List what to read with an article, and why
    Related {
        /// Its number, the first column of `articles list`
        id: ArticleId,
    },
    /// Make a reprint an article of its own again, for ever
    Split {
        /// Its number, which `articles show` prints for each reprint that can be split off
        id: ArticleId,
    },
    /// Remove articles for good: no source brings them back
    Remove {
        /// Their numbers, the first column of `articles list`
        #[arg(required = true, value_name = "ID")]
        ids: Vec<ArticleId>,
    },
}

/// How many articles are read and printed at a time.
const PAGE: usize = 500;

impl Articles {
    pub async fn obey(self, app: &App, out: &Out) -> anyhow::Result<Done> {
        match self {
            Articles::List {
                source,
                topic,
                limit,
                all,
            } => {
                let query = Query {
                    sources: source.into_iter().collect(),
                    topics: topic.into_iter().collect(),
                    limit: (!all).then_some(limit),
                    ..Query::default()
                };
                list(app, out, &query).await
            }
            Articles::Show { id } => show(app, out, id).await,
            Articles::Search { words, limit } => {
                search::search(app, out, &words.join(" "), limit.into()).await
            }
            Articles::Related { id } => related(app, out, id).await,
            Articles::Split { id } => split(app, out, id).await,
            Articles::Remove { ids } => remove(app, out, &ids).await,
        }
    }
}

async fn list(app: &App, out: &Out, query: &Query) -> anyhow::Result<Done> {
    let articles = app.store.list(query).await?;
    if !out.wants_json() {
        let mut table = Table::new(&[
            "ID",
            "PUBLISHED",
            "SOURCE",
            "MAIL",
            "ALSO",
            "RELATED",
            "TITLE",
        ]);
        for article in &articles {
            table.row([
                article.id.to_string(),
                article.published.format("%Y-%m-%d").to_string(),
                article.source.to_string(),
                mail(article.mail).to_owned(),
                article.also_carried_by().len().to_string(),
                article.related.len().to_string(),
                article.title.clone(),
            ]);
        }
        return out.rows(&[(); 0], || table).await.map(|()| Done::Wholly);
    }
    for page in articles.chunks(PAGE) {
        let guids = guids(app, page).await?;
        for article in page {
            out.object(&Listed::new(article, &guids)).await?;
        }
    }
    Ok(Done::Wholly)
}

async fn show(app: &App, out: &Out, id: ArticleId) -> anyhow::Result<Done> {
    let article = app
        .store
        .article(id)
        .await?
        .ok_or(port::StoreError::NotFound { what: "article" })?;
    let body = app.store.body(id).await?.unwrap_or_default();
    if out.wants_json() {
        let guids = guids(app, std::slice::from_ref(&article)).await?;
        let shown = Shown {
            listed: Listed::new(&article, &guids),
            article: &article,
            text: &body.text,
        };
        out.object(&shown).await?;
        return Ok(Done::Wholly);
    }
    out.line(format!("{}\n", article.title)).await;
    for (what, fact) in facts(&article) {
        out.line(format!("{what:<11}{fact}")).await;
    }
    for reprint in &article.reprints {
        for passage in why::shared(app, reprint, &body.text).await? {
            out.line(format!(
                "{:<11}{}: \u{201c}{passage}\u{201d}",
                "in common", reprint.source
            ))
            .await;
        }
    }
    for link in why::related(app, &article, &body.text).await? {
        out.line(format!(
            "{:<11}{} {} ({})",
            "related",
            link.article.id,
            link.article.title,
            link.why()
        ))
        .await;
    }
    out.line(format!("\n{}", body.text)).await;
    Ok(Done::Wholly)
}

async fn related(app: &App, out: &Out, id: ArticleId) -> anyhow::Result<Done> {
    let article = app
        .store
        .article(id)
        .await?
        .ok_or(port::StoreError::NotFound { what: "article" })?;
    let body = app.store.body(id).await?.unwrap_or_default();
    let mut table = Table::new(&["ID", "PUBLISHED", "SOURCE", "WHY", "TITLE"]);
    for link in why::related(app, &article, &body.text).await? {
        if out.wants_json() {
            out.object(&link.row()).await?;
        }
        table.row([
            link.article.id.to_string(),
            link.article.published.format("%Y-%m-%d").to_string(),
            link.article.source.to_string(),
            link.why(),
            link.article.title.clone(),
        ]);
    }
    if !out.wants_json() {
        out.rows(&[(); 0], || table).await?;
    }
    Ok(Done::Wholly)
}

async fn split(app: &App, out: &Out, id: ArticleId) -> anyhow::Result<Done> {
    match app.ingest.split(id).await? {
        Split::Apart(one, other) => {
            out.line(format!(
                "{one} and {other} are two articles again, and stay so"
            ))
            .await;
            Ok(Done::Wholly)
        }
        Split::NotFolded => anyhow::bail!(
            "{id} is not folded into another article; `articles show` prints what can be split off"
        ),
    }
}

#[derive(Debug, Serialize)]
struct Removed<'a> {
    id: ArticleId,
    title: &'a str,
    source: &'a SourceName,
    guid: Option<&'a str>,
}

/// Those that are not there hold up no other, and are named.
async fn remove(app: &App, out: &Out, ids: &[ArticleId]) -> anyhow::Result<Done> {
    let removed = app.ingest.remove(ids, app.clock.now()).await?;
    for article in &removed {
        if out.wants_json() {
            let removed = Removed {
                id: article.id,
                title: article.heading(),
                source: &article.source,
                guid: article.guid.as_deref(),
            };
            out.object(&removed).await?;
        }
        out.line(format!("removed {} {}", article.id, article.heading()))
            .await;
    }
    let mut done = Done::Wholly;
    for id in ids {
        if !removed.iter().any(|article| article.id == *id) {
            out.note(format!("there is no article {id}")).await;
            done = Done::InPart;
        }
    }
    Ok(done)
}

/// What is known about an article, a line each.
fn facts(article: &Article) -> Vec<(&'static str, String)> {
    let picture = article.picture.as_ref();
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    let authors = article
        .authors
        .iter()
        .filter_map(|author| author.name.clone());
    let mut facts = vec![
        ("source", article.source.to_string()),
        ("guid", text(article.guid.as_ref())),
        (
            "address",
            article
                .url
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        ("published", when(article.published)),
        ("first seen", when(article.first_seen)),
        ("revised", article.revised.map(when).unwrap_or_default()),
        ("by", authors.collect::<Vec<_>>().join(", ")),
        (
            "topics",
            article
                .topics
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        ),
        ("mail", mail(article.mail).to_owned()),
        (
            "picture",
            picture
                .map(|picture| picture.url.to_string())
                .unwrap_or_default(),
        ),
        (
            "caption",
            text(picture.and_then(|picture| picture.caption.as_ref())),
        ),
        (
            "credit",
            text(picture.and_then(|picture| picture.credit.as_ref())),
        ),
    ];
    facts.extend(article.reprints.iter().map(|reprint| {
        let address = reprint
            .url
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        (
            "reprint",
            format!("{} ({}) {address}", reprint.source, sameness(reprint)),
        )
    }));
    facts.retain(|(_, fact)| !fact.is_empty());
    facts
}

/// Why a reprint is one.
fn sameness(reprint: &Reprint) -> String {
    let percent = |share: f32| format!("{:.0} %", share * 100.0);
    let Some(measure) = reprint.measure else {
        return "same link, or same text word for word".to_owned();
    };
    let id = reprint
        .id
        .map_or_else(String::new, |id| format!("; split it off as {id}"));
    format!(
        "same text: {} = {} of the shorter one shared, over {} of it, title and lead {} alike{id}",
        percent(reprint.score),
        percent(measure.contained),
        percent(measure.spread),
        percent(measure.lead),
    )
}

fn when(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn mail(mail: Mail) -> &'static str {
    match mail {
        Mail::Due => "due",
        Mail::Held => "held",
    }
}

/// The guids of the articles that `articles` relate to.
async fn guids(
    app: &App,
    articles: &[Article],
) -> port::Result<HashMap<ArticleId, Option<String>>> {
    let mut ids: Vec<ArticleId> = articles
        .iter()
        .flat_map(|article| article.related.iter().map(|related| related.id))
        .collect();
    ids.sort();
    ids.dedup();
    let related = app.store.articles(&ids).await?;
    Ok(related
        .into_iter()
        .map(|article| (article.id, article.guid))
        .collect())
}

/// An article as `--json articles list` prints it.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    id: ArticleId,
    source: &'a SourceName,
    guid: Option<&'a str>,
    url: Option<&'a str>,
    title: &'a str,
    published: DateTime<Utc>,
    topics: &'a [TopicSlug],
    story: ArticleId,
    mail: &'static str,
    reprints: Vec<ListedReprint<'a>>,
    related: Vec<ListedRelated<'a>>,
}

#[derive(Debug, Serialize)]
struct ListedReprint<'a> {
    source: &'a SourceName,
    guid: Option<&'a str>,
    url: Option<&'a str>,
    score: f32,
    measure: Option<Measure>,
    id: Option<ArticleId>,
}

#[derive(Debug, Serialize)]
struct ListedRelated<'a> {
    id: ArticleId,
    guid: Option<&'a str>,
    score: f32,
    named: bool,
    same_story: bool,
}

impl<'a> Listed<'a> {
    fn new(article: &'a Article, guids: &'a HashMap<ArticleId, Option<String>>) -> Self {
        let reprints = article.reprints.iter().map(|reprint| ListedReprint {
            source: &reprint.source,
            guid: reprint.guid.as_deref(),
            url: reprint.url.as_ref().map(url::Url::as_str),
            score: reprint.score,
            measure: reprint.measure,
            id: reprint.id,
        });
        let related = article.related.iter().map(|related| ListedRelated {
            id: related.id,
            guid: guids.get(&related.id).and_then(Option::as_deref),
            score: related.score,
            named: related.named,
            same_story: related.same_story,
        });
        Listed {
            id: article.id,
            source: &article.source,
            guid: article.guid.as_deref(),
            url: article.url.as_ref().map(url::Url::as_str),
            title: &article.title,
            published: article.published,
            topics: &article.topics,
            story: article.story,
            mail: mail(article.mail),
            reprints: reprints.collect(),
            related: related.collect(),
        }
    }
}

/// An article as `--json articles show` prints it: the listed line and the rest.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    listed: Listed<'a>,
    article: &'a Article,
    text: &'a str,
}
