//! `[source.include]`, `[source.exclude]` and `max_age`: which entries of a source are wanted.

use std::fmt::Display;

use toml::Value;

use super::{
    reader::Section,
    value::{duration, list},
};
use crate::sources::rules::{Category, Filter, Pattern, Phrase, Rules};

/// Of each kind in one filter; every entry is held against all of them.
const MOST: usize = 500;

pub(super) fn read_rules(section: &Section<'_>) -> Rules {
    Rules {
        include: read_filter(section, "include"),
        exclude: read_filter(section, "exclude"),
        max_age: section.optional("max_age", duration),
    }
}

fn read_filter(section: &Section<'_>, key: &str) -> Option<Filter> {
    let is_there = section.has(key);
    let section_of_filter = section.section(key);
    let filter = filter_in(&section_of_filter);
    if is_there && !states_any(&section_of_filter) {
        section.report(key, "names neither words, regex nor categories".to_owned());
    }
    Some(filter).filter(|filter| !filter.is_empty())
}

/// The filter whose keys stand in `section`.
pub(super) fn filter_in(section: &Section<'_>) -> Filter {
    Filter {
        words: section
            .optional("words", rules(Phrase::parse))
            .unwrap_or_default(),
        patterns: section
            .optional("regex", rules(Pattern::parse))
            .unwrap_or_default(),
        categories: section
            .optional("categories", rules(Category::parse))
            .unwrap_or_default(),
    }
}

/// Tells whether `section` has a key of a filter, sound or not.
pub(super) fn states_any(section: &Section<'_>) -> bool {
    let mut keys = ["words", "regex", "categories"].iter();
    keys.any(|key| section.has(key))
}

fn rules<T, E: Display>(
    parse: impl Fn(&str) -> Result<T, E>,
) -> impl Fn(&Value) -> Result<Vec<T>, String> {
    let read = list(move |value: &Value| {
        let text = value.as_str().ok_or("must be a list of texts in quotes")?;
        parse(text).map_err(|err| err.to_string())
    });
    move |value| match read(value)? {
        rules if rules.len() > MOST => Err(format!("must be at most {MOST}")),
        rules => Ok(rules),
    }
}
