//! What was written and sled may not have yet, in a file beside it.
//!
//! A batch that is appended here is with the kernel and outlives this process; once the file is synced it
//! outlives a power cut. It is read again when the store opens. After a checkpoint the journal begins anew.
//!
//! ```text
//! frame: epoch u64 | length u32 | CRC-32 u32 | writes     all little-endian, a frame a batch
//! write: key length u32 | key | value length + 1 u32, or 0 for a removal | value
//! ```
//!
//! sled keeps the epoch too. So frames from before a checkpoint are known as old, even if a power cut
//! brings them back.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Keys with what is written there, or none where a row is removed.
pub(super) type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What follows a checkpoint until the next; it takes some three times as much memory.
const MAX_BYTES: u64 = 4 << 20;

const HEAD: usize = 8 + 4 + 4;

#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    epoch: u64,
    /// Bytes of the file that count.
    length: u64,
    /// Something was appended since it was synced last.
    is_behind: bool,
    /// Kept for its room.
    frame: Vec<u8>,
}

impl Journal {
    /// Opens the journal of the store in `folder`.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join("journal"))?;
        // A file that is synced can still lose its name.
        File::open(folder)?.sync_all()?;
        Ok(Journal {
            file,
            book: Mutex::default(),
        })
    }

    /// The batches of `epoch` in their order, up to the first that did not get here whole.
    pub(super) fn batches(&self, epoch: u64) -> io::Result<Vec<Writes>> {
        let mut book = self.locked();
        book.epoch = epoch;
        let mut bytes = vec![0; usize::try_from(self.file.metadata()?.len()).unwrap_or(0)];
        self.file.read_exact_at(&mut bytes, 0)?;
        let mut rest = bytes.as_slice();
        let mut batches = Vec::new();
        while let Some(batch) = frame(&mut rest, epoch) {
            batches.push(batch);
        }
        book.length = (bytes.len() - rest.len()) as u64;
        if !rest.is_empty() {
            // Or it would be next to what is appended, and count again.
            self.file.set_len(book.length)?;
        }
        Ok(batches)
    }

    /// Hands a batch to the kernel: it outlives this process.
    pub(super) fn append(&self, writes: &Writes) -> io::Result<()> {
        let mut book = self.locked();
        let Book {
            epoch,
            length,
            is_behind,
            frame,
        } = &mut *book;
        frame.clear();
        frame.extend(epoch.to_le_bytes());
        frame.extend([0; HEAD - 8]);
        for (key, value) in writes {
            put(frame, key);
            match value {
                Some(value) => {
                    frame.extend((size(value) + 1).to_le_bytes());
                    frame.extend(value);
                }
                None => frame.extend(0_u32.to_le_bytes()),
            }
        }
        let (head, body) = frame.split_at_mut(HEAD);
        head[8..12].copy_from_slice(&size(body).to_le_bytes());
        head[12..].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
        if let Err(err) = self.file.write_all_at(frame, *length) {
            let _cut = self.file.set_len(*length);
            return Err(err);
        }
        *length += frame.len() as u64;
        *is_behind = true;
        Ok(())
    }

    /// Has what was appended outlive a power cut.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.locked().is_behind = false;
        self.file.sync_data()
    }

    /// Does that if anything was appended since it was done, or begun, last.
    pub(super) fn sync_if_needed(&self) -> io::Result<()> {
        let is_behind = self.locked().is_behind;
        if is_behind { self.sync() } else { Ok(()) }
    }

    /// Whether it is time for a checkpoint.
    pub(super) fn is_full(&self) -> bool {
        self.locked().length > MAX_BYTES
    }

    pub(super) fn epoch(&self) -> u64 {
        self.locked().epoch
    }

    /// Begins anew: sled has everything, and `epoch` with it.
    pub(super) fn restart(&self, epoch: u64) -> io::Result<()> {
        let mut book = self.locked();
        book.epoch = epoch;
        if book.length > 0 {
            self.file.set_len(0)?;
            book.length = 0;
        }
        Ok(())
    }

    fn locked(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(size(bytes).to_le_bytes());
    out.extend(bytes);
}

/// Keys, values and batches are far below four gigabytes.
fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// Takes a whole frame of `epoch` off the front.
fn frame(bytes: &mut &[u8], epoch: u64) -> Option<Writes> {
    let mut rest = *bytes;
    let of = u64::from_le_bytes(take(&mut rest, 8)?.try_into().ok()?);
    let length = number(&mut rest)?;
    let crc = number(&mut rest)?;
    let mut body = take(&mut rest, length as usize)?;
    if of != epoch || crc != crc32fast::hash(body) {
        return None;
    }
    let mut writes = Writes::new();
    while !body.is_empty() {
        let length = number(&mut body)?;
        let key = take(&mut body, length as usize)?.to_vec();
        let value = match number(&mut body)? {
            0 => None,
            length => Some(take(&mut body, length as usize - 1)?.to_vec()),
        };
        writes.insert(key, value);
    }
    *bytes = rest;
    Some(writes)
}

fn number(bytes: &mut &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(take(bytes, 4)?.try_into().ok()?))
}

fn take<'a>(bytes: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_at_checked(n)?;
    *bytes = rest;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(n: u8) -> Writes {
        Writes::from([
            (vec![n], Some(vec![n; usize::from(n)])),
            (vec![n, n], None),
            (Vec::new(), Some(Vec::new())),
        ])
    }

    fn reopened(folder: &Path, epoch: u64) -> Vec<Writes> {
        Journal::open(folder).unwrap().batches(epoch).unwrap()
    }

    #[test]
    fn what_was_appended_is_read_back_until_sled_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.batches(7).unwrap(), []);
        journal.append(&batch(1)).unwrap();
        journal.append(&batch(2)).unwrap();

        assert_eq!(reopened(folder.path(), 7), [batch(1), batch(2)]);
        assert_eq!(reopened(folder.path(), 8), []);
    }

    #[test]
    fn a_journal_that_restarts_forgets_also_what_a_power_cut_brings_back() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        journal.append(&batch(5)).unwrap();
        journal.append(&batch(6)).unwrap();
        let old = std::fs::read(folder.path().join("journal")).unwrap();
        journal.restart(1).unwrap();
        assert_eq!(reopened(folder.path(), 1), []);

        journal.append(&batch(5)).unwrap();
        let mut mixed = std::fs::read(folder.path().join("journal")).unwrap();
        mixed.extend(&old[mixed.len()..]);
        std::fs::write(folder.path().join("journal"), mixed).unwrap();

        assert_eq!(reopened(folder.path(), 1), [batch(5)]);
    }

    #[test]
    fn what_stood_behind_a_damaged_frame_does_not_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::open(folder.path()).unwrap();
        journal.append(&batch(1)).unwrap();
        let damaged = std::fs::read(&path).unwrap().len() + HEAD;
        journal.append(&batch(2)).unwrap();
        journal.append(&batch(3)).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[damaged] ^= 1;
        std::fs::write(&path, bytes).unwrap();

        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.batches(0).unwrap(), [batch(1)]);
        journal.append(&batch(2)).unwrap();

        assert_eq!(reopened(folder.path(), 0), [batch(1), batch(2)]);
    }

    #[test]
    fn a_frame_that_is_cut_short_or_damaged_ends_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::open(folder.path()).unwrap();
        journal.append(&batch(1)).unwrap();
        let first = std::fs::read(&path).unwrap().len();
        journal.append(&batch(2)).unwrap();
        let whole = std::fs::read(&path).unwrap();

        for n in first..whole.len() {
            std::fs::write(&path, &whole[..n]).unwrap();
            assert_eq!(reopened(folder.path(), 0), [batch(1)], "{n}");
            let mut damaged = whole.clone();
            damaged[n] ^= 1;
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(reopened(folder.path(), 0), [batch(1)], "{n}");
        }
    }
}
