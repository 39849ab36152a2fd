//! `courant sources`.

mod add;
mod edit;
mod export;
mod finding;
mod import;
mod list;
mod naming;
mod pause;
mod show;
mod state;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::{
    order::{self, Done, Order},
    output::Out,
};
use crate::{id::SourceName, ops::app::App};

#[derive(Clone, Debug, Subcommand)]
pub enum Sources {
    #[command(flatten)]
    Kept(Kept),
    /// Find the feed of an address and add it to the configuration
    Add(add::Add),
    /// Add the feeds of an OPML list to the configuration; folders become topics
    Import(import::Import),
    /// Write the feeds of the configuration as an OPML list; topics become folders
    Export(export::Export),
}

/// Runs a command here, or has it obeyed where the store is.
pub async fn run(command: Sources, files: &[PathBuf], json: bool) -> Result<ExitCode> {
    match command {
        Sources::Kept(asked) => order::give(Order::Sources(asked), files, json).await,
        Sources::Add(add) => add::add(add, files, json).await,
        Sources::Import(import) => import::import(import, files, json).await,
        Sources::Export(export) => Ok(export::export(&export, files)),
    }
}

/// Those that need what the store keeps.
#[derive(Clone, Debug, Subcommand, Serialize, Deserialize)]
pub enum Kept {
    /// List sources with what their last poll came to, those that fail first
    List {
        /// Only those that fail or are gone
        #[arg(long)]
        failing: bool,
    },
    /// Show one source with everything known about it
    Show {
        /// Its name, the first column of `sources list`
        name: SourceName,
    },
    /// Leave sources alone until they are resumed
    Pause {
        /// Their names
        #[arg(required = true)]
        names: Vec<SourceName>,
    },
    /// Poll paused sources again, and those that answered 410 Gone
    Resume {
        /// Their names
        #[arg(required = true)]
        names: Vec<SourceName>,
    },
}

impl Kept {
    pub async fn obey(self, app: &App, out: &Out) -> Result<Done> {
        match self {
            Kept::List { failing } => {
                let which = match failing {
                    true => list::Which::Failing,
                    false => list::Which::All,
                };
                list::list(app, out, which).await
            }
            Kept::Show { name } => show::show(app, out, &name).await,
            Kept::Pause { names } => pause::pause(app, out, &names).await,
            Kept::Resume { names } => pause::resume(app, out, &names).await,
        }
    }
}
