//! `courant topics`.

mod list;
mod test;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::{order::Done, output::Out};
use crate::{
    id::ArticleId,
    library::{Article, Body},
    ops::{app::App, config::Config},
    port,
};

#[derive(Clone, Debug, Subcommand, Serialize, Deserialize)]
pub enum Topics {
    /// List topics with their rules and how many articles have each
    List,
    /// Show which articles a rule would catch; changes nothing
    Test(test::Test),
}

/// Articles whose text is in memory at once while the library is read.
const PAGE: usize = 500;

impl Topics {
    /// Takes the rule along that stands in the configuration files now.
    pub fn read_config(&mut self, config: &Config) -> anyhow::Result<()> {
        match self {
            Topics::List => Ok(()),
            Topics::Test(test) => test.read_config(config),
        }
    }

    pub async fn obey(self, app: &App, out: &Out) -> anyhow::Result<Done> {
        match self {
            Topics::List => list::list(app, out).await,
            Topics::Test(test) => test.obey(app, out).await,
        }
    }
}

/// Shows the whole library to `look`, a page at a time.
async fn each(app: &App, mut look: impl FnMut(&[(Article, Body)])) -> port::Result<()> {
    let mut after: Option<ArticleId> = None;
    loop {
        let page = app.store.page(after, PAGE).await?;
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        after = Some(last.id);
        look(&page);
    }
}
