//! `courant sources`.

mod list;
mod pause;
mod show;
mod state;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::{order::Done, output::Out};
use crate::{id::SourceName, ops::app::App};

/// Those that need the store.
#[derive(Clone, Debug, Subcommand, Serialize, Deserialize)]
pub enum Asked {
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

impl Asked {
    pub async fn obey(self, app: &App, out: &Out) -> anyhow::Result<Done> {
        match self {
            Asked::List { failing } => {
                let which = match failing {
                    true => list::Which::Failing,
                    false => list::Which::All,
                };
                list::list(app, out, which).await
            }
            Asked::Show { name } => show::show(app, out, &name).await,
            Asked::Pause { names } => pause::pause(app, out, &names).await,
            Asked::Resume { names } => pause::resume(app, out, &names).await,
        }
    }
}
