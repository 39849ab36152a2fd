use std::{collections::BTreeMap, fs, iter};

use proptest::prelude::*;

use super::{super::table::PACKED, *};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// The first byte of a table whose rows are kept by themselves.
const PLAIN: u8 = 21;

fn tables() -> impl Strategy<Value = u8> {
    prop::sample::select(vec![PLAIN, PACKED[0], PACKED[1]])
}

/// All of one length, as the keys of a table are that end in a number.
fn key() -> impl Strategy<Value = Vec<u8>> {
    (tables(), 0..3_u8, 0..9_u8).prop_map(|(table, high, low)| vec![table, high, low])
}

fn batch() -> impl Strategy<Value = Writes> {
    let value = prop::option::weighted(0.7, prop::collection::vec(0..4_u8, 0..4));
    prop::collection::btree_map(key(), value, 1..12)
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Writes),
    Checkpoint,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => batch().prop_map(Step::Apply),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
    ]
}

fn note(model: &mut Model, batch: &Writes) {
    for (key, value) in batch {
        match value {
            Some(value) => model.insert(key.clone(), value.clone()),
            None => model.remove(key),
        };
    }
}

/// The lock outlives the drop for as long as a process that another test starts at this moment has not
/// got to its own program.
fn open(folder: &Path) -> Tree {
    iter::repeat_with(|| Tree::open(folder))
        .take(1_000)
        .find_map(Result::ok)
        .unwrap()
}

fn rows(tree: &Tree, lo: &[u8], hi: &[u8], direction: Direction) -> Vec<Row> {
    let range = tree.range(lo.to_vec(), hi.to_vec(), direction);
    range.collect::<sled::Result<_>>().unwrap()
}

fn all(tree: &Tree) -> Model {
    let tables = [PLAIN, PACKED[0], PACKED[1]];
    let rows = tables.map(|table| rows(tree, &[table], &[table + 1], Direction::Up));
    rows.concat().into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_tree_has_what_was_written_whatever_is_in_memory_and_what_in_sled(
        steps in prop::collection::vec(step(), 1..20),
        bounds in prop::collection::vec((key(), 1..5_usize, 0..5_u8), 6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = open(folder.path());
        let mut model = Model::new();
        for step in steps {
            match step {
                Step::Apply(batch) => {
                    note(&mut model, &batch);
                    tree.apply(batch).unwrap();
                }
                Step::Checkpoint => tree.checkpoint().unwrap(),
                Step::Reopen => {
                    drop(tree);
                    tree = open(folder.path());
                }
            }
            prop_assert_eq!(&all(&tree), &model);
        }
        for (mut lo, length, more) in bounds {
            let hi = vec![lo[0], lo[1] + more];
            prop_assert_eq!(tree.get(&lo).unwrap(), model.get(&lo).cloned());
            lo.resize(length, 0);
            let range = model.range(lo.clone()..hi.clone().max(lo.clone()));
            let mut expected: Vec<Row> = range.map(|(key, value)| (key.clone(), value.clone())).collect();
            prop_assert_eq!(rows(&tree, &lo, &hi, Direction::Up), expected.clone());
            expected.reverse();
            prop_assert_eq!(rows(&tree, &lo, &hi, Direction::Down), expected);
        }
    }

    #[test]
    fn a_power_cut_leaves_whole_batches_whatever_a_checkpoint_was_doing(
        batches in prop::collection::vec(batch(), 1..8),
        first in 0..4_usize,
        cut: prop::sample::Index,
        began: bool,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let tree = open(folder.path());
        let journal = folder.path().join("journal");
        let (mut before, mut ends) = (Model::new(), Vec::new());
        for (n, batch) in batches.iter().enumerate() {
            if n == first {
                tree.checkpoint().unwrap();
                ends.clear();
            }
            if n < first {
                note(&mut before, batch);
            }
            tree.apply(batch.clone()).unwrap();
            ends.push((fs::metadata(&journal).unwrap().len(), n));
        }
        if began {
            // It only began once all of the journal was on the disk.
            let epoch = tree.base.epoch().unwrap();
            tree.base.write(&tree.recent().read(), epoch).unwrap();
        }
        drop(tree);
        let whole = fs::read(&journal).unwrap();
        let length = if began { whole.len() } else { cut.index(whole.len() + 1) };
        fs::write(&journal, &whole[..length]).unwrap();

        let tree = open(folder.path());

        let mut left = if batches.len() > first { before } else { Model::new() };
        for (end, n) in ends {
            if end <= length as u64 {
                note(&mut left, &batches[n]);
            }
        }
        prop_assert_eq!(all(&tree), left);
    }
}

#[test]
fn a_journal_that_comes_back_after_its_checkpoint_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let tree = open(folder.path());
    let put = |value: &[u8]| Writes::from([(vec![PLAIN, 1], Some(value.to_vec()))]);
    tree.apply(put(b"old")).unwrap();
    let old = fs::read(&journal).unwrap();
    tree.apply(put(b"new")).unwrap();
    tree.checkpoint().unwrap();
    drop(tree);
    fs::write(&journal, old).unwrap();

    let tree = open(folder.path());

    assert_eq!(tree.get(&[PLAIN, 1]).unwrap(), Some(b"new".to_vec()));
}

#[test]
fn who_reads_a_range_during_a_checkpoint_misses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let tree = open(folder.path());
    let written = (0..9).map(|n| (vec![PACKED[0], 0, n], Some(vec![n])));
    tree.apply(written.collect()).unwrap();

    let mut range = tree.range(vec![PACKED[0]], vec![PACKED[0] + 1], Direction::Up);
    let first = range.next().unwrap().unwrap();
    tree.checkpoint().unwrap();
    let rest = range.map(Result::unwrap);

    let read: Vec<u8> = iter::once(first)
        .chain(rest)
        .map(|(_, value)| value[0])
        .collect();
    assert_eq!(read, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn what_the_journal_had_is_in_sled_once_the_tree_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let batch = Writes::from([(vec![PLAIN, 1], Some(vec![7]))]);
    let tree = open(folder.path());
    tree.apply(batch.clone()).unwrap();
    drop(tree);
    assert!(fs::metadata(folder.path().join("journal")).unwrap().len() > 0);

    let tree = open(folder.path());

    assert_eq!(
        fs::metadata(folder.path().join("journal")).unwrap().len(),
        0
    );
    assert_eq!(tree.get(&[PLAIN, 1]).unwrap(), Some(vec![7]));
}

#[test]
fn a_chunk_that_is_damaged_is_told_of_once_in_either_direction() {
    let folder = tempfile::tempdir().unwrap();
    let tree = open(folder.path());
    for direction in [Direction::Up, Direction::Down] {
        tree.base.spoil(&[PACKED[0], 1]).unwrap();
        let range = tree.range(vec![PACKED[0]], vec![PACKED[0] + 1], direction);
        let read: Vec<_> = range.take(9).collect();
        assert_eq!(read.len(), 1);
        assert!(read[0].is_err());
    }
}
