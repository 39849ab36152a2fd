//! `courant sources import`.

use std::{io::Read as _, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

use super::{
    edit::{Editor, Written},
    naming,
};
use crate::{
    ingest::opml::{self, Outline},
    ops::{
        cli::{
            output::{Format, tell},
            table::Table,
        },
        config::append::Block,
    },
    sources::FeedUrl,
};

/// The largest list that is read.
const MAX_BYTES: u64 = 20_000_000;

#[derive(Clone, Debug, Args)]
pub struct Import {
    /// An OPML file; `-` is standard input
    file: PathBuf,
    /// Print what would be added, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// What became of one outline.
#[derive(Debug, Serialize)]
struct Row {
    status: Status,
    name: String,
    title: String,
    address: String,
    topics: Vec<String>,
    /// Empty where there is nothing to say.
    why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Added,
    WouldAdd,
    ThereAlready,
    Refused,
}

impl Status {
    fn in_words(self) -> &'static str {
        match self {
            Status::Added => "added",
            Status::WouldAdd => "would add",
            Status::ThereAlready => "there already",
            Status::Refused => "refused",
        }
    }
}

/// Adds the feeds of an OPML list, all in one write; folders become topics. Asks no server.
pub(super) async fn import(import: Import, files: &[PathBuf], json: bool) -> Result<ExitCode> {
    let outlines = opml::read(&read(&import.file)?);
    if outlines.is_empty() {
        bail!("{} lists no feeds", import.file.display());
    }
    let mut editor = match Editor::open(files) {
        Ok(editor) => editor,
        Err(refused) => return Ok(refused),
    };
    let (mut rows, mut blocks) = (Vec::new(), Vec::new());
    for outline in outlines {
        let (row, block) = take(outline, &mut editor);
        rows.push(row);
        blocks.extend(block);
    }
    if !import.dry_run {
        let written = match blocks.is_empty() {
            true => None,
            false => Some(editor.write(&blocks)?),
        };
        if let Some(Written::Refused(code)) = written {
            return Ok(code);
        }
        for row in &mut rows {
            if row.status == Status::WouldAdd {
                row.status = Status::Added;
            }
        }
    }
    print(&rows, json)?;
    if !import.dry_run && !blocks.is_empty() {
        editor.reload().await;
    }
    Ok(match rows.iter().any(|row| row.status == Status::Refused) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn read(file: &PathBuf) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes),
        false => std::fs::File::open(file)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)),
    };
    read.with_context(|| format!("{} cannot be read", file.display()))?;
    if bytes.len() as u64 > MAX_BYTES {
        bail!(
            "{} is larger than {} MB",
            file.display(),
            MAX_BYTES / 1_000_000
        );
    }
    Ok(bytes)
}

/// What becomes of an outline, and the block that makes it so.
fn take(outline: Outline, editor: &mut Editor) -> (Row, Option<Block>) {
    let mut topics: Vec<String> = Vec::new();
    for topic in outline
        .folders
        .iter()
        .filter_map(|name| naming::topic(name))
    {
        if !topics.contains(&topic.to_string()) {
            topics.push(topic.to_string());
        }
    }
    let mut row = Row {
        status: Status::Refused,
        name: String::new(),
        title: outline.title,
        address: outline.address,
        topics,
        why: String::new(),
    };
    let url = match FeedUrl::parse(&row.address) {
        Ok(url) => url,
        Err(err) => {
            row.why = err.to_string();
            return (row, None);
        }
    };
    if let Some(name) = editor.holds(url.url()) {
        row.status = Status::ThereAlready;
        row.name = name.to_string();
        return (row, None);
    }
    let name = editor.propose(&row.title, url.url());
    editor.hold(url.url(), name.clone());
    row.status = Status::WouldAdd;
    row.name = name.to_string();
    let block = Block {
        title: match row.title.is_empty() {
            true => row.name.clone(),
            false => row.title.clone(),
        },
        name: row.name.clone(),
        origin: ("feed", url.as_str().to_owned()),
        topics: row.topics.clone(),
    };
    (row, Some(block))
}

fn print(rows: &[Row], json: bool) -> Result<()> {
    let width = match Format::here(json) {
        Format::People { width } => width,
        Format::Programs => {
            for row in rows {
                tell(&(serde_json::to_string(row)? + "\n"));
            }
            return Ok(());
        }
    };
    let mut table = Table::new(&["STATUS", "NAME", "TOPICS", "ADDRESS", "WHY"]);
    for row in rows {
        table.row([
            row.status.in_words().to_owned(),
            row.name.clone(),
            row.topics.join(", "),
            row.address.clone(),
            row.why.clone(),
        ]);
    }
    tell(&table.lay_out(width));
    let count = |status| rows.iter().filter(|row| row.status == status).count();
    let (added, would_add) = (count(Status::Added), count(Status::WouldAdd));
    let done = match would_add {
        0 => format!("{added} added"),
        n => format!("{n} to be added"),
    };
    tell(&format!(
        "\n{done}, {} there already, {} refused\n",
        count(Status::ThereAlready),
        count(Status::Refused)
    ));
    Ok(())
}
