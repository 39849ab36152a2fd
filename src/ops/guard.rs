//! Keeps a store from mailing that may not know what was mailed: one that was restored from a backup, or
//! moved to another machine, or that wakes up at an odd time.
//!
//! The store and a file beside it count how often they were opened together, and the store knows the file
//! by its number in the file system, which no copy has.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};

use super::private::Draft;
use crate::{
    delivery::{Hold, OutboxStore, Reach, Seal},
    task::chain,
};

/// How far a clock may be set back.
const BACK: TimeDelta = TimeDelta::hours(1);
/// How long a store may rest before it is asked whether its news are still wanted.
const REST: TimeDelta = TimeDelta::days(365);

const FILE: &str = "opened";

/// The file beside the store, as it was found.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// How often it was opened with a store.
    opened: u64,
    inode: u64,
}

/// Compares the store with the file in `data_dir`, holds everything where they do not agree, and has
/// both count one more.
pub(super) async fn watch(
    data_dir: &Path,
    outbox: &dyn OutboxStore,
    now: DateTime<Utc>,
) -> Result<()> {
    let path = data_dir.join(FILE);
    let named = || path.display().to_string();
    let mark = read(&path).with_context(named)?;
    let host = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let host = host.trim().to_owned();
    let sealed = outbox.seal().await?;
    if let Some(reason) = doubt(sealed.as_ref(), mark, &host, now) {
        tracing::error!("nothing is mailed until `courant outbox resume`: {reason}");
        let hold = Hold { at: now, reason };
        outbox.hold(Reach::Everything, hold, Vec::new()).await?;
    }
    let opened = sealed.map_or(0, |seal| seal.opened).max(mark.opened) + 1;
    let draft = Draft::write(&path, &format!("{opened}\n")).with_context(named)?;
    let inode = draft.inode().with_context(named)?;
    let seal = Seal {
        opened,
        seen: now,
        host,
        inode,
    };
    outbox.set_seal(seal).await?;
    draft.put().with_context(named)
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

/// All zero where there is no file yet.
fn read(path: &Path) -> Result<Mark> {
    let text = match fs::read_to_string(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Mark::default()),
        text => text?,
    };
    Ok(Mark {
        opened: text.trim().parse().context("is no number")?,
        inode: fs::metadata(path)?.ino(),
    })
}

/// Why this store should not mail before somebody has looked at it.
fn doubt(sealed: Option<&Seal>, mark: Mark, host: &str, now: DateTime<Utc>) -> Option<String> {
    let Some(seal) = sealed else {
        return (mark.opened > 0).then(|| {
            "the store is new, and this folder had one before: what that one mailed is not known"
                .to_owned()
        });
    };
    let when = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC");
    // Whoever was killed before the file was in its place left it one behind.
    let is_copy = seal.opened == mark.opened && seal.inode != mark.inode;
    if seal.opened < mark.opened || is_copy {
        return Some(format!(
            "the store was copied, or restored from a backup: what was mailed, and who left, since {} is \
             not known",
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

    fn mark(opened: u64, inode: u64) -> Mark {
        Mark { opened, inode }
    }

    /// Whether a store that was sealed on day 0 as the fifth time is in doubt.
    fn doubted(mark: Mark, host: &str, now: DateTime<Utc>) -> bool {
        let seal = Seal {
            opened: 5,
            seen: at(0),
            host: "a".to_owned(),
            inode: 77,
        };
        doubt(Some(&seal), mark, host, now).is_some()
    }

    #[test]
    fn a_store_that_goes_on_where_it_stopped_is_in_no_doubt() {
        assert!(!doubted(mark(5, 77), "a", at(0)));
        assert!(!doubted(mark(5, 77), "a", at(300)));
        assert!(!doubted(mark(4, 76), "a", at(1)), "killed in between");
        assert!(!doubted(mark(5, 77), "", at(1)), "a container has no name");
        assert_eq!(doubt(None, Mark::default(), "a", at(0)), None);
    }

    #[test]
    fn a_store_that_is_older_copied_moved_or_wakes_at_an_odd_time_is_in_doubt() {
        assert!(doubted(mark(6, 78), "a", at(1)));
        assert!(doubted(mark(5, 78), "a", at(1)));
        assert!(doubted(mark(5, 77), "b", at(1)));
        assert!(doubted(mark(5, 77), "a", at(-1)));
        assert!(doubted(mark(5, 77), "a", at(400)));
        assert!(doubt(None, mark(1, 77), "a", at(0)).is_some());
    }
}
