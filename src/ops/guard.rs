//! Keeps a store from mailing that may not know what was mailed: one that was restored from a backup, or
//! moved to another machine, or that wakes up at an odd time.
//!
//! The store and a file beside it count together, at each start and stop and every minute between, and each
//! time the file is another one. The store knows it by its number in the file system and its birth,
//! which no copy has. So an earlier store does not fit the file that is there, wherever either was put.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::spawn_blocking;

use super::private::Draft;
use crate::delivery::{Hold, OutboxStore, Reach, Seal};

/// How far a clock may be set back.
const BACK: TimeDelta = TimeDelta::hours(1);
/// How long a store may rest before it is asked whether its news are still wanted.
const REST: TimeDelta = TimeDelta::days(365);

const FILE: &str = "opened";

/// The file beside the store, as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    count: u64,
    /// What it is known by.
    file: u64,
}

/// Compares the store with the file in `data_dir`, holds everything where they do not agree, and has
/// both count one more.
///
/// # Errors
/// If the two cannot be read, or a hold that is due cannot be written.
pub(super) async fn watch(
    data_dir: &Path,
    outbox: &dyn OutboxStore,
    now: DateTime<Utc>,
) -> Result<()> {
    let path = data_dir.join(FILE);
    let mark = read(&path).with_context(|| path.display().to_string())?;
    let sealed = outbox.seal().await?;
    if let Some(reason) = doubt(sealed.as_ref(), mark, &host(), now) {
        tracing::error!("nothing is mailed until `courant outbox resume`: {reason}");
        let hold = Hold { at: now, reason };
        outbox.hold(Reach::Everything, hold, Vec::new()).await?;
    }
    told(count(path, outbox, sealed, now).await);
    Ok(())
}

/// Notes that the store is in use at `now`.
pub(super) async fn seen(data_dir: &Path, outbox: &dyn OutboxStore, now: DateTime<Utc>) {
    let noted = async {
        let sealed = outbox.seal().await?;
        let seen = sealed.as_ref().map_or(now, |seal| now.max(seal.seen));
        count(data_dir.join(FILE), outbox, sealed, seen).await
    };
    told(noted.await);
}

/// On a full disk, for one, the store and the file stay in agreement as they are.
fn told(counted: Result<()>) {
    if let Err(err) = counted {
        tracing::warn!("what tells this store from a copy could not be written: {err:#}");
    }
}

/// Has the store and the file at `path` count one more.
///
/// The store is first, and that is on the disk before the file is put in its place. It names the file that
/// is there as well as the one to come, so that they agree wherever this ends.
async fn count(
    path: PathBuf,
    outbox: &dyn OutboxStore,
    sealed: Option<Seal>,
    seen: DateTime<Utc>,
) -> Result<()> {
    let least = sealed.map_or(0, |seal| seal.count);
    let named = path.display().to_string();
    let prepared = spawn_blocking(move || prepare(path, least)).await?;
    let (draft, next, former) = prepared.with_context(|| named.clone())?;
    let seal = Seal {
        count: next.count,
        seen,
        host: host(),
        file: next.file,
        former: former.file,
    };
    outbox.set_seal(seal).await?;
    let put = spawn_blocking(move || draft.put()).await?;
    put.context(named)
}

/// Writes the file that is next, with a count above `least` and that of the file that is there.
fn prepare(path: PathBuf, least: u64) -> Result<(Draft, Mark, Mark)> {
    let former = match read(&path)? {
        Some(mark) => mark,
        // From the first count on, a store without a file is one that was put there.
        None => {
            let (draft, first) = write(path.clone(), 0)?;
            draft.put()?;
            first
        }
    };
    let (draft, next) = write(path, former.count.max(least) + 1)?;
    Ok((draft, next, former))
}

fn write(path: PathBuf, count: u64) -> io::Result<(Draft, Mark)> {
    let draft = Draft::write(path, &format!("{count}\n"))?;
    let file = known_by(&draft.metadata()?);
    Ok((draft, Mark { count, file }))
}

fn read(path: &Path) -> Result<Option<Mark>> {
    let mut file = match File::open(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Some(Mark {
        count: text.trim().parse().context("is no number")?,
        file: known_by(&file.metadata()?),
    }))
}

/// Its number alone would come again: a file system soon reuses it. Writing over a file, as some ways of
/// restoring do, leaves both as they are. Not every file system keeps the birth.
fn known_by(file: &fs::Metadata) -> u64 {
    let born = file.created().ok();
    let born = born.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let born = born.map_or(0, |age| u64::try_from(age.as_nanos()).unwrap_or_default());
    file.ino().rotate_left(48) ^ born
}

fn host() -> String {
    let host = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    host.trim().to_owned()
}

/// Why this store should not mail before somebody has looked at it.
fn doubt(
    sealed: Option<&Seal>,
    mark: Option<Mark>,
    host: &str,
    now: DateTime<Utc>,
) -> Option<String> {
    let Some(seal) = sealed else {
        return mark.is_some_and(|mark| mark.count > 0).then(|| {
            "the store is new, and this folder had one before: what that one mailed is not known"
                .to_owned()
        });
    };
    let when = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC");
    let fits = |mark: Mark| match mark.count == seal.count {
        true => mark.file == seal.file,
        // Whoever counted last ended before the file was in its place.
        false => mark.count < seal.count && mark.file == seal.former,
    };
    if !mark.is_some_and(fits) {
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
mod tests;
