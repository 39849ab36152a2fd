//! `courant dkim`: makes keys that sign the mail, and prints what DNS must say about them.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::output::{refuse, tell};
use crate::{
    delivery::dkim::{
        Signer,
        key::{Algorithm, DnsName, Key, generate, zone_strings},
    },
    ops::{
        config::{Config, reader::World},
        private,
    },
};

#[derive(Clone, Debug, Subcommand)]
pub enum Dkim {
    /// Make a private key, and print the DNS record of its public half
    Keygen(Keygen),
    /// Print the DNS records of the configured keys, and which of them sign
    Show,
}

#[derive(Clone, Debug, Args)]
pub struct Keygen {
    /// The domain that signs: that of the sender, or one above it
    #[arg(long)]
    domain: DnsName,
    /// Names the key below the domain; a new key needs a new one
    #[arg(long)]
    selector: DnsName,
    /// Ed25519 only beside an RSA key: not every mailbox provider verifies it
    #[arg(long, value_enum, default_value_t = Kind::Rsa)]
    algorithm: Kind,
    /// Where to write the key; an existing file is never touched [default: dkim-SELECTOR.pem]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Rsa,
    Ed25519,
}

impl From<Kind> for Algorithm {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Rsa => Algorithm::Rsa,
            Kind::Ed25519 => Algorithm::Ed25519,
        }
    }
}

pub fn run(dkim: &Dkim, files: &[PathBuf], json: bool) -> Result<ExitCode> {
    match dkim {
        Dkim::Keygen(order) => keygen(order, json),
        Dkim::Show => show(files, json),
    }
}

/// Tells the record only when the key is on disk.
fn keygen(order: &Keygen, json: bool) -> Result<ExitCode> {
    let default = || PathBuf::from(format!("dkim-{}.pem", order.selector));
    let file = order.out.clone().unwrap_or_else(default);
    let pem = generate(order.algorithm.into())?;
    let key = Key::parse(order.domain.clone(), order.selector.clone(), &pem)?;
    match private::create(&file, pem.expose()) {
        Err(err) if err.kind() == ErrorKind::AlreadyExists => {
            bail!("{} exists already, and nothing was written", file.display())
        }
        written => written.with_context(|| format!("write {}", file.display()))?,
    }
    match json {
        true => tell(&(described(&key, &[("file", json!(file))]).to_string() + "\n")),
        false => tell(&told(&key, &file)),
    }
    Ok(ExitCode::SUCCESS)
}

fn told(key: &Key, file: &Path) -> String {
    format!(
        "wrote {file}, the private key; only its owner can read it\n\n\
         Publish this record in DNS:\n\n{record}\n\
         When it can be looked up, add to the configuration:\n\n\
         [[dkim]]\ndomain = \"{domain}\"\nselector = \"{selector}\"\nkey_file = \"{file}\"\n",
        file = file.display(),
        record = zone_line(key),
        domain = key.domain,
        selector = key.selector,
    )
}

fn show(files: &[PathBuf], json: bool) -> Result<ExitCode> {
    let config = match Config::load(files, World::Ignored) {
        Ok(config) => config,
        Err(problems) => return Ok(refuse(&problems)),
    };
    let signer = Signer::new(&config.dkim);
    for key in &config.dkim {
        let record = key.record_name();
        let signs = signer
            .keys()
            .iter()
            .any(|other| other.record_name() == record);
        let state = if signs { "signs" } else { "stands by" };
        match json {
            true => tell(&(described(key, &[("signs", json!(signs))]).to_string() + "\n")),
            false => tell(&format!(
                "; {}, {state}\n{}",
                key.algorithm().name(),
                zone_line(key)
            )),
        }
    }
    if config.dkim.is_empty() && !json {
        tell("no key is configured: mail is not signed\n");
    }
    Ok(ExitCode::SUCCESS)
}

/// A line of a zone file.
fn zone_line(key: &Key) -> String {
    format!(
        "{}. IN TXT {}\n",
        key.record_name(),
        zone_strings(&key.record())
    )
}

fn described(key: &Key, more: &[(&str, serde_json::Value)]) -> serde_json::Value {
    let mut object = json!({
        "domain": key.domain.as_str(),
        "selector": key.selector.as_str(),
        "algorithm": key.algorithm().name(),
        "name": key.record_name(),
        "record": key.record(),
    });
    for (name, value) in more {
        object[*name] = value.clone();
    }
    object
}
