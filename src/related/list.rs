//! The postings of one term: about three bytes each, in the order in which articles came.

use super::telling::HEAVIEST;

/// Slots that hold a term, and its weight in each.
///
/// A posting is how far its slot is behind the one before it, seven bits to a byte, and the weight
/// in one more byte.
#[derive(Debug, Default)]
pub(super) struct List {
    bytes: Vec<u8>,
    last: u32,
    n: u32,
}

impl List {
    pub(super) fn len(&self) -> usize {
        self.n as usize
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// `slot` is above all before it.
    pub(super) fn push(&mut self, slot: u32, weight: f32) {
        let mut step = slot - self.last;
        // Growing by an eighth wastes less than doubling, and is as quick for lists of this size.
        let needed = self.bytes.len() + 6;
        if needed > self.bytes.capacity() {
            self.bytes.reserve_exact(6 + self.bytes.len() / 8);
        }
        while step > 0x7f {
            self.bytes.push(low(step) | 0x80);
            step >>= 7;
        }
        self.bytes.push(low(step));
        self.bytes.push(pack(weight));
        self.last = slot;
        self.n += 1;
    }

    pub(super) fn postings(&self) -> impl Iterator<Item = (u32, f32)> {
        let mut bytes = self.bytes.iter();
        let mut slot = 0;
        std::iter::from_fn(move || {
            let mut shift = 0;
            loop {
                let byte = *bytes.next()?;
                slot += u32::from(byte & 0x7f) << shift;
                if byte & 0x80 == 0 {
                    break;
                }
                shift += 7;
            }
            Some((slot, unpack(*bytes.next()?)))
        })
    }
}

fn low(number: u32) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or_default()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a weight lies between 0 and the heaviest"
)]
fn pack(weight: f32) -> u8 {
    (weight / HEAVIEST * 255.0).round() as u8
}

fn unpack(byte: u8) -> f32 {
    f32::from(byte) * HEAVIEST / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postings_come_back_in_order_with_nearly_their_weight() {
        let pushed = [
            (0, 0.01),
            (1, 1.0),
            (200, 0.5),
            (70_000, 2.19),
            (u32::MAX, 0.7),
        ];
        let mut list = List::default();
        for (slot, weight) in pushed {
            list.push(slot, weight);
        }

        let found: Vec<(u32, f32)> = list.postings().collect();

        assert_eq!(list.len(), pushed.len());
        for (found, pushed) in found.iter().zip(pushed) {
            assert_eq!(found.0, pushed.0);
            assert!((found.1 - pushed.1).abs() < 0.005, "{found:?} {pushed:?}");
        }
    }

    #[test]
    fn a_posting_of_a_common_term_takes_two_bytes() {
        let mut list = List::default();
        for slot in 0..10_000 {
            list.push(slot * 10, 1.0);
        }

        assert!(list.bytes() < 2 * 10_000 * 9 / 8 + 16, "{}", list.bytes());
    }
}
