//! Reads TOML layers key by key, and remembers everything that is wrong with them.
//!
//! A deserializer stops at the first mistake and knows one file. An operator wants all of them at
//! once, each with its file and key, also where a later file or the environment overrides.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// A file, or the name of an environment variable; empty where there is none.
    pub file: String,
    /// As `edition[0].digest[1].schedule`; empty where it concerns the whole file.
    pub key: String,
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = [&self.file, &self.key];
        places
            .iter()
            .filter(|place| !place.is_empty())
            .try_for_each(|place| write!(f, "{place}: "))?;
        f.write_str(&self.what)
    }
}

/// Whether reading a configuration also looks at what it names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum World {
    #[default]
    Ignored,
    /// A folder or a template that is not there is a problem of the key that names it.
    Checked,
}

/// The layers, laid over each other.
#[derive(Debug, Default)]
pub struct Layers {
    merged: Table,
    /// Which layer a key comes from.
    origins: BTreeMap<String, String>,
    first: Option<String>,
    /// Whether what keys name is looked at as well: folders, templates.
    world: World,
    problems: RefCell<Vec<Problem>>,
    /// Every key that was ever asked for, by section without indexes: the vocabulary.
    asked: RefCell<BTreeSet<String>>,
}

impl Layers {
    pub fn new(world: World) -> Self {
        Layers {
            world,
            ..Layers::default()
        }
    }

    /// Lays one TOML text over what is there; arrays replace arrays.
    pub fn add(&mut self, file: &str, text: &str) {
        self.first.get_or_insert_with(|| file.to_owned());
        match text.parse::<Table>() {
            Ok(table) => merge(&mut self.merged, table, "", file, &mut self.origins),
            Err(err) => {
                let line = err
                    .span()
                    .map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
                let what = match line {
                    Some(line) => format!("line {line}: {}", err.message()),
                    None => err.message().to_owned(),
                };
                self.report(file, "", what);
            }
        }
    }

    /// Lays one value over what is there: `COURANT_SITE__TITLE` sets `site.title`.
    pub fn set(&mut self, origin: &str, path: &[String], text: &str) {
        let value = format!("x = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("x"));
        let mut value = value.unwrap_or_else(|| Value::String(text.to_owned()));
        for key in path.iter().rev() {
            value = Value::Table(Table::from_iter([(key.clone(), value)]));
        }
        if let Value::Table(table) = value {
            merge(&mut self.merged, table, "", origin, &mut self.origins);
        }
    }

    pub fn report(&self, file: &str, key: &str, what: String) {
        self.problems.borrow_mut().push(Problem {
            file: file.to_owned(),
            key: key.to_owned(),
            what,
        });
    }

    pub fn root(&self) -> Section<'_> {
        Section {
            layers: self,
            table: Some(&self.merged),
            path: String::new(),
            seen: RefCell::default(),
        }
    }

    /// Every problem found so far, each once.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.borrow().clone();
        problems.sort();
        problems.dedup();
        problems
    }

    /// Every key that was asked for, as `edition.digest.schedule`.
    pub fn vocabulary(&self) -> Vec<String> {
        self.asked.borrow().iter().cloned().collect()
    }

    /// The layer that `key` comes from; for a missing key, that of the nearest section above it.
    fn origin(&self, key: &str) -> &str {
        let mut key = key;
        loop {
            if let Some(origin) = self.origins.get(key) {
                return origin;
            }
            match key.rfind(['.', '[']) {
                Some(at) => key = &key[..at],
                None => return self.first.as_deref().unwrap_or("configuration"),
            }
        }
    }
}

fn merge(
    base: &mut Table,
    over: Table,
    path: &str,
    origin: &str,
    origins: &mut BTreeMap<String, String>,
) {
    for (key, value) in over {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => {
                merge(base, over, &path, origin, origins)
            }
            (_, Value::Table(over)) => {
                let mut table = Table::new();
                origins.insert(path.clone(), origin.to_owned());
                merge(&mut table, over, &path, origin, origins);
                base.insert(key, Value::Table(table));
            }
            (_, value) => {
                origins.insert(path, origin.to_owned());
                base.insert(key, value);
            }
        }
    }
}

/// One table of the configuration. Keys that nobody asks for are reported when it is dropped.
#[derive(Debug)]
pub struct Section<'a> {
    layers: &'a Layers,
    table: Option<&'a Table>,
    path: String,
    seen: RefCell<BTreeSet<String>>,
}

impl<'a> Section<'a> {
    /// The folder that relative paths of this key start from: that of the file that states it.
    pub fn folder(&self, key: &str) -> PathBuf {
        Path::new(self.layers.origin(&self.at(key)))
            .parent()
            .map(Path::to_path_buf)
            .unwrap_or_default()
    }

    /// A key that may be left out.
    pub fn optional<T>(&self, key: &str, read: impl Fn(&Value) -> Result<T, String>) -> Option<T> {
        let value = self.value(key)?;
        read(value).map_err(|what| self.report(key, what)).ok()
    }

    /// A key that must be there. None was reported.
    pub fn required<T>(&self, key: &str, read: impl Fn(&Value) -> Result<T, String>) -> Option<T> {
        if self.value(key).is_none() {
            self.report(key, "is missing".to_owned());
            return None;
        }
        self.optional(key, read)
    }

    pub fn world(&self) -> World {
        self.layers.world
    }

    /// A problem of something else than a key.
    pub fn report_file(&self, file: &Path, what: String) {
        self.layers.report(&file.display().to_string(), "", what);
    }

    pub fn section(&self, key: &str) -> Section<'a> {
        let table = match self.value(key) {
            Some(Value::Table(table)) => Some(table),
            Some(_) => {
                self.report(key, format!("must be a section: [{}]", self.at(key)));
                None
            }
            None => None,
        };
        Section {
            layers: self.layers,
            table,
            path: self.at(key),
            seen: RefCell::default(),
        }
    }

    /// The tables of `[[key]]`.
    pub fn sections(&self, key: &str) -> Vec<Section<'a>> {
        let items = match self.value(key) {
            Some(Value::Array(items)) => items.as_slice(),
            Some(_) => {
                self.report(
                    key,
                    format!("must be a list of sections: [[{}]]", self.at(key)),
                );
                &[]
            }
            None => &[],
        };
        let section = |(n, item): (usize, &'a Value)| {
            let path = format!("{}[{n}]", self.at(key));
            if !item.is_table() {
                self.layers.report(
                    self.layers.origin(&path),
                    &path,
                    "must be a section".to_owned(),
                );
            }
            Section {
                layers: self.layers,
                table: item.as_table(),
                path,
                seen: RefCell::default(),
            }
        };
        items.iter().enumerate().map(section).collect()
    }

    pub fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Tells whether any table of `[[key]]` has `inner`, sound or not.
    pub fn any_has(&self, key: &str, inner: &str) -> bool {
        let tables = self
            .table
            .and_then(|table| table.get(key))
            .and_then(Value::as_array);
        tables.is_some_and(|tables| tables.iter().any(|table| table.get(inner).is_some()))
    }

    pub fn report(&self, key: &str, what: String) {
        let key = self.at(key);
        self.layers.report(self.layers.origin(&key), &key, what);
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        self.seen.borrow_mut().insert(key.to_owned());
        self.layers
            .asked
            .borrow_mut()
            .insert(without_indexes(&self.at(key)));
        self.table?.get(key)
    }

    fn at(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let seen = self.seen.borrow();
        for key in self
            .table
            .into_iter()
            .flat_map(Table::keys)
            .filter(|key| !seen.contains(*key))
        {
            let known: Vec<&str> = seen.iter().map(String::as_str).collect();
            self.report(
                key,
                format!("is not a key; known here: {}", known.join(", ")),
            );
        }
    }
}

fn without_indexes(path: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in path.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::config::value::{size, text, words};

    #[test]
    fn every_problem_is_named_with_its_file_and_key() {
        let mut layers = Layers::default();
        layers.add(
            "a.toml",
            "[site]\ntitle = 7\ncolour = \"red\"\n[[edition]]\nslug = \"news\"\nlimit = 5\n",
        );
        layers.add("b.toml", "[site]\nzone = \"Nowhere\"\n");
        layers.set(
            "COURANT_SITE__SIZE",
            &["site".to_owned(), "size".to_owned()],
            "big",
        );
        {
            let root = layers.root();
            let site = root.section("site");
            assert_eq!(site.required("title", words), None);
            assert_eq!(site.required("zone", text::<chrono_tz::Tz>), None);
            assert_eq!(site.required("sender", words), None);
            assert_eq!(site.optional("size", size), None);
            for edition in root.sections("edition") {
                assert_eq!(edition.required("slug", words), Some("news".to_owned()));
            }
        }

        let problems: Vec<String> = layers.problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "COURANT_SITE__SIZE: site.size: must be a size such as \"500KB\" or \"20MB\"",
                "a.toml: edition[0].limit: is not a key; known here: slug",
                "a.toml: site.colour: is not a key; known here: sender, size, title, zone",
                "a.toml: site.sender: is missing",
                "a.toml: site.title: must be text in quotes",
                "b.toml: site.zone: failed to parse timezone",
            ]
        );
        assert_eq!(
            layers.vocabulary(),
            [
                "edition",
                "edition.slug",
                "site",
                "site.sender",
                "site.size",
                "site.title",
                "site.zone"
            ]
        );
    }

    #[test]
    fn a_later_layer_overrides_and_keeps_the_rest() {
        let mut layers = Layers::default();
        layers.add("a.toml", "[site]\ntitle = \"A\"\nlanguage = \"en\"\n");
        layers.add("b.toml", "[site]\ntitle = \"B\"\n");
        layers.set(
            "COURANT_SITE__LANGUAGE",
            &["site".to_owned(), "language".to_owned()],
            "de",
        );
        let root = layers.root();
        let site = root.section("site");

        assert_eq!(site.required("title", words), Some("B".to_owned()));
        assert_eq!(site.required("language", words), Some("de".to_owned()));
    }

    #[test]
    fn text_that_is_not_toml_is_one_problem_with_its_line() {
        let mut layers = Layers::default();
        layers.add("a.toml", "[site]\ntitle = \n");

        assert!(
            layers.problems()[0]
                .to_string()
                .starts_with("a.toml: line 2: "),
            "{:?}",
            layers.problems()
        );
    }
}
