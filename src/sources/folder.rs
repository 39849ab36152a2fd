//! A folder of files as a source.

use std::{
    ffi::OsStr,
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use ring::digest;

/// Larger files are skipped.
const MAX_FILE_BYTES: u64 = 20_000_000;

/// What one reading may hold in memory; files beyond it are skipped.
const MAX_FOLDER_BYTES: u64 = 400_000_000;

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
    },
}

#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Relative to the folder.
    pub path: PathBuf,
    pub bytes: Vec<u8>,
    pub kind: Kind,
}

/// What the ending of its name says that a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Feed,
    Page,
    Markdown,
}

impl Kind {
    fn of(path: &Path) -> Option<Kind> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "xml" | "rss" | "atom" | "json" => Some(Kind::Feed),
            "html" | "htm" => Some(Kind::Page),
            "md" | "markdown" => Some(Kind::Markdown),
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

/// Reads every feed, page and Markdown file in the folder at `path` and in the folders below it.
///
/// Hidden files, other kinds of files and links that lead out of the folder are left out. A file
/// that cannot be read, or is being written, is skipped, and the listing then equals no later one.
pub async fn read(path: &Path, known: Option<&[u8]>) -> Result<Reading, FolderError> {
    let folder = path.to_owned();
    let known = known.map(<[u8]>::to_vec);
    tokio::task::spawn_blocking(move || read_blocking(&folder, known.as_deref()))
        .await
        .unwrap_or_else(|err| {
            Err(FolderError::Unreadable {
                path: path.to_owned(),
                source: io::Error::other(err),
            })
        })
}

fn read_blocking(folder: &Path, known: Option<&[u8]>) -> Result<Reading, FolderError> {
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
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    let listing = digest_of(&found.files);
    if found.unread.is_empty() && known == Some(listing.as_slice()) {
        return Ok(Reading::Unchanged);
    }

    let mut files = Vec::new();
    let Found {
        files: listed,
        mut unread,
        mut skipped,
    } = found;
    let mut n_bytes = 0;
    for file in &listed {
        if file.stat.n_bytes > MAX_FILE_BYTES {
            let why = format!("larger than {} MB", MAX_FILE_BYTES / 1_000_000);
            skipped.push(Skipped {
                path: file.path.clone(),
                why,
            });
            continue;
        }
        n_bytes += file.stat.n_bytes;
        if n_bytes > MAX_FOLDER_BYTES {
            let why = format!(
                "the folder holds more than {} MB",
                MAX_FOLDER_BYTES / 1_000_000
            );
            skipped.push(Skipped {
                path: file.path.clone(),
                why,
            });
            continue;
        }
        match read_whole(&root.join(&file.path), &file.stat) {
            Ok(bytes) => files.push(File {
                path: file.path.clone(),
                bytes,
                kind: file.kind,
            }),
            Err(why) => {
                unread.push(file.path.clone());
                skipped.push(Skipped {
                    path: file.path.clone(),
                    why,
                });
            }
        }
    }
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    // With anything unread the listing is empty, which no later one is: the next poll tries again.
    let listing = if unread.is_empty() {
        listing
    } else {
        Vec::new()
    };
    Ok(Reading::Files {
        listing,
        files,
        skipped,
    })
}

/// What of a file changes when it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    n_bytes: u64,
    modified: SystemTime,
}

impl Stat {
    fn of(metadata: &fs::Metadata) -> Stat {
        Stat {
            n_bytes: metadata.len(),
            modified: metadata.modified().unwrap_or(UNIX_EPOCH),
        }
    }
}

struct Listed {
    path: PathBuf,
    kind: Kind,
    stat: Stat,
}

#[derive(Default)]
struct Found {
    files: Vec<Listed>,
    /// What could not be looked at, and may be tomorrow.
    unread: Vec<PathBuf>,
    skipped: Vec<Skipped>,
}

impl Found {
    fn walk(&mut self, root: &Path) -> io::Result<()> {
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
        let Some(kind) = Kind::of(path) else {
            return Ok(None);
        };
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
            self.files.push(Listed {
                path: path.to_owned(),
                kind,
                stat,
            });
        }
        Ok(None)
    }

    fn skip_unread(&mut self, path: PathBuf, err: &io::Error) {
        self.unread.push(path.clone());
        self.skipped.push(Skipped {
            path,
            why: err.to_string(),
        });
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// The bytes of the file at `path` if they are those of `stat`, else why not.
fn read_whole(path: &Path, stat: &Stat) -> Result<Vec<u8>, String> {
    let read = || -> io::Result<(Vec<u8>, Stat)> {
        let file = fs::File::open(path)?;
        let mut bytes = Vec::new();
        (&file).take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        Ok((bytes, Stat::of(&file.metadata()?)))
    };
    match read() {
        Ok((bytes, after)) if after == *stat && bytes.len() as u64 == stat.n_bytes => Ok(bytes),
        Ok(_) => Err("it is being written".to_owned()),
        Err(err) => Err(err.to_string()),
    }
}

fn digest_of(files: &[Listed]) -> Vec<u8> {
    let mut context = digest::Context::new(&digest::SHA256);
    for file in files {
        let since_epoch = file.stat.modified.duration_since(UNIX_EPOCH);
        let nanos =
            since_epoch.map_or_else(|before| before.duration().as_nanos(), |d| d.as_nanos());
        let name = file.path.as_os_str().as_encoded_bytes();
        context.update(&(name.len() as u64).to_be_bytes());
        context.update(name);
        context.update(&file.stat.n_bytes.to_be_bytes());
        context.update(&nanos.to_be_bytes());
    }
    context.finish().as_ref().to_vec()
}

#[cfg(test)]
mod tests;
