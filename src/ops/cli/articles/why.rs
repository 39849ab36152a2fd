//! Why an article is one with another, and why another is read with it.

use serde::Serialize;

use crate::{
    dedupe::shingle::passages,
    id::ArticleId,
    library::{Article, Related, Reprint},
    ops::app::App,
    port,
    related::index::common::Text,
};

/// Passages in common that are shown of a reprint.
const PASSAGES: usize = 3;

/// Words in common that are shown of a related article.
const WORDS: usize = 5;

/// A related article, and how it was chosen.
pub(super) struct Link<'a> {
    pub(super) article: Article,
    related: &'a Related,
    /// That both hold, the most telling ones.
    words: Vec<String>,
}

/// As `--json articles related` prints it.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    id: ArticleId,
    guid: Option<&'a str>,
    title: &'a str,
    score: f32,
    named: bool,
    same_story: bool,
    words: &'a [String],
}

impl Link<'_> {
    pub(super) fn why(&self) -> String {
        let how = match (self.related.named, self.related.same_story) {
            (true, _) => "named by its author".to_owned(),
            (false, true) => format!("earlier in the same story, {}", self.likeness()),
            (false, false) => self.likeness(),
        };
        match self.words.as_slice() {
            [] => how,
            words => format!("{how}: {}", words.join(", ")),
        }
    }

    fn likeness(&self) -> String {
        format!("alike by {:.0} %", self.related.score * 100.0)
    }

    pub(super) fn row(&self) -> Row<'_> {
        Row {
            id: self.article.id,
            guid: self.article.guid.as_deref(),
            title: self.article.heading(),
            score: self.related.score,
            named: self.related.named,
            same_story: self.related.same_story,
            words: &self.words,
        }
    }
}

/// What to read with an article of that text.
pub(super) async fn related<'a>(
    app: &App,
    article: &'a Article,
    text: &str,
) -> port::Result<Vec<Link<'a>>> {
    let mut links = Vec::new();
    for related in &article.related {
        // What was folded meanwhile stands for the article that it was folded into.
        let Some(other) = app.store.article(related.id).await? else {
            continue;
        };
        if other.id == article.id {
            continue;
        }
        let body = app.store.body(other.id).await?.unwrap_or_default();
        let this = Text {
            title: &article.title,
            text,
        };
        let that = Text {
            title: &other.title,
            text: &body.text,
        };
        let words = app.ingest.consult(
            |memory| memory.index().in_common(this, that, WORDS),
            app.clock.now(),
        );
        links.push(Link {
            words: words.await?,
            article: other,
            related,
        });
    }
    Ok(links)
}

/// The longest passages that a reprint has in common with its article.
pub(super) async fn shared(app: &App, reprint: &Reprint, text: &str) -> port::Result<Vec<String>> {
    let Some(id) = reprint.id else {
        return Ok(Vec::new());
    };
    let folded = app.store.folded(id).await?;
    Ok(folded.map_or_else(Vec::new, |(_, body)| passages(&body.text, text, PASSAGES)))
}
