//! What the commands share that add sources to the configuration.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Result;
use url::Url;

use super::naming;
use crate::{
    dedupe::link,
    id::SourceName,
    ops::{
        cli::{
            order::Order,
            output::{Format, Printer, complain, refuse},
        },
        config::{
            Config,
            append::{self, Appended, Block},
            reader::World,
        },
        control,
    },
};

/// A configuration that sources are added to.
pub(super) struct Editor {
    pub(super) config: Config,
    files: Vec<PathBuf>,
    names: BTreeSet<SourceName>,
    /// By canonical address.
    held: BTreeMap<String, SourceName>,
}

/// What came of writing; what was refused has been told.
pub(super) enum Written {
    To(PathBuf),
    Refused(ExitCode),
}

impl Editor {
    /// Reads the configuration; one that is bad already is told, and is no place to add to.
    pub(super) fn open(files: &[PathBuf]) -> Result<Editor, ExitCode> {
        let config = Config::load(files, World::Ignored).map_err(|problems| refuse(&problems))?;
        let sources = config.sources.iter();
        let held = sources.clone().filter_map(|source| {
            let url = Url::parse(&source.origin.to_string()).ok()?;
            Some((link::canonical(&url), source.name.clone()))
        });
        Ok(Editor {
            held: held.collect(),
            names: sources.map(|source| source.name.clone()).collect(),
            files: files.to_vec(),
            config,
        })
    }

    /// The source that has this address, whatever its scheme, `www.` or closing slash.
    pub(super) fn holds(&self, url: &Url) -> Option<SourceName> {
        self.held.get(&link::canonical(url)).cloned()
    }

    /// From now on `url` counts as that of `name`.
    pub(super) fn hold(&mut self, url: &Url, name: SourceName) {
        self.held.insert(link::canonical(url), name);
    }

    pub(super) fn propose(&mut self, title: &str, url: &Url) -> SourceName {
        naming::propose(title, url, &mut self.names)
    }

    pub(super) fn write(&self, blocks: &[Block]) -> Result<Written> {
        Ok(match append::append(&self.files, blocks)? {
            Appended::To(file) => Written::To(file),
            Appended::Refused(problems) => {
                complain("nothing was written, because this would be wrong with it:");
                Written::Refused(refuse(&problems))
            }
        })
    }

    /// Has the daemon, if one runs, read its configuration again.
    pub(super) async fn reload(&self) {
        let told = match control::connect(&self.config.data_dir).await {
            Ok(None) => return,
            Ok(Some(daemon)) => {
                let (format, printer) = (Format::Programs, Printer::default());
                control::ask(daemon, &Order::Reload, format, printer).await
            }
            Err(err) => Err(err),
        };
        if let Err(err) = told {
            complain(&format!(
                "the daemon could not be told, send it SIGHUP: {err:#}"
            ));
        }
    }
}
