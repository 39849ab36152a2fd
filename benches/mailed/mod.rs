//! A digest of a size to choose, and those who get it.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

pub(crate) mod outbox;
pub(crate) mod sink;

use chrono::{DateTime, Utc};
use courant::{
    delivery::{
        Claimed, Content, Delivery, Mark, Purpose, Recipient, Status,
        compose::{Links, verp::Verp},
        dkim::{
            Signer,
            key::{Algorithm, Key as SigningKey, generate},
        },
    },
    id::{ContentId, DeliveryId, EditionSlug, GroupName, SubscriberId},
    secret::Key,
    subscribers::{
        address::EmailAddress,
        token::{Keyring, Tokens},
    },
};

/// About how much of a message is its page; the rest is its text.
const PAGE_SHARE: f64 = 0.7;

/// What every article of a digest says.
pub(crate) struct Words {
    pub(crate) headline: &'static str,
    pub(crate) story: &'static str,
}

/// Travels as quoted-printable.
pub(crate) const LATIN: Words = Words {
    headline: "Ein Beispiel – a headline of usual length",
    story: "The first sentences say what happened, where, and to whom; those who want more follow the \
            link.",
};

/// A digest of some `octets` before it is encoded, with the links that every digest has.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a size that is only about right"
)]
pub(crate) fn digest(octets: usize, words: &Words) -> anyhow::Result<Content> {
    let Words { headline, story } = words;
    let article = format!("<h2>{headline}</h2>\n<p>{story}</p>\n");
    let line = format!("{headline}\n{story}\n\n");
    let leave = Mark::Unsubscribe.text();
    let page = (octets as f64 * PAGE_SHARE) as usize;
    let articles = article.repeat(page / article.len());
    let lines = line.repeat((octets - page) / line.len());
    Ok(Content {
        purpose: Purpose::Digest,
        edition: EditionSlug::parse("world")?,
        edition_title: "The World".to_owned(),
        sender: EmailAddress::parse("news@example.org")?,
        subject: "The World, 23 November".to_owned(),
        html: format!(
            "<html><body><a href=\"{leave}\">{leave}</a>{articles}\
             <p><a href=\"{leave}\">{leave}</a></p></body></html>"
        ),
        text: format!("{leave}\n\n{lines}Leave: {leave}\n"),
        archived_at: Some("https://news.example.org/e/world/3".to_owned()),
        date: DateTime::<Utc>::UNIX_EPOCH,
    })
}

fn keyring(seed: u8) -> Keyring {
    Keyring {
        current: Key::new(&[seed; Key::BYTES]),
        retired: Vec::new(),
    }
}

pub(crate) fn links() -> anyhow::Result<Links> {
    Ok(Links {
        base_url: "https://news.example.org/".parse()?,
        tokens: Tokens::new(keyring(7)),
        bounces: Some(Verp::new("bounces@example.org".parse()?, keyring(8))),
    })
}

pub(crate) fn claimed(n: u64) -> anyhow::Result<Claimed> {
    Ok(Claimed {
        delivery: Delivery {
            id: DeliveryId {
                content: ContentId(1),
                recipient: SubscriberId(n),
            },
            purpose: Purpose::Digest,
            edition: EditionSlug::parse("world")?,
            to: Recipient::Subscriber(SubscriberId(n)),
            status: Status::Leased {
                until: DateTime::UNIX_EPOCH,
            },
            attempts: 0,
            group: GroupName::other(),
            via: None,
            earlier: Vec::new(),
        },
        address: EmailAddress::parse(&format!("reader{n}@example.net"))?,
        name: Some(format!("Reader {n}")),
    })
}

pub(crate) fn signer(algorithm: Algorithm) -> anyhow::Result<Signer> {
    let (domain, selector) = ("example.org".parse()?, "bench".parse()?);
    let key = SigningKey::parse(domain, selector, &generate(algorithm)?)?;
    Ok(Signer::new(&[key]))
}
