//! The links that only their recipient can have: signed, bound to one purpose, kept nowhere.
//!
//! ```text
//! base64url( version 1 | key id 4 | purpose 1 | issued 8 | subscriber 8 | edition .. | mac 16 )
//! ```
//!
//! Everything that a link needs is in the link, so it works after its edition is gone, and for as
//! long as the key that signed it is kept (RFC 8058, section 6; CASL, section 11(2)).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    id::{EditionSlug, SubscriberId},
    secret::{self, Key},
};

const VERSION: u8 = 1;
/// Version, key id, purpose, issue time, subscriber.
const HEAD_BYTES: usize = 1 + KEY_ID_BYTES + 1 + 8 + 8;
const KEY_ID_BYTES: usize = 4;
/// 128 bits: what RFC 2104, section 5, allows of an HMAC-SHA-256, and no guesser reaches.
const MAC_BYTES: usize = 16;
/// Longer than any token that we mint; what is longer is not decoded.
const MAX_CHARS: usize = 512;

/// A confirmation link is good for this long. An unsubscribe link never runs out.
pub const CONFIRM_WITHIN: TimeDelta = TimeDelta::days(7);

/// What a token lets its bearer do, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenPurpose {
    Unsubscribe,
    Confirm,
}

impl TokenPurpose {
    fn code(self) -> u8 {
        match self {
            TokenPurpose::Unsubscribe => b'u',
            TokenPurpose::Confirm => b'c',
        }
    }

    fn domain(self) -> &'static str {
        match self {
            TokenPurpose::Unsubscribe => "token unsubscribe",
            TokenPurpose::Confirm => "token confirm",
        }
    }
}

/// The key that signs, and those that signed before: rotation keeps old links working.
#[derive(Clone, Debug)]
pub struct Keyring {
    pub current: Key,
    pub retired: Vec<Key>,
}

/// What a genuine token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub subscriber: SubscriberId,
    pub edition: EditionSlug,
    /// To the second.
    pub issued: DateTime<Utc>,
}

impl Claim {
    pub fn is_older_than(&self, age: TimeDelta, now: DateTime<Utc>) -> bool {
        now - self.issued > age
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Cut short or mistyped on its way; the whole link may still work.
    #[error("the link is incomplete")]
    Malformed,
    /// Made by somebody else, for another purpose, or with a key that is no longer kept.
    #[error("the link is not one of ours")]
    Forged,
}

/// Mints and reads tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The current key first.
    keys: Vec<(KeyId, Key)>,
}

/// Derived from the key itself, so that the two cannot be confused or renumbered.
type KeyId = [u8; KEY_ID_BYTES];

impl Tokens {
    pub fn new(keyring: Keyring) -> Self {
        let keys = [keyring.current].into_iter().chain(keyring.retired);
        Self {
            keys: keys.map(|key| (key_id(&key), key)).collect(),
        }
    }

    /// The same arguments give the same token until the keys are rotated.
    pub fn mint(
        &self,
        purpose: TokenPurpose,
        subscriber: SubscriberId,
        edition: &EditionSlug,
        now: DateTime<Utc>,
    ) -> String {
        let (id, key) = &self.keys[0];
        let edition = edition.as_str().as_bytes();
        let mut token = Vec::with_capacity(HEAD_BYTES + edition.len() + MAC_BYTES);
        token.push(VERSION);
        token.extend(id);
        token.push(purpose.code());
        token.extend(now.timestamp().to_be_bytes());
        token.extend(subscriber.0.to_be_bytes());
        token.extend(edition);
        token.extend(&mac(key, purpose, &token));
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Reads a token that was minted for `purpose`, however long ago.
    pub fn read(&self, purpose: TokenPurpose, text: &str) -> Result<Claim, TokenError> {
        if text.len() > MAX_CHARS {
            return Err(TokenError::Malformed);
        }
        let token = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| TokenError::Malformed)?;
        let (said, code) = token
            .split_last_chunk::<MAC_BYTES>()
            .filter(|(said, _)| said.len() > HEAD_BYTES && said[0] == VERSION)
            .ok_or(TokenError::Malformed)?;

        let signed_by = |(id, key): &(KeyId, Key)| {
            id == &said[1..=KEY_ID_BYTES] && secret::same(&mac(key, purpose, said), code)
        };
        if !self.keys.iter().any(signed_by) {
            return Err(TokenError::Forged);
        }
        claim(said).ok_or(TokenError::Malformed)
    }
}

fn key_id(key: &Key) -> KeyId {
    let [a, b, c, d, ..] = key.mac("token key id", &[]);
    [a, b, c, d]
}

fn mac(key: &Key, purpose: TokenPurpose, said: &[u8]) -> [u8; MAC_BYTES] {
    let mut code = [0; MAC_BYTES];
    code.copy_from_slice(&key.mac(purpose.domain(), &[said])[..MAC_BYTES]);
    code
}

fn claim(said: &[u8]) -> Option<Claim> {
    let (_, said) = said.split_at_checked(1 + KEY_ID_BYTES + 1)?;
    let (issued, said) = said.split_first_chunk()?;
    let (subscriber, edition) = said.split_first_chunk()?;
    Some(Claim {
        subscriber: SubscriberId(u64::from_be_bytes(*subscriber)),
        edition: EditionSlug::parse(str::from_utf8(edition).ok()?).ok()?,
        issued: DateTime::from_timestamp_secs(i64::from_be_bytes(*issued))?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(seed: u8) -> Key {
        Key::new(&[seed; Key::BYTES])
    }

    fn tokens(current: u8, retired: &[u8]) -> Tokens {
        Tokens::new(Keyring {
            current: key(current),
            retired: retired.iter().copied().map(key).collect(),
        })
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_secs(seconds).unwrap()
    }

    fn purpose() -> impl Strategy<Value = TokenPurpose> {
        prop_oneof![Just(TokenPurpose::Unsubscribe), Just(TokenPurpose::Confirm)]
    }

    proptest! {
        #[test]
        fn what_is_minted_is_read_back(
            purpose in purpose(),
            subscriber: u64,
            slug in "[a-zа-я0-9][-a-zа-я0-9_.]{0,63}",
            seconds in 0..4_000_000_000_i64,
        ) {
            let tokens = tokens(1, &[]);
            let edition = EditionSlug::parse(&slug).unwrap();

            let text = tokens.mint(purpose, SubscriberId(subscriber), &edition, at(seconds));

            let claim = Claim { subscriber: SubscriberId(subscriber), edition, issued: at(seconds) };
            prop_assert_eq!(tokens.read(purpose, &text), Ok(claim));
            prop_assert!(text.len() < MAX_CHARS);
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
        }

        #[test]
        fn nothing_but_what_was_minted_is_read(at_char: prop::sample::Index, to in "[-_a-zA-Z0-9]") {
            let tokens = tokens(1, &[2]);
            let text = minted(&tokens);

            let mut altered = text.clone();
            let i = at_char.index(text.len());
            altered.replace_range(i..=i, &to);

            prop_assume!(altered != text);
            prop_assert!(tokens.read(TokenPurpose::Unsubscribe, &altered).is_err());
            prop_assert!(tokens.read(TokenPurpose::Unsubscribe, &text[..i]).is_err());
        }

        #[test]
        fn any_text_is_refused_without_a_panic(text in ".{0,600}", bytes: Vec<u8>) {
            let tokens = tokens(1, &[]);
            prop_assert!(tokens.read(TokenPurpose::Confirm, &text).is_err());
            prop_assert!(tokens.read(TokenPurpose::Confirm, &URL_SAFE_NO_PAD.encode(bytes)).is_err());
        }
    }

    fn minted(tokens: &Tokens) -> String {
        let edition = EditionSlug::parse("world").unwrap();
        tokens.mint(TokenPurpose::Unsubscribe, SubscriberId(7), &edition, at(0))
    }

    #[test]
    fn a_token_is_worth_nothing_for_another_purpose() {
        let tokens = tokens(1, &[]);
        let text = minted(&tokens);

        assert_eq!(
            tokens.read(TokenPurpose::Confirm, &text),
            Err(TokenError::Forged)
        );

        let mut relabelled = URL_SAFE_NO_PAD.decode(text).unwrap();
        relabelled[1 + KEY_ID_BYTES] = TokenPurpose::Confirm.code();
        let relabelled = URL_SAFE_NO_PAD.encode(relabelled);

        for purpose in [TokenPurpose::Confirm, TokenPurpose::Unsubscribe] {
            assert_eq!(tokens.read(purpose, &relabelled), Err(TokenError::Forged));
        }
    }

    #[test]
    fn a_token_outlives_its_key_until_the_key_is_thrown_away() {
        let text = minted(&tokens(1, &[]));

        assert!(
            tokens(2, &[1])
                .read(TokenPurpose::Unsubscribe, &text)
                .is_ok()
        );
        assert_eq!(
            tokens(2, &[3]).read(TokenPurpose::Unsubscribe, &text),
            Err(TokenError::Forged)
        );
    }

    #[test]
    fn a_claim_knows_its_age() {
        let tokens = tokens(1, &[]);
        let claim = tokens
            .read(TokenPurpose::Unsubscribe, &minted(&tokens))
            .unwrap();

        assert!(!claim.is_older_than(CONFIRM_WITHIN, at(7 * 86_400)));
        assert!(claim.is_older_than(CONFIRM_WITHIN, at(7 * 86_400 + 1)));
    }
}
