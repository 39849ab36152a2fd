use tempfile::TempDir;

use super::*;
use crate::{secret::Key, store::sled::SledStore};

fn at(days: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + days)
}

fn mark(count: u64, file: u64) -> Option<Mark> {
    Some(Mark { count, file })
}

/// Whether a store that was sealed on day 0 as the fifth time is in doubt.
fn doubted(mark: Option<Mark>, host: &str, now: DateTime<Utc>) -> bool {
    let seal = Seal {
        count: 5,
        seen: at(0),
        host: "a".to_owned(),
        file: 77,
        former: 76,
    };
    doubt(Some(&seal), mark, host, now).is_some()
}

#[test]
fn a_store_that_goes_on_where_it_stopped_is_in_no_doubt() {
    assert!(!doubted(mark(5, 77), "a", at(0)));
    assert!(!doubted(mark(5, 77), "a", at(300)));
    assert!(!doubted(mark(4, 76), "a", at(1)), "killed in between");
    assert!(!doubted(mark(3, 76), "a", at(1)), "failed and then killed");
    assert!(!doubted(mark(5, 77), "", at(1)), "a container has no name");
    assert_eq!(doubt(None, None, "a", at(0)), None);
    assert_eq!(
        doubt(None, mark(0, 77), "a", at(0)),
        None,
        "killed at first"
    );
}

#[test]
fn a_store_that_is_older_copied_moved_or_wakes_at_an_odd_time_is_in_doubt() {
    assert!(doubted(mark(6, 78), "a", at(1)));
    assert!(doubted(mark(7, 77), "a", at(1)), "a number that came again");
    assert!(doubted(mark(7, 76), "a", at(1)), "a number that came again");
    assert!(doubted(mark(5, 78), "a", at(1)));
    assert!(doubted(mark(4, 75), "a", at(1)), "copied while in use");
    assert!(doubted(None, "a", at(1)), "the file was not restored");
    assert!(doubted(mark(5, 77), "b", at(1)));
    assert!(doubted(mark(5, 77), "a", at(-1)));
    assert!(doubted(mark(5, 77), "a", at(400)));
    assert!(doubt(None, mark(1, 77), "a", at(0)).is_some());
}

/// A store with a folder for the file beside it.
struct Beside {
    folder: TempDir,
    store: SledStore,
}

impl Beside {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store =
            SledStore::open(&folder.path().join("store"), Key::new(&[7; Key::BYTES])).unwrap();
        Beside { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    async fn seal(&self) -> Option<Seal> {
        self.store.seal().await.unwrap()
    }

    async fn seen(&self) {
        seen(self.folder.path(), &self.store, at(0)).await;
    }

    /// Why a store with that seal would be in doubt beside the file that is there.
    fn doubt(&self, sealed: Option<&Seal>) -> Option<String> {
        doubt(sealed, read(&self.path()).unwrap(), &host(), at(0))
    }
}

#[tokio::test]
async fn wherever_a_count_ends_the_store_and_the_file_agree() {
    let beside = Beside::new();
    for n in 0..3 {
        let sealed = beside.seal().await;
        let least = sealed.as_ref().map_or(0, |seal| seal.count);
        let (draft, next, former) = prepare(beside.path(), least).unwrap();
        assert_eq!(beside.doubt(sealed.as_ref()), None, "{n}: a draft");

        let seal = Seal {
            count: next.count,
            seen: at(0),
            host: host(),
            file: next.file,
            former: former.file,
        };
        beside.store.set_seal(seal.clone()).await.unwrap();
        assert_eq!(beside.doubt(Some(&seal)), None, "{n}: the store");
        if n == 1 {
            // The next one comes after a crash.
            continue;
        }

        draft.put().unwrap();
        assert_eq!(beside.doubt(Some(&seal)), None, "{n}: the file");
    }
}

#[tokio::test]
async fn a_store_from_before_the_last_minute_is_in_doubt_however_it_is_put_back() {
    let beside = Beside::new();
    watch(beside.folder.path(), &beside.store, at(0))
        .await
        .unwrap();
    let (seal, text) = (beside.seal().await, fs::read(beside.path()).unwrap());
    assert_eq!(beside.doubt(seal.as_ref()), None);

    beside.seen().await;
    assert_eq!(beside.doubt(beside.seal().await.as_ref()), None);
    assert!(beside.doubt(seal.as_ref()).is_some(), "alone");

    fs::write(beside.path(), &text).unwrap();
    assert!(beside.doubt(seal.as_ref()).is_some(), "over the other file");

    fs::remove_file(beside.path()).unwrap();
    assert!(beside.doubt(seal.as_ref()).is_some(), "into a new folder");

    fs::write(beside.path(), &text).unwrap();
    assert!(beside.doubt(seal.as_ref()).is_some(), "with its file");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_casts_no_doubt_and_stops_nobody() {
    let beside = Beside::new();
    watch(beside.folder.path(), &beside.store, at(0))
        .await
        .unwrap();
    let before = (beside.seal().await, read(&beside.path()).unwrap());

    let in_the_way = beside.path().with_extension("new");
    fs::create_dir(&in_the_way).unwrap();
    beside.seen().await;
    watch(beside.folder.path(), &beside.store, at(0))
        .await
        .unwrap();

    assert_eq!(before, (beside.seal().await, read(&beside.path()).unwrap()));
    assert_eq!(beside.store.holds().await.unwrap(), []);
    fs::remove_dir(&in_the_way).unwrap();
    beside.seen().await;
    assert_eq!(beside.seal().await.unwrap().count, 2);
}
