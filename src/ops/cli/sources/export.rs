//! `courant sources export`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::edit::Editor;
use crate::{
    clock::Clock,
    id::TopicSlug,
    ingest::opml::{self, Outline},
    ops::cli::output::{complain, tell},
    sources::{Origin, Source},
};

#[derive(Clone, Debug, Args)]
pub struct Export {
    /// Only sources with this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<TopicSlug>,
}

/// Writes the feeds of the configuration as an OPML 2.0 list, their topics as folders.
pub(super) fn export(export: &Export, files: &[PathBuf]) -> ExitCode {
    let editor = match Editor::open(files) {
        Ok(editor) => editor,
        Err(refused) => return refused,
    };
    let is_asked_for = |source: &&Source| {
        let topic = export.topic.as_ref();
        topic.is_none_or(|topic| source.topics.contains(topic))
    };
    let sources = editor.config.sources.iter().filter(is_asked_for);
    let (feeds, others): (Vec<_>, Vec<_>) =
        sources.partition(|source| matches!(source.origin, Origin::Feed(_)));
    let mut outlines: Vec<Outline> = feeds.into_iter().map(outline).collect();
    // Each folder is written once, where the configuration first names it.
    let folders: Vec<Vec<String>> = outlines.iter().map(|one| one.folders.clone()).collect();
    outlines.sort_by_key(|one| folders.iter().position(|other| *other == one.folders));
    match others.len() {
        0 => {}
        1 => complain("1 source is no feed and is left out"),
        n => complain(&format!("{n} sources are no feeds and are left out")),
    }
    let title = &editor.config.site.title;
    tell(&opml::write(title, &outlines, Clock::System.now()));
    ExitCode::SUCCESS
}

fn outline(source: &Source) -> Outline {
    Outline {
        title: source.title.clone(),
        address: source.origin.to_string(),
        folders: source.topics.iter().map(ToString::to_string).collect(),
    }
}
