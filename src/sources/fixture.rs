//! A source for tests.

use super::{FeedUrl, FullText, Origin, Rules, Source};
use crate::id::SourceName;

/// A feed that is asked at learned intervals, and of which everything is wanted.
pub fn feed(name: &str, url: &str) -> Source {
    Source {
        name: SourceName::parse(name).unwrap(),
        title: name.to_owned(),
        origin: Origin::Feed(FeedUrl::parse(url).unwrap()),
        interval: None,
        topics: Vec::new(),
        mail_first: 0,
        priority: 0,
        rules: Rules::default(),
        full_text: FullText::default(),
    }
}
