//! Files that hold keys: nobody but their owner may read them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The most that a file of keys may hold, in octets; a key has some 2,000.
const MAX_BYTES: u64 = 1_000_000;

#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("can be read by others (mode {0:o}): chmod 600 it")]
    Exposed(u32),
}

/// Reads a file that others cannot read.
pub fn read(path: &Path) -> Result<String, Unfit> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Unfit::Exposed(mode));
    }
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// Writes a file that was not there before, whole or not at all, for its owner alone.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] if there is one, which stays as it is.
pub fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().ok_or(ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let draft = path.with_file_name(name);
    let written = write(&draft, text);
    // A hard link fails where there is a file already.
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    linked.and(removed)?;
    sync_folder(path)
}

/// A file for its owner alone that is written and does not stand in its place yet.
pub struct Draft {
    path: PathBuf,
    draft: PathBuf,
}

impl Draft {
    /// Writes a file of its own, even where an earlier draft was left.
    pub fn write(path: PathBuf, text: &str) -> io::Result<Self> {
        let draft = path.with_extension("new");
        match fs::remove_file(&draft) {
            Err(err) if err.kind() != ErrorKind::NotFound => return Err(err),
            _ => write(&draft, text)?,
        }
        Ok(Draft { path, draft })
    }

    /// What the file system knows of it; its number and its birth stay when it is put in its place.
    pub fn metadata(&self) -> io::Result<fs::Metadata> {
        fs::metadata(&self.draft)
    }

    /// Takes the place of what was there.
    pub fn put(self) -> io::Result<()> {
        fs::rename(&self.draft, &self.path)?;
        sync_folder(&self.path)
    }
}

/// The name of a file is on disk when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_for_its_owner_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");

        create(&path, "first").unwrap();
        let again = create(&path, "second").unwrap_err();

        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        assert_eq!(read(&path).unwrap(), "first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        create(&path, "key").unwrap();
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = read(&path).unwrap_err().to_string();
            assert!(refused.ends_with("chmod 600 it"), "{refused}");
        }
        assert!(matches!(
            read(&folder.path().join("none")),
            Err(Unfit::Unreadable(_))
        ));
    }
}
