//! What a folder holds by name, size and time, before any file is opened.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ring::digest;

use super::{FRESH, Kind, Patience, Skipped};

/// How far the clock of a file system may be ahead of ours: a later time is no sign of writing.
const AHEAD: Duration = Duration::from_secs(60);

/// What of a file changes when it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) n_bytes: u64,
    pub(super) modified: SystemTime,
    /// It was renamed, or otherwise touched without being written, after it was last written.
    put_in_place: bool,
}

impl Stat {
    pub(super) fn of(metadata: &fs::Metadata) -> Stat {
        Stat {
            n_bytes: metadata.len(),
            modified: metadata.modified().unwrap_or(UNIX_EPOCH),
            put_in_place: (metadata.ctime(), metadata.ctime_nsec())
                > (metadata.mtime(), metadata.mtime_nsec()),
        }
    }

    /// Every write sets both times of a file to the same instant; a rename sets one of them.
    fn is_fresh(&self, patience: Patience) -> bool {
        let Patience::UntilSettled { now } = patience else {
            return false;
        };
        let now = SystemTime::from(now);
        let is_recent = match now.duration_since(self.modified) {
            Ok(ago) => ago < FRESH,
            Err(ahead) => ahead.duration() < AHEAD,
        };
        is_recent && !self.put_in_place
    }

    /// Tells whether the content is that of `earlier`.
    pub(super) fn is_as(&self, earlier: &Stat) -> bool {
        (self.n_bytes, self.modified) == (earlier.n_bytes, earlier.modified)
    }
}

pub(super) struct Listed {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    pub(super) stat: Stat,
    pub(super) sidecar: Option<Sidecar>,
}

pub(super) struct Sidecar {
    pub(super) path: PathBuf,
    pub(super) stat: Stat,
}

impl Listed {
    pub(super) fn is_fresh(&self, patience: Patience) -> bool {
        let sidecar = self.sidecar.as_ref();
        self.stat.is_fresh(patience) || sidecar.is_some_and(|one| one.stat.is_fresh(patience))
    }
}

#[derive(Default)]
pub(super) struct Found {
    pub(super) files: Vec<Listed>,
    /// Files that may stand beside others and speak for them.
    sidecars: BTreeMap<PathBuf, Stat>,
    /// What could not be looked at, and may be tomorrow.
    pub(super) unread: Vec<PathBuf>,
    pub(super) skipped: Vec<Skipped>,
}

impl Found {
    pub(super) fn walk(&mut self, root: &Path) -> io::Result<()> {
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(root.join(&folder)) {
                Ok(entries) => entries,
                Err(err) if folder.as_os_str().is_empty() => return Err(err),
                Err(err) => {
                    self.skip_unread(folder, &err);
                    continue;
                }
            };
            for entry in entries {
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(err) => {
                        self.skip_unread(folder.clone(), &err);
                        continue;
                    }
                };
                let path = folder.join(entry.file_name());
                if is_hidden(&entry.file_name()) {
                    continue;
                }
                match self.look(root, &path) {
                    Ok(Some(inner)) => folders.push(inner),
                    Ok(None) => {}
                    Err(err) => self.skip_unread(path, &err),
                }
            }
        }
        Ok(())
    }

    /// Lists the file at `path`, or returns it if it is a folder to look into.
    fn look(&mut self, root: &Path, path: &Path) -> io::Result<Option<PathBuf>> {
        let full = root.join(path);
        let metadata = fs::symlink_metadata(&full)?;
        if metadata.is_dir() {
            return Ok(Some(path.to_owned()));
        }
        let kind = Kind::of(path);
        if kind.is_none() && !is_sidecar(path) {
            return Ok(None);
        }
        let metadata = if metadata.is_symlink() {
            // A link to a folder could lead around in a circle; one to a file inside is how
            // mounted configuration is laid out.
            if !full.canonicalize()?.starts_with(root) {
                let why = "a link that leads out of the folder".to_owned();
                self.skipped.push(Skipped {
                    path: path.to_owned(),
                    why,
                });
                return Ok(None);
            }
            fs::metadata(&full)?
        } else {
            metadata
        };
        if metadata.is_file() {
            let stat = Stat::of(&metadata);
            match kind {
                Some(kind) => self.files.push(Listed {
                    path: path.to_owned(),
                    kind,
                    stat,
                    sidecar: None,
                }),
                None => drop(self.sidecars.insert(path.to_owned(), stat)),
            }
        }
        Ok(None)
    }

    /// Puts each sidecar to the files that it stands beside, and all in the order of their paths. A feed has entries of its own, which
    /// one sidecar cannot speak for.
    pub(super) fn put_together(&mut self) {
        for file in self.files.iter_mut().filter(|one| one.kind != Kind::Feed) {
            let path = file.path.with_extension("toml");
            let stat = self.sidecars.get(&path);
            file.sidecar = stat.map(|stat| Sidecar { path, stat: *stat });
        }
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// SHA-256 over names, sizes and times, sidecars included.
    pub(super) fn digest(&self) -> Vec<u8> {
        let mut context = digest::Context::new(&digest::SHA256);
        let own = self.files.iter().map(|file| (&file.path, &file.stat));
        let beside = self.files.iter().filter_map(|file| file.sidecar.as_ref());
        for (path, stat) in own.chain(beside.map(|sidecar| (&sidecar.path, &sidecar.stat))) {
            let since_epoch = stat.modified.duration_since(UNIX_EPOCH);
            let nanos =
                since_epoch.map_or_else(|before| before.duration().as_nanos(), |d| d.as_nanos());
            let name = path.as_os_str().as_encoded_bytes();
            context.update(&(name.len() as u64).to_be_bytes());
            context.update(name);
            context.update(&stat.n_bytes.to_be_bytes());
            context.update(&nanos.to_be_bytes());
        }
        context.finish().as_ref().to_vec()
    }

    fn skip_unread(&mut self, path: PathBuf, err: &io::Error) {
        self.unread.push(path.clone());
        self.skipped.push(Skipped {
            path,
            why: err.to_string(),
        });
    }
}

fn is_sidecar(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "toml")
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}
