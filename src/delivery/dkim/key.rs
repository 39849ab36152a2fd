//! The private keys that sign mail, and the DNS records that let others verify it.

use std::{fmt, str::FromStr, sync::Arc};

use aws_lc_rs::{
    digest::Digest,
    encoding::{AsDer, PublicKeyX509Der},
    rsa::KeySize,
    signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};

use super::SignError;
use crate::secret::Secret;

/// Verifiers need not take longer RSA keys (RFC 8301, section 3.2).
const MAX_RSA_BITS: usize = 4096;

/// The most that one string of a TXT record holds, in octets (RFC 1035, section 3.3).
const TXT_STRING: usize = 255;

/// Characters of base64 in one line of a PEM file (RFC 7468, section 2).
const PEM_LINE: usize = 64;

/// What a key signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `rsa-sha256` (RFC 6376, section 3.3.1): what every verifier knows.
    Rsa,
    /// `ed25519-sha256` (RFC 8463).
    Ed25519,
}

impl Algorithm {
    /// As `k=` of a DNS record and the configuration name it.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Rsa => "rsa",
            Algorithm::Ed25519 => "ed25519",
        }
    }
}

/// A domain in A-labels or a selector, as `d=` and `s=` state them, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnsName(String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be labels of letters, digits and hyphens with dots between them, at most 253 characters"
)]
pub struct BadName;

impl DnsName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether one of the two domains is the other, or lies below it, and neither is a
    /// top-level domain.
    ///
    /// Then both belong to one organisation, as DMARC's relaxed alignment asks (RFC 9989).
    pub fn aligns_with(&self, domain: &str) -> bool {
        let domain = domain.to_ascii_lowercase();
        let (short, long) = match self.0.len() < domain.len() {
            true => (self.as_str(), domain.as_str()),
            false => (domain.as_str(), self.as_str()),
        };
        let rest = long.strip_suffix(short);
        short.contains('.') && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl FromStr for DnsName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        match text.len() <= 253 && text.split('.').all(is_label) {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err(BadName),
        }
    }
}

impl fmt::Display for DnsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A private key, and where its public half stands in DNS.
#[derive(Clone)]
pub struct Key {
    pub domain: DnsName,
    pub selector: DnsName,
    pair: Arc<Pair>,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    #[error("holds no private key in PEM form")]
    NoPem,
    #[error(
        "holds an RSA key of fewer than 2048 bits, which mailbox providers distrust (RFC 8301)"
    )]
    TooShort,
    #[error("holds an RSA key of more than 4096 bits, which verifiers need not take (RFC 8301)")]
    TooLong,
    #[error("holds neither an RSA key nor an Ed25519 key")]
    Unknown,
}

impl Key {
    /// Reads a key in PKCS#8, or an RSA key in PKCS#1.
    ///
    /// # Errors
    /// What is wrong with the text, which is never quoted.
    pub fn parse(domain: DnsName, selector: DnsName, pem: &Secret) -> Result<Self, BadKey> {
        let pair = match PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()) {
            Ok(PrivateKeyDer::Pkcs8(der)) => {
                match Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()) {
                    Ok(pair) => Pair::Ed25519(pair),
                    Err(_) => rsa(RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()))?,
                }
            }
            Ok(PrivateKeyDer::Pkcs1(der)) => rsa(RsaKeyPair::from_der(der.secret_pkcs1_der()))?,
            Ok(_) => return Err(BadKey::Unknown),
            Err(_) => return Err(BadKey::NoPem),
        };
        Ok(Key {
            domain,
            selector,
            pair: Arc::new(pair),
        })
    }

    pub fn algorithm(&self) -> Algorithm {
        match *self.pair {
            Pair::Rsa(_) => Algorithm::Rsa,
            Pair::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// Signs a SHA-256 digest; the same digest always gets the same signature.
    pub(super) fn sign(&self, digest: &Digest) -> Result<Vec<u8>, SignError> {
        match &*self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(&RSA_PKCS1_SHA256, digest, &mut signature)
                    .map_err(|_| SignError)?;
                Ok(signature)
            }
            Pair::Ed25519(pair) => {
                let signature = pair.try_sign(digest.as_ref()).map_err(|_| SignError)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }

    /// Where the record stands in DNS, as `news._domainkey.example.org`.
    pub fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// What the record says (RFC 6376, section 3.6.1; RFC 8463, section 4).
    pub fn record(&self) -> String {
        let algorithm = self.algorithm().name();
        format!(
            "v=DKIM1; k={algorithm}; p={}",
            BASE64_STANDARD.encode(self.public())
        )
    }

    fn public(&self) -> Vec<u8> {
        match &*self.pair {
            Pair::Rsa(pair) => {
                let der: Result<PublicKeyX509Der<'_>, _> = pair.public_key().as_der();
                // Of a key that is sound there is always one.
                der.map(|der| der.as_ref().to_vec()).unwrap_or_default()
            }
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Key({}, {}, hidden)",
            self.record_name(),
            self.algorithm().name()
        )
    }
}

fn rsa(read: Result<RsaKeyPair, aws_lc_rs::error::KeyRejected>) -> Result<Pair, BadKey> {
    match read {
        Ok(pair) if pair.public_modulus_len() * 8 > MAX_RSA_BITS => Err(BadKey::TooLong),
        Ok(pair) => Ok(Pair::Rsa(pair)),
        Err(err) => Err(match err.to_string().as_str() {
            "TooSmall" => BadKey::TooShort,
            "TooLarge" => BadKey::TooLong,
            _ => BadKey::Unknown,
        }),
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key can be made on this machine")]
pub struct NoKey;

/// Makes a fresh private key in PKCS#8 PEM; an RSA key has 2048 bits.
///
/// # Errors
/// If the machine gives no randomness.
pub fn generate(algorithm: Algorithm) -> Result<Secret, NoKey> {
    let der = match algorithm {
        Algorithm::Rsa => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| NoKey)?;
            let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().map_err(|_| NoKey)?;
            der.as_ref().to_vec()
        }
        Algorithm::Ed25519 => {
            let pair = Ed25519KeyPair::generate().map_err(|_| NoKey)?;
            pair.to_pkcs8v1().map_err(|_| NoKey)?.as_ref().to_vec()
        }
    };
    let text = BASE64_STANDARD.encode(der);
    let lines = pieces(&text, PEM_LINE).collect::<Vec<_>>().join("\n");
    Ok(Secret::new(format!(
        "-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n"
    )))
}

/// A record's text as the strings of a zone file, each in quotes and within its limit.
pub fn zone_strings(record: &str) -> String {
    let strings = pieces(record, TXT_STRING).map(|piece| format!("\"{piece}\""));
    strings.collect::<Vec<_>>().join(" ")
}

/// ASCII text in pieces of at most `size` octets.
pub(super) fn pieces(text: &str, size: usize) -> impl Iterator<Item = &str> {
    (0..text.len())
        .step_by(size)
        .map(move |at| &text[at..text.len().min(at + size)])
}

#[cfg(test)]
mod tests;
