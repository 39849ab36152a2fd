//! Keeps a store from mailing that may not know what was mailed: one that was restored from a backup, or
//! moved to another machine, or that wakes up at an odd time.
//!
//! The store and a file beside it count how often they were opened together. A store that has counted
//! less than the file is older than what was sent.

use std::{fs, io, path::Path};

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};

use super::private;
use crate::{
    delivery::{Hold, OutboxStore, Reach, Seal},
    task::chain,
};

/// How far a clock may be set back.
const BACK: TimeDelta = TimeDelta::hours(1);
/// How long a store may rest before it is asked whether its news are still wanted.
const REST: TimeDelta = TimeDelta::days(365);

const FILE: &str = "opened";

/// Compares the store with the file in `data_dir`, holds everything where they do not agree, and has
/// both count one more.
pub(super) async fn watch(
    data_dir: &Path,
    outbox: &dyn OutboxStore,
    now: DateTime<Utc>,
) -> Result<()> {
    let path = data_dir.join(FILE);
    let counted = read(&path).with_context(|| path.display().to_string())?;
    let host = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let host = host.trim().to_owned();
    let sealed = outbox.seal().await?;
    if let Some(reason) = doubt(sealed.as_ref(), counted, &host, now) {
        tracing::error!("nothing is mailed until `courant outbox resume`: {reason}");
        let hold = Hold { at: now, reason };
        outbox.hold(Reach::Everything, hold, Vec::new()).await?;
    }
    let opened = sealed.map_or(0, |seal| seal.opened).max(counted) + 1;
    let seal = Seal {
        opened,
        seen: now,
        host,
    };
    outbox.set_seal(seal).await?;
    private::replace(&path, &format!("{opened}\n")).with_context(|| path.display().to_string())
}

/// Notes that the store is in use at `now`.
pub(super) async fn seen(outbox: &dyn OutboxStore, now: DateTime<Utc>) {
    let noted = async {
        match outbox.seal().await? {
            Some(seal) if seal.seen < now => outbox.set_seal(Seal { seen: now, ..seal }).await,
            _ => Ok(()),
        }
    };
    if let Err(err) = noted.await {
        tracing::warn!("{}", chain(&err));
    }
}

/// Zero where there is no file yet.
fn read(path: &Path) -> Result<u64> {
    match fs::read_to_string(path) {
        Ok(text) => text.trim().parse().context("is no number"),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(err) => Err(err.into()),
    }
}

/// Why this store should not mail before somebody has looked at it.
fn doubt(sealed: Option<&Seal>, counted: u64, host: &str, now: DateTime<Utc>) -> Option<String> {
    let Some(seal) = sealed else {
        return (counted > 0).then(|| {
            "the store is new, and this folder had one before: what that one mailed is not known"
                .to_owned()
        });
    };
    let when = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC");
    if seal.opened < counted {
        return Some(format!(
            "the store is older than what was mailed from here: it was last used {}, as one that was \
             restored from a backup",
            when(seal.seen)
        ));
    }
    if !seal.host.is_empty() && !host.is_empty() && seal.host != host {
        return Some("the store comes from another machine, which may still be mailing".to_owned());
    }
    if now < seal.seen - BACK {
        return Some(format!(
            "the clock says {}, and the store was used {} already",
            when(now),
            when(seal.seen)
        ));
    }
    (now > seal.seen + REST).then(|| {
        format!(
            "the clock says {}, and the store was last used {}",
            when(now),
            when(seal.seen)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + days)
    }

    /// Whether a store that was sealed on day 0 as the fifth time is in doubt.
    fn doubted(counted: u64, host: &str, now: DateTime<Utc>) -> bool {
        let seal = Seal {
            opened: 5,
            seen: at(0),
            host: "a".to_owned(),
        };
        doubt(Some(&seal), counted, host, now).is_some()
    }

    #[test]
    fn a_store_that_goes_on_where_it_stopped_is_in_no_doubt() {
        assert!(!doubted(5, "a", at(0)));
        assert!(!doubted(5, "a", at(300)));
        assert!(
            !doubted(4, "a", at(1)),
            "killed before the file was written"
        );
        assert!(!doubted(5, "", at(1)), "a container has no name");
        assert_eq!(doubt(None, 0, "a", at(0)), None);
    }

    #[test]
    fn a_store_that_is_older_moved_or_wakes_at_an_odd_time_is_in_doubt() {
        assert!(doubted(6, "a", at(1)));
        assert!(doubted(5, "b", at(1)));
        assert!(doubted(5, "a", at(-1)));
        assert!(doubted(5, "a", at(400)));
        assert!(doubt(None, 1, "a", at(0)).is_some());
    }
}
