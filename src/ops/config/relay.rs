//! The sections `[[relay]]` and `[delivery]`: what takes the mail, and how it is handed over.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use toml::Value;

use super::{
    Relay,
    reader::Section,
    sections::no_doubles,
    value::{duration, list, number, text, words},
};
use crate::{
    delivery::{
        Doubt,
        destination::Destinations,
        relay::{RelayUrl, smtp::MAX_MESSAGES},
        retry::Patience,
        throttle::{Limits, pace::Pace, warmup::Warmup},
    },
    id::GroupName,
    secret::Secret,
};

/// Longer than any mail server waits.
const MOST_PATIENCE: Duration = Duration::from_hours(30 * 24);

pub(super) fn read_relays(root: &Section<'_>, mails: bool) -> Vec<Relay> {
    let sections = root.sections("relay");
    if mails && sections.is_empty() {
        root.report(
            "relay",
            "is missing: an edition has digests, and nothing takes mail".to_owned(),
        );
    }
    let relays: Vec<Relay> = sections.iter().filter_map(read_relay).collect();
    no_doubles(
        root,
        "relay",
        relays.iter().map(|relay| relay.name.as_str()),
    );
    if relays.len() == sections.len() && !relays.is_empty() && relays.iter().all(|r| r.weight == 0)
    {
        root.report(
            "relay",
            "all stand by: one needs a `weight` above 0".to_owned(),
        );
    }
    relays
}

fn read_relay(section: &Section<'_>) -> Option<Relay> {
    let name = section.required("name", text);
    let url: Option<RelayUrl> = section.required("url", |value| {
        let url = RelayUrl::parse(&words(value)?).map_err(|err| err.to_string())?;
        Ok(match url {
            RelayUrl::Folder(path) => RelayUrl::Folder(section.folder("url").join(path)),
            smtp @ RelayUrl::Smtp(_) => smtp,
        })
    });
    let password = section.optional("password", words).map(Secret::new);
    let from_file = section.optional("password_file", |value| {
        let path = section.folder("password_file").join(words(value)?);
        let text = std::fs::read_to_string(&path)
            .map_err(|err| format!("{} cannot be read: {err}", path.display()))?;
        Ok(Secret::new(text.trim_end().to_owned()))
    });
    let connections = section.optional("connections", number(1..=64)).unwrap_or(8);
    let weight = section.optional("weight", number(0..=1_000)).unwrap_or(1);
    let max_messages = section.optional("max_messages", number(1..=100_000));
    let pace = read_pace(section, None);
    Some(Relay {
        name: name?,
        url: url?,
        password: password.or(from_file),
        connections: NonZeroUsize::new(connections)?,
        weight,
        max_messages: max_messages
            .and_then(NonZeroU32::new)
            .unwrap_or(MAX_MESSAGES),
        pace,
    })
}

/// What a relay or a destination gets at most; none if nothing limits it.
fn read_pace(section: &Section<'_>, connections: Option<NonZeroUsize>) -> Option<Pace> {
    let limits = section.optional("rate", |value| match value {
        Value::Array(_) => {
            let rates = list(words)(value)?;
            Limits::of(rates.iter().map(String::as_str)).map_err(|err| err.to_string())
        }
        value => Limits::of([words(value)?.as_str()]).map_err(|err| err.to_string()),
    });
    let warmup = read_warmup(section);
    if limits.is_none() && warmup.is_none() && connections.is_none() {
        return None;
    }
    let connections = connections.unwrap_or(NonZeroUsize::MAX);
    Some(Pace::new(limits.unwrap_or_default(), connections, warmup))
}

/// `warm_up_*`: so many messages on the first day, and a factor more on each day after.
fn read_warmup(section: &Section<'_>) -> Option<Warmup> {
    let since = section.optional("warm_up_since", |value| {
        let bad = || "must be a date such as \"2026-11-25\"".to_owned();
        let date = words(value)?.parse::<NaiveDate>().map_err(|_| bad())?;
        Ok(date.and_time(NaiveTime::MIN).and_utc())
    });
    let start = section.optional("warm_up_start", number(1..=1_000_000));
    let growth = section.optional("warm_up_growth", number(2..=10));
    for key in ["warm_up_start", "warm_up_growth"] {
        if section.has(key) && !section.has("warm_up_since") {
            section.report(key, "does nothing without `warm_up_since`".to_owned());
        }
    }
    let start = NonZeroU32::new(start.unwrap_or(50))?;
    match Warmup::new(start, growth.map_or(2.0, f64::from), since?) {
        Ok(warmup) => Some(warmup),
        Err(err) => {
            section.report("warm_up_growth", err.to_string());
            None
        }
    }
}

/// The table of destinations, with the operator's own, and what each gets at most.
pub(super) fn read_destinations(root: &Section<'_>) -> (Destinations, Vec<(GroupName, Pace)>) {
    let mut paces = Vec::new();
    let mut own = Vec::new();
    for section in root.sections("destination") {
        let domains = section.optional("domains", list(words)).unwrap_or_default();
        let connections = section.optional("connections", number(1..=64));
        let pace = read_pace(&section, connections.and_then(NonZeroUsize::new));
        let Some(name) = section.required("name", text::<GroupName>) else {
            continue;
        };
        paces.extend(pace.map(|pace| (name.clone(), pace)));
        own.push((section, name, domains));
    }
    no_doubles(
        root,
        "destination",
        own.iter().map(|(_, name, _)| name.as_str()),
    );
    let groups = own.iter();
    let groups = groups.map(|(_, name, domains)| (name, domains.as_slice()));
    let destinations = Destinations::new(groups).unwrap_or_else(|err| {
        root.report("destination", err.to_string());
        Destinations::built_in()
    });
    let known = destinations.names();
    for (section, name, domains) in &own {
        if domains.is_empty() && !known.contains(name) {
            let known: Vec<_> = known.iter().map(|name| name.as_str()).collect();
            let known = known.join(", ");
            let what = format!("`{name}` needs `domains`: it is none of those built in, {known}");
            section.report("name", what);
        }
    }
    (destinations, paces)
}

pub(super) fn read_doubt(section: &Section<'_>) -> Doubt {
    let doubt = section.optional("uncertain", |value| match words(value)?.as_str() {
        "retry" => Ok(Doubt::Retry),
        "hold" => Ok(Doubt::Hold),
        _ => Err("must be \"retry\" or \"hold\"".to_owned()),
    });
    doubt.unwrap_or_default()
}

pub(super) fn read_patience(section: &Section<'_>) -> Patience {
    let usual = Patience::default();
    let time = |key, usual| {
        let given = section.optional(key, |value| match duration(value)? {
            Duration::ZERO => Err("must be more than nothing".to_owned()),
            given if given > MOST_PATIENCE => Err("must be at most 30d".to_owned()),
            given => TimeDelta::from_std(given).map_err(|err| err.to_string()),
        });
        given.unwrap_or(usual)
    };
    let patience = Patience {
        first_wait: time("first_wait", usual.first_wait),
        longest_wait: time("longest_wait", usual.longest_wait),
        give_up: time("give_up", usual.give_up),
    };
    for (key, time) in [
        ("longest_wait", patience.longest_wait),
        ("give_up", patience.give_up),
    ] {
        if time < patience.first_wait {
            section.report(key, "is shorter than `first_wait`".to_owned());
        }
    }
    patience
}
