//! The files that sled keeps large pages in.
//!
//! A page of more than some hundred kilobytes gets a file of its own, which sled never syncs. Its name is a
//! number that grows.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicI64, Ordering},
};

#[derive(Debug)]
pub(super) struct LargePages {
    folder: PathBuf,
    /// Up to here all are on the disk.
    synced: AtomicI64,
}

impl LargePages {
    /// Those of the store in `folder`.
    pub(super) fn of(folder: &Path) -> Self {
        LargePages {
            folder: folder.join("blobs"),
            synced: AtomicI64::new(i64::MIN),
        }
    }

    /// Has those that were written since the last call outlive a power cut.
    pub(super) fn sync(&self) -> io::Result<()> {
        let synced = self.synced.load(Ordering::Relaxed);
        let mut latest = synced;
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let Some(number) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            if number > synced {
                match File::open(self.folder.join(&name)) {
                    Ok(page) => page.sync_data()?,
                    // sled needs it no more.
                    Err(err) if err.kind() == io::ErrorKind::NotFound => {}
                    Err(err) => return Err(err),
                }
                latest = latest.max(number);
            }
        }
        if latest > synced {
            File::open(&self.folder)?.sync_all()?;
            self.synced.store(latest, Ordering::Relaxed);
        }
        Ok(())
    }
}
