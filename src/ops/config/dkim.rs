//! The sections `[[dkim]]`: which keys sign the mail.

use super::{
    reader::Section,
    value::{text, words},
};
use crate::{
    delivery::dkim::key::{Algorithm, DnsName, Key},
    ops::private,
    secret::Secret,
    subscribers::address::EmailAddress,
};

/// Two algorithms, before and after a change, and as much again for another domain.
const MOST_KEYS: usize = 8;

pub(super) fn read_dkim(root: &Section<'_>, sender: Option<&EmailAddress>) -> Vec<Key> {
    let read: Vec<Option<Key>> = root
        .sections("dkim")
        .iter()
        .map(|section| read_key(section, sender))
        .collect();
    if read.len() > MOST_KEYS {
        root.report("dkim", format!("must be at most {MOST_KEYS}"));
    }
    // While a key is missing there is nothing to say about all of them.
    let Some(keys) = read.into_iter().collect::<Option<Vec<Key>>>() else {
        return Vec::new();
    };
    for (n, key) in keys.iter().enumerate() {
        let record = key.record_name();
        if keys[..n].iter().any(|other| other.record_name() == record) {
            root.report("dkim", format!("there are two with the record `{record}`"));
        }
        let is_rsa =
            |other: &Key| other.algorithm() == Algorithm::Rsa && other.domain == key.domain;
        if !keys.iter().any(is_rsa) {
            let what = "has no RSA key, and not every mailbox provider verifies Ed25519";
            root.report("dkim", format!("`{}` {what}", key.domain));
        }
    }
    keys
}

fn read_key(section: &Section<'_>, sender: Option<&EmailAddress>) -> Option<Key> {
    let domain = section.required("domain", |value| {
        let domain: DnsName = text(value)?;
        match sender {
            Some(sender) if !domain.aligns_with(sender.domain()) => Err(format!(
                "is not aligned with the sender's `{}`: DMARC needs that domain, or one above or \
                 below it",
                sender.domain()
            )),
            _ => Ok(domain),
        }
    });
    let selector = section.required("selector", text::<DnsName>);
    let file = section.required("key_file", |value| {
        let path = section.folder("key_file").join(words(value)?);
        match private::read(&path) {
            Ok(pem) => Ok((path, Secret::new(pem))),
            Err(unfit) => Err(format!("{} {unfit}", path.display())),
        }
    });
    let (domain, selector, (path, pem)) = (domain?, selector?, file?);
    Key::parse(domain, selector, &pem)
        .map_err(|bad| section.report("key_file", format!("{} {bad}", path.display())))
        .ok()
}
