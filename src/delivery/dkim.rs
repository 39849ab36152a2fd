//! Signs messages with DKIM (RFC 6376), so that those who get them know whose they are.
//!
//! A signature depends on the key and the message alone: a retry has the same bytes.

mod canonical;
pub mod key;

use aws_lc_rs::digest::{Context, Digest, SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};

use canonical::{fields, relaxed_body, split, write_fields};
use key::{Algorithm, Key, pieces};

/// What is signed, and nobody may add to: each is listed once more than it stands.
const SEALED: [&str; 10] = [
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Reply-To",
    "Message-ID",
    "Content-Type",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];

/// What is signed where it stands.
const COVERED: [&str; 5] = [
    "MIME-Version",
    "Content-Transfer-Encoding",
    "List-Id",
    "Feedback-ID",
    "CFBL-Address",
];

/// Columns of a line in the field that we write.
const LINE: usize = 76;

/// Signs with one key for each domain and algorithm. Without keys it signs nothing.
#[derive(Clone, Debug, Default)]
pub struct Signer(Vec<Key>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message could not be signed")]
pub struct SignError;

impl Signer {
    /// Of several keys of one domain and algorithm, the first one signs; the others stand by, so
    /// that a selector can be changed without haste.
    pub fn new(keys: &[Key]) -> Self {
        let mut signing: Vec<Key> = Vec::new();
        for key in keys {
            let is_alike =
                |other: &Key| (&other.domain, other.algorithm()) == (&key.domain, key.algorithm());
            if !signing.iter().any(is_alike) {
                signing.push(key.clone());
            }
        }
        Self(signing)
    }

    pub fn keys(&self) -> &[Key] {
        &self.0
    }

    /// Puts a field `DKIM-Signature` for each key on top of a whole message; `date` is when it was
    /// made.
    ///
    /// # Errors
    /// Only if the machine fails; `message` is as it was.
    pub fn sign(&self, message: &mut Vec<u8>, date: DateTime<Utc>) -> Result<(), SignError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (head, body) = split(message);
        let fields = fields(head);
        let names = signed_names(&fields);
        let mut signed = Vec::with_capacity(head.len());
        write_fields(&fields, &names, &mut signed);
        let body = body_hash(body);

        let mut signatures = Vec::new();
        for key in &self.0 {
            let field = unsigned_field(key, date, &names, &body);
            let signature = key.sign(&digest_of(&signed, &field))?;
            signatures.extend(field.as_bytes());
            for line in pieces(&BASE64_STANDARD.encode(signature), LINE - 3) {
                signatures.extend(line.as_bytes());
                signatures.extend(b"\r\n ");
            }
            signatures.pop();
        }
        message.splice(0..0, signatures);
        Ok(())
    }
}

/// `h=`: every field that matters, sealed ones once more than they stand (RFC 6376, section 8.15).
fn signed_names(fields: &[canonical::Field<'_>]) -> Vec<&'static str> {
    let count = |name: &str| fields.iter().filter(|field| field.is(name)).count();
    let sealed = SEALED.iter().map(|name| (*name, count(name) + 1));
    let covered = COVERED.iter().map(|name| (*name, count(name)));
    sealed
        .chain(covered)
        .flat_map(|(name, times)| std::iter::repeat_n(name, times))
        .collect()
}

fn body_hash(body: &[u8]) -> String {
    let mut cx = Context::new(&SHA256);
    relaxed_body(body, |piece| cx.update(piece));
    BASE64_STANDARD.encode(cx.finish())
}

/// The field up to where its signature goes, after `b=`.
fn unsigned_field(key: &Key, date: DateTime<Utc>, names: &[&str], body: &str) -> String {
    let algorithm = match key.algorithm() {
        Algorithm::Rsa => "rsa-sha256",
        Algorithm::Ed25519 => "ed25519-sha256",
    };
    let mut field = format!(
        "DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed;\r\n d={};\r\n s={}; t={};\r\n h=",
        key.domain,
        key.selector,
        date.timestamp(),
    );
    let mut column = " h=".len();
    for (n, name) in names.iter().enumerate() {
        let end = if n + 1 < names.len() { ":" } else { ";" };
        if column + name.len() + end.len() > LINE {
            field.push_str("\r\n  ");
            column = 2;
        }
        field.extend([*name, end]);
        column += name.len() + end.len();
    }
    field + &format!("\r\n bh={body};\r\n b=")
}

/// What is signed: the fields that the signature covers, and its own without a signature and
/// without the end of its line (RFC 6376, section 3.7).
fn digest_of(signed: &[u8], field: &str) -> Digest {
    let mut input = signed.to_vec();
    if let Some(field) = canonical::Field::parse(field.as_bytes()) {
        field.write_relaxed(&mut input);
    }
    digest(&SHA256, &input)
}

#[cfg(test)]
mod tests;
