//! Commands that need no store, or own one: `init`, `check`, `run`, `parse`, `demo`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, FixedOffset};
use clap::Args;
use serde::Serialize;
use url::Url;

use super::{
    USAGE,
    asking::{Asker, Served},
    output::{complain, refuse, tell},
};
use crate::{
    clock::Clock,
    delivery::dkim::{Signer, key::Key},
    editions::render::SHIPPED,
    id::RelayName,
    ingest::{
        defect,
        parse::{Given, Kind, parse as parse_bytes},
    },
    ops::{
        app::App,
        config::{
            Config,
            reader::{Problem, World},
        },
        daemon::{self, Sending},
        demo, telemetry,
    },
    sources::{FeedUrl, fetch::FetchConfig, guard::Guard},
};

/// The sample configuration, with every key.
const SAMPLE: &str = include_str!("../../../config/courant.toml");

#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// Where to listen on this machine; 0 takes any free port
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Print what happened and stop, instead of staying up
    #[arg(long)]
    once: bool,
}

#[derive(Clone, Debug, Args)]
pub struct Init {
    /// The folder to write into
    #[arg(default_value = ".")]
    dir: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub struct Run {
    /// Plan everything and mail nothing
    #[arg(long)]
    no_send: bool,
}

#[derive(Clone, Debug, Args)]
pub struct Parse {
    /// A file, or an http or https address
    #[arg(value_name = "FILE-or-URL")]
    what: String,
    /// Take it for a feed or for a page; default: what it looks like
    #[arg(long = "as", value_enum, value_name = "KIND")]
    kind: Option<ParseAs>,
    /// What relative links start from; may itself be relative to where the document lies
    #[arg(long, value_name = "URL")]
    base: Option<String>,
    /// The Content-Type that a server sent with it
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ParseAs {
    Feed,
    Page,
}

pub async fn demo(demo: Demo, log: &str) -> Result<ExitCode> {
    // The demo speaks for itself; only what goes wrong is logged.
    telemetry::start(if log == "info" { "warn" } else { log })?;
    demo::run(demo.port, demo.once).await?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the sample configuration and the templates; what exists already is never touched.
pub fn init(init: &Init) -> Result<ExitCode> {
    let mut files = vec![(PathBuf::from("config/courant.toml"), SAMPLE)];
    files.extend(
        SHIPPED
            .iter()
            .map(|(name, text)| (Path::new("templates").join(name), *text)),
    );
    if let Some((taken, _)) = files.iter().find(|(path, _)| init.dir.join(path).exists()) {
        bail!(
            "{} exists already, and nothing was written",
            init.dir.join(taken).display()
        );
    }
    for (path, text) in &files {
        let path = init.dir.join(path);
        let folder = path.parent().unwrap_or(&init.dir);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("write {}", path.display()))?;
    }
    let config = init.dir.join("config/courant.toml");
    tell(&format!(
        "wrote {} and {} templates\n\nEdit the configuration, then:\n  courant --config {} check\n  courant --config {} run\n",
        config.display(),
        files.len() - 1,
        config.display(),
        config.display(),
    ));
    Ok(ExitCode::SUCCESS)
}

/// Validates everything that can be without opening the store, and prints every finding.
pub fn check(files: &[PathBuf], json: bool) -> Result<ExitCode> {
    let checked = Config::load(files, World::Checked);
    match checked {
        Ok(config) if json => {
            tell(&(serde_json::to_string(&Summary::new(&config))? + "\n"));
            Ok(ExitCode::SUCCESS)
        }
        Ok(config) => {
            tell(&Summary::new(&config).to_text());
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => {
            for problem in &problems {
                let Problem { file, key, what } = problem;
                match json {
                    true => tell(
                        &(serde_json::json!({ "file": file, "key": key, "what": what })
                            .to_string()
                            + "\n"),
                    ),
                    false => complain(&problem.to_string()),
                }
            }
            Ok(ExitCode::from(USAGE))
        }
    }
}

/// The daemon.
pub async fn run(run: &Run, files: &[PathBuf], log: &str) -> Result<ExitCode> {
    let config = match Config::load(files, World::Checked) {
        Ok(config) => config,
        Err(problems) => return Ok(refuse(&problems)),
    };
    telemetry::start(log)?;
    let app = App::build(config).await?;
    daemon::run(
        app,
        files,
        if run.no_send {
            Sending::Off
        } else {
            Sending::On
        },
    )
    .await?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the JSON Feed document of one file or address.
pub async fn parse(parse: &Parse, json: bool) -> Result<ExitCode> {
    let Served {
        bytes,
        content_type,
        url: address,
    } = match FeedUrl::parse(&parse.what) {
        Ok(url) => {
            let agent = format!("Courant/{}", env!("CARGO_PKG_VERSION"));
            let asker = Asker::new(FetchConfig::new(agent, Guard::default()))?;
            match parse.kind {
                Some(ParseAs::Page) => asker.page(&url).await?,
                Some(ParseAs::Feed) | None => asker.document(&url).await?,
            }
        }
        Err(_) => {
            let bytes =
                fs::read(&parse.what).with_context(|| format!("{} cannot be read", parse.what))?;
            let path = std::path::absolute(&parse.what)?;
            let url = Url::from_file_path(&path)
                .ok()
                .with_context(|| format!("{} has no address", path.display()))?;
            Served {
                bytes,
                content_type: None,
                url,
            }
        }
    };
    let kind = match parse.kind {
        Some(ParseAs::Feed) => Kind::Feed,
        Some(ParseAs::Page) => Kind::Page,
        None if [".md", ".markdown"]
            .iter()
            .any(|end| parse.what.ends_with(end)) =>
        {
            Kind::Markdown
        }
        None => Kind::Auto,
    };
    // A base that is no address at all is worth less than where the document lies.
    let base = parse.base.as_ref().and_then(|base| address.join(base).ok());
    let given = Given {
        base: base.as_ref().unwrap_or(&address),
        content_type: parse.content_type.as_deref().or(content_type.as_deref()),
        kind,
    };
    let mut document = parse_bytes(&bytes, &given).with_context(|| parse.what.clone())?;
    let defects = defect::of_entries(&document, Clock::System.now());
    document.defects.extend(defects);
    let feed = super::parse::json_feed(&document);
    tell(
        &(if json {
            serde_json::to_string(&feed)?
        } else {
            serde_json::to_string_pretty(&feed)?
        } + "\n"),
    );
    Ok(ExitCode::SUCCESS)
}

/// What `check` says when all is well.
#[derive(Debug, Serialize)]
struct Summary {
    title: String,
    base_url: String,
    data_dir: PathBuf,
    sources: usize,
    topics: usize,
    editions: usize,
    relays: Vec<RelayName>,
    /// The names of the records of the keys that sign.
    signed_by: Vec<String>,
    digests: Vec<NextDigest>,
}

#[derive(Debug, Serialize)]
struct NextDigest {
    edition: String,
    name: String,
    schedule: String,
    next: Option<DateTime<FixedOffset>>,
}

impl Summary {
    fn new(config: &Config) -> Self {
        let now = Clock::System.now();
        let rules = config
            .editions
            .iter()
            .flat_map(|edition| edition.digests.iter().map(move |rule| (edition, rule)));
        let digests = rules.map(|(edition, rule)| NextDigest {
            edition: edition.slug.to_string(),
            name: rule.name.to_string(),
            schedule: rule.cadence.to_string(),
            next: rule
                .cadence
                .next(now)
                .map(|next| next.with_timezone(&rule.cadence.zone()).fixed_offset()),
        });
        Summary {
            title: config.site.title.clone(),
            base_url: config.site.base_url.to_string(),
            data_dir: config.data_dir.clone(),
            sources: config.sources.len(),
            topics: config.topics.len(),
            editions: config.editions.len(),
            relays: config
                .relays
                .iter()
                .map(|relay| relay.name.clone())
                .collect(),
            signed_by: Signer::new(&config.dkim)
                .keys()
                .iter()
                .map(Key::record_name)
                .collect(),
            digests: digests.collect(),
        }
    }

    fn to_text(&self) -> String {
        let mut text = format!(
            "the configuration is sound\n\nsite      {} at {}\ndata      {}\nsources   {}\ntopics    {}\neditions  {}\nrelay     {}\nsigned by {}\n",
            self.title,
            self.base_url,
            self.data_dir.display(),
            self.sources,
            self.topics,
            self.editions,
            match &*self.relays {
                [] => "none: nothing is mailed".to_owned(),
                names => names
                    .iter()
                    .map(RelayName::as_str)
                    .collect::<Vec<_>>()
                    .join(", "),
            },
            match &*self.signed_by {
                [] => "the relay, if at all: there is no [[dkim]]".to_owned(),
                names => names.join(", "),
            }
        );
        for digest in &self.digests {
            let next = digest.next.map_or_else(
                || "never".to_owned(),
                |next| next.format("%Y-%m-%d %H:%M").to_string(),
            );
            text += &format!(
                "digest    {} {}, next {next} ({})\n",
                digest.edition, digest.name, digest.schedule
            );
        }
        text
    }
}
