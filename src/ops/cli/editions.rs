//! `courant editions` and `courant feed`.

use chrono::{DateTime, FixedOffset};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use super::{order::Done, output::Out, table::Table};
use crate::{
    editions::{feed, select},
    id::EditionSlug,
    ops::app::App,
};

#[derive(Clone, Debug, Subcommand, Serialize, Deserialize)]
pub enum Editions {
    /// List editions with their subscribers and next digests
    List,
}

/// Writes a feed as the daemon serves it.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct Feed {
    /// The edition's slug
    edition: EditionSlug,
    /// How to write it
    #[arg(long, value_enum, default_value = "rss")]
    format: Kind,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum, Serialize, Deserialize)]
enum Kind {
    Rss,
    Atom,
    Json,
}

#[derive(Debug, Serialize)]
struct Listed {
    slug: EditionSlug,
    title: String,
    subscribers: u64,
    address: String,
    digests: Vec<ListedDigest>,
}

#[derive(Debug, Serialize)]
struct ListedDigest {
    name: String,
    schedule: String,
    next: Option<DateTime<FixedOffset>>,
}

impl Editions {
    pub async fn obey(self, app: &App, out: &Out) -> anyhow::Result<Done> {
        let now = app.clock.now();
        let mut listed = Vec::new();
        for edition in app.config.editions.iter() {
            let digests = edition.digests.iter().map(|rule| ListedDigest {
                name: rule.name.to_string(),
                schedule: rule.cadence.to_string(),
                next: rule
                    .cadence
                    .next(now)
                    .map(|next| next.with_timezone(&rule.cadence.zone()).fixed_offset()),
            });
            listed.push(Listed {
                slug: edition.slug.clone(),
                title: edition.title.clone(),
                subscribers: app.store.count(&edition.slug).await?,
                address: app
                    .config
                    .site
                    .address(&format!("e/{}", edition.slug))
                    .to_string(),
                digests: digests.collect(),
            });
        }
        out.rows(&listed, || {
            let mut table = Table::new(&["EDITION", "TITLE", "SUBSCRIBERS", "NEXT", "DIGESTS"]);
            for edition in &listed {
                let names = edition
                    .digests
                    .iter()
                    .map(|digest| format!("{} ({})", digest.name, digest.schedule));
                let next = edition
                    .digests
                    .iter()
                    .filter_map(|digest| digest.next)
                    .min()
                    .map(|next| next.format("%Y-%m-%d %H:%M").to_string());
                table.row([
                    edition.slug.to_string(),
                    edition.title.clone(),
                    edition.subscribers.to_string(),
                    next.unwrap_or_default(),
                    names.collect::<Vec<_>>().join(", "),
                ]);
            }
            table
        })
        .await?;
        Ok(Done::Wholly)
    }
}

impl Feed {
    pub async fn obey(self, app: &App, out: &Out) -> anyhow::Result<Done> {
        let edition = app.edition(&self.edition)?;
        let articles = app.store.list(&select::query(edition)).await?;
        let items = select::published(
            &*app.store,
            &app.web.source_titles,
            &app.config.site,
            articles,
            edition.related,
        )
        .await?;
        let format = match self.format {
            Kind::Rss => feed::Format::Rss,
            Kind::Atom => feed::Format::Atom,
            Kind::Json => feed::Format::Json,
        };
        let document = feed::write(
            format,
            &feed::Feed::of_edition(&app.config.site, edition, &items),
        );
        out.text(document).await;
        Ok(Done::Wholly)
    }
}
