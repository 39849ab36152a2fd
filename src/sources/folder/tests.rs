use std::{
    fs,
    io::Write as _,
    path::Path,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

use super::{
    File, FolderError, Kind, Patience, Reading, Skipped, Stat, Unread, read_blocking, read_whole,
};

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Reads without patience.
async fn read(folder: &Path, known: Option<&[u8]>) -> Result<Reading, FolderError> {
    super::read(folder, known, Patience::None).await
}

async fn files(folder: &Path) -> (Vec<u8>, Vec<File>, Vec<Skipped>) {
    match read(folder, None).await.unwrap() {
        Reading::Files {
            listing,
            files,
            skipped,
            fresh,
        } => {
            assert!(fresh.is_empty(), "{fresh:?}");
            (listing, files, skipped)
        }
        Reading::Unchanged => panic!("nothing was known of the folder"),
    }
}

fn names(files: &[File]) -> Vec<(&str, Kind)> {
    files
        .iter()
        .map(|file| (file.path.to_str().unwrap(), file.kind))
        .collect()
}

#[tokio::test]
async fn feeds_pages_and_markdown_are_read_in_the_order_of_their_paths() {
    let folder = folder(&[
        ("b/two.MD", "two"),
        ("b.atom", ""),
        ("a.html", "page"),
        ("deep/er/c.json", "{}"),
        ("notes.txt", "yes"),
        ("notes.log", "no"),
        ("Makefile", "no"),
        (".hidden.md", "no"),
        (".git/x.md", "no"),
    ]);

    let (_, files, skipped) = files(folder.path()).await;

    let expected = [
        ("a.html", Kind::Page),
        ("b/two.MD", Kind::Markdown),
        ("b.atom", Kind::Feed),
        ("deep/er/c.json", Kind::Feed),
        ("notes.txt", Kind::Text),
    ];
    assert_eq!(names(&files), expected);
    assert_eq!(files[0].bytes, b"page");
    assert!(skipped.is_empty());
}

#[tokio::test]
async fn an_unchanged_folder_is_not_read_again_and_a_changed_one_is() {
    let folder = folder(&[("a.md", "one")]);
    let (listing, ..) = files(folder.path()).await;

    assert_eq!(
        read(folder.path(), Some(&listing)).await.unwrap(),
        Reading::Unchanged
    );
    fs::write(folder.path().join("a.md"), "longer").unwrap();
    assert_ne!(
        read(folder.path(), Some(&listing)).await.unwrap(),
        Reading::Unchanged
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named_and_tried_again() {
    let folder = folder(&[("a.md", "one")]);
    // A link to nowhere can be read by nobody, not even by root.
    std::os::unix::fs::symlink(folder.path().join("gone.md"), folder.path().join("b.md")).unwrap();

    let (listing, files, skipped) = files(folder.path()).await;

    assert_eq!(names(&files), [("a.md", Kind::Markdown)]);
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0].path, Path::new("b.md"));
    assert_ne!(
        read(folder.path(), Some(&listing)).await.unwrap(),
        Reading::Unchanged
    );
}

#[tokio::test]
async fn links_are_followed_inside_the_folder_only() {
    let outside = folder(&[("secret.md", "secret")]);
    let folder = folder(&[(".data/a.md", "one")]);
    let link = |to: &Path, name: &str| {
        std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    };
    link(&folder.path().join(".data/a.md"), "a.md");
    link(&outside.path().join("secret.md"), "b.md");
    link(folder.path(), "circle");
    link(outside.path(), "elsewhere");

    let (_, files, skipped) = files(folder.path()).await;

    assert_eq!(names(&files), [("a.md", Kind::Markdown)]);
    let why = "a link that leads out of the folder".to_owned();
    assert_eq!(
        skipped,
        [Skipped {
            path: "b.md".into(),
            why
        }]
    );
}

#[tokio::test]
async fn a_file_over_the_limit_is_skipped_once_for_all() {
    let folder = folder(&[("a.md", "one")]);
    let large = fs::File::create(folder.path().join("b.xml")).unwrap();
    large.set_len(20_000_001).unwrap();

    let (listing, files, skipped) = files(folder.path()).await;

    assert_eq!(names(&files), [("a.md", Kind::Markdown)]);
    assert_eq!(
        skipped,
        [Skipped {
            path: "b.xml".into(),
            why: "larger than 20 MB".to_owned()
        }]
    );
    assert_eq!(
        read(folder.path(), Some(&listing)).await.unwrap(),
        Reading::Unchanged
    );
}

#[test]
fn a_file_that_grew_since_it_was_listed_is_not_read_half() {
    let folder = folder(&[("a.md", "half")]);
    let path = folder.path().join("a.md");
    let before = Stat::of(&fs::metadata(&path).unwrap());
    assert_eq!(read_whole(&path, &before), Ok(b"half".to_vec()));

    fs::write(&path, "half and half").unwrap();

    assert_eq!(read_whole(&path, &before), Err(Unread::Changing));
}

#[tokio::test]
async fn a_folder_that_is_none_is_an_error_that_names_it() {
    let folder = folder(&[("a.md", "one")]);
    let file = folder.path().join("a.md");
    let gone = folder.path().join("gone");

    let err = read(&file, None).await.unwrap_err();
    assert!(matches!(&err, FolderError::NotAFolder(path) if *path == file));
    let err = read(&gone, None).await.unwrap_err();
    assert_eq!(
        err.to_string(),
        format!("cannot read the folder `{}`", gone.display())
    );
}

/// Reads a folder with patience, at `seconds` after `from`; says what was read and what is fresh.
fn patient(folder: &Path, from: SystemTime, seconds: i64) -> (Vec<String>, Vec<String>) {
    let now = chrono::DateTime::from(from) + chrono::TimeDelta::seconds(seconds);
    match read_blocking(folder, None, Patience::UntilSettled { now }).unwrap() {
        Reading::Files { files, fresh, .. } => {
            let text = |file: &File| String::from_utf8(file.bytes.clone()).unwrap();
            let path = |path: &std::path::PathBuf| path.display().to_string();
            (
                files.iter().map(text).collect(),
                fresh.iter().map(path).collect(),
            )
        }
        Reading::Unchanged => panic!("nothing was known of the folder"),
    }
}

#[test]
fn a_file_that_is_written_in_pieces_is_read_when_it_is_whole() {
    let folder = folder(&[]);
    let path = folder.path().join("a.md");
    let mut writer = fs::File::create(&path).unwrap();
    let none: Vec<String> = Vec::new();
    for piece in ["One. ", "Two. ", "Three."] {
        writer.write_all(piece.as_bytes()).unwrap();
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        for seconds in [-5, 0, 1] {
            let read = patient(folder.path(), written, seconds);
            assert_eq!(read, (none.clone(), vec!["a.md".to_owned()]), "{seconds}");
        }
    }
    let written = fs::metadata(&path).unwrap().modified().unwrap();

    let read = patient(folder.path(), written, 2);

    assert_eq!(read, (vec!["One. Two. Three.".to_owned()], none));
}

#[test]
fn a_file_that_was_put_in_place_as_a_whole_is_read_at_once() {
    let folder = folder(&[(".staged", "whole")]);
    let staged = folder.path().join(".staged");
    let a_moment_ago =
        fs::metadata(&staged).unwrap().modified().unwrap() - Duration::from_millis(9);
    let file = fs::File::options().append(true).open(&staged).unwrap();
    file.set_modified(a_moment_ago).unwrap();
    fs::rename(&staged, folder.path().join("a.md")).unwrap();

    let (files, fresh) = patient(folder.path(), a_moment_ago, 0);

    assert_eq!((files.len(), fresh.len()), (1, 0));
}

#[test]
fn a_file_from_the_future_is_not_waited_for() {
    let folder = folder(&[("a.md", "one")]);
    let file = fs::File::options()
        .append(true)
        .open(folder.path().join("a.md"))
        .unwrap();
    let written = file.metadata().unwrap().modified().unwrap();

    let (files, fresh) = patient(folder.path(), written, -61);

    assert_eq!((files.len(), fresh.len()), (1, 0));
}

#[tokio::test]
async fn a_sidecar_comes_with_its_file_and_a_change_of_it_is_noticed() {
    let folder = folder(&[
        ("a.html", "page"),
        ("a.toml", "one"),
        ("b.xml", "feed"),
        ("b.toml", "no"),
        ("c.txt", "text"),
        ("alone.toml", "no"),
    ]);

    let (listing, files, _) = files(folder.path()).await;

    let sidecars: Vec<_> = files.iter().map(|file| file.sidecar.as_deref()).collect();
    assert_eq!(sidecars, [Some(&b"one"[..]), None, None]);
    fs::write(folder.path().join("alone.toml"), "longer").unwrap();
    assert_eq!(
        read(folder.path(), Some(&listing)).await.unwrap(),
        Reading::Unchanged
    );
    fs::write(folder.path().join("a.toml"), "longer").unwrap();
    assert_ne!(
        read(folder.path(), Some(&listing)).await.unwrap(),
        Reading::Unchanged
    );
}

#[test]
fn a_fresh_sidecar_holds_its_file_back() {
    let folder = folder(&[("a.html", "page"), ("a.toml", "")]);
    let long_ago = SystemTime::UNIX_EPOCH;
    let page = fs::File::options()
        .append(true)
        .open(folder.path().join("a.html"))
        .unwrap();
    page.set_modified(long_ago).unwrap();
    let sidecar = folder.path().join("a.toml");
    let written = fs::metadata(&sidecar).unwrap().modified().unwrap();

    assert_eq!(patient(folder.path(), written, 1).1, ["a.html"]);
    assert_eq!(patient(folder.path(), written, 2).0, ["page"]);
}

#[tokio::test]
async fn a_sidecar_that_is_too_large_costs_no_article() {
    let folder = folder(&[("a.html", "page")]);
    let large = fs::File::create(folder.path().join("a.toml")).unwrap();
    large.set_len(1_000_001).unwrap();

    let (_, files, skipped) = files(folder.path()).await;

    assert_eq!(files[0].sidecar, None);
    assert_eq!(skipped[0].why, "larger than 1 MB");
}
