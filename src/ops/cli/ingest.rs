//! `courant ingest`.

use anyhow::bail;
use clap::Args;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};

use super::{order::Done, output::Out, table::Table};
use crate::{id::SourceName, ingest::Recorded, ops::app::App, task::chain};

#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct Ingest {
    /// Only this source, also if it is paused; may be repeated
    #[arg(long = "source", value_name = "NAME")]
    sources: Vec<SourceName>,
}

#[derive(Debug, Serialize)]
struct Polled {
    source: SourceName,
    new: u64,
    revised: u64,
    known: u64,
    reprints: u64,
    held: u64,
    /// By the rules of the source.
    left_out: u64,
    /// What the poll came to, in words.
    result: String,
    failed: bool,
}

impl Ingest {
    pub async fn obey(self, app: &App, out: &Out) -> anyhow::Result<Done> {
        let known =
            |name: &SourceName| app.config.sources.iter().any(|source| source.name == *name);
        if let Some(unknown) = self.sources.iter().find(|name| !known(name)) {
            bail!("there is no source `{unknown}`");
        }
        let is_pushed = |name: &SourceName| {
            let mut sources = app.config.sources.iter();
            sources.any(|source| source.name == *name && !source.is_polled())
        };
        if let Some(pushed) = self.sources.iter().find(|name| is_pushed(name)) {
            bail!("the source `{pushed}` is pushed to, not polled");
        }
        // Paused sources are asked only by name.
        let sources: Vec<_> = match self.sources.as_slice() {
            [] => app.ingest.unpaused().await?,
            names => app
                .config
                .sources
                .iter()
                .filter(|source| names.contains(&source.name))
                .collect(),
        };
        let total = sources.len() as u64;
        let polls = app.ingest.poll_each(sources);
        tokio::pin!(polls);
        let mut polled = Vec::new();
        while let Some((source, poll)) = polls.next().await {
            let (recorded, left_out, result, failed) = match poll {
                Ok(poll) => (poll.recorded, poll.left_out, poll.result, poll.failed),
                Err(err) => (Recorded::default(), 0, chain(&err), true),
            };
            polled.push(Polled {
                source: source.name.clone(),
                new: recorded.new,
                revised: recorded.revised,
                known: recorded.known,
                reprints: recorded.reprints,
                held: recorded.held,
                left_out,
                result,
                failed,
            });
            out.progress(polled.len() as u64, total, "sources").await;
        }
        app.ingest.refresh().await?;
        polled.sort_by(|a, b| a.source.cmp(&b.source));
        out.rows(&polled, || {
            let mut table = Table::new(&[
                "SOURCE", "NEW", "REVISED", "KNOWN", "REPRINT", "HELD", "RESULT",
            ]);
            for row in &polled {
                let counts = [row.new, row.revised, row.known, row.reprints, row.held];
                table.row(
                    [row.source.to_string()]
                        .into_iter()
                        .chain(counts.map(|n| n.to_string()))
                        .chain([row.result.clone()]),
                );
            }
            table
        })
        .await?;
        Ok(if polled.iter().any(|row| row.failed) {
            Done::InPart
        } else {
            Done::Wholly
        })
    }
}
