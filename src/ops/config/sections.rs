//! The sections of a configuration, but for editions: what each key means.

use std::{
    collections::HashSet,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono_tz::Tz;
use toml::Value;
use url::{Host, Url};

use super::{
    Config, Web,
    dkim::read_dkim,
    edition::{mail_templates, read_edition},
    reader::Section,
    relay::{read_destinations, read_doubt, read_patience, read_relays},
    source::read_source,
    topic::read_topics,
    value::{duration, list, number, size, text, words},
};
use crate::{
    delivery::compose::verp::BounceAddress,
    editions::Site,
    sources::{
        Source,
        fetch::FetchConfig,
        guard::{Guard, Network},
        websub::Sha1,
    },
    subscribers::address::EmailAddress,
};

/// The longest `reprint_window`.
const MOST_WINDOW: Duration = Duration::from_hours(30 * 24);

/// The default of `reprint_window`.
const WINDOW: Duration = Duration::from_hours(7 * 24);

/// Hosts of mailboxes whose name nobody else can sign mail for (Gmail's sender guidelines).
/// Hosts of mailboxes whose name nobody else can sign mail for (Gmail's sender guidelines).
const MAILBOX_HOSTS: [&str; 9] = [
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "aol.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "msn.com",
    "icloud.com",
];

pub(super) fn read_root(root: &Section<'_>) -> Option<Config> {
    let site = root.section("site");
    let data_dir = site
        .required("data_dir", words)
        .map(|dir| site.folder("data_dir").join(dir));
    let templates = site
        .optional("templates", words)
        .map(|dir| site.folder("templates").join(dir));
    let store_path = read_store(&root.section("store"), data_dir.as_deref());
    let zone = site.optional("time_zone", zone).unwrap_or(Tz::UTC);
    let web = root.section("web");
    let web = Web {
        listen: web
            .optional("listen", text)
            .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080))),
        admin_listen: web
            .optional("admin_listen", text)
            .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8081))),
    };
    let reprint_window = read_library(&root.section("library"));
    let sources = read_all(root, "source", read_source);
    no_doubles(
        root,
        "source",
        sources.iter().map(|source| source.name.as_str()),
    );
    let topics = read_topics(root, &sources);
    let offered = mail_templates(root, templates.as_deref());
    no_shared_tokens(root, &sources);
    let editions = read_all(root, "edition", |section| {
        read_edition(section, zone, &sources, offered.as_ref())
    });
    no_doubles(
        root,
        "edition",
        editions.iter().map(|edition| edition.slug.as_str()),
    );
    let mails = root.any_has("edition", "digest");
    let relays = read_relays(root, mails);
    let (destinations, paces) = read_destinations(root);
    let delivery = root.section("delivery");
    let doubt = read_doubt(&delivery);
    let patience = read_patience(&delivery);
    let bounce_address = site.optional("bounce_address", bounce_address);
    let site = read_site(&site, zone, mails);
    let dkim = read_dkim(root, site.as_ref().map(|site| &site.sender));
    let fetch = root.section("fetch");
    let websub_sha1 = fetch.optional("websub_sha1", |value| match value.as_bool() {
        Some(true) => Ok(Sha1::Accepted),
        Some(false) => Ok(Sha1::Refused),
        None => Err("must be true or false".to_owned()),
    });
    let fetch = read_fetch(&fetch, site.as_ref());
    Some(Config {
        site: site?,
        data_dir: data_dir?,
        templates,
        store_path: store_path?,
        web,
        fetch,
        reprint_window,
        websub_sha1: websub_sha1.unwrap_or_default(),
        sources: sources.into(),
        topics: topics.into(),
        editions,
        relays,
        doubt,
        patience,
        destinations: destinations.into(),
        paces,
        bounce_address,
        dkim,
    })
}

/// The most that may lie between the dates of an article and its reprint.
fn read_library(section: &Section<'_>) -> Duration {
    section.optional("keep", |value| match words(value)?.as_str() {
        "forever" => Ok(()),
        _ => Err("only \"forever\" can be chosen".to_owned()),
    });
    let window = section.optional("reprint_window", |value| match duration(value)? {
        window if window > MOST_WINDOW => Err("must be at most 30d".to_owned()),
        window => Ok(window),
    });
    window.unwrap_or(WINDOW)
}

/// A token names one source.
fn no_shared_tokens(root: &Section<'_>, sources: &[Source]) {
    for (n, source) in sources.iter().enumerate() {
        let is_pushed_alike = |other: &&Source| !other.is_polled() && other.origin == source.origin;
        if let Some(other) = sources[..n].iter().find(is_pushed_alike) {
            root.report(
                "source",
                format!("`{}` and `{}` have the same token", other.name, source.name),
            );
        }
    }
}

fn read_site(section: &Section<'_>, zone: Tz, mails: bool) -> Option<Site> {
    let title = section.required("title", words);
    let base_url = section.required("base_url", |value| base_url(value, mails));
    let language = section
        .optional("language", words)
        .unwrap_or_else(|| "en".to_owned());
    let sender = section.required("sender", sender);
    let postal_address = section.optional("postal_address", words);
    if mails && postal_address.is_none() {
        section.report(
            "postal_address",
            "is missing: every digest must name one (15 USC 7704(a)(5))".to_owned(),
        );
    }
    Some(Site {
        title: title?,
        base_url: base_url?,
        language,
        zone,
        postal_address: postal_address.unwrap_or_default(),
        sender: sender?,
    })
}

/// One-click unsubscription is promised in every digest, and RFC 8058 (section 3.1) wants https for
/// it; only an address that nobody else can reach may do without.
fn base_url(value: &Value, mails: bool) -> Result<Url, String> {
    let mut url: Url = text(value)?;
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if is_local || !mails => {}
        "http" => {
            return Err(
                "must be https: digests carry one-click unsubscribe links (RFC 8058)".to_owned(),
            );
        }
        _ => return Err("must be an https address".to_owned()),
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

fn sender(value: &Value) -> Result<EmailAddress, String> {
    let sender: EmailAddress = text(value)?;
    of_own_domain(&sender).map(|()| sender)
}

fn bounce_address(value: &Value) -> Result<BounceAddress, String> {
    let address: BounceAddress = text(value)?;
    of_own_domain(address.as_address()).map(|()| address)
}

fn of_own_domain(address: &EmailAddress) -> Result<(), String> {
    let is_host = |host: &&&str| address.domain() == **host;
    match MAILBOX_HOSTS.iter().find(is_host) {
        Some(host) => Err(format!(
            "nobody but {host} can sign mail from {host}: use an address of your own domain"
        )),
        None => Ok(()),
    }
}

pub(super) fn zone(value: &Value) -> Result<Tz, String> {
    words(value)?
        .parse()
        .map_err(|_| "is not an IANA time zone such as \"Europe/Berlin\"".to_owned())
}

fn read_store(section: &Section<'_>, data_dir: Option<&Path>) -> Option<PathBuf> {
    section.optional("engine", |value| match words(value)?.as_str() {
        "sled" => Ok(()),
        _ => Err("only \"sled\" can be chosen".to_owned()),
    });
    match section.optional("path", words) {
        Some(path) => Some(section.folder("path").join(path)),
        None => data_dir.map(|dir| dir.join("store")),
    }
}

fn read_fetch(section: &Section<'_>, site: Option<&Site>) -> FetchConfig {
    let contact = section
        .optional("contact", words)
        .or_else(|| site.map(|site| site.base_url.to_string()));
    FetchConfig {
        user_agent: format!(
            "Courant/{} (+{})",
            env!("CARGO_PKG_VERSION"),
            contact.unwrap_or_default()
        ),
        timeout: section
            .optional("timeout", duration)
            .unwrap_or(Duration::from_secs(60)),
        connect_timeout: Duration::from_secs(10),
        answer_timeout: Duration::from_secs(30),
        max_bytes: section
            .optional("max_bytes", size)
            .map_or(20_000_000, |bytes| {
                usize::try_from(bytes).unwrap_or(usize::MAX)
            }),
        max_redirects: 5,
        spacing: section
            .optional("spacing", |value| match duration(value)? {
                spacing if spacing > Duration::from_secs(60) => {
                    Err("must be at most 1m".to_owned())
                }
                spacing => Ok(spacing),
            })
            .unwrap_or(Duration::from_secs(1)),
        guard: Guard {
            allow: section
                .optional("allow_networks", list(text::<Network>))
                .unwrap_or_default(),
            ports: section
                .optional("ports", list(number(1..=u16::MAX)))
                .unwrap_or_default(),
        },
    }
}

pub(super) fn read_all<T>(
    section: &Section<'_>,
    key: &str,
    read: impl Fn(&Section<'_>) -> Option<T>,
) -> Vec<T> {
    section.sections(key).iter().filter_map(read).collect()
}

pub(super) fn no_doubles<'a>(
    section: &Section<'_>,
    key: &str,
    names: impl Iterator<Item = &'a str>,
) {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            section.report(key, format!("there are two with the name `{name}`"));
        }
    }
}
