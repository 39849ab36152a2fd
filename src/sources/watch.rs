//! Notices when something in a watched folder changes, and has its source polled soon after.
//!
//! Watching only shortens the wait: what it misses, on a network drive or beyond the machine's
//! limit of watches, is found by the next poll.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode, ModifyKind, RenameMode},
};
use tokio::{sync::Notify, time::timeout};

use super::folder;
use crate::id::SourceName;

/// How long a folder must be quiet after a file was written into it: a little longer than the
/// folder takes a file for one that is being written.
const QUIET: Duration = folder::FRESH.saturating_add(Duration::from_millis(500));

/// The same after files were only put in place or taken away, whole as they are.
const QUIET_AFTER_RENAME: Duration = Duration::from_millis(200);

/// A folder that never rests is polled so often all the same.
const LONGEST: Duration = Duration::from_secs(30);

/// Folders under watch, until it is dropped.
pub struct Watch {
    changes: Arc<Changes>,
    /// Its thread ends with it.
    _watcher: RecommendedWatcher,
}

/// A folder that cannot be watched, and why.
#[derive(Debug, thiserror::Error)]
#[error("the folder of source {source_name} is not watched, only polled: {why}")]
pub struct Unwatched {
    pub source_name: SourceName,
    pub why: String,
}

#[derive(Default)]
struct Changes {
    /// What changed since it was last told, and how.
    pending: Mutex<BTreeMap<SourceName, Change>>,
    changed: Notify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// Files came whole, or went.
    Whole,
    /// A file was written, and may be written further.
    Written,
}

impl Watch {
    /// Watches the folders of sources; those that cannot be are returned beside it.
    pub fn start(folders: Vec<(SourceName, PathBuf)>) -> (Option<Watch>, Vec<Unwatched>) {
        let mut unwatched = Vec::new();
        let mut roots = Vec::new();
        for (source_name, path) in folders {
            match path.canonicalize() {
                Ok(root) => roots.push((source_name, root)),
                Err(err) => unwatched.push(Unwatched {
                    source_name,
                    why: err.to_string(),
                }),
            }
        }
        let changes = Arc::new(Changes::default());
        let (noted, known) = (changes.clone(), roots.clone());
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            // An error is a change that was missed: which one, nobody knows.
            match event {
                Ok(event) => noted.note(&known, &event),
                Err(_) => noted.note_all(&known),
            }
        });
        let mut watcher = match watcher {
            Ok(watcher) => watcher,
            Err(err) => {
                unwatched.extend(roots.into_iter().map(|(source_name, _)| Unwatched {
                    source_name,
                    why: err.to_string(),
                }));
                return (None, unwatched);
            }
        };
        for (source_name, root) in roots {
            if let Err(err) = watcher.watch(&root, RecursiveMode::Recursive) {
                unwatched.push(Unwatched {
                    source_name,
                    why: err.to_string(),
                });
            }
        }
        let watch = Watch {
            changes,
            _watcher: watcher,
        };
        (Some(watch), unwatched)
    }

    /// The sources whose folders changed, as soon as they rest; a burst of changes is one.
    pub async fn changed(&self) -> Vec<SourceName> {
        self.changes.changed.notified().await;
        let rest = async {
            while timeout(self.changes.quiet(), self.changes.changed.notified())
                .await
                .is_ok()
            {}
        };
        // Either way it is time.
        let _ = timeout(LONGEST, rest).await;
        self.changes.take().into_keys().collect()
    }
}

impl Changes {
    fn note(&self, roots: &[(SourceName, PathBuf)], event: &Event) {
        if event.need_rescan() {
            return self.note_all(roots);
        }
        let Some(change) = change(&event.kind) else {
            return;
        };
        let touched = roots
            .iter()
            .filter(|(_, root)| event.paths.iter().any(|path| path.starts_with(root)));
        for (source, _) in touched {
            self.add(source, change);
        }
    }

    fn note_all(&self, roots: &[(SourceName, PathBuf)]) {
        for (source, _) in roots {
            self.add(source, Change::Written);
        }
    }

    fn add(&self, source: &SourceName, change: Change) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = pending.entry(source.clone()).or_insert(change);
        *noted = change.max(*noted);
        drop(pending);
        self.changed.notify_one();
    }

    fn quiet(&self) -> Duration {
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        match pending.values().max() {
            Some(Change::Written) => QUIET,
            Some(Change::Whole) | None => QUIET_AFTER_RENAME,
        }
    }

    fn take(&self) -> BTreeMap<SourceName, Change> {
        std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// None for what leaves a folder as it was: the daemon's own reading is such an event.
fn change(kind: &EventKind) -> Option<Change> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Change::Written),
        EventKind::Access(_) => None,
        EventKind::Remove(_) => Some(Change::Whole),
        EventKind::Modify(ModifyKind::Name(
            RenameMode::To | RenameMode::From | RenameMode::Both,
        )) => Some(Change::Whole),
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => {
            Some(Change::Written)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use notify::event::{CreateKind, DataChange};

    use super::*;

    fn name(text: &str) -> SourceName {
        SourceName::parse(text).unwrap()
    }

    #[test]
    fn reading_a_folder_is_no_change_of_it_and_a_rename_is_a_whole_one() {
        let open = AccessKind::Open(AccessMode::Any);
        let read = AccessKind::Close(AccessMode::Read);
        let written = AccessKind::Close(AccessMode::Write);
        assert_eq!(change(&EventKind::Access(open)), None);
        assert_eq!(change(&EventKind::Access(read)), None);
        assert_eq!(change(&EventKind::Access(written)), Some(Change::Written));
        let data = ModifyKind::Data(DataChange::Any);
        assert_eq!(change(&EventKind::Modify(data)), Some(Change::Written));
        assert_eq!(
            change(&EventKind::Create(CreateKind::File)),
            Some(Change::Written)
        );
        let renamed = ModifyKind::Name(RenameMode::To);
        assert_eq!(change(&EventKind::Modify(renamed)), Some(Change::Whole));
    }

    #[test]
    fn one_write_among_renames_asks_for_the_longer_rest() {
        let changes = Changes::default();
        assert_eq!(changes.quiet(), QUIET_AFTER_RENAME);
        changes.add(&name("desk"), Change::Written);
        changes.add(&name("desk"), Change::Whole);
        assert_eq!(changes.quiet(), QUIET);
        assert_eq!(Vec::from_iter(changes.take().into_keys()), [name("desk")]);
        assert_eq!(changes.quiet(), QUIET_AFTER_RENAME);
    }

    #[tokio::test]
    async fn a_burst_of_changes_is_one_of_its_source_and_of_no_other() {
        let folders = tempfile::tempdir().unwrap();
        let (desk, echo) = (folders.path().join("desk"), folders.path().join("echo"));
        fs::create_dir_all(desk.join("below")).unwrap();
        fs::create_dir(&echo).unwrap();
        let staged = folders.path().join("staged");
        fs::write(&staged, "a").unwrap();
        let watched = vec![
            (name("desk"), desk.clone()),
            (name("echo"), echo),
            (name("gone"), folders.path().join("nowhere")),
        ];
        let (watch, unwatched) = Watch::start(watched);
        let gone: Vec<_> = unwatched.iter().map(|one| &one.source_name).collect();
        assert_eq!(gone, [&name("gone")]);

        fs::rename(&staged, desk.join("below/a.md")).unwrap();

        assert_eq!(watch.unwrap().changed().await, [name("desk")]);
    }
}
