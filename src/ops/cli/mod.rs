//! The command line. The only place that writes to the terminal.

pub mod articles;
mod asking;
pub mod dkim;
pub mod digest;
pub mod editions;
pub mod ingest;
pub mod local;
pub mod order;
pub mod outbox;
pub mod output;
pub mod parse;
pub mod sources;
pub mod subscribers;
pub mod table;
pub mod topics;
mod why;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use order::Order;

/// Exit codes: `EX_USAGE` of sysexits for what the operator must mend before a second try.
pub const USAGE: u8 = 64;

/// A newsletter and RSS syndication daemon: many sources in, one story once, feeds and digests out.
#[derive(Debug, Parser)]
#[command(name = "courant", version, max_term_width = 100)]
pub struct Cli {
    /// Configuration to read; may be repeated, later files override earlier ones
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Vec<PathBuf>,

    /// Print JSON Lines, one object a line, instead of tables
    #[arg(long, global = true)]
    pub json: bool,

    /// What is logged
    #[arg(long, value_name = "LEVEL", global = true, default_value = "info")]
    #[arg(value_parser = ["error", "warn", "info", "debug", "trace"])]
    pub log: String,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole product with sample articles, in a temporary folder
    Demo(local::Demo),
    /// Write a commented configuration and the templates, ready to edit
    Init(local::Init),
    /// Check the configuration, its templates, schedules and folders
    Check,
    /// Run the daemon; SIGHUP has it read its configuration again
    Run(local::Run),
    /// Print what a feed, page or text file yields, as a JSON Feed document
    Parse(local::Parse),
    /// The keys that sign the mail
    #[command(subcommand)]
    Dkim(dkim::Dkim),
    /// Where entries come from
    #[command(subcommand)]
    Sources(sources::Sources),
    #[command(flatten)]
    Order(Order),
}

/// Runs the command that the arguments name.
pub async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(err) => {
            let help = !err.use_stderr();
            // Nobody is left to tell if the terminal is gone.
            let _ = err.print();
            return if help {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(USAGE)
            };
        }
    };
    let done = match cli.command {
        Command::Demo(demo) => local::demo(demo, &cli.log).await,
        Command::Init(init) => local::init(&init),
        Command::Check => local::check(&cli.config, cli.json),
        Command::Run(run) => local::run(&run, &cli.config, &cli.log).await,
        Command::Parse(parse) => local::parse(&parse, cli.json).await,
        Command::Dkim(dkim) => dkim::run(&dkim, &cli.config, cli.json),
        Command::Sources(sources) => sources::run(sources, &cli.config, cli.json).await,
        Command::Order(order) => order::give(order, &cli.config, cli.json).await,
    };
    done.unwrap_or_else(|err| {
        output::complain(&format!("{err:#}"));
        ExitCode::FAILURE
    })
}
