//! `courant articles search`.

use std::collections::HashMap;

use anyhow::bail;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    id::{ArticleId, SourceName},
    ops::{
        app::App,
        cli::{order::Done, output::Out, table::Table},
    },
    related::index::search::Search,
};

#[derive(Debug, Serialize)]
struct Listed<'a> {
    id: ArticleId,
    source: &'a SourceName,
    guid: Option<&'a str>,
    url: Option<&'a str>,
    title: &'a str,
    published: DateTime<Utc>,
    score: f32,
}

pub(super) async fn search(app: &App, out: &Out, asked: &str, k: usize) -> anyhow::Result<Done> {
    let ranked = match app.ingest.search(asked, k, app.clock.now()).await? {
        Search::Ranked(ranked) => ranked,
        Search::NoWord => bail!("there is no word in `{asked}`"),
        Search::OnlyCommon => {
            bail!("every word of `{asked}` is in so many articles that it tells none from another")
        }
    };
    let ids: Vec<ArticleId> = ranked.iter().map(|ranked| ranked.id).collect();
    let articles = app.store.articles(&ids).await?;
    let scores: HashMap<ArticleId, f32> = ranked
        .iter()
        .map(|ranked| (ranked.id, ranked.score))
        .collect();
    if articles.is_empty() {
        out.line(format!("no article holds any word of `{asked}`"))
            .await;
        return Ok(Done::Wholly);
    }
    let rows: Vec<Listed<'_>> = articles
        .iter()
        .map(|article| Listed {
            id: article.id,
            source: &article.source,
            guid: article.guid.as_deref(),
            url: article.url.as_ref().map(url::Url::as_str),
            title: &article.title,
            published: article.published,
            score: scores.get(&article.id).copied().unwrap_or_default(),
        })
        .collect();
    out.rows(&rows, || table(&rows)).await?;
    Ok(Done::Wholly)
}

fn table(rows: &[Listed<'_>]) -> Table {
    let mut table = Table::new(&["ID", "PUBLISHED", "SOURCE", "SCORE", "TITLE"]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.published.format("%Y-%m-%d").to_string(),
            row.source.to_string(),
            format!("{:.0} %", row.score * 100.0),
            row.title.to_owned(),
        ]);
    }
    table
}
