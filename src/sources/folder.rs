//! A folder of files as a source.

mod listing;

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, Utc};

use self::listing::{Found, Listed, Stat};

/// Larger files are skipped.
const MAX_FILE_BYTES: u64 = 20_000_000;

/// What one reading may hold in memory; files beyond it are skipped.
const MAX_FOLDER_BYTES: u64 = 400_000_000;

/// Larger sidecars are skipped, and their files read without them.
const MAX_SIDECAR_BYTES: u64 = 1_000_000;

/// A file that was written within this time may be in the middle of it.
pub const FRESH: Duration = Duration::from_secs(2);

/// When a file that is there is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// At once: somebody waits for it.
    None,
    /// When it has not been written for [`FRESH`], or was put in place as a whole.
    UntilSettled { now: DateTime<Utc> },
}

/// What a folder held.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    /// The same names, sizes and times as the known listing.
    Unchanged,
    Files {
        /// SHA-256 over names, sizes and times; hand it in again to learn whether anything changed.
        listing: Vec<u8>,
        /// By path.
        files: Vec<File>,
        skipped: Vec<Skipped>,
        /// Those that are being written, relative to the folder: to be read soon.
        fresh: Vec<PathBuf>,
    },
}

#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Relative to the folder.
    pub path: PathBuf,
    pub bytes: Vec<u8>,
    pub kind: Kind,
    /// What stands beside it in a file of the same name that ends in `.toml`; never beside a feed.
    pub sidecar: Option<Vec<u8>>,
}

/// What the ending of its name says that a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Feed,
    Page,
    Markdown,
    Text,
}

impl Kind {
    fn of(path: &Path) -> Option<Kind> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "xml" | "rss" | "atom" | "json" => Some(Kind::Feed),
            "html" | "htm" => Some(Kind::Page),
            "md" | "markdown" => Some(Kind::Markdown),
            "txt" => Some(Kind::Text),
            _ => None,
        }
    }
}

/// A file or sub-folder that was left out, and why, in words an operator reads.
#[derive(Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Relative to the folder.
    pub path: PathBuf,
    pub why: String,
}

#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("`{}` is not a folder", .0.display())]
    NotAFolder(PathBuf),
    #[error("cannot read the folder `{}`", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Reads every feed, page, Markdown and text file in the folder at `path` and in the folders below it.
///
/// Hidden files, other kinds of files and links that lead out of the folder are left out. A file
/// that cannot be read, or is being written, is left out, and the listing then equals no later one.
pub async fn read(
    path: &Path,
    known: Option<&[u8]>,
    patience: Patience,
) -> Result<Reading, FolderError> {
    let folder = path.to_owned();
    let known = known.map(<[u8]>::to_vec);
    tokio::task::spawn_blocking(move || read_blocking(&folder, known.as_deref(), patience))
        .await
        .unwrap_or_else(|err| {
            Err(FolderError::Unreadable {
                path: path.to_owned(),
                source: io::Error::other(err),
            })
        })
}

fn read_blocking(
    folder: &Path,
    known: Option<&[u8]>,
    patience: Patience,
) -> Result<Reading, FolderError> {
    let unreadable = |source| FolderError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let root = folder.canonicalize().map_err(unreadable)?;
    if !root.is_dir() {
        return Err(FolderError::NotAFolder(folder.to_owned()));
    }
    let mut found = Found::default();
    found.walk(&root).map_err(unreadable)?;
    found.put_together();
    let listing = found.digest();
    if found.unread.is_empty() && known == Some(listing.as_slice()) {
        return Ok(Reading::Unchanged);
    }

    let mut taken = Taken {
        unread: found.unread,
        skipped: found.skipped,
        ..Taken::default()
    };
    for file in &found.files {
        taken.take(&root, file, patience);
    }
    taken.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    // With anything unread the listing is empty, which no later one is: the next poll tries again.
    let is_whole = taken.unread.is_empty() && taken.fresh.is_empty();
    Ok(Reading::Files {
        listing: if is_whole { listing } else { Vec::new() },
        files: taken.files,
        skipped: taken.skipped,
        fresh: taken.fresh,
    })
}

/// Why a file was not read.
#[derive(Debug, PartialEq, Eq)]
enum Unread {
    /// It is being written.
    Changing,
    Failed(String),
}

/// What was taken of a folder so far.
#[derive(Default)]
struct Taken {
    files: Vec<File>,
    fresh: Vec<PathBuf>,
    unread: Vec<PathBuf>,
    skipped: Vec<Skipped>,
    n_bytes: u64,
}

impl Taken {
    fn take(&mut self, root: &Path, file: &Listed, patience: Patience) {
        if file.is_fresh(patience) {
            return self.fresh.push(file.path.clone());
        }
        if file.stat.n_bytes > MAX_FILE_BYTES {
            return self.skip(&file.path, larger_than(MAX_FILE_BYTES));
        }
        self.n_bytes += file.stat.n_bytes;
        if self.n_bytes > MAX_FOLDER_BYTES {
            let most = MAX_FOLDER_BYTES / 1_000_000;
            return self.skip(&file.path, format!("the folder holds more than {most} MB"));
        }
        let read = read_whole(&root.join(&file.path), &file.stat)
            .and_then(|bytes| Ok((bytes, self.sidecar(root, file)?)));
        match read {
            Ok((bytes, sidecar)) => self.files.push(File {
                path: file.path.clone(),
                bytes,
                kind: file.kind,
                sidecar,
            }),
            Err(Unread::Changing) => self.fresh.push(file.path.clone()),
            Err(Unread::Failed(why)) => {
                self.unread.push(file.path.clone());
                self.skip(&file.path, why);
            }
        }
    }

    /// The sidecar of `file`, unless it cannot be read. One that is being written holds its file
    /// back: without what it says, that might be another article.
    fn sidecar(&mut self, root: &Path, file: &Listed) -> Result<Option<Vec<u8>>, Unread> {
        let Some(sidecar) = &file.sidecar else {
            return Ok(None);
        };
        if sidecar.stat.n_bytes > MAX_SIDECAR_BYTES {
            self.skip(&sidecar.path, larger_than(MAX_SIDECAR_BYTES));
            return Ok(None);
        }
        match read_whole(&root.join(&sidecar.path), &sidecar.stat) {
            Err(Unread::Failed(why)) => {
                self.unread.push(sidecar.path.clone());
                self.skip(&sidecar.path, why);
                Ok(None)
            }
            read => read.map(Some),
        }
    }

    fn skip(&mut self, path: &Path, why: String) {
        self.skipped.push(Skipped {
            path: path.to_owned(),
            why,
        });
    }
}

fn larger_than(bytes: u64) -> String {
    format!("larger than {} MB", bytes / 1_000_000)
}

/// The bytes of the file at `path` if they are those of `stat`, else why not.
fn read_whole(path: &Path, stat: &Stat) -> Result<Vec<u8>, Unread> {
    let read = || -> io::Result<(Vec<u8>, Stat)> {
        let file = fs::File::open(path)?;
        let mut bytes = Vec::new();
        (&file).take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        Ok((bytes, Stat::of(&file.metadata()?)))
    };
    match read() {
        Ok((bytes, after)) if after.is_as(stat) && bytes.len() as u64 == stat.n_bytes => Ok(bytes),
        Ok(_) => Err(Unread::Changing),
        Err(err) => Err(Unread::Failed(err.to_string())),
    }
}

#[cfg(test)]
mod tests;
