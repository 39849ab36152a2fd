//! Leaves out the entries that a source's rules do not admit.

use chrono::{DateTime, Utc};

use super::text;
use crate::sources::{
    entry::Entry,
    rules::{Admission, Rules},
};

/// What the rules admit, in its order, and how many entries they left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sifted {
    pub(super) entries: Vec<Entry>,
    pub(super) left_out: u64,
}

pub(super) fn sift(rules: &Rules, mut entries: Vec<Entry>, now: DateTime<Utc>) -> Sifted {
    let stated = entries.len();
    if !rules.is_empty() {
        entries.retain(|entry| rules.admits(entry, &texts(entry), now) == Admission::Admitted);
    }
    Sifted {
        left_out: (stated - entries.len()) as u64,
        entries,
    }
}

/// How the result of a poll tells it; nothing where all were taken.
pub(super) fn note(left_out: u64) -> Option<String> {
    match left_out {
        0 => None,
        1 => Some("1 entry left out by rules".to_owned()),
        n => Some(format!("{n} entries left out by rules")),
    }
}

fn texts(entry: &Entry) -> Vec<String> {
    let html = [&entry.summary, &entry.content].into_iter().flatten();
    [entry.title.clone()]
        .into_iter()
        .chain(html.map(|html| text::from_html(html)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::rules::{Filter, Phrase};

    #[test]
    fn words_are_sought_in_what_a_reader_sees_and_not_in_tags() {
        let sport = Filter {
            words: vec![Phrase::parse("sport").unwrap()],
            ..Filter::default()
        };
        let rules = Rules {
            exclude: Some(sport),
            ..Rules::default()
        };
        let entry = |content: &str| Entry {
            content: Some(content.to_owned()),
            ..Entry::default()
        };
        let seen = entry("<p>All the <b>sp</b>ort</p>");
        let unseen = entry("<p class=\"sport\">Ferry</p>");

        let sifted = sift(&rules, vec![seen, unseen.clone()], DateTime::UNIX_EPOCH);

        assert_eq!(sifted.entries, [unseen]);
        assert_eq!(
            note(sifted.left_out),
            Some("1 entry left out by rules".to_owned())
        );
    }
}
