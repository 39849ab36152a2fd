//! Values that must not be seen: passwords, and the keys that sign tokens and hide addresses.

use std::fmt;

use ring::hmac;

/// Text that never reaches a log, an error or a debug print.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: String) -> Self {
        Self(text)
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// A 256-bit key for HMAC-SHA-256 (RFC 2104).
#[derive(Clone)]
pub struct Key(hmac::Key);

impl Key {
    pub const BYTES: usize = 32;

    pub fn new(bytes: &[u8; Self::BYTES]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// Authenticates `fields` for one `purpose`.
    ///
    /// Every field is length-prefixed, so no two lists of fields give the same input, and a code
    /// made for one purpose is worthless for another.
    pub fn mac(&self, purpose: &str, fields: &[&[u8]]) -> [u8; 32] {
        let mut cx = hmac::Context::with_key(&self.0);
        for field in [purpose.as_bytes()].iter().chain(fields) {
            cx.update(&(field.len() as u64).to_be_bytes());
            cx.update(field);
        }
        let mut code = [0; 32];
        code.copy_from_slice(cx.sign().as_ref());
        code
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(hidden)")
    }
}

/// Compares in a time that does not depend on where the two differ.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
}
