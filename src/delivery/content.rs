//! What a message says, before it is made out to anybody.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Purpose;
use crate::{id::EditionSlug, subscribers::address::EmailAddress};

/// What a message says, rendered once, before the recipient's links.
///
/// Wherever a recipient's own link belongs, `html` and `text` hold [`Mark::text`] instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pub purpose: Purpose,
    /// The edition it speaks for.
    pub edition: EditionSlug,
    /// The edition's title: the phrase of List-Id, and the name in From.
    pub edition_title: String,
    pub sender: EmailAddress,
    /// One line; line breaks and control characters are dropped when the message is composed.
    pub subject: String,
    pub html: String,
    pub text: String,
    /// The page that shows it to anybody, without a token.
    pub archived_at: Option<String>,
    /// The `Date` of every message made from it, on the first try and on each retry.
    pub date: DateTime<Utc>,
}

/// A place in a content that each recipient's message fills with their own link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Unsubscribe,
    Confirm,
}

impl Mark {
    pub const ALL: [Mark; 2] = [Mark::Unsubscribe, Mark::Confirm];

    /// Private-use characters (Unicode, section 23.5), which ingest strips from everything it reads:
    /// no article can smuggle one in.
    pub fn text(self) -> &'static str {
        match self {
            Mark::Unsubscribe => "\u{F8FF}unsubscribe\u{F8FF}",
            Mark::Confirm => "\u{F8FF}confirm\u{F8FF}",
        }
    }
}
