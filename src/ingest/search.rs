//! Finding articles of the library by the words they hold.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    memory::Memory,
    recall::PAGE,
    task::{IngestDueSources, off_the_runtime},
};
use crate::{
    library::{Article, Body},
    port,
    related::index::search::{Ranked, Search, best},
    words::fragments,
};

impl IngestDueSources {
    /// Ranks the articles of the whole library that hold any of the words in `asked`, and returns
    /// the `k` best.
    ///
    /// The library is read if it is not in memory yet, or if all that is asked for are a few
    /// characters of a script without spaces: the index knows longer pieces only.
    pub async fn search(&self, asked: &str, k: usize, now: DateTime<Utc>) -> port::Result<Search> {
        if let Some(fragments) = fragments(asked) {
            return self.read_through(&fragments, k).await;
        }
        let search = |memory: &Memory| memory.index().search(asked, k);
        self.consult(search, now).await
    }

    async fn read_through(&self, fragments: &[&str], k: usize) -> port::Result<Search> {
        let fragments: Arc<[String]> = fragments.iter().map(|one| (*one).to_owned()).collect();
        let mut found: Vec<Ranked> = Vec::new();
        let mut after = None;
        loop {
            let page = self.articles.page(after, PAGE).await?;
            let Some((last, _)) = page.last() else {
                return Ok(Search::Ranked(found));
            };
            after = Some(last.id);
            let fragments = fragments.clone();
            found = off_the_runtime(move || {
                let held = page.iter().map(|(article, body)| Ranked {
                    id: article.id,
                    published: article.published,
                    score: share(article, body, &fragments),
                });
                found.extend(held.filter(|ranked| ranked.score > 0.0));
                best(&mut found, k);
                found
            })
            .await;
        }
    }
}

/// How many of `fragments` an article holds, from 0 to 1: one in the title counts twice.
fn share(article: &Article, body: &Body, fragments: &[String]) -> f32 {
    let share = |fragment: &String| {
        let in_title = article.title.contains(fragment);
        let in_text = body.text.contains(fragment);
        f32::from(u8::from(in_title) + u8::from(in_title || in_text)) / 2.0
    };
    fragments.iter().map(share).sum::<f32>() / fragments.len() as f32
}
