//! What a file beside an article says about it: `NAME.toml` beside `NAME.html`.

use toml::{Table, Value};
use url::Url;

use super::{date, dom};
use crate::{
    parts::{Author, NamedLink, Picture},
    sources::entry::{Defect, Entry},
};

const KEYS: [&str; 11] = [
    "title",
    "summary",
    "authors",
    "published",
    "modified",
    "tags",
    "language",
    "url",
    "guid",
    "picture",
    "related",
];

/// Has a sidecar's statements take the place of those of the file itself.
///
/// `name` is what its defects call it. A key that cannot be understood changes nothing and is a
/// defect, as is a sidecar that is no TOML.
pub(super) fn apply(sidecar: &[u8], name: &str, base: &Url, entry: &mut Entry) -> Vec<Defect> {
    let defect = |line, what: String| Defect {
        line,
        what: format!("{name}: {what}"),
    };
    let Ok(text) = std::str::from_utf8(sidecar) else {
        return vec![defect(None, "is not UTF-8 text".to_owned())];
    };
    let table: Table = match text.trim_start_matches('\u{feff}').parse() {
        Ok(table) => table,
        Err(err) => {
            let err: toml::de::Error = err;
            let line = err.span().map(|span| line_at(text, span.start));
            return vec![defect(line, err.message().to_owned())];
        }
    };
    let stated = table.into_iter();
    stated
        .filter_map(|(key, value)| {
            let what = state(entry, &key, &value, base).err()?;
            Some(defect(line_of(text, &key), format!("`{key}` {what}")))
        })
        .collect()
}

/// Takes one statement, or says what is wrong with it.
fn state(entry: &mut Entry, key: &str, value: &Value, base: &Url) -> Result<(), String> {
    match key {
        "title" => entry.title = words(value)?,
        "summary" => entry.summary = Some(words(value)?),
        "language" => entry.language = Some(words(value)?),
        "guid" => entry.guid = Some(words(value)?),
        "published" => entry.published = Some(date(value)?),
        "modified" => entry.modified = Some(date(value)?),
        "url" => entry.url = Some(address(value, base)?),
        "tags" => entry.tags = list(value, words)?,
        "authors" => entry.authors = list(value, author)?,
        "picture" => entry.picture = Some(picture(value, base)?),
        "related" => entry.named_related = list(value, |one| related(one, base))?,
        _ => return Err(format!("is not a key; known: {}", KEYS.join(", "))),
    }
    Ok(())
}

fn words(value: &Value) -> Result<String, String> {
    let text = value.as_str().ok_or("must be text in quotes")?;
    match dom::squeeze(text) {
        text if text.is_empty() => Err("must not be empty".to_owned()),
        text => Ok(text),
    }
}

fn date(value: &Value) -> Result<chrono::DateTime<chrono::Utc>, String> {
    let text = match value {
        Value::Datetime(at) => at.to_string(),
        value => words(value)?,
    };
    date::parse(&text).ok_or_else(|| "must be a date such as 2026-11-23T06:00:00Z".to_owned())
}

fn address(value: &Value, base: &Url) -> Result<Url, String> {
    let text = words(value)?;
    dom::web_address(&text, base).ok_or_else(|| "must be an http or https address".to_owned())
}

fn list<T>(value: &Value, item: impl Fn(&Value) -> Result<T, String>) -> Result<Vec<T>, String> {
    match value {
        Value::Array(values) => values.iter().map(item).collect(),
        one => Ok(vec![item(one)?]),
    }
}

fn author(value: &Value) -> Result<Author, String> {
    let Value::Table(table) = value else {
        return Ok(Author {
            name: Some(words(value)?),
            ..Author::default()
        });
    };
    known(table, &["name", "email", "url"])?;
    let text = |key| table.get(key).map(words).transpose();
    Ok(Author {
        name: text("name")?,
        email: text("email")?,
        url: text("url")?,
    })
}

fn picture(value: &Value, base: &Url) -> Result<Picture, String> {
    let table = value.as_table().ok_or("must be a table: { url = .. }")?;
    known(table, &["url", "alt", "caption", "credit"])?;
    let text = |key| table.get(key).map(words).transpose();
    Ok(Picture {
        url: address(table.get("url").ok_or("needs an url")?, base)?,
        alt: text("alt")?,
        caption: text("caption")?,
        credit: text("credit")?,
        width: None,
        height: None,
    })
}

fn related(value: &Value, base: &Url) -> Result<NamedLink, String> {
    let table = value.as_table().ok_or("must be tables: { url, title }")?;
    known(table, &["url", "title"])?;
    let url = address(table.get("url").ok_or("needs an url")?, base)?;
    let title = table.get("title").map(words).transpose()?;
    Ok(NamedLink {
        title: title.unwrap_or_else(|| url.to_string()),
        url,
    })
}

fn known(table: &Table, keys: &[&str]) -> Result<(), String> {
    match table.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(format!("has `{key}`; known there: {}", keys.join(", "))),
        None => Ok(()),
    }
}

fn line_at(text: &str, at: usize) -> u32 {
    let before = text.get(..at).unwrap_or(text);
    u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX)
}

/// Where a key is stated, as `key = ..` or `[key]`.
fn line_of(text: &str, key: &str) -> Option<u32> {
    let states = |line: &str| {
        line.trim_start_matches([' ', '\t', '[', '"', '\''])
            .strip_prefix(key)
            .is_some_and(|rest| rest.starts_with(['=', ' ', '\t', '.', ']', '"', '\'']))
    };
    let at = text.lines().position(states)?;
    u32::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base() -> Url {
        Url::parse("file:///desk/a.html").unwrap()
    }

    fn applied(sidecar: &str) -> (Entry, Vec<String>) {
        let mut entry = Entry {
            title: "Own".to_owned(),
            language: Some("en".to_owned()),
            ..Entry::default()
        };
        let defects = apply(sidecar.as_bytes(), "a.toml", &base(), &mut entry);
        let told = defects
            .iter()
            .map(|defect| format!("{}: {}", defect.line.unwrap_or(0), defect.what));
        (entry, told.collect())
    }

    #[test]
    fn a_sidecar_states_what_the_file_does_not_and_overrides_what_it_does() {
        let (entry, defects) = applied(
            r#"
title = "Ferry late"
summary = "It is late."
authors = ["Ada Ames", { name = "Bo", email = "bo@quay.example" }]
published = 2026-11-23T05:00:00Z
modified = "Mon, 23 Nov 2026 06:00:00 GMT"
tags = ["local", "port"]
url = "https://quay.example/1"
guid = "q-1"
related = [{ url = "https://quay.example/0", title = "Before" }]
[picture]
url = "https://quay.example/a.jpg"
alt = "A ferry"
caption = "Late"
credit = "Cy"
"#,
        );

        assert_eq!(defects, [""; 0]);
        assert_eq!(entry.title, "Ferry late");
        assert_eq!(entry.language.as_deref(), Some("en"));
        assert_eq!(entry.guid.as_deref(), Some("q-1"));
        assert_eq!(entry.tags, ["local", "port"]);
        assert_eq!(entry.authors[1].email.as_deref(), Some("bo@quay.example"));
        assert!(entry.published < entry.modified);
        assert_eq!(entry.picture.unwrap().credit.as_deref(), Some("Cy"));
        assert_eq!(entry.named_related[0].title, "Before");
    }

    #[test]
    fn what_is_wrong_in_a_sidecar_is_told_with_its_line_and_costs_nothing_else() {
        let (entry, defects) = applied(
            "title = \"New\"\ncolour = \"red\"\npublished = \"soon\"\n\nurl = \"javascript:x\"\n[picture]\nsize = 3\n",
        );

        assert_eq!(entry.title, "New");
        let mut defects = defects;
        defects.sort();
        assert!(defects[0].starts_with("2: a.toml: `colour` is not a key; known: title,"));
        assert!(defects[1].starts_with("3: a.toml: `published` must be a date"));
        assert_eq!(
            defects[2..],
            [
                "5: a.toml: `url` must be an http or https address",
                "6: a.toml: `picture` has `size`; known there: url, alt, caption, credit",
            ]
        );
    }

    #[test]
    fn a_sidecar_that_is_no_toml_leaves_the_article_as_it_is() {
        let (entry, defects) = applied("title = \"New\"\nsummary = \n");
        assert_eq!(entry.title, "Own");
        assert_eq!(defects.len(), 1);
        assert!(defects[0].starts_with("2: a.toml: "), "{defects:?}");

        let mut entry = Entry::default();
        let defects = apply(b"title = \"\xff\"", "a.toml", &base(), &mut entry);
        assert_eq!(defects[0].what, "a.toml: is not UTF-8 text");
    }

    proptest! {
        #[test]
        fn no_sidecar_makes_it_panic(text in "(title = |picture|[=\\[\\]{}\"\\n.]|\\PC)*") {
            applied(&text);
        }
    }
}
