//! What it costs to compose a message, stage by stage, in processor time of one core.
//!
//! ```text
//! cargo bench --bench compose -- [MESSAGES [OCTETS]]
//! ```
//!
//! A message of 27 KB is asked to cost at most 400 µs signed with RSA, and 120 with Ed25519.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::hint::black_box;

use anyhow::Context;
use aws_lc_rs::{
    digest::{SHA256, digest as sha256},
    rsa::KeySize,
    signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use courant::{
    delivery::{
        Claimed,
        compose::{
            Links, Prepared,
            verp::{Origin, Verp},
        },
        dkim::{Signer, key::Algorithm},
    },
    id::{ContentId, EditionSlug, SubscriberId},
};
use mailed::{LATIN, Words, claimed, digest, links, signer};

mod mailed;
mod usage;

const MESSAGES: u64 = 20_000;
const OCTETS: usize = 27_000;

const CYRILLIC: Words = Words {
    headline: "Пример – заголовок обычной длины, и не более",
    story: "Первые предложения говорят, что произошло, где и с кем; кто хочет узнать больше, идёт по \
            ссылке.",
};

/// Microseconds of what no signature can do without.
struct Parts {
    rsa: f64,
    ed25519: f64,
}

fn main() -> anyhow::Result<()> {
    let mut asked = std::env::args().filter_map(|arg| arg.parse().ok());
    let messages = asked.next().unwrap_or(MESSAGES);
    let octets = asked.next().map_or(Ok(OCTETS), usize::try_from)?;
    let recipients: Vec<_> = (0..messages).map(claimed).collect::<anyhow::Result<_>>()?;
    let links = links()?;

    let parts = parts(&recipients, &links)?;
    // Base64 has four characters for three octets, quoted-printable hardly more than there are.
    for (name, words, octets) in [
        ("quoted-printable", &LATIN, octets * 94 / 100),
        ("base64", &CYRILLIC, octets * 69 / 100),
    ] {
        let prepared = Prepared::new(ContentId(1), &digest(octets, words)?);
        println!("{name}");
        stages(&prepared, &recipients, &links, &parts)?;
    }
    println!("{} KiB resident at most", usage::peak_kib()?);
    Ok(())
}

fn parts(recipients: &[Claimed], links: &Links) -> anyhow::Result<Parts> {
    let edition = EditionSlug::parse("world")?;
    let at = chrono::DateTime::UNIX_EPOCH;
    let verp: &Verp = links.bounces.as_ref().context("no return paths")?;
    let origin = |n| Origin {
        content: ContentId(1),
        subscriber: SubscriberId(n),
    };
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let ed25519 = Ed25519KeyPair::generate()?;
    let hash = sha256(&SHA256, b"a message");
    let mut signature = vec![0; rsa.public_modulus_len()];

    println!("parts");
    cost("a link", recipients, |n, _| {
        black_box(links.unsubscribe(SubscriberId(n), &edition, at));
        Ok(())
    })?;
    cost("a return path", recipients, |n, _| {
        black_box(verp.mint(origin(n)));
        Ok(())
    })?;
    let rsa = cost("RSA-2048 alone", recipients, |_, _| {
        Ok(rsa.sign_digest(&RSA_PKCS1_SHA256, &hash, &mut signature)?)
    })?;
    let ed25519 = cost("Ed25519 alone", recipients, |_, _| {
        black_box(ed25519.try_sign(hash.as_ref())?);
        Ok(())
    })?;
    Ok(Parts { rsa, ed25519 })
}

fn stages(
    prepared: &Prepared,
    recipients: &[Claimed],
    links: &Links,
    parts: &Parts,
) -> anyhow::Result<()> {
    let compose = |name: &str, signer: &Signer| {
        cost(name, recipients, |_, to| {
            black_box(prepared.message(links, signer, to)?);
            Ok(())
        })
    };
    let unsigned = Signer::default();
    let message = prepared.message(links, &unsigned, &recipients[0])?;
    println!("  {} octets unsigned", message.bytes.len());
    let filled = compose("fill in, MIME", &unsigned)?;
    let (rsa, ed25519) = (signer(Algorithm::Rsa)?, signer(Algorithm::Ed25519)?);
    for (name, signer, alone) in [
        ("with RSA", &rsa, parts.rsa),
        ("with Ed25519", &ed25519, parts.ed25519),
    ] {
        let whole = compose(name, signer)?;
        println!(
            "  {:<18} {:>7.1} µs",
            "  of it hashing",
            whole - filled - alone
        );
    }
    compose(
        "with both",
        &Signer::new(&[rsa.keys(), ed25519.keys()].concat()),
    )?;
    Ok(())
}

/// Prints and returns the microseconds that `work` takes for each recipient.
fn cost(
    name: &str,
    recipients: &[Claimed],
    mut work: impl FnMut(u64, &Claimed) -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let mut all =
        |recipients: &[Claimed]| (0..).zip(recipients).try_for_each(|(n, to)| work(n, to));
    all(&recipients[..recipients.len() / 10])?;
    let before = usage::processor("self", 2);
    all(recipients)?;
    let each = (usage::processor("self", 2) - before) * 1e6 / recipients.len() as f64;
    println!("  {name:<18} {each:>7.1} µs");
    Ok(each)
}
