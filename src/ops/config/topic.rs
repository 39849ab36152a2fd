//! `[[topic]]`: which articles get a topic.

use super::{
    reader::Section,
    rules::{filter_in, states_any},
    sections::{no_doubles, read_all},
    source::known_source,
    value::{list, text, words},
};
use crate::{
    ingest::topics::{Rule, Topic},
    sources::Source,
};

/// Every new article is held against all of them.
const MOST: usize = 500;

pub(super) fn read_topics(root: &Section<'_>, sources: &[Source]) -> Vec<Topic> {
    let topics = read_all(root, "topic", |section| read_topic(section, sources));
    let slugs = topics.iter().map(|topic| topic.slug.as_str());
    no_doubles(root, "topic", slugs);
    if topics.len() > MOST {
        root.report("topic", format!("must be at most {MOST}"));
    }
    topics
}

fn read_topic(section: &Section<'_>, sources: &[Source]) -> Option<Topic> {
    let slug = section.required("slug", text);
    let title = section.optional("title", words);
    let rule = Rule {
        sources: section
            .optional("sources", list(known_source(sources)))
            .unwrap_or_default(),
        filter: filter_in(section),
    };
    if !section.has("sources") && !states_any(section) {
        section.report(
            "words",
            "is missing: a topic needs words, regex, categories or sources".to_owned(),
        );
    }
    let slug = slug?;
    Some(Topic {
        title: title.unwrap_or_else(|| format!("{slug}")),
        slug,
        rule,
    })
}
