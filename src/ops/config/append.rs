//! Adds sources to a configuration file, and leaves every other byte of it as it is.
//!
//! The file is replaced as a whole by one that was read as a configuration before, so that neither
//! a crash nor a full disk nor a bad block leaves anything but the old file or the new one.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use super::{
    Config,
    reader::{Problem, World},
};

/// A source to be added, as the keys of its section with their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub name: String,
    pub title: String,
    /// `feed` or another key that says where entries come from, and the address.
    pub origin: (&'static str, String),
    pub topics: Vec<String>,
}

impl Block {
    pub fn to_toml(&self) -> String {
        let (key, address) = &self.origin;
        let mut toml = format!("[[source]]\nname = {}\n", quoted(&self.name));
        if self.title != self.name {
            toml += &format!("title = {}\n", quoted(&self.title));
        }
        toml += &format!("{key} = {}\n", quoted(address));
        if !self.topics.is_empty() {
            let topics: Vec<String> = self.topics.iter().map(|topic| quoted(topic)).collect();
            toml += &format!("topics = [{}]\n", topics.join(", "));
        }
        toml
    }
}

/// What came of adding.
#[derive(Debug)]
pub enum Appended {
    To(PathBuf),
    /// With these blocks it would be no configuration; the file is as it was.
    Refused(Vec<Problem>),
}

/// Appends `blocks` to the one of `files` that sources come from: the last that states any.
pub fn append(files: &[PathBuf], blocks: &[Block]) -> Result<Appended> {
    let files = Config::files(files);
    let target = target(&files)?;
    // A link stays a link: what it leads to is replaced.
    let target = target
        .canonicalize()
        .with_context(|| format!("find {}", target.display()))?;
    let _held = hold(&target)?;
    let old = fs::read_to_string(&target).with_context(|| format!("read {}", target.display()))?;
    let new = with_blocks(&old, blocks);
    let read = |path: &Path| match path.canonicalize() {
        Ok(path) if path == target => Ok(new.clone()),
        _ => fs::read_to_string(path),
    };
    if let Err(problems) = Config::load_with(&files, World::Ignored, read) {
        return Ok(Appended::Refused(problems));
    }
    replace(&target, &new).with_context(|| format!("write {}", target.display()))?;
    Ok(Appended::To(target))
}

/// Arrays of a later file replace those of an earlier one.
fn target(files: &[PathBuf]) -> Result<&Path> {
    let states_sources = |path: &&PathBuf| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let table = text.parse::<toml::Table>().unwrap_or_default();
        table.contains_key("source")
    };
    let stating = files.iter().rev().find(states_sources);
    match stating.or(files.last()) {
        Some(path) => Ok(path),
        None => bail!("there is no configuration to add to; `courant init` writes one"),
    }
}

/// Keeps others who add from doing so at the same time, until it is dropped.
fn hold(path: &Path) -> Result<File> {
    loop {
        let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
        file.lock()
            .with_context(|| format!("wait for {}", path.display()))?;
        // Whoever held it before has put another file in its place.
        if file.metadata()?.ino() == fs::metadata(path)?.ino() {
            return Ok(file);
        }
    }
}

fn with_blocks(old: &str, blocks: &[Block]) -> String {
    let mut new = old.to_owned();
    if !new.is_empty() && !new.ends_with('\n') {
        new.push('\n');
    }
    for block in blocks {
        if !new.is_empty() {
            new.push('\n');
        }
        new += &block.to_toml();
    }
    new
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let old = fs::metadata(path)?;
    let mut file = tempfile::Builder::new()
        .prefix(".courant-")
        .suffix(".toml")
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    let new = file.as_file().metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        chown(file.path(), Some(old.uid()), Some(old.gid()))?;
    }
    file.as_file().set_permissions(old.permissions())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    File::open(folder)?.sync_all()
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;

    const SITE: &str = "[site]\ntitle = \"T\"\nbase_url = \"https://n.example/\"\nsender = \"a@n.example\"\ndata_dir = \"d\" # mine";

    fn block(name: &str) -> Block {
        Block {
            name: name.to_owned(),
            title: "A \"quay\"\u{7}".to_owned(),
            origin: ("feed", format!("https://{name}.example/feed")),
            topics: vec!["local".to_owned()],
        }
    }

    fn folder(files: &[(&str, &str)]) -> (TempDir, Vec<PathBuf>) {
        let folder = TempDir::new().unwrap();
        let paths = files.iter().map(|(name, text)| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        });
        let paths = paths.collect();
        (folder, paths)
    }

    #[test]
    fn the_old_text_stays_to_the_byte_and_so_do_the_permissions() {
        let (_folder, files) = folder(&[("c.toml", SITE)]);
        fs::set_permissions(&files[0], fs::Permissions::from_mode(0o640)).unwrap();

        append(&files, &[block("a"), block("b")]).unwrap();

        let text = fs::read_to_string(&files[0]).unwrap();
        let added = "[[source]]\nname = \"a\"\ntitle = \"A \\\"quay\\\"\\u0007\"\nfeed = \"https://a.example/feed\"\ntopics = [\"local\"]\n";
        assert!(
            text.starts_with(&format!("{SITE}\n\n{added}\n[[source]]\n")),
            "{text}"
        );
        let mode = fs::metadata(&files[0]).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        let config = Config::load(&files, World::Ignored).unwrap();
        assert_eq!(config.sources[0].title, "A \"quay\"\u{7}");
        assert_eq!(config.sources.len(), 2);
    }

    #[test]
    fn what_would_be_no_configuration_is_refused_and_changes_nothing() {
        let inline = format!("source = []\n{SITE}\n");
        let (folder, files) = folder(&[("c.toml", &inline)]);

        let refused = append(&files, &[block("a")]).unwrap();

        assert!(matches!(refused, Appended::Refused(_)), "{refused:?}");
        assert_eq!(fs::read_to_string(&files[0]).unwrap(), inline);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let twice = append(&files, &[block("a"), block("a")]).unwrap();
        assert!(matches!(twice, Appended::Refused(_)), "{twice:?}");
    }

    #[test]
    fn the_last_file_that_states_sources_gets_them() {
        let sources = "[[source]]\nname = \"x\"\nfeed = \"https://x.example/\"\n";
        let (_folder, files) =
            folder(&[("a.toml", SITE), ("b.toml", sources), ("c.toml", "[web]\n")]);

        append(&files, &[block("a")]).unwrap();

        assert_eq!(fs::read_to_string(&files[2]).unwrap(), "[web]\n");
        let config = Config::load(&files, World::Ignored).unwrap();
        assert_eq!(config.sources.len(), 2);
    }

    #[test]
    fn a_link_to_a_configuration_stays_a_link() {
        let (folder, files) = folder(&[("real.toml", SITE)]);
        let link = folder.path().join("link.toml");
        symlink(&files[0], &link).unwrap();

        append(std::slice::from_ref(&link), &[block("a")]).unwrap();

        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(
            fs::read_to_string(&files[0])
                .unwrap()
                .contains("[[source]]")
        );
    }

    #[test]
    fn two_at_once_lose_nothing() {
        let (_folder, files) = folder(&[("c.toml", SITE)]);
        std::thread::scope(|scope| {
            for n in 0..8 {
                let files = &files;
                scope.spawn(move || append(files, &[block(&format!("s{n}"))]).unwrap());
            }
        });

        let config = Config::load(&files, World::Ignored).unwrap();
        assert_eq!(config.sources.len(), 8);
    }

    proptest! {
        #[test]
        fn any_text_survives_its_quotes(text in "\\PC|[\\x00-\\x1f\"\\\\\\x7f\\x80-\\x9f]{0,40}") {
            let table: toml::Table = format!("x = {}", quoted(&text)).parse().unwrap();
            prop_assert_eq!(table["x"].as_str(), Some(text.as_str()));
        }
    }
}
