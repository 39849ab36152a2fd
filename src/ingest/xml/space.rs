//! Namespaces that feeds use, known by address or, where it is wrong or missing, by prefix.

/// The vocabulary that a name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ingest) enum Space {
    /// RSS of any version, and names without a namespace.
    Core,
    Atom,
    Content,
    /// Dublin Core elements and terms.
    Dc,
    FeedBurner,
    Itunes,
    Media,
    Rdf,
    Syndication,
    Xhtml,
    Xml,
    Other,
}

impl Space {
    /// The vocabulary of `uri`, an address in any of the spellings in use.
    pub(super) fn of_uri(uri: &str) -> Option<Space> {
        let uri = uri
            .trim()
            .to_ascii_lowercase()
            .replace("https://", "http://");
        let uri = uri.trim_end_matches(['/', '#']);
        Some(match uri {
            ""
            | "http://purl.org/rss/1.0"
            | "http://purl.org/net/rss1.1"
            | "http://my.netscape.com/rdf/simple/0.9"
            | "http://my.netscape.com/publish/formats/rss-0.91.dtd"
            | "http://channel.netscape.com/rdf/simple/0.9"
            | "http://blogs.law.harvard.edu/tech/rss"
            | "http://cyber.law.harvard.edu/rss" => Space::Core,
            "http://www.w3.org/2005/atom" | "http://purl.org/atom/ns" => Space::Atom,
            "http://purl.org/rss/1.0/modules/content" => Space::Content,
            "http://purl.org/dc/elements/1.1"
            | "http://purl.org/dc/elements/1.0"
            | "http://purl.org/dc/terms"
            | "http://purl.org/rss/1.0/modules/dc"
            | "http://purl.org/rss/1.0/modules/dcterms" => Space::Dc,
            "http://rssnamespace.org/feedburner/ext/1.0" => Space::FeedBurner,
            "http://www.itunes.com/dtds/podcast-1.0.dtd"
            | "http://example.com/dtds/podcast-1.0.dtd" => Space::Itunes,
            "http://search.yahoo.com/mrss"
            | "http://search.yahoo.com/rss"
            | "http://tools.search.yahoo.com/mrss"
            | "http://video.search.yahoo.com/mrss" => Space::Media,
            "http://www.w3.org/1999/02/22-rdf-syntax-ns" => Space::Rdf,
            "http://purl.org/rss/1.0/modules/syndication" => Space::Syndication,
            "http://www.w3.org/1999/xhtml" => Space::Xhtml,
            "http://www.w3.org/xml/1998/namespace" => Space::Xml,
            _ if uri.starts_with("http://backend.userland.com/rss") => Space::Core,
            _ if uri.starts_with("http://purl.org/atom/ns") => Space::Atom,
            _ => return None,
        })
    }

    /// What a prefix conventionally means.
    pub(super) fn of_prefix(prefix: &str) -> Space {
        match prefix.to_ascii_lowercase().as_str() {
            "" | "rss" => Space::Core,
            "atom" | "atom03" | "atom10" | "a10" => Space::Atom,
            "content" => Space::Content,
            "dc" | "dcterms" => Space::Dc,
            "feedburner" => Space::FeedBurner,
            "itunes" => Space::Itunes,
            "media" => Space::Media,
            "rdf" => Space::Rdf,
            "sy" => Space::Syndication,
            "xhtml" => Space::Xhtml,
            "xml" => Space::Xml,
            _ => Space::Other,
        }
    }
}

/// The prefixes in force at one place, innermost last.
#[derive(Default)]
pub(super) struct Prefixes {
    declared: Vec<(String, Space)>,
}

impl Prefixes {
    /// As many as are held at once; a lookup goes through all of them.
    const MOST: usize = 100;

    pub(super) fn len(&self) -> usize {
        self.declared.len()
    }

    /// Forgets what was declared since `len` was the length.
    pub(super) fn truncate(&mut self, len: usize) {
        self.declared.truncate(len);
    }

    pub(super) fn declare(&mut self, prefix: &str, uri: &str) {
        if self.declared.len() < Self::MOST {
            let space = Space::of_uri(uri).unwrap_or_else(|| Space::of_prefix(prefix));
            self.declared.push((prefix.to_owned(), space));
        }
    }

    pub(super) fn space(&self, prefix: &str) -> Space {
        self.declared(prefix)
            .unwrap_or_else(|| Space::of_prefix(prefix))
    }

    /// Whether a name with `prefix` means something only by convention.
    pub(super) fn is_missing(&self, prefix: &str) -> bool {
        !matches!(prefix, "" | "xml") && self.declared(prefix).is_none()
    }

    fn declared(&self, prefix: &str) -> Option<Space> {
        let mut declared = self.declared.iter().rev();
        declared
            .find(|(known, _)| known == prefix)
            .map(|(_, space)| *space)
    }
}
