//! Who may push articles: a source is named by the token that its pusher shows.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use ring::digest::{SHA256, digest};

use super::{Origin, Poll, Source};
use crate::secret::same;

/// The SHA-256 of a token; the token itself is not kept.
#[derive(Clone, PartialEq, Eq)]
pub struct PushToken([u8; 32]);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    #[error(
        "must have at least {} characters, as `openssl rand -hex 16` prints",
        PushToken::SHORTEST
    )]
    Short,
    #[error("must be letters, digits and signs without spaces: it stands in a header")]
    Unsendable,
}

impl PushToken {
    /// Characters; of random ones, enough that nobody guesses them.
    pub const SHORTEST: usize = 16;

    fn hash(text: &str) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        hash
    }
}

impl FromStr for PushToken {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<Self, BadToken> {
        if text.chars().count() < Self::SHORTEST {
            return Err(BadToken::Short);
        }
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err(BadToken::Unsendable);
        }
        Ok(Self(Self::hash(text)))
    }
}

impl std::fmt::Debug for PushToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PushToken(hidden)")
    }
}

/// The source that `token` may push to. Every source is compared, in a time that tells nothing.
pub fn pusher<'a>(sources: &'a [Source], token: &str) -> Option<&'a Source> {
    let shown = PushToken::hash(token);
    sources
        .iter()
        .fold(None, |found, source| match &source.origin {
            Origin::Push(PushToken(hash)) if same(hash, &shown) => Some(source),
            _ => found,
        })
}

impl Poll {
    /// Entries were pushed, `new` of them never seen before; `dates` are those that they bear.
    pub fn pushed(&self, dates: &[Option<DateTime<Utc>>], new: u64, now: DateTime<Utc>) -> Self {
        let stated = dates.iter().flatten().copied();
        Poll {
            last: now,
            result: match dates.len() {
                1 => "was given 1 entry".to_owned(),
                n => format!("was given {n} entries"),
            },
            entries: Some(self.entries.unwrap_or(0) + new),
            newest: stated.filter(|date| *date <= now).chain(self.newest).max(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_and_can_stand_in_a_header() {
        #[track_caller]
        fn check(text: &str, expected: Option<BadToken>) {
            assert_eq!(text.parse::<PushToken>().err(), expected, "{text}");
        }

        check("", Some(BadToken::Short));
        check("123456789012345", Some(BadToken::Short));
        check("1234567890123456", None);
        check("12345678 0123456", Some(BadToken::Unsendable));
        check("1234567890123456\n", Some(BadToken::Unsendable));
        check("ünfzehnzeichenlang", Some(BadToken::Unsendable));
    }

    #[test]
    fn a_token_is_never_printed() {
        let token: PushToken = "1234567890123456".parse().unwrap();

        assert_eq!(
            format!("{:?}", Origin::Push(token)),
            "Push(PushToken(hidden))"
        );
    }
}
