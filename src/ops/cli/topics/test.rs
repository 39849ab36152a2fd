//! `courant topics test`: what a rule would catch of the library.

use std::fmt::Display;

use anyhow::{Result, anyhow};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::each;
use crate::{
    id::{ArticleId, SourceName, TopicSlug},
    ingest::topics::{Caught, Rule, told},
    library::{Article, Body},
    ops::{
        app::App,
        cli::{order::Done, output::Out, table::Table},
        config::Config,
    },
    sources::rules::{Category, Filter, Found, Pattern, Phrase},
};

/// A rule that is tried: the one given here, else that of the topic.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct Test {
    /// The topic; a rule that is given here is tried in place of its own
    #[arg(required_unless_present_any = ["words", "regex", "category", "source"])]
    slug: Option<TopicSlug>,
    /// A word or phrase to try
    #[arg(long, value_name = "WORDS", value_parser = sound(Phrase::parse))]
    words: Vec<String>,
    /// A regular expression to try
    #[arg(long, value_name = "PATTERN", value_parser = sound(Pattern::parse))]
    regex: Vec<String>,
    /// A category of sources to try
    #[arg(long, value_name = "CATEGORY", value_parser = sound(Category::parse))]
    category: Vec<String>,
    /// Only articles of this source
    #[arg(long, value_name = "NAME")]
    source: Vec<SourceName>,
    /// Only articles that came within so many days
    #[arg(long, value_name = "N")]
    days: Option<u32>,
}

/// Has an argument read as what it will be read as later.
fn sound<T, E: Display>(
    parse: impl Fn(&str) -> Result<T, E> + Clone,
) -> impl Fn(&str) -> Result<String, String> + Clone {
    move |text| match parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(err) => Err(err.to_string()),
    }
}

/// What the rule would do to the topics of an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Effect {
    Gains,
    Keeps,
    Loses,
}

#[derive(Debug, Serialize)]
struct Row {
    id: ArticleId,
    published: DateTime<Utc>,
    source: SourceName,
    title: String,
    /// None where no topic was named.
    topic: Option<Effect>,
    /// None where nothing does.
    caught_by: Option<Value>,
    #[serde(skip)]
    why: String,
}

impl Test {
    pub(super) fn read_config(&mut self, config: &Config) -> Result<()> {
        let states_rule = [&self.words, &self.regex, &self.category]
            .iter()
            .any(|of| !of.is_empty());
        let (false, true, Some(slug)) = (states_rule, self.source.is_empty(), &self.slug) else {
            return Ok(());
        };
        let topic = config.topics.iter().find(|topic| topic.slug == *slug);
        let known = || {
            let slugs = config.topics.iter().map(|topic| topic.slug.as_str());
            match slugs.collect::<Vec<_>>().join(", ") {
                none if none.is_empty() => "no topic has one".to_owned(),
                slugs => format!("topics that have one: {slugs}"),
            }
        };
        let rule = &topic
            .ok_or_else(|| anyhow!("no rule gives `{slug}`; {}", known()))?
            .rule;
        self.words = rule.filter.words.iter().map(Phrase::to_string).collect();
        self.regex = rule
            .filter
            .patterns
            .iter()
            .map(Pattern::to_string)
            .collect();
        self.category = rule
            .filter
            .categories
            .iter()
            .map(Category::to_string)
            .collect();
        self.source = rule.sources.clone();
        Ok(())
    }

    pub(super) async fn obey(self, app: &App, out: &Out) -> Result<Done> {
        let rule = self.rule()?;
        let since = self
            .days
            .and_then(|days| {
                let ago = TimeDelta::try_days(days.into())?;
                app.clock.now().checked_sub_signed(ago)
            })
            .unwrap_or(DateTime::<Utc>::MIN_UTC);
        let trial = Trial {
            rule: &rule,
            slug: self.slug.as_ref(),
            app,
        };
        let mut rows = Vec::new();
        each(app, |page| {
            let recent = page
                .iter()
                .filter(|(article, _)| article.first_seen >= since);
            rows.extend(recent.filter_map(|(article, body)| trial.row(article, body)));
        })
        .await?;
        rows.sort_by_key(|row: &Row| std::cmp::Reverse((row.published, row.id)));
        if out.wants_json() || !rows.is_empty() {
            out.rows(&rows, || table(&rows)).await?;
        }
        out.line(sum(&rows, self.slug.as_ref())).await;
        Ok(Done::Wholly)
    }

    fn rule(&self) -> Result<Rule> {
        let filter = Filter {
            words: parsed(&self.words, Phrase::parse)?,
            patterns: parsed(&self.regex, Pattern::parse)?,
            categories: parsed(&self.category, Category::parse)?,
        };
        Ok(Rule {
            sources: self.source.clone(),
            filter,
        })
    }
}

fn parsed<T, E>(texts: &[String], parse: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, E> {
    texts.iter().map(|text| parse(text)).collect()
}

struct Trial<'a> {
    rule: &'a Rule,
    slug: Option<&'a TopicSlug>,
    app: &'a App,
}

impl Trial<'_> {
    /// What the rule would do to an article; nothing for most.
    fn row(&self, article: &Article, body: &Body) -> Option<Row> {
        let caught = self.rule.catches(article, &told(article, body));
        let effect = match (self.slug, &caught) {
            (None, Some(_)) => None,
            (None, None) => return None,
            (Some(slug), caught) => match (article.topics.contains(slug), caught) {
                (true, Some(_)) => Some(Effect::Keeps),
                (false, Some(_)) => Some(Effect::Gains),
                (true, None) if !self.is_given_by_source(article, slug) => Some(Effect::Loses),
                (_, None) => return None,
            },
        };
        let (kind, what) = match caught {
            Some(Caught::BySource) => ("source", article.source.to_string()),
            Some(Caught::By(found @ Found::Words(_))) => ("words", found.to_string()),
            Some(Caught::By(found @ Found::Pattern(_))) => ("regex", found.to_string()),
            Some(Caught::By(found @ Found::Category(_))) => ("category", found.to_string()),
            None => ("", String::new()),
        };
        Some(Row {
            id: article.id,
            published: article.published,
            source: article.source.clone(),
            title: article.title.clone(),
            topic: effect,
            why: format!("{kind} {what}").trim().to_owned(),
            caught_by: caught.map(|_| json!({ "kind": kind, "what": what })),
        })
    }

    fn is_given_by_source(&self, article: &Article, slug: &TopicSlug) -> bool {
        let mut sources = self.app.config.sources.iter();
        sources.any(|source| source.name == article.source && source.topics.contains(slug))
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(&["ID", "PUBLISHED", "SOURCE", "TOPIC", "WHY", "TITLE"]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.published.format("%Y-%m-%d").to_string(),
            row.source.to_string(),
            match row.topic {
                None => "",
                Some(Effect::Gains) => "gains it",
                Some(Effect::Keeps) => "keeps it",
                Some(Effect::Loses) => "loses it",
            }
            .to_owned(),
            row.why.clone(),
            row.title.clone(),
        ]);
    }
    table
}

fn sum(rows: &[Row], slug: Option<&TopicSlug>) -> String {
    let count = |effect| rows.iter().filter(|row| row.topic == Some(effect)).count();
    let Some(slug) = slug else {
        return format!("{} caught", rows.len());
    };
    let (keep, gain, lose) = (
        count(Effect::Keeps),
        count(Effect::Gains),
        count(Effect::Loses),
    );
    format!(
        "{} caught: {keep} have `{slug}` already, {gain} would gain it; {lose} would lose it",
        keep + gain
    )
}
