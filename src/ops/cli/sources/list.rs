//! `courant sources list`.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::state::{Stand, State, span};
use crate::{
    id::SourceName,
    ops::{
        app::App,
        cli::{order::Done, output::Out, table::Table},
    },
};

/// Which sources are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    All,
    Failing,
}

/// A source as `--json sources list` prints it.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    name: &'a SourceName,
    title: &'a str,
    kind: &'static str,
    origin: String,
    state: State,
    result: &'a str,
    last: Option<DateTime<Utc>>,
    next: Option<DateTime<Utc>>,
    articles: u64,
    defects: usize,
    failures: u32,
    failing_since: Option<DateTime<Utc>>,
    paused_since: Option<DateTime<Utc>>,
}

/// Those that fail stand first, for longest on top; the others by name.
pub(super) async fn list(app: &App, out: &Out, which: Which) -> anyhow::Result<Done> {
    let now = app.clock.now();
    let mut standings = app.store.standings().await?;
    let mut stands = Vec::new();
    for source in app.config.sources.iter() {
        let standing = standings.remove(&source.name).unwrap_or_default();
        stands.push(Stand::new(source, standing, now));
    }
    if which == Which::Failing {
        stands.retain(ails);
    }
    stands.sort_by(|a, b| {
        let rank = |stand: &Stand<'_>| match ails(stand) {
            true => (0, stand.state, stand.poll.failing_since),
            false => (1, State::Ok, None),
        };
        (rank(a), &a.source.name).cmp(&(rank(b), &b.source.name))
    });
    let listed: Vec<Listed<'_>> = stands.iter().map(Listed::new).collect();
    out.rows(&listed, || table(&stands, now)).await?;
    Ok(Done::Wholly)
}

fn ails(stand: &Stand<'_>) -> bool {
    matches!(stand.state, State::Gone | State::Failing)
}

fn table(stands: &[Stand<'_>], now: DateTime<Utc>) -> Table {
    let mut table = Table::new(&[
        "NAME", "KIND", "STATE", "LAST", "NEXT", "ARTICLES", "DEFECTS", "RESULT",
    ]);
    for stand in stands {
        let next = match stand.next() {
            Some(next) if next <= now => "due".to_owned(),
            Some(next) => span(next - now),
            None => "-".to_owned(),
        };
        table.row([
            stand.source.name.to_string(),
            stand.source.origin.kind().to_owned(),
            stand.in_words(now),
            stand
                .last()
                .map_or_else(|| "-".to_owned(), |last| span(now - last)),
            next,
            stand.articles.to_string(),
            stand.poll.defects.len().to_string(),
            stand.poll.result.clone(),
        ]);
    }
    table
}

impl<'a> Listed<'a> {
    fn new(stand: &'a Stand<'_>) -> Self {
        Listed {
            name: &stand.source.name,
            title: &stand.source.title,
            kind: stand.source.origin.kind(),
            origin: stand.source.origin.to_string(),
            state: stand.state,
            result: &stand.poll.result,
            last: stand.last(),
            next: stand.next(),
            articles: stand.articles,
            defects: stand.poll.defects.len(),
            failures: stand.poll.failures,
            failing_since: stand.poll.failing_since,
            paused_since: stand.paused,
        }
    }
}
