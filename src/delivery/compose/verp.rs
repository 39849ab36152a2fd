//! Return paths that say which delivery came back, so that no bounce is guessed from its text.
//!
//! ```text
//! bounces+ base32( content 8 | recipient 8 | mac 12 ) @example.org
//! ```
//!
//! Servers may write a local part in another case, so its alphabet has one case only. A return path
//! depends on the delivery alone: a retry has the same.

mod base32;

use std::str::FromStr;

use crate::{
    id::{ContentId, DeliveryId, SubscriberId},
    secret::{self, Key},
    subscribers::{
        address::{BadAddress, EmailAddress},
        token::Keyring,
    },
};

/// 96 bits: each guess costs a guesser a mail.
const MAC_BYTES: usize = 12;
const SAID_BYTES: usize = 8 + 8;
const TOKEN_BYTES: usize = SAID_BYTES + MAC_BYTES;
/// Leaves 18 of the 64 octets of a local part (RFC 5321, section 4.5.3.1.1), and a `+`.
const TOKEN_CHARS: usize = base32::chars(TOKEN_BYTES);

/// A mailbox that takes bounces: what stands after a `+` in its local part, it disregards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BounceAddress(EmailAddress);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBounceAddress {
    #[error(transparent)]
    Address(#[from] BadAddress),
    #[error("must be in ASCII, as not every server takes more")]
    Foreign,
    #[error("must have at most 18 characters before the `@`: a `+` and a token of 45 follow them")]
    TooLong,
}

impl FromStr for BounceAddress {
    type Err = BadBounceAddress;

    fn from_str(text: &str) -> Result<Self, BadBounceAddress> {
        let address = EmailAddress::parse(text)?;
        if !address.as_str().is_ascii() {
            return Err(BadBounceAddress::Foreign);
        }
        match address.with_detail(&"a".repeat(TOKEN_CHARS)) {
            Some(_) => Ok(Self(address)),
            None => Err(BadBounceAddress::TooLong),
        }
    }
}

impl BounceAddress {
    pub fn as_address(&self) -> &EmailAddress {
        &self.0
    }
}

/// Mints return paths (variable envelope return paths, VERP) and reads them when mail comes back.
#[derive(Clone, Debug)]
pub struct Verp {
    address: BounceAddress,
    keys: Keyring,
}

impl Verp {
    /// The current key signs; the retired ones still verify.
    pub fn new(address: BounceAddress, keys: Keyring) -> Self {
        Self { address, keys }
    }

    /// The same delivery has the same return path until the keys are rotated.
    pub fn mint(&self, id: DeliveryId) -> EmailAddress {
        let mut token = [0; TOKEN_BYTES];
        let (said, code) = token.split_at_mut(SAID_BYTES);
        let (content, recipient) = said.split_at_mut(8);
        content.copy_from_slice(&id.content.0.to_be_bytes());
        recipient.copy_from_slice(&id.recipient.0.to_be_bytes());
        code.copy_from_slice(&mac(&self.keys.current, said));
        let address = &self.address.0;
        // There is room for every token: `BounceAddress` sees to it.
        address
            .with_detail(&base32::encode(&token))
            .unwrap_or_else(|| address.clone())
    }

    /// What a return path of ours stands for, in whatever case it came back; None if it is not one.
    ///
    /// Only the token counts: mail that was sent before the mailbox was moved still bounces.
    pub fn read(&self, address: &EmailAddress) -> Option<DeliveryId> {
        let token: [u8; TOKEN_BYTES] = base32::decode(address.detail()?)?;
        let (said, code) = token.split_first_chunk::<SAID_BYTES>()?;
        let keys = [&self.keys.current].into_iter().chain(&self.keys.retired);
        let signs = |key: &Key| secret::same(&mac(key, said), code);
        if !keys.into_iter().any(signs) {
            return None;
        }
        let (content, recipient) = said.split_first_chunk()?;
        Some(DeliveryId {
            content: ContentId(u64::from_be_bytes(*content)),
            recipient: SubscriberId(u64::from_be_bytes(recipient.try_into().ok()?)),
        })
    }
}

fn mac(key: &Key, said: &[u8]) -> [u8; MAC_BYTES] {
    let mut code = [0; MAC_BYTES];
    code.copy_from_slice(&key.mac("return path", &[said])[..MAC_BYTES]);
    code
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn verp(current: u8, retired: &[u8]) -> Verp {
        let key = |seed: u8| Key::new(&[seed; Key::BYTES]);
        let keys = Keyring {
            current: key(current),
            retired: retired.iter().copied().map(key).collect(),
        };
        Verp::new("bounces@example.org".parse().unwrap(), keys)
    }

    fn origin(content: u64, recipient: u64) -> DeliveryId {
        DeliveryId {
            content: ContentId(content),
            recipient: SubscriberId(recipient),
        }
    }

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_minted_is_read_back_in_any_case(
            content: u64, recipient: u64, cases in prop::collection::vec(any::<bool>(), 64),
        ) {
            let verp = verp(1, &[]);

            let minted = verp.mint(origin(content, recipient));

            prop_assert_eq!(verp.read(&minted), Some(origin(content, recipient)));
            let either = |(c, upper): (char, bool)| if upper { c.to_ascii_uppercase() } else { c };
            let upper = cases.into_iter().chain(std::iter::repeat(true));
            let folded: String = minted.as_str().chars().zip(upper).map(either).collect();
            prop_assert_eq!(verp.read(&address(&folded)), Some(origin(content, recipient)));
        }

        #[test]
        fn nothing_but_what_was_minted_is_read(at: prop::sample::Index, to in "[a-z0-9]") {
            let verp = verp(1, &[2]);
            let minted = verp.mint(origin(3, 5));

            let (before, rest) = minted.as_str().split_once('+').unwrap();
            let (token, domain) = rest.split_once('@').unwrap();
            let mut altered = token.to_owned();
            let at = at.index(token.len());
            altered.replace_range(at..=at, &to);

            prop_assume!(altered != token);
            let altered = address(&format!("{before}+{altered}@{domain}"));
            prop_assert_eq!(verp.read(&altered), None);
        }
    }

    #[test]
    fn a_return_path_keeps_to_the_limits_of_smtp_and_to_one_case() {
        let longest = "a".repeat(18) + "@example.org";
        let keys = verp(1, &[]).keys;
        let verp = Verp::new(longest.parse().unwrap(), keys);
        for origin in [origin(0, 0), origin(7, 9), origin(u64::MAX, u64::MAX)] {
            let minted = verp.mint(origin);
            let (local, domain) = minted.as_str().split_once('@').unwrap();
            let token = local.strip_prefix(&format!("{}+", "a".repeat(18))).unwrap();
            assert_eq!((local.len(), domain), (64, "example.org"));
            assert!(
                token
                    .bytes()
                    .all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'))
            );
            assert_eq!(minted, verp.mint(origin));
        }
    }

    #[test]
    fn what_is_cut_short_or_made_up_is_not_read() {
        let verp = verp(1, &[]);
        let minted = verp.mint(origin(3, 5));
        let (local, domain) = minted.as_str().split_once('@').unwrap();
        let (mailbox, token) = local.split_once('+').unwrap();
        for cut in 0..token.len() {
            let cut = address(&format!("{mailbox}+x{}@{domain}", &token[..cut]));
            assert_eq!(verp.read(&cut), None, "{cut:?}");
        }
        for made_up in [
            "bounces@example.org".to_owned(),
            format!("bounces+{}@example.org", "a".repeat(TOKEN_CHARS)),
            format!("{token}@example.org"),
            format!("{mailbox}+{token}a@example.org"),
            format!("{mailbox}+{}é@example.org", &token[2..]),
        ] {
            assert_eq!(verp.read(&address(&made_up)), None, "{made_up}");
        }
    }

    #[test]
    fn a_return_path_outlives_its_key_and_its_mailbox() {
        let minted = verp(1, &[]).mint(origin(3, 5));

        assert_eq!(verp(2, &[1]).read(&minted), Some(origin(3, 5)));
        assert_eq!(verp(2, &[3]).read(&minted), None);

        let moved = minted
            .as_str()
            .replace("bounces+", "returned+old+")
            .replace("org", "net");
        assert_eq!(verp(1, &[]).read(&address(&moved)), Some(origin(3, 5)));
    }

    #[test]
    fn a_mailbox_without_room_for_a_token_is_refused() {
        let check = |text: &str, why| assert_eq!(text.parse::<BounceAddress>().unwrap_err(), why);
        check(
            &("a".repeat(19) + "@example.org"),
            BadBounceAddress::TooLong,
        );
        let far = format!("b@{}.example.org", vec!["a".repeat(49); 4].join("."));
        check(&far, BadBounceAddress::TooLong);
        check("élan@example.org", BadBounceAddress::Foreign);
        check("", BadBounceAddress::Address(BadAddress::Empty));
    }
}
