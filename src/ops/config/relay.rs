//! The sections `[[relay]]` and `[delivery]`: what takes the mail, and how it is handed over.

use std::num::{NonZeroU32, NonZeroUsize};

use super::{
    Relay,
    reader::Section,
    sections::no_doubles,
    value::{number, text, words},
};
use crate::{
    delivery::{
        Doubt,
        relay::{RelayUrl, smtp::MAX_MESSAGES},
    },
    secret::Secret,
};

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
    Some(Relay {
        name: name?,
        url: url?,
        password: password.or(from_file),
        connections: NonZeroUsize::new(connections)?,
        weight,
        max_messages: max_messages
            .and_then(NonZeroU32::new)
            .unwrap_or(MAX_MESSAGES),
    })
}

pub(super) fn read_doubt(section: &Section<'_>) -> Doubt {
    let doubt = section.optional("uncertain", |value| match words(value)?.as_str() {
        "retry" => Ok(Doubt::Retry),
        "hold" => Ok(Doubt::Hold),
        _ => Err("must be \"retry\" or \"hold\"".to_owned()),
    });
    doubt.unwrap_or_default()
}
