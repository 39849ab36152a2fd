//! The operator's configuration: files, then the environment, checked as a whole.

pub mod append;
mod dkim;
mod edition;
pub mod reader;
mod relay;
mod rules;
mod sections;
mod source;
mod topic;
mod value;

use std::{
    io,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{
    delivery::{
        Doubt, compose::verp::BounceAddress, destination::Destinations, dkim::key::Key,
        relay::RelayUrl, retry::Patience, throttle::pace::Pace,
    },
    editions::{Edition, Site},
    id::{GroupName, RelayName},
    ingest::topics::Topic,
    secret::Secret,
    sources::{Source, fetch::FetchConfig, websub::Sha1},
};
use reader::{Layers, Problem, World};

/// Everything the operator decides, with all meaning resolved.
#[derive(Clone, Debug)]
pub struct Config {
    pub site: Site,
    /// Holds the keys, the control socket and, unless `store.path` says otherwise, the store.
    pub data_dir: PathBuf,
    /// Templates here replace the built-in ones, file by file.
    pub templates: Option<PathBuf>,
    pub store_path: PathBuf,
    pub web: Web,
    pub fetch: FetchConfig,
    /// The most that may lie between the dates of an article and its reprint.
    pub reprint_window: Duration,
    /// Whether hubs may sign with SHA-1. Default: no.
    pub websub_sha1: Sha1,
    pub sources: Arc<[Source]>,
    /// What articles get by rule.
    pub topics: Arc<[Topic]>,
    pub editions: Vec<Edition>,
    pub relays: Vec<Relay>,
    /// What becomes of a message that may have arrived. Default: it is sent again.
    pub doubt: Doubt,
    /// How long a message that is put off is tried.
    pub patience: Patience,
    /// Where recipients have their mailboxes, and what each of those places gets.
    pub destinations: Arc<Destinations>,
    pub paces: Vec<(GroupName, Pace)>,
    /// The mailbox that takes bounces, each delivery's at an address of its own. Default: they go to
    /// the sender.
    pub bounce_address: Option<BounceAddress>,
    /// In the order of the configuration: of one domain and algorithm, the first one signs.
    pub dkim: Vec<Key>,
}

#[derive(Clone, Debug)]
pub struct Web {
    /// The public listener. Default 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// Health and readiness. Default 127.0.0.1:8081.
    pub admin_listen: SocketAddr,
}

#[derive(Clone, Debug)]
pub struct Relay {
    pub name: RelayName,
    pub url: RelayUrl,
    pub password: Option<Secret>,
    /// Connections at once. Default 8; at most 64.
    pub connections: NonZeroUsize,
    /// Its share beside the others' of what is sent. Default 1; zero stands by.
    pub weight: u32,
    /// That a connection takes. Default 100.
    pub max_messages: NonZeroU32,
    /// What it gets at most. Default: no limit.
    pub pace: Option<Pace>,
}

/// Where configuration is looked for when `--config` is not given.
const PLACES: [&str; 2] = ["config/courant.toml", "/etc/courant/courant.toml"];

impl Config {
    /// Reads `files` in order, or the first of the usual places that exists, and the environment.
    ///
    /// # Errors
    /// Every problem that was found, in the order of files and keys.
    pub fn load(files: &[PathBuf], world: World) -> Result<Config, Vec<Problem>> {
        Self::load_with(&Self::files(files), world, |path| {
            std::fs::read_to_string(path)
        })
    }

    /// `files`, or the first of the usual places that exists.
    fn files(files: &[PathBuf]) -> Vec<PathBuf> {
        match files {
            [] => PLACES
                .iter()
                .map(PathBuf::from)
                .filter(|path| path.exists())
                .take(1)
                .collect(),
            files => files.to_vec(),
        }
    }

    fn load_with(
        found: &[PathBuf],
        world: World,
        read: impl Fn(&Path) -> io::Result<String>,
    ) -> Result<Config, Vec<Problem>> {
        let mut layers = Layers::new(world);
        if found.is_empty() {
            let what = format!(
                "no configuration: {} do not exist; `courant init` writes one",
                PLACES.join(" and ")
            );
            layers.report("", "", what);
            return Err(layers.problems());
        }
        for path in found {
            match read(path) {
                Ok(text) => layers.add(&path.display().to_string(), &text),
                Err(err) => layers.report(
                    &path.display().to_string(),
                    "",
                    format!("cannot be read: {err}"),
                ),
            }
        }
        // A file that cannot be read leaves nothing sensible to say about its keys.
        if !layers.problems().is_empty() {
            return Err(layers.problems());
        }
        add_environment(&mut layers);
        Config::read(&layers)
    }

    /// Gives meaning to layers.
    pub fn read(layers: &Layers) -> Result<Config, Vec<Problem>> {
        let config = sections::read_root(&layers.root());
        match (config, layers.problems()) {
            (Some(config), problems) if problems.is_empty() => Ok(config),
            (_, problems) => Err(problems),
        }
    }
}

/// `COURANT_SITE__TITLE` is `site.title`; `COURANT_SITE__TITLE_FILE` names a file that holds it.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn add_environment(layers: &mut Layers) {
    let mut variables: Vec<(String, String)> = std::env::vars()
        .filter(|(name, _)| name.starts_with("COURANT_") && name.contains("__"))
        .collect();
    variables.sort();
    for (name, value) in variables {
        let path = name["COURANT_".len()..].to_lowercase();
        let (path, value) = match path.strip_suffix("_file") {
            None => (path, Ok(value)),
            Some(path) => (
                path.to_owned(),
                std::fs::read_to_string(&value).map(|text| text.trim_end().to_owned()),
            ),
        };
        let keys: Vec<String> = path.split("__").map(str::to_owned).collect();
        match value {
            Ok(value) => layers.set(&name, &keys, &value),
            Err(err) => layers.report(
                &name,
                "",
                format!("the file it names cannot be read: {err}"),
            ),
        }
    }
}

#[cfg(test)]
mod tests;
