//! How keys are written, so that sled's byte order is the order we read in.
//!
//! Numbers are big-endian, texts end in a zero byte, and a tuple is its parts one after another:
//! the rows of one edition, or of one subscriber, stand together.

use chrono::{DateTime, Utc};

use crate::{
    dedupe::fingerprint::Fingerprint,
    id::{
        ArticleId, ContentId, DeliveryId, DigestName, EditionSlug, GroupName, RelayName,
        SourceName, SubscriberId,
    },
};

/// A key, or a part of one.
pub(super) trait Key: Sized {
    fn write(&self, out: &mut Vec<u8>);

    /// Takes the part off the front of `bytes`; none if it is not there.
    fn read(bytes: &mut &[u8]) -> Option<Self>;
}

/// What a key of the kind `K` may begin with.
pub(super) trait Prefix<K>: Key {}

impl<A: Key, B: Key> Prefix<(A, B)> for A {}
impl<A: Key, B: Key, C: Key> Prefix<(A, B, C)> for A {}
impl<A: Key, B: Key, C: Key> Prefix<(A, B, C)> for (A, B) {}
impl Prefix<DeliveryId> for ContentId {}
impl<A: Key, B: Key> Prefix<(A, B, DeliveryId)> for (A, B, ContentId) {}

fn take<'a>(bytes: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_at_checked(n)?;
    *bytes = rest;
    Some(head)
}

impl Key for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.to_be_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some(u64::from_be_bytes(take(bytes, 8)?.try_into().ok()?))
    }
}

impl Key for u32 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.to_be_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some(u32::from_be_bytes(take(bytes, 4)?.try_into().ok()?))
    }
}

/// Exact to the nanosecond; the flipped sign bit puts times before 1970 first.
impl Key for DateTime<Utc> {
    fn write(&self, out: &mut Vec<u8>) {
        (self.timestamp().cast_unsigned() ^ (1 << 63)).write(out);
        self.timestamp_subsec_nanos().write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let seconds = (u64::read(bytes)? ^ (1 << 63)).cast_signed();
        DateTime::from_timestamp(seconds, u32::read(bytes)?)
    }
}

impl Key for String {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.as_bytes());
        out.push(0);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let text = String::from_utf8(take(bytes, end)?.to_vec()).ok()?;
        take(bytes, 1)?;
        Some(text)
    }
}

impl Key for [u8; 32] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes, 32)?.try_into().ok()
    }
}

/// Looked up only: no row is ever found by scanning fingerprints.
impl Key for Fingerprint {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.as_bytes());
    }

    fn read(_: &mut &[u8]) -> Option<Self> {
        None
    }
}

macro_rules! ids {
    ($($id:ident),+) => {$(
        impl Key for $id {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(bytes: &mut &[u8]) -> Option<Self> {
                u64::read(bytes).map($id)
            }
        }
    )+};
}

ids!(ArticleId, SubscriberId, ContentId);

impl Key for DeliveryId {
    fn write(&self, out: &mut Vec<u8>) {
        self.content.write(out);
        self.recipient.write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some(DeliveryId {
            content: ContentId::read(bytes)?,
            recipient: SubscriberId::read(bytes)?,
        })
    }
}

macro_rules! names {
    ($($name:ident),+) => {$(
        impl Key for $name {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend(self.as_str().as_bytes());
                out.push(0);
            }

            fn read(bytes: &mut &[u8]) -> Option<Self> {
                $name::try_from(String::read(bytes)?).ok()
            }
        }
    )+};
}

names!(SourceName, EditionSlug, DigestName, GroupName, RelayName);

impl<A: Key, B: Key> Key for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::read(bytes)?, B::read(bytes)?))
    }
}

impl<A: Key, B: Key, C: Key> Key for (A, B, C) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
        self.2.write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::read(bytes)?, B::read(bytes)?, C::read(bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(key: &impl Key) -> Vec<u8> {
        let mut out = Vec::new();
        key.write(&mut out);
        out
    }

    #[track_caller]
    fn check<K: Key + PartialEq + std::fmt::Debug>(ascending: &[K]) {
        for key in ascending {
            assert_eq!(K::read(&mut bytes(key).as_slice()).as_ref(), Some(key));
        }
        assert!(
            ascending
                .windows(2)
                .all(|two| bytes(&two[0]) < bytes(&two[1]))
        );
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn keys_are_read_back_and_keep_their_order() {
        check(&[0, 1, 255, 256, u64::MAX]);
        check(&[
            at("0001-01-01T00:00:00Z"),
            at("1969-12-31T23:59:59.9Z"),
            at("1970-01-01T00:00:00Z"),
            at("2026-11-23T08:00:00.000000001Z"),
            at("2026-11-23T08:00:00.000000002Z"),
            at("9999-12-31T23:59:59Z"),
        ]);
        let slug = |text| EditionSlug::parse(text).unwrap();
        check(&[
            (slug("a"), 2_u64),
            (slug("a"), 10),
            (slug("a-b"), 1),
            (slug("ab"), 0),
        ]);
    }

    #[test]
    fn a_key_that_is_cut_short_is_not_read() {
        let key = bytes(&(EditionSlug::parse("news").unwrap(), 7_u64));

        for n in 0..key.len() {
            assert_eq!(<(EditionSlug, u64)>::read(&mut &key[..n]), None);
        }
    }
}
