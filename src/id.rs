//! Typed identifiers: numbers the store hands out, and names the operator chose.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name)
            }
        }
    )+};
}

numbers! {
    /// An article of the library; kept for ever.
    ArticleId,
    /// A person who receives, or once received, mail.
    SubscriberId,
    /// What one digest or notice says.
    ContentId,
}

/// One message for one recipient: what it says, and to whom. So nobody can have two of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId {
    pub content: ContentId,
    /// Zero where it goes to an address that need not be a subscriber's.
    pub recipient: SubscriberId,
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.content, self.recipient)
    }
}

/// A text that does not name a delivery.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no delivery: one is written `12-345`, as `outbox list` shows it")]
pub struct BadDeliveryId(String);

impl FromStr for DeliveryId {
    type Err = BadDeliveryId;

    fn from_str(text: &str) -> Result<Self, BadDeliveryId> {
        let parts = text.split_once('-');
        let read = parts.and_then(|(content, recipient)| {
            Some(DeliveryId {
                content: content.parse().ok()?,
                recipient: recipient.parse().ok()?,
            })
        });
        read.ok_or_else(|| BadDeliveryId(text.to_owned()))
    }
}

impl Serialize for DeliveryId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeliveryId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A name that is not a lower-case word fit for a path.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a name: use 1 to 64 letters, digits, `-`, `_` or `.`, starting with a letter or digit"
)]
pub struct BadName(String);

fn is_name(text: &str) -> bool {
    text.starts_with(char::is_alphanumeric)
        && text.chars().count() <= 64
        && text
            .chars()
            .all(|c| (c.is_alphanumeric() && !c.is_uppercase()) || "-_.".contains(c))
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Accepts a lower-case name that can stand in a path.
            pub fn parse(text: &str) -> Result<Self, BadName> {
                if is_name(text) { Ok(Self(text.to_owned())) } else { Err(BadName(text.to_owned())) }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                Self::parse(&text)
            }
        }

        impl FromStr for $name {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    )+};
}

names! {
    /// The operator's name of a source.
    SourceName,
    /// The operator's name of an edition, as it stands in addresses.
    EditionSlug,
    /// The name of one of an edition's digests: `daily`, `weekly`.
    DigestName,
    /// A label of articles.
    TopicSlug,
    /// The operator's name of a relay.
    RelayName,
    /// A group of receiving domains with one operator behind them: `gmail`, `other`.
    GroupName,
}

impl GroupName {
    /// Every domain that belongs to no other group.
    pub fn other() -> Self {
        Self("other".to_owned())
    }
}
