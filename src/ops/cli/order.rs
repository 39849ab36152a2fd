//! Commands that need the store.
//!
//! The embedded store belongs to one process. Beside a running daemon a command is therefore sent
//! to it over the control socket; with no daemon it opens the store itself. Both ways the same code
//! obeys it, and the same code prints what it says.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::{
    articles, digest, editions, ingest, outbox,
    output::{Format, Out, Printer, refuse},
    sources, subscribers, topics, why,
};
use crate::ops::{
    app::App,
    config::{Config, reader::World},
    control,
};

#[derive(Clone, Debug, Subcommand, Serialize, Deserialize)]
pub enum Order {
    /// Poll sources now, once
    Ingest(ingest::Ingest),
    #[command(skip)]
    Sources(sources::Kept),
    /// Has the daemon read its configuration again.
    #[command(skip)]
    Reload,
    /// The library
    #[command(subcommand)]
    Articles(articles::Articles),
    /// What articles are about
    #[command(subcommand)]
    Topics(topics::Topics),
    /// The editions that are published
    #[command(subcommand)]
    Editions(editions::Editions),
    /// Write an edition's feed to standard output
    Feed(editions::Feed),
    /// Preview or send a digest
    #[command(subcommand)]
    Digest(digest::Digest),
    /// Who receives mail
    #[command(subcommand)]
    Subscribers(subscribers::Subscribers),
    /// What is planned, in hand and done
    #[command(subcommand)]
    Outbox(outbox::Outbox),
    /// Tell why somebody got, or did not get, an article or an edition's digests
    Why(why::Why),
}

/// What an order came to: whether everything that was asked for was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Done {
    Wholly,
    InPart,
}

/// Has an order obeyed, by the daemon if one runs, and prints what comes of it.
pub async fn give(mut order: Order, files: &[PathBuf], json: bool) -> anyhow::Result<ExitCode> {
    let config = match Config::load(files, World::Ignored) {
        Ok(config) => config,
        Err(problems) => return Ok(refuse(&problems)),
    };
    order.read_files()?;
    order.read_config(&config)?;
    let format = Format::here(json);
    let mut printer = Printer::default();
    if let Some(daemon) = control::connect(&config.data_dir).await? {
        return control::ask(daemon, &order, format, printer).await;
    }
    let app = App::build(config).await?;
    let (out, said) = Out::new(format);
    let obeyed = async {
        let done = order.obey(&app, &out).await;
        drop(out);
        done
    };
    let (done, ()) = tokio::join!(obeyed, printer.print(said));
    Ok(printer.exit(done?))
}

impl Order {
    /// Reads what the arguments name before the order leaves for a process in another folder.
    fn read_files(&mut self) -> anyhow::Result<()> {
        match self {
            Order::Subscribers(order) => order.read_files(),
            Order::Digest(order) => order.make_paths_absolute(),
            Order::Ingest(_)
            | Order::Sources(_)
            | Order::Reload
            | Order::Articles(_)
            | Order::Topics(_)
            | Order::Editions(_)
            | Order::Feed(_)
            | Order::Outbox(_)
            | Order::Why(_) => Ok(()),
        }
    }

    /// Takes along what is asked about the configuration as it stands in the files now, which the
    /// daemon may not have read yet.
    fn read_config(&mut self, config: &Config) -> anyhow::Result<()> {
        match self {
            Order::Topics(order) => order.read_config(config),
            Order::Ingest(_)
            | Order::Sources(_)
            | Order::Reload
            | Order::Articles(_)
            | Order::Editions(_)
            | Order::Feed(_)
            | Order::Digest(_)
            | Order::Subscribers(_)
            | Order::Outbox(_)
            | Order::Why(_) => Ok(()),
        }
    }

    pub async fn obey(self, app: &App, out: &Out) -> anyhow::Result<Done> {
        match self {
            Order::Ingest(order) => order.obey(app, out).await,
            Order::Sources(order) => order.obey(app, out).await,
            Order::Reload => {
                app.reload.wake();
                Ok(Done::Wholly)
            }
            Order::Articles(order) => order.obey(app, out).await,
            Order::Topics(order) => order.obey(app, out).await,
            Order::Editions(order) => order.obey(app, out).await,
            Order::Feed(order) => order.obey(app, out).await,
            Order::Digest(order) => order.obey(app, out).await,
            Order::Subscribers(order) => order.obey(app, out).await,
            Order::Outbox(order) => order.obey(app, out).await,
            Order::Why(order) => order.obey(app, out).await,
        }
    }
}
