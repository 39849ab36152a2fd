//! The layers of `docs/ARCHITECTURE.md`, read from the source: arrows point down the flow or to the
//! base, and each external crate belongs to the areas that may know it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const BASE: [&str; 7] = ["id", "clock", "parts", "port", "secret", "task", "words"];

/// What each area may name besides itself and the base.
const MAY_NAME: [(&str, &[&str]); 11] = [
    ("sources", &[]),
    ("subscribers", &[]),
    ("library", &[]),
    ("dedupe", &["sources", "library"]),
    ("related", &["library"]),
    ("ingest", &["sources", "dedupe", "library", "related"]),
    ("delivery", &["subscribers"]),
    (
        "editions",
        &["library", "related", "subscribers", "delivery"],
    ),
    (
        "store",
        &[
            "sources",
            "ingest",
            "dedupe",
            "library",
            "related",
            "editions",
            "subscribers",
            "delivery",
        ],
    ),
    (
        "web",
        &[
            "sources",
            "ingest",
            "dedupe",
            "library",
            "related",
            "editions",
            "subscribers",
            "delivery",
            "store",
        ],
    ),
    (
        "ops",
        &[
            "sources",
            "ingest",
            "dedupe",
            "library",
            "related",
            "editions",
            "subscribers",
            "delivery",
            "store",
            "web",
        ],
    ),
];

/// Where an external crate may be named.
const BELONGS_TO: [(&str, &[&str]); 21] = [
    ("ammonia", &["ingest"]),
    ("anyhow", &["ops"]),
    ("atom_syndication", &["editions"]),
    ("aws_lc_rs", &["delivery"]),
    ("axum", &["web", "ops"]),
    ("clap", &["ops"]),
    ("crc32fast", &["store"]),
    ("cron", &["editions"]),
    ("dom_query", &["ingest"]),
    ("dom_smoothie", &["ingest"]),
    ("lettre", &["delivery"]),
    ("minijinja", &["editions", "web"]),
    ("memchr", &["ingest", "delivery"]),
    ("notify", &["sources"]),
    ("regex", &["sources"]),
    ("regex_syntax", &["sources"]),
    ("foldhash", &["dedupe", "related"]),
    ("reqwest", &["sources"]),
    ("rss", &["editions"]),
    ("sled", &["store"]),
    ("tracing", &["ops", "store", "web"]),
];

/// Pure areas: no I/O, no clock, no logging.
const PURE: [&str; 2] = ["dedupe", "related"];

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => rust_files(&path, found),
            false if path.extension().is_some_and(|extension| extension == "rs") => {
                found.push(path)
            }
            false => {}
        }
    }
}

/// The source by area, comments left out: `(file, text)`.
fn areas() -> BTreeMap<String, Vec<(String, String)>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut areas: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        // What a test names, the program need not know.
        if relative
            .components()
            .any(|part| part.as_os_str().to_string_lossy().starts_with("tests"))
        {
            continue;
        }
        let area = relative
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .trim_end_matches(".rs")
            .to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let code = text
            .split(
                "#[cfg(test)]
mod tests {",
            )
            .next()
            .unwrap();
        let code = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        areas
            .entry(area)
            .or_default()
            .push((relative.display().to_string(), code));
    }
    areas
}

/// The first segments that `code` names below `crate::`, also inside `use crate::{..}`.
fn named_areas(code: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => named.push(first_word(rest)),
            Some(group) => {
                let mut depth = 1;
                let mut item = String::new();
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => named.push(first_word(&std::mem::take(&mut item))),
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                    if depth == 1 && c != ',' {
                        item.push(c);
                    }
                }
                named.push(first_word(&item));
            }
        }
    }
    named.retain(|name| !name.is_empty());
    named
}

fn first_word(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// Tells whether `code` names the external crate, and not a module of its own of that name.
fn names_crate(code: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let imports = ["use super::", "use crate::"]
        .into_iter()
        .flat_map(|start| code.split(start).skip(1));
    let is_own = imports.into_iter().any(|rest| {
        let import = rest.split(';').next().unwrap_or_default();
        import.split(|c: char| !is_word(c)).any(|word| word == name)
    });
    !is_own
        && code
            .match_indices(&format!("{name}::"))
            .any(|(at, _)| !code[..at].ends_with(|c: char| is_word(c) || c == ':'))
}

#[test]
fn arrows_point_down_the_flow_or_to_the_base() {
    let rules: BTreeMap<&str, &[&str]> = MAY_NAME.into_iter().collect();
    let mut checked = 0;
    for (area, files) in areas() {
        if area == "main" || area == "lib" {
            continue;
        }
        let may: &[&str] = if BASE.contains(&area.as_str()) {
            &[]
        } else {
            rules
                .get(area.as_str())
                .unwrap_or_else(|| panic!("src/{area} is not in the table of layers"))
        };
        for (file, code) in files {
            for name in named_areas(&code) {
                checked += 1;
                let allowed =
                    name == area || BASE.contains(&name.as_str()) || may.contains(&name.as_str());
                assert!(
                    allowed,
                    "src/{file} names `crate::{name}`, which `{area}` must not know"
                );
            }
        }
    }
    assert!(
        checked > 100,
        "only {checked} imports were found: the test no longer reads the source"
    );
}

#[test]
fn external_crates_stay_in_their_areas() {
    let areas = areas();
    for (name, may) in BELONGS_TO {
        let mut used = false;
        for (area, files) in &areas {
            for (file, code) in files.iter().filter(|(_, code)| names_crate(code, name)) {
                used = true;
                assert!(
                    may.contains(&area.as_str()),
                    "src/{file} names `{name}`, which belongs to {may:?}: {}",
                    code.lines().count()
                );
            }
        }
        assert!(
            used,
            "`{name}` is used nowhere: drop it from this table and from Cargo.toml"
        );
    }
}

#[test]
fn pure_areas_do_no_io() {
    for (area, files) in areas()
        .iter()
        .filter(|(area, _)| PURE.contains(&area.as_str()))
    {
        for (file, code) in files {
            for forbidden in [
                "std::fs",
                "std::net",
                "tokio::",
                "tracing::",
                "Clock",
                "async fn",
            ] {
                assert!(
                    !code.contains(forbidden),
                    "src/{file} names `{forbidden}`, and `{area}` is pure"
                );
            }
        }
    }
}

#[test]
fn the_reader_of_imports_finds_what_is_named() {
    assert_eq!(
        named_areas("use crate::{id::{A, B}, port, store::Store};\nlet x = crate::web::y();"),
        ["id", "port", "store", "web"]
    );
    assert!(names_crate("use sled::Db;", "sled"));
    assert!(!names_crate("use crate::store::sled::SledStore;", "sled"));
    assert!(!names_crate("pressed::x", "sled"));
    assert!(!names_crate("use super::{atom, rss};\nrss::read();", "rss"));
}
