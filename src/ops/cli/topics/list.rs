//! `courant topics list`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::each;
use crate::{
    id::TopicSlug,
    ingest::topics::Rule,
    ops::{
        app::App,
        cli::{order::Done, output::Out, table::Table},
    },
};

#[derive(Debug, Default, Serialize)]
struct Listed {
    slug: String,
    title: String,
    /// In short; none where no rule gives it.
    rule: Option<String>,
    /// Sources whose articles all get it.
    given_by: Vec<String>,
    articles: u64,
}

/// Lists what has a rule, what sources give, and what articles have from before.
pub(super) async fn list(app: &App, out: &Out) -> anyhow::Result<Done> {
    let mut topics: BTreeMap<TopicSlug, Listed> = BTreeMap::new();
    for topic in app.config.topics.iter() {
        let listed = topics.entry(topic.slug.clone()).or_default();
        listed.title = topic.title.clone();
        listed.rule = Some(in_short(&topic.rule));
    }
    for source in app.config.sources.iter() {
        for slug in &source.topics {
            let listed = topics.entry(slug.clone()).or_default();
            listed.given_by.push(source.name.to_string());
        }
    }
    each(app, |page| {
        for slug in page.iter().flat_map(|(article, _)| &article.topics) {
            topics.entry(slug.clone()).or_default().articles += 1;
        }
    })
    .await?;
    let named = |(slug, listed): (TopicSlug, Listed)| Listed {
        slug: slug.to_string(),
        title: match listed.title.as_str() {
            "" => slug.to_string(),
            _ => listed.title,
        },
        ..listed
    };
    let listed: Vec<Listed> = topics.into_iter().map(named).collect();
    out.rows(&listed, || {
        let mut table = Table::new(&["TOPIC", "TITLE", "ARTICLES", "RULE"]);
        for topic in &listed {
            let given = (!topic.given_by.is_empty())
                .then(|| format!("topics of {}", topic.given_by.join(", ")));
            let why = topic.rule.iter().chain(&given).cloned();
            table.row([
                topic.slug.clone(),
                topic.title.clone(),
                topic.articles.to_string(),
                why.collect::<Vec<_>>().join("; "),
            ]);
        }
        table
    })
    .await?;
    Ok(Done::Wholly)
}

fn in_short(rule: &Rule) -> String {
    let sources: Vec<&str> = rule.sources.iter().map(|name| name.as_str()).collect();
    match (sources.is_empty(), rule.filter.is_empty()) {
        (true, _) => rule.filter.to_string(),
        (false, true) => format!("sources {}", sources.join(", ")),
        (false, false) => format!("{}; only sources {}", rule.filter, sources.join(", ")),
    }
}
