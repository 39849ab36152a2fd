//! Base32 (RFC 4648, section 6) in lower case, without padding; read in either case.

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Bits that a character stands for.
const BITS: usize = 5;

/// How many characters `bytes` octets take.
pub(super) const fn chars(bytes: usize) -> usize {
    (bytes * 8).div_ceil(BITS)
}

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(chars(bytes.len()));
    let mut held = 0_usize;
    let mut bits = 0;
    let mut push = |five: usize| text.push(char::from(ALPHABET[five & 31]));
    for byte in bytes {
        held = held << 8 | usize::from(*byte);
        bits += 8;
        while bits >= BITS {
            bits -= BITS;
            push(held >> bits);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        push(held << (BITS - bits));
    }
    text
}

/// None unless `text` is what [`encode`] makes of some `N` octets, but for its case.
pub(super) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != chars(N) {
        return None;
    }
    let mut bytes = [0; N];
    let mut rest = bytes.iter_mut();
    let mut held = 0_u16;
    let mut bits = 0;
    for c in text.bytes() {
        held = held << BITS | value(c)?;
        bits += BITS;
        if bits >= 8 {
            bits -= 8;
            *rest.next()? = u8::try_from(held >> bits).ok()?;
            held &= (1 << bits) - 1;
        }
    }
    (held == 0).then_some(bytes)
}

fn value(c: u8) -> Option<u16> {
    let five = match c.to_ascii_lowercase() {
        c @ b'a'..=b'z' => c - b'a',
        c @ b'2'..=b'7' => c - b'2' + 26,
        _ => return None,
    };
    Some(u16::from(five))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_rfc_hold_in_lower_case() {
        // RFC 4648, section 10.
        for (plain, expected) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(encode(plain.as_bytes()), expected);
        }
        assert_eq!(decode("MZXW6ytboi"), Some(*b"foobar"));
    }

    #[test]
    fn only_one_spelling_is_read() {
        assert_eq!(decode::<1>("my"), Some(*b"f"));
        for bad in ["mz", "m1", "m", "myy", "m=", "é"] {
            assert_eq!(decode::<1>(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(bytes: [u8; 28]) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }
}
