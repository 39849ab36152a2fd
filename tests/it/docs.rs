//! Holds the documentation to the program.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const ROUTES: &str = concat!(
    include_str!("../../src/web/mod.rs"),
    include_str!("../../src/ops/metrics.rs")
);
const CONFIG: &str = include_str!("../../config/courant.toml");
const README: &str = include_str!("../../README.md");

const FEEDS: [&str; 3] = ["rss.xml", "atom.xml", "feed.json"];

/// Pictures are part of every clone.
const LARGEST_PICTURE: u64 = 200_000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The documents with their texts.
fn documents() -> Vec<(PathBuf, String)> {
    let folders = [root().to_owned(), root().join("docs")];
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let documents: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect();
    assert!(documents.len() >= 6, "{documents:?}");
    documents
}

/// What stands between single backticks, line by line, outside fenced blocks.
fn code(text: &str) -> Vec<&str> {
    text.split("```")
        .step_by(2)
        .flat_map(str::lines)
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

fn help(command: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_courant"))
        .args(command)
        .arg("--help")
        .output()
        .unwrap();
    assert!(output.status.success(), "{command:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands below `command`, those that have none below them.
fn commands(command: &str) -> Vec<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let help = help(&words);
    let Some((_, listed)) = help.split_once("Commands:\n") else {
        return vec![command.to_owned()];
    };
    listed
        .lines()
        .map_while(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .flat_map(|name| commands(format!("{command} {name}").trim()))
        .collect()
}

/// The leading words of a command line that name the command.
fn name(line: &str) -> String {
    let words = line.split_whitespace().skip(1);
    let is_name = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase());
    words.take_while(is_name).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_table_of_commands_names_every_command_and_no_other() {
    let documented: BTreeSet<String> = README
        .lines()
        .filter_map(|line| line.strip_prefix("| `courant "))
        .map(|line| name(&format!("courant {}", line.split('`').next().unwrap())))
        .collect();

    assert_eq!(documented, commands("").into_iter().collect());
}

#[test]
fn every_option_in_the_documents_is_an_option_of_its_command() {
    let commands: BTreeSet<String> = commands("").into_iter().collect();
    let mut seen = 0;
    for (path, text) in documents() {
        let fenced = text.split("```").skip(1).step_by(2).flat_map(str::lines);
        let lines = fenced.chain(code(&text));
        for line in lines.filter(|line| line.starts_with("courant ")) {
            // What comes after the name may be an argument in lower case, as `daily` is.
            let mut command = name(line);
            while !commands.contains(&command) && command.contains(' ') {
                command.truncate(command.rfind(' ').unwrap());
            }
            if !commands.contains(&command) {
                continue;
            }
            let help = help(&command.split(' ').collect::<Vec<_>>());
            let words = line.split('#').next().unwrap().split([' ', '[', ']', '|']);
            for option in words.filter(|word| word.starts_with("--")) {
                seen += 1;
                assert!(
                    help.contains(option),
                    "{}: {line}: {option}",
                    path.display()
                );
            }
        }
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn every_address_in_the_documents_is_served() {
    let routes: BTreeSet<String> = ROUTES
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|text| text.starts_with('/'))
        .flat_map(|route| {
            FEEDS.map(|file| {
                route
                    .replace("{file}", file)
                    .replace("{{", "{")
                    .replace("}}", "}")
            })
        })
        .collect();
    let elsewhere = ["/etc/", "/srv/"];
    let mut seen = 0;
    for (path, text) in documents() {
        let addresses = code(&text).into_iter().filter(|text| text.starts_with('/'));
        for address in
            addresses.filter(|text| !elsewhere.iter().any(|start| text.starts_with(start)))
        {
            seen += 1;
            let served = routes.iter().any(|route| {
                route == address
                    || (address != "/"
                        && route.starts_with(&format!("{}/", address.trim_end_matches('/'))))
            });
            assert!(served, "{}: {address}", path.display());
        }
    }
    assert!(seen >= 10, "{seen}");
}

/// The keys of the sample configuration, as `section.key`, where `section` ends with the last part.
fn keys() -> BTreeSet<String> {
    let mut section = "";
    let mut keys = BTreeSet::new();
    for line in CONFIG.lines() {
        let line = line.trim_start_matches('#');
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_matches(['[', ']']);
        } else if let Some((key, _)) = line.split_once(" = ") {
            keys.insert(format!("{section}.{key}"));
        }
    }
    keys
}

#[test]
fn every_key_in_the_documents_is_in_the_sample_configuration() {
    let keys = keys();
    let is_key = |key: &str| keys.iter().any(|known| known.ends_with(&format!(".{key}")));
    let mut seen = 0;
    for (path, text) in documents() {
        let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for (before, after) in flowing
            .match_indices("` in `[")
            .map(|(at, _)| flowing.split_at(at))
        {
            seen += 1;
            let key = before.rsplit('`').next().unwrap();
            let section = after
                .split(['[', ']'])
                .find(|part| !part.is_empty() && !part.contains('`'))
                .unwrap();
            let key = format!("{section}.{key}");
            assert!(keys.contains(&key), "{}: {key}", path.display());
        }
        for key in code(&text)
            .into_iter()
            .filter_map(|text| text.split_once(" = "))
        {
            seen += 1;
            assert!(is_key(key.0), "{}: {}", path.display(), key.0);
        }
        for variable in code(&text)
            .into_iter()
            .filter_map(|text| text.strip_prefix("COURANT_"))
        {
            seen += 1;
            let key = variable
                .trim_end_matches("_FILE")
                .to_lowercase()
                .replace("__", ".");
            assert!(keys.contains(&key), "{}: {key}", path.display());
        }
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn every_link_between_the_documents_leads_somewhere() {
    let mut seen = 0;
    for (path, text) in documents() {
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            seen += 1;
            let file = path.parent().unwrap().join(link.split('#').next().unwrap());
            assert!(file.exists(), "{}: {link}", path.display());
        }
    }
    assert!(seen >= 5, "{seen}");
}

#[test]
fn pictures_are_small_enough_to_be_part_of_every_clone() {
    for picture in fs::read_dir(root().join("docs/pictures")).unwrap() {
        let picture = picture.unwrap();
        let bytes = picture.metadata().unwrap().len();
        assert!(bytes <= LARGEST_PICTURE, "{:?}: {bytes}", picture.path());
    }
}
