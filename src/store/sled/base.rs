//! sled's file: what the last checkpoint left there.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    path::Path,
    sync::{Mutex, PoisonError},
};

use super::{
    journal::Writes,
    large::LargePages,
    pack::{self, Damaged, Unpack, Unpacked},
    tree::{Direction, Row},
};

/// sled uses six to ten times this (its issues 986 and 1410).
const CACHE_BYTES: u64 = 16 << 20;

/// How often sled looks whether there is room to be won back in its file.
const CLEAN_EVERY_MS: u64 = 500;

/// Whoever reads a row reads its neighbours next; those who send read in as many places as there are groups of
/// destinations.
const UNPACKED: usize = 16;

/// A key below those of every table.
const EPOCH: &[u8] = &[0, 1];

pub(super) struct Base {
    db: sled::Db,
    /// sled's own file once more: its flush is no fsync on Linux.
    file: File,
    pages: LargePages,
    /// Chunks as they are stored, and what is in them. A chunk that has changed is another one.
    unpacked: Mutex<VecDeque<(sled::IVec, Unpacked)>>,
}

impl Base {
    pub(super) fn open(folder: &Path) -> sled::Result<Self> {
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(Some(CLEAN_EVERY_MS));
        Ok(Base {
            db: config.open()?,
            file: File::open(folder.join("db"))?,
            pages: LargePages::of(folder),
            unpacked: Mutex::default(),
        })
    }

    pub(super) fn get(&self, key: &[u8]) -> sled::Result<Option<Vec<u8>>> {
        match pack::place(key) {
            None => Ok(self.db.get(key)?.map(|value| value.to_vec())),
            Some((chunk, last)) => match self.db.get(chunk)? {
                None => Ok(None),
                Some(chunk) => self.find(chunk, last).map_err(damaged),
            },
        }
    }

    fn find(&self, chunk: sled::IVec, last: u8) -> Result<Option<Vec<u8>>, Damaged> {
        let mut known = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        let at = known.iter().position(|(stored, _)| *stored == chunk);
        let at = match at {
            Some(at) => at,
            None => {
                let unpacked = Unpacked::read(&chunk)?;
                known.truncate(UNPACKED - 1);
                known.push_front((chunk, unpacked));
                0
            }
        };
        Ok(known[at].1.get(last).map(<[u8]>::to_vec))
    }

    /// The rows from `lo` on and before `hi`, which are of one table.
    pub(super) fn range(&self, lo: Vec<u8>, hi: Vec<u8>, direction: Direction) -> Range {
        let (first, failed) = match self.home_of(&lo) {
            Ok(first) => (first, None),
            Err(err) => (lo.clone(), Some(err)),
        };
        Range {
            stored: self.db.range(first..hi.clone()),
            rows: Box::new(failed.map(Err).into_iter()),
            lo,
            hi,
            direction,
        }
    }

    /// Where the rows from `lo` on begin.
    fn home_of(&self, lo: &[u8]) -> sled::Result<Vec<u8>> {
        let before = match pack::is_packed(lo) {
            true => self.db.get_lt(lo)?,
            false => None,
        };
        Ok(match before {
            Some((chunk, _)) if lo.starts_with(&chunk) => chunk.to_vec(),
            _ => lo.to_vec(),
        })
    }

    /// Which checkpoint this is.
    pub(super) fn epoch(&self) -> sled::Result<u64> {
        let epoch = self.db.get(EPOCH)?;
        let epoch = epoch.and_then(|bytes| Some(u64::from_le_bytes((*bytes).try_into().ok()?)));
        Ok(epoch.unwrap_or(0))
    }

    /// Writes every row to its place and, when all are on the disk, `epoch`.
    pub(super) fn write(&self, writes: &Writes, epoch: u64) -> sled::Result<()> {
        let writes: Vec<Write<'_>> = writes.iter().collect();
        for group in writes.chunk_by(|a, b| is_together(a.0, b.0)) {
            match pack::place(group[0].0) {
                Some((chunk, _)) => self.write_chunk(chunk, group)?,
                None => self.write_row(group[0])?,
            }
        }
        self.sync()?;
        // Only now may the journal be forgotten.
        self.db.insert(EPOCH, &epoch.to_le_bytes())?;
        self.sync()
    }

    fn sync(&self) -> sled::Result<()> {
        self.db.flush()?;
        self.pages.sync().map_err(sled::Error::Io)?;
        self.file.sync_data().map_err(sled::Error::Io)
    }

    /// Puts nonsense where a chunk should be.
    #[cfg(test)]
    pub(super) fn spoil(&self, chunk: &[u8]) -> sled::Result<()> {
        self.db.insert(chunk, &[9, 9, 9])?;
        Ok(())
    }

    fn write_row(&self, (key, value): Write<'_>) -> sled::Result<()> {
        match value {
            Some(value) => self.db.insert(key, value.as_slice())?,
            None => self.db.remove(key)?,
        };
        Ok(())
    }

    fn write_chunk(&self, chunk: &[u8], group: &[Write<'_>]) -> sled::Result<()> {
        let mut rows = match self.db.get(chunk)? {
            Some(chunk) => pack::unpack(&chunk).map_err(damaged)?,
            None => BTreeMap::new(),
        };
        for (key, value) in group {
            let last = key[chunk.len()];
            match value {
                Some(value) => rows.insert(last, value.clone()),
                None => rows.remove(&last),
            };
        }
        if rows.is_empty() {
            self.db.remove(chunk)?;
        } else {
            self.db.insert(chunk, pack::pack(&rows).map_err(damaged)?)?;
        }
        Ok(())
    }
}

type Write<'a> = (&'a Vec<u8>, &'a Option<Vec<u8>>);

fn is_together(one: &[u8], other: &[u8]) -> bool {
    match (pack::place(one), pack::place(other)) {
        (Some((one, _)), Some((other, _))) => one == other,
        _ => false,
    }
}

fn damaged(err: Damaged) -> sled::Error {
    sled::Error::ReportableBug(err.to_string())
}

/// Rows of one table in the order of their keys, or in the opposite one.
pub(super) struct Range {
    stored: sled::Iter,
    /// What is left of the chunk that was reached.
    rows: Box<dyn Iterator<Item = sled::Result<Row>>>,
    lo: Vec<u8>,
    hi: Vec<u8>,
    direction: Direction,
}

impl Iterator for Range {
    type Item = sled::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(row);
            }
            let stored = match self.direction {
                Direction::Up => self.stored.next()?,
                Direction::Down => self.stored.next_back()?,
            };
            let (key, value) = match stored {
                Ok((key, value)) => (key.to_vec(), value),
                Err(err) => return Some(Err(err)),
            };
            if !pack::is_packed(&key) {
                return Some(Ok((key, value.to_vec())));
            }
            let rows = Chunk {
                rows: Unpack::new(value),
                key: [&key, &[0][..]].concat(),
                lo: self.lo.clone(),
                hi: self.hi.clone(),
                ended: false,
            };
            self.rows = match self.direction {
                Direction::Up => Box::new(rows),
                Direction::Down => Box::new(rows.collect::<Vec<_>>().into_iter().rev()),
            };
        }
    }
}

/// Those rows of a chunk that are in a range.
struct Chunk {
    rows: Unpack<sled::IVec>,
    /// Of the row that was reached.
    key: Vec<u8>,
    lo: Vec<u8>,
    hi: Vec<u8>,
    /// It cannot be read any further.
    ended: bool,
}

impl Iterator for Chunk {
    type Item = sled::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let last = match self.rows.advance() {
                Ok(last) => last?,
                Err(err) => {
                    self.ended = true;
                    return Some(Err(damaged(err)));
                }
            };
            self.key.pop();
            self.key.push(last);
            if self.key >= self.hi {
                return None;
            }
            if self.key >= self.lo {
                return Some(Ok((self.key.clone(), self.rows.value().to_vec())));
            }
        }
        None
    }
}
