use std::{fs, path::Path};

use tempfile::TempDir;

use super::{File, FolderError, Kind, Reading, Skipped, Stat, read, read_whole};

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

async fn files(folder: &Path) -> (Vec<u8>, Vec<File>, Vec<Skipped>) {
    match read(folder, None).await.unwrap() {
        Reading::Files {
            listing,
            files,
            skipped,
        } => (listing, files, skipped),
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
        ("notes.txt", "no"),
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

    assert_eq!(
        read_whole(&path, &before),
        Err("it is being written".to_owned())
    );
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
