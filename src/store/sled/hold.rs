//! What is kept back: what somebody holds, and what is still being planned.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    table::{BEGUN, HOLD, ISSUE},
    tx::{Tx, legible},
};
use crate::{
    delivery::{Held, Hold, Purpose, Reach},
    id::{ContentId, EditionSlug},
    port::Result,
};

/// The key of a hold; no edition has the empty name.
fn key(reach: &Reach) -> String {
    match reach {
        Reach::Everything => String::new(),
        Reach::Edition(edition) => edition.to_string(),
    }
}

pub(super) fn put(tx: &mut Tx<'_>, reach: &Reach, hold: &Hold) -> Result<()> {
    let key = key(reach);
    if tx.has(HOLD, &key)? {
        return Ok(());
    }
    // What it keeps back may have been read ahead.
    tx.rewind();
    tx.put(HOLD, &key, hold)
}

pub(super) fn lift(tx: &mut Tx<'_>, reach: &Reach) -> Result<bool> {
    let key = key(reach);
    let held = tx.has(HOLD, &key)?;
    if held {
        tx.remove(HOLD, &key);
        tx.rewind();
    }
    Ok(held)
}

pub(super) fn all(tx: &Tx<'_>) -> Result<Vec<Held>> {
    let holds = tx.scan(HOLD.all()).filter_map(legible);
    let named = holds.map(|row| {
        row.map(|(key, hold)| {
            let edition = EditionSlug::parse(&key);
            let reach = edition.map_or(Reach::Everything, Reach::Edition);
            (reach, hold)
        })
    });
    named.collect()
}

/// What is kept back at this moment.
pub(super) struct Holds {
    everything: bool,
    editions: BTreeSet<EditionSlug>,
    /// What is still being planned.
    begun: BTreeSet<ContentId>,
    /// What was asked before.
    known: BTreeMap<ContentId, bool>,
}

impl Holds {
    /// A hold whose row cannot be read still holds.
    pub(super) fn read(tx: &Tx<'_>) -> Result<Self> {
        let mut holds = Holds {
            everything: false,
            editions: BTreeSet::new(),
            begun: tx.scan(BEGUN.all()).keys().collect::<Result<_>>()?,
            known: BTreeMap::new(),
        };
        for key in tx.scan(HOLD.all()).keys() {
            match EditionSlug::parse(&key?) {
                Ok(edition) => holds.editions.insert(edition),
                Err(_) => std::mem::replace(&mut holds.everything, true),
            };
        }
        Ok(holds)
    }

    pub(super) fn keep_everything(&self) -> bool {
        self.everything
    }

    pub(super) fn keep(&mut self, tx: &Tx<'_>, content: ContentId) -> Result<bool> {
        if self.begun.contains(&content) {
            return Ok(true);
        }
        if self.editions.is_empty() {
            return Ok(false);
        }
        if let Some(known) = self.known.get(&content) {
            return Ok(*known);
        }
        let issue = legible(tx.get(ISSUE, &content)).transpose()?.flatten();
        let kept = issue.is_some_and(|issue| {
            issue.purpose == Purpose::Digest && self.editions.contains(&issue.edition)
        });
        self.known.insert(content, kept);
        Ok(kept)
    }
}
