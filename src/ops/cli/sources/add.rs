//! `courant sources add`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{
    edit::{Editor, Written},
    finding::{Finder, Found},
};
use crate::{
    id::{SourceName, TopicSlug},
    ingest::discover::Offer,
    ops::{
        cli::output::{complain, tell},
        config::append::Block,
    },
    sources::{BadFeedUrl, FeedUrl},
};

#[derive(Clone, Debug, Args)]
pub struct Add {
    /// The address of a feed, or of a page that links to one; https unless it says otherwise
    #[arg(value_parser = address)]
    url: FeedUrl,
    /// Its name, as it stands in addresses; default: made of its title or host
    #[arg(long)]
    name: Option<SourceName>,
    /// What readers see; default: what the feed calls itself
    #[arg(long)]
    title: Option<String>,
    /// A topic that all its articles get; may be repeated
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<TopicSlug>,
    /// What to add
    #[arg(long = "as", value_enum, value_name = "KIND", default_value = "feed")]
    kind: AddAs,
    /// Print what would be added, and write nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AddAs {
    /// The feed that is there or that the page links to
    Feed,
    /// The page itself
    Page,
}

/// Adds the feed at an address, or that of the page at it, to the configuration.
pub(super) async fn add(add: Add, files: &[PathBuf], json: bool) -> Result<ExitCode> {
    let mut editor = match Editor::open(files) {
        Ok(editor) => editor,
        Err(refused) => return Ok(refused),
    };
    if let Some(name) = editor.holds(add.url.url()) {
        return Ok(there_already(&name, &add.url, json));
    }
    let finder = Finder::new(&editor.config.fetch)?;
    let found = match add.kind {
        AddAs::Feed => finder.feed(&add.url).await?,
        AddAs::Page => finder.page(&add.url).await?,
    };
    if let Some(name) = editor.holds(found.url.url()) {
        return Ok(there_already(&name, &found.url, json));
    }
    let block = block(&add, &found, &mut editor);
    if let Err(denied) = editor.config.fetch.guard.admit(found.url.url()).await {
        complain(&format!(
            "the daemon would not ask this address: {denied}; `allow_networks` and `ports` in \
             [fetch] let it"
        ));
    }
    if add.dry_run {
        match json {
            true => tell(&line(&block, &found, "would_add", None)),
            false => tell(&block.to_toml()),
        }
        return Ok(ExitCode::SUCCESS);
    }
    match editor.write(std::slice::from_ref(&block))? {
        Written::To(file) if json => tell(&line(&block, &found, "added", Some(&file))),
        Written::To(file) => {
            tell(&format!(
                "added {} to {}: {}, {} {}, {} articles\n",
                block.name,
                file.display(),
                block.title,
                block.origin.0,
                block.origin.1,
                found.n_articles,
            ));
            for Offer { url, title } in &found.others {
                tell(&format!("not added: {url} {title}\n"));
            }
        }
        Written::Refused(code) => return Ok(code),
    }
    editor.reload().await;
    Ok(ExitCode::SUCCESS)
}

fn block(add: &Add, found: &Found, editor: &mut Editor) -> Block {
    let title = add.title.clone().or_else(|| found.title.clone());
    let title = title.unwrap_or_default();
    // With a name that is taken the configuration is refused, which says so.
    let name = match &add.name {
        Some(name) => name.clone(),
        None => editor.propose(&title, found.url.url()),
    };
    Block {
        title: Some(title.trim().to_owned())
            .filter(|title| !title.is_empty())
            .unwrap_or_else(|| name.to_string()),
        name: name.to_string(),
        origin: (
            match add.kind {
                AddAs::Feed => "feed",
                AddAs::Page => "page",
            },
            found.url.as_str().to_owned(),
        ),
        topics: add.topics.iter().map(ToString::to_string).collect(),
    }
}

fn there_already(name: &SourceName, url: &FeedUrl, json: bool) -> ExitCode {
    match json {
        true => tell(
            &(json!({ "status": "there_already", "name": name, "address": url }).to_string()
                + "\n"),
        ),
        false => tell(&format!("{} is there already: {name}\n", url.as_str())),
    }
    ExitCode::SUCCESS
}

fn line(block: &Block, found: &Found, status: &str, file: Option<&PathBuf>) -> String {
    let others = found
        .others
        .iter()
        .map(|offer| json!({ "url": offer.url, "title": offer.title }));
    let object = json!({
        "status": status,
        "name": block.name,
        "title": block.title,
        "kind": block.origin.0,
        "address": block.origin.1,
        "topics": block.topics,
        "format": found.format.name(),
        "articles": found.n_articles,
        "others": others.collect::<Vec<_>>(),
        "file": file,
        "toml": block.to_toml(),
    });
    object.to_string() + "\n"
}

fn address(text: &str) -> Result<FeedUrl, BadFeedUrl> {
    match text.contains("://") {
        true => FeedUrl::parse(text),
        false => FeedUrl::parse(&format!("https://{text}")),
    }
}
