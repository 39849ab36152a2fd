//! A standing order never to mail an address, kept as a keyed hash.

use crate::{secret::Key, subscribers::address::EmailAddress};

/// What is kept of a suppressed address: HMAC-SHA-256 of its canonical form.
///
/// It outlives the address itself, so an erased person who comes back in an import stays
/// unmailed, and without the key nobody can test a list of addresses against the store.
pub fn hash(pepper: &Key, address: &EmailAddress) -> [u8; 32] {
    pepper.mac("suppression", &[address.canonical().as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(pepper: u8, address: &str) -> [u8; 32] {
        hash(
            &Key::new(&[pepper; Key::BYTES]),
            &EmailAddress::parse(address).unwrap(),
        )
    }

    #[test]
    fn spellings_of_one_mailbox_share_a_hash() {
        assert_eq!(
            hashed(1, "Ann@Example.ORG"),
            hashed(1, "  ann@example.org ")
        );
        assert_ne!(hashed(1, "ann@example.org"), hashed(1, "ann+a@example.org"));
    }

    #[test]
    fn another_pepper_gives_another_hash() {
        assert_ne!(hashed(1, "ann@example.org"), hashed(2, "ann@example.org"));
    }
}
