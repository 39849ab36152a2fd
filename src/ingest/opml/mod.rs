//! Lists of feeds as other programs export and import them: OPML 1.0 and 2.0.

mod read;
mod write;

pub use read::read;
pub use write::write;

/// A feed as a list states it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Plain text; empty where none is stated.
    pub title: String,
    /// `xmlUrl` as stated; it may be no address at all.
    pub address: String,
    /// The folders that it stands in, outermost first.
    pub folders: Vec<String>,
}

#[cfg(test)]
mod tests;
