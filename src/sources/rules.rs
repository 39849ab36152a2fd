//! Which entries of a source the operator wants.
//!
//! Patterns run in linear time whatever the text (the `regex` crate), and on no more of it than
//! [`MOST_TEXT`].

use std::{borrow::Cow, collections::HashSet, fmt, time::Duration};

use chrono::{DateTime, Utc};
use regex::{Regex, RegexBuilder};

use super::entry::Entry;
use crate::words::words;

/// Of one text, in characters; what follows is not looked at.
pub const MOST_TEXT: usize = 100_000;

/// The longest pattern, in characters.
const LONGEST_PATTERN: usize = 1000;

/// What one compiled pattern may take, in bytes.
const PATTERN_SIZE: usize = 256 * 1024;

/// What a source's entries must be like to be taken in. By default all are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Where it is set, an entry must match it.
    pub include: Option<Filter>,
    /// An entry that matches it is left out, whatever `include` says.
    pub exclude: Option<Filter>,
    /// An entry that says it was published longer ago is left out.
    pub max_age: Option<Duration>,
}

/// Matches an entry of which any one of these holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub words: Vec<Phrase>,
    pub patterns: Vec<Pattern>,
    pub categories: Vec<Category>,
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("words", told(&self.words)),
            ("regex", told(&self.patterns)),
            ("categories", told(&self.categories)),
        ];
        let stated = parts.iter().filter(|(_, of)| !of.is_empty());
        let told: Vec<String> = stated
            .map(|(what, of)| format!("{what} {}", of.join(", ")))
            .collect();
        f.write_str(&told.join("; "))
    }
}

fn told<T: fmt::Display>(of: &[T]) -> Vec<String> {
    of.iter().map(T::to_string).collect()
}

/// One or more words in this order, in any case. In scripts without spaces, wherever they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase(Vec<String>);

/// A regular expression, in any case unless it says `(?-i)`; `^` and `$` are those of a line.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

/// One of a source's own categories, in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category(String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    #[error("`{0}` holds no word")]
    NoWord(String),
    #[error("`{pattern}`: {what}, at character {position}")]
    Syntax {
        pattern: String,
        what: String,
        /// 1-based.
        position: usize,
    },
    #[error("a pattern of more than {LONGEST_PATTERN} characters")]
    TooLong,
    #[error("`{0}` grows too large; shorten its repetitions")]
    TooLarge(String),
}

/// What becomes of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    Admitted,
    LeftOut(Reason),
}

/// Why an entry is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// By this word, pattern or category of `exclude`.
    Excluded(String),
    NotIncluded,
    TooOld,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Excluded(by) => write!(f, "excluded by `{by}`"),
            Reason::NotIncluded => f.write_str("nothing in it is included"),
            Reason::TooOld => f.write_str("older than max_age"),
        }
    }
}

impl Rules {
    /// Tells whether all entries are taken, so that nobody need look at them.
    pub fn is_empty(&self) -> bool {
        *self == Rules::default()
    }

    /// Judges an entry. `texts` are its title, summary and content as plain text; entries without
    /// a date have no age.
    pub fn admits(&self, entry: &Entry, texts: &[String], now: DateTime<Utc>) -> Admission {
        let oldest = self
            .max_age
            .and_then(|age| chrono::TimeDelta::from_std(age).ok())
            .and_then(|age| now.checked_sub_signed(age));
        if let (Some(published), Some(oldest)) = (entry.published, oldest)
            && published < oldest
        {
            return Admission::LeftOut(Reason::TooOld);
        }
        let told = Told::of(texts.iter().map(String::as_str), &entry.tags);
        if let Some(by) = self.exclude.as_ref().and_then(|filter| filter.finds(&told)) {
            return Admission::LeftOut(Reason::Excluded(by.to_string()));
        }
        match &self.include {
            Some(filter) if filter.finds(&told).is_none() => {
                Admission::LeftOut(Reason::NotIncluded)
            }
            _ => Admission::Admitted,
        }
    }
}

/// What filters look at of an entry, or of the article that it became.
pub struct Told<'a> {
    texts: Vec<&'a str>,
    /// Of each text.
    words: Vec<Vec<Cow<'a, str>>>,
    /// Each once, of all texts.
    all_words: HashSet<Cow<'a, str>>,
    categories: Vec<String>,
}

impl<'a> Told<'a> {
    pub fn of(texts: impl IntoIterator<Item = &'a str>, categories: &[String]) -> Self {
        let texts: Vec<&str> = texts.into_iter().map(start).collect();
        let words: Vec<Vec<_>> = texts.iter().map(|text| words(text).collect()).collect();
        Told {
            all_words: words.iter().flatten().cloned().collect(),
            words,
            texts,
            categories: categories.iter().map(|tag| folded(tag)).collect(),
        }
    }
}

/// What of a filter was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    Words(&'a Phrase),
    Pattern(&'a Pattern),
    Category(&'a Category),
}

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Words(phrase) => phrase.fmt(f),
            Found::Pattern(pattern) => pattern.fmt(f),
            Found::Category(category) => category.fmt(f),
        }
    }
}

impl Filter {
    pub fn is_empty(&self) -> bool {
        *self == Filter::default()
    }

    /// The first of its words, patterns and categories that is found.
    pub fn finds(&self, told: &Told<'_>) -> Option<Found<'_>> {
        let phrase = self.words.iter().find(|phrase| phrase.is_in(told));
        let pattern = || {
            self.patterns
                .iter()
                .find(|pattern| told.texts.iter().any(|text| pattern.0.is_match(text)))
        };
        let category = || {
            self.categories
                .iter()
                .find(|category| told.categories.contains(&category.0))
        };
        phrase
            .map(Found::Words)
            .or_else(|| pattern().map(Found::Pattern))
            .or_else(|| category().map(Found::Category))
    }
}

impl Phrase {
    pub fn parse(text: &str) -> Result<Self, BadRule> {
        let words: Vec<String> = words(text).map(Cow::into_owned).collect();
        if words.is_empty() {
            return Err(BadRule::NoWord(text.to_owned()));
        }
        Ok(Self(words))
    }

    fn is_in(&self, told: &Told<'_>) -> bool {
        let is_there = |word: &String| told.all_words.contains(word.as_str());
        let mut texts = told.words.iter();
        let is_whole = |words: &Vec<Cow<'_, str>>| {
            words
                .windows(self.0.len())
                .any(|window| window == self.0.as_slice())
        };
        self.0.iter().all(is_there) && texts.any(is_whole)
    }
}

/// Reads as itself again.
impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl Pattern {
    pub fn parse(text: &str) -> Result<Self, BadRule> {
        if text.chars().count() > LONGEST_PATTERN {
            return Err(BadRule::TooLong);
        }
        // The builder below says what is wrong in a drawing of several lines.
        if let Err(err) = regex_syntax::Parser::new().parse(text) {
            return Err(syntax(text, &err));
        }
        RegexBuilder::new(text)
            .case_insensitive(true)
            .multi_line(true)
            .size_limit(PATTERN_SIZE)
            .build()
            .map(Self)
            .map_err(|_| BadRule::TooLarge(text.to_owned()))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl Category {
    pub fn parse(text: &str) -> Result<Self, BadRule> {
        match folded(text) {
            category if category.is_empty() => Err(BadRule::NoWord(text.to_owned())),
            category => Ok(Self(category)),
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn syntax(pattern: &str, err: &regex_syntax::Error) -> BadRule {
    let (what, offset) = match err {
        regex_syntax::Error::Parse(err) => (err.kind().to_string(), err.span().start.offset),
        regex_syntax::Error::Translate(err) => (err.kind().to_string(), err.span().start.offset),
        other => (other.to_string(), 0),
    };
    BadRule::Syntax {
        pattern: pattern.to_owned(),
        what,
        position: pattern
            .get(..offset)
            .map_or(0, |before| before.chars().count())
            + 1,
    }
}

/// The part of `text` that is looked at.
fn start(text: &str) -> &str {
    let end = text.char_indices().nth(MOST_TEXT);
    end.map_or(text, |(at, _)| &text[..at])
}

/// Lower-case, with single spaces.
fn folded(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

#[cfg(test)]
mod tests;
