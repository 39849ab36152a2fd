//! One mailbox, parsed once.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An address as given, fit to mail: one mailbox, no quoting, no route, no line breaks.
///
/// The local part is kept as written. Two addresses are the same when [`EmailAddress::canonical`] is.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    #[error("an address is empty")]
    Empty,
    #[error("`{0}` is not an address")]
    Malformed(String),
    #[error("an address is longer than 254 octets (RFC 5321, section 4.5.3.1)")]
    TooLong,
}

/// RFC 5321, section 4.5.3.1.3, less the angle brackets.
const MAX_OCTETS: usize = 254;

impl EmailAddress {
    /// Accepts what RFC 5321 calls a mailbox, less the forms that only attackers and typing errors
    /// use: quoted local parts, address literals, hosts without a dot, a leading `-`.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadAddress::Empty);
        }
        if text.len() > MAX_OCTETS {
            return Err(BadAddress::TooLong);
        }
        let malformed =
            || BadAddress::Malformed(text.chars().take(80).filter(|c| !c.is_control()).collect());
        let (local, domain) = text.rsplit_once('@').ok_or_else(malformed)?;
        let host = url::Host::parse(domain).map_err(|_| malformed())?;
        let url::Host::Domain(host) = host else {
            return Err(malformed());
        };
        if !is_local(local) || !is_domain(&host) {
            return Err(malformed());
        }
        Ok(Self(format!("{local}@{host}")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In A-labels.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// What two spellings of one mailbox share: lower case throughout.
    ///
    /// RFC 5321 lets a host tell `A@x` from `a@x`. None does, and a person who opts out as one
    /// must not be mailed as the other.
    pub fn canonical(&self) -> String {
        self.0.to_lowercase()
    }

    /// What follows the last `+` of the local part; by custom the same mailbox takes it, whatever it
    /// says (RFC 5233).
    pub fn detail(&self) -> Option<&str> {
        let (local, _) = self.0.rsplit_once('@')?;
        local.rsplit_once('+').map(|(_, detail)| detail)
    }

    /// The address with a `+` and `detail` after its local part; None if that is no address, or too
    /// long.
    pub fn with_detail(&self, detail: &str) -> Option<Self> {
        let (local, domain) = self.0.rsplit_once('@')?;
        let local = format!("{local}+{detail}");
        let address = format!("{local}@{domain}");
        (is_local(&local) && address.len() <= MAX_OCTETS).then_some(Self(address))
    }

    /// Enough for the owner to recognise it, and for nobody else to learn it: `a…@example.org`.
    pub fn masked(&self) -> String {
        let first = self.0.chars().next().unwrap_or('?');
        format!("{first}…@{}", self.domain())
    }
}

/// RFC 5322 dot-atom, with the characters of RFC 6531 (section 3.3).
fn is_local(text: &str) -> bool {
    let is_atext = |c: char| {
        c.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~.".contains(c)
            || (!c.is_ascii() && c.is_alphanumeric())
    };
    (1..=64).contains(&text.len())
        && text.chars().all(is_atext)
        && !text.starts_with(['.', '-'])
        && !text.ends_with('.')
        && !text.contains("..")
}

fn is_domain(host: &str) -> bool {
    host.contains('.')
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailAddress({})", self.masked())
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = BadAddress;

    fn try_from(text: String) -> Result<Self, BadAddress> {
        Self::parse(&text)
    }
}

impl FromStr for EmailAddress {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        Self::parse(text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> String {
        address.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(
            EmailAddress::parse(text)
                .ok()
                .as_ref()
                .map(EmailAddress::as_str),
            expected,
            "{text}"
        );
    }

    #[test]
    fn one_plain_mailbox_is_accepted_and_nothing_else() {
        check("Ann.Lee+news@Example.org", Some("Ann.Lee+news@example.org"));
        check("  ann@example.org \n", Some("ann@example.org"));
        check("ann@bücher.example", Some("ann@xn--bcher-kva.example"));
        for bad in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "ann@localhost",
            "ann@[127.0.0.1]",
            "ann@127.0.0.1",
            "\"a b\"@example.org",
            "a@b@example.org",
            "a@example.org,b@example.org",
            "ann@example.org\r\nBcc: x@example.org",
            "-oQ/tmp@example.org",
            ".ann@example.org",
            "ann..lee@example.org",
            "ann @example.org",
            "ann@-example.org",
            "<ann@example.org>",
        ] {
            check(bad, None);
        }
        check(&format!("{}@example.org", "a".repeat(65)), None);
    }

    #[test]
    fn a_detail_goes_on_and_comes_off_within_the_limits() {
        let ann = EmailAddress::parse("ann@example.org").unwrap();
        let tagged = ann.with_detail("News7").unwrap();

        assert_eq!(tagged.as_str(), "ann+News7@example.org");
        assert_eq!((ann.detail(), tagged.detail()), (None, Some("News7")));
        assert_eq!(tagged.with_detail("b").unwrap().detail(), Some("b"));

        let room = 64 - "ann+".len();
        assert!(ann.with_detail(&"a".repeat(room)).is_some());
        for bad in ["a b", "a@b", "a.", "\r\nx", &"a".repeat(room + 1)] {
            assert_eq!(ann.with_detail(bad), None, "{bad:?}");
        }
        let far = format!("a@{}.example", vec!["a".repeat(60); 4].join("."));
        let far = EmailAddress::parse(&far).unwrap();
        assert!(far.with_detail("").is_some() && far.with_detail("12").is_none());
    }

    #[test]
    fn spellings_of_one_mailbox_are_one() {
        let a = EmailAddress::parse("Ann@Example.ORG").unwrap();
        let b = EmailAddress::parse("ann@example.org").unwrap();

        assert_eq!(a.canonical(), b.canonical());
        assert_eq!(a.masked(), "A…@example.org");
        assert!(!format!("{a:?}").contains("Ann"));
    }
}
