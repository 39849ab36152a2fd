//! Have we seen this? A pure judgment of entries against what the store knows.
//!
//! One document is judged in two steps, because the text of an entry costs a sanitizer run that
//! most entries, being known, never need:
//!
//! ```text
//! candidates = judge::candidates(source, entries)
//! known      = store.known(judge::asked(candidates))
//! sifted     = judge::by_identity(source, candidates, known)      guid and link
//!              the caller makes texts of sifted.open: candidate.with_text(text)
//! known      = store.known(judge::asked_of_texts(open))
//! judged     = judge::by_text(source, open, known)                one for each, in their order
//! first      = store.reserve(number of new ones)
//!              judgment.trace(source, first) names the article of each; recorded in this
//!              order, since a reprint may follow its article in one document
//! mail       = flood::mail(poll, mail_first, dates of the new ones)
//! ```

pub mod fingerprint;
pub mod flood;
pub mod judge;
pub mod link;
pub mod shingle;
mod postings;
pub mod reprint;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::id::{ArticleId, SourceName};
use fingerprint::Fingerprint;

/// What the store holds under a fingerprint: who left it there, and for which article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    pub article: ArticleId,
    pub source: SourceName,
    /// The entry that left it is the one that readers see; else it was folded into the article.
    pub represents: bool,
    /// Of that entry, as stated: an equal one means that nothing changed.
    pub revision: Fingerprint,
    /// Of the link and the title that the entry bore: a guid that comes back with another link and
    /// another title was given to another article.
    pub link: Option<Fingerprint>,
    pub title: Fingerprint,
}

/// What the store knows of the fingerprints it was asked about.
pub type Known = HashMap<Fingerprint, Trace>;
