//! Many small rows in one value.
//!
//! sled spends some three hundred bytes on a row that is written and rewritten, however small it is. So
//! rows of some tables that differ in the last byte of their keys alone, as those of neighbours do, are
//! kept together, under the rest of the key; of each only what the one before it does not have.
//!
//! ```text
//! chunk: version | row ...                               in the order of their last bytes
//! row:   last byte of the key | how many bytes of the value are those at the head of the value before
//!        it | and at its tail | what is between           in postcard
//! ```

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};

use super::table::PACKED;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    last: u8,
    head: usize,
    tail: usize,
    middle: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("packed rows cannot be read")]
pub(super) struct Damaged;

/// Whether the table that a key, or the start of one, belongs to is packed.
pub(super) fn is_packed(key: &[u8]) -> bool {
    key.first().is_some_and(|tag| PACKED.contains(tag))
}

/// The key of the chunk that the row of `key` is kept in, and the byte that finds it there; none if it
/// is kept by itself.
pub(super) fn place(key: &[u8]) -> Option<(&[u8], u8)> {
    let (last, chunk) = key.split_last()?;
    is_packed(key).then_some((chunk, *last))
}

/// Values by the last byte of their keys.
pub(super) fn pack(rows: &BTreeMap<u8, Vec<u8>>) -> Result<Vec<u8>, Damaged> {
    let mut chunk = vec![VERSION];
    let mut before: &[u8] = &[];
    for (last, value) in rows {
        let head = shared(before.iter(), value.iter());
        let (old, new) = (&before[head..], &value[head..]);
        let tail = shared(old.iter().rev(), new.iter().rev());
        let row = Packed {
            last: *last,
            head,
            tail,
            middle: &new[..new.len() - tail],
        };
        chunk = postcard::to_extend(&row, chunk).map_err(|_| Damaged)?;
        before = value;
    }
    Ok(chunk)
}

/// How many bytes two values have in common, from where each begins.
fn shared<'a>(one: impl Iterator<Item = &'a u8>, other: impl Iterator<Item = &'a u8>) -> usize {
    one.zip(other).take_while(|(a, b)| a == b).count()
}

/// Reads a chunk from its start.
pub(super) struct Unpack<B> {
    chunk: B,
    /// Bytes that are read.
    read: usize,
    value: Vec<u8>,
}

impl<B: AsRef<[u8]>> Unpack<B> {
    pub(super) fn new(chunk: B) -> Self {
        Unpack {
            chunk,
            read: 0,
            value: Vec::new(),
        }
    }

    /// Goes on to the next row, and tells the last byte of its key; none behind the last one.
    pub(super) fn advance(&mut self) -> Result<Option<u8>, Damaged> {
        let chunk = self.chunk.as_ref();
        if self.read == 0 {
            if chunk.first() != Some(&VERSION) {
                return Err(Damaged);
            }
            self.read = 1;
        }
        let rest = &chunk[self.read..];
        if rest.is_empty() {
            return Ok(None);
        }
        let (row, rest) = postcard::take_from_bytes::<Packed<'_>>(rest).map_err(|_| Damaged)?;
        self.read = chunk.len() - rest.len();
        let tail = self.value.len().checked_sub(row.tail).ok_or(Damaged)?;
        if row.head > tail {
            return Err(Damaged);
        }
        self.value
            .splice(row.head..tail, row.middle.iter().copied());
        Ok(Some(row.last))
    }

    /// The value of the row that was reached.
    pub(super) fn value(&self) -> &[u8] {
        &self.value
    }
}

/// A chunk of which every row was read.
pub(super) struct Unpacked {
    values: Vec<u8>,
    /// By the last bytes of their keys.
    rows: BTreeMap<u8, Range<usize>>,
}

impl Unpacked {
    pub(super) fn read(chunk: &[u8]) -> Result<Self, Damaged> {
        let mut rows = Unpack::new(chunk);
        let mut unpacked = Unpacked {
            values: Vec::new(),
            rows: BTreeMap::new(),
        };
        while let Some(last) = rows.advance()? {
            let start = unpacked.values.len();
            unpacked.values.extend(rows.value());
            unpacked.rows.insert(last, start..unpacked.values.len());
        }
        Ok(unpacked)
    }

    pub(super) fn get(&self, last: u8) -> Option<&[u8]> {
        let at = self.rows.get(&last)?;
        Some(&self.values[at.clone()])
    }
}

pub(super) fn unpack(chunk: &[u8]) -> Result<BTreeMap<u8, Vec<u8>>, Damaged> {
    let mut rows = Unpack::new(chunk);
    let mut unpacked = BTreeMap::new();
    while let Some(last) = rows.advance()? {
        unpacked.insert(last, rows.value().to_vec());
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows() -> impl Strategy<Value = BTreeMap<u8, Vec<u8>>> {
        let value = proptest::collection::vec(0..3_u8, 0..12);
        proptest::collection::btree_map(any::<u8>(), value, 0..40)
    }

    proptest! {
        #[test]
        fn what_is_packed_is_found_again(rows in rows()) {
            let chunk = pack(&rows).unwrap();

            prop_assert_eq!(&unpack(&chunk).unwrap(), &rows);
            let unpacked = Unpacked::read(&chunk).unwrap();
            for last in 0..=u8::MAX {
                prop_assert_eq!(unpacked.get(last), rows.get(&last).map(Vec::as_slice));
            }
        }

        #[test]
        fn a_chunk_that_is_damaged_is_read_or_refused(rows in rows(), at: prop::sample::Index, byte: u8) {
            let mut chunk = pack(&rows).unwrap();
            let at = at.index(chunk.len());
            chunk[at] = byte;

            let _read = unpack(&chunk);
            prop_assert!(at != 0 || byte == VERSION || unpack(&chunk).is_err());
        }
    }

    #[test]
    fn neighbours_that_say_the_same_take_a_few_bytes_each() {
        let reply = |n: u8| [b"sent at ", &[n][..], b" 250 2.0.0 Ok: queued"].concat();
        let rows = (0..=u8::MAX).map(|n| (n, reply(n))).collect();

        assert!(pack(&rows).unwrap().len() < 6 * 256);
    }
}
