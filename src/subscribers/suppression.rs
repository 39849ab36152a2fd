//! A standing order never to mail an address, kept as a keyed hash.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{secret::Key, subscribers::address::EmailAddress};

/// A standing order never to mail an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    pub by: SuppressedBy,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SuppressedBy {
    /// The person, who can come back by double opt-in.
    Person,
    /// The operator, whose order stands whatever a form says.
    Operator,
    /// A relay that knows no such mailbox. Double opt-in proves it wrong.
    Bounce,
}

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
