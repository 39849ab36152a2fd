//! What to read with it: earlier articles that the author named, then those that share its words.

pub mod telling;
mod list;
pub mod index;
pub mod named;

/// Related articles that are kept for each; an edition shows its own number of them.
pub const KEPT: usize = 10;
