//! What is kept about digests.

use super::{at, edition, stores};
use courant::{
    editions::{Close, Closed, Digest, Progress},
    id::{ArticleId, DigestName},
    parts::Window,
    port::StoreError,
    store::Store,
};

fn daily() -> DigestName {
    DigestName::parse("daily").unwrap()
}

fn close(slug: &str, name: &str, slot: i64) -> Close {
    Close {
        edition: edition(slug),
        name: DigestName::parse(name).unwrap(),
        slot: at(slot),
        window: Window {
            from: at(slot - 10),
            to: at(slot),
        },
        articles: vec![ArticleId(2), ArticleId(1)],
    }
}

async fn closed(store: &dyn Store, close: Close) -> Digest {
    match store.close(close).await.unwrap() {
        Closed::New(digest) => digest,
        Closed::Already => panic!("the slot is past"),
    }
}

#[tokio::test]
async fn a_rule_starts_when_it_is_first_seen_and_not_again() {
    for store in stores() {
        let news = edition("news");

        let first = store.progress(&news, &daily(), at(5)).await.unwrap();
        let second = store.progress(&news, &daily(), at(9)).await.unwrap();

        assert_eq!(
            first,
            Progress {
                slot: at(5),
                from: None
            }
        );
        assert_eq!(second, first);
    }
}

#[tokio::test]
async fn digests_are_numbered_within_their_edition_whatever_their_names() {
    for store in stores() {
        assert_eq!(closed(&*store, close("news", "daily", 10)).await.number, 1);
        assert_eq!(closed(&*store, close("news", "weekly", 10)).await.number, 2);
        assert_eq!(
            closed(&*store, close("news-b", "daily", 10)).await.number,
            1
        );
        let third = closed(&*store, close("news", "daily", 20)).await;

        assert_eq!(third.number, 3);
        assert_eq!(third.articles, [ArticleId(2), ArticleId(1)]);
        assert_eq!(
            store.digest(&edition("news"), 3).await.unwrap(),
            Some(third)
        );
        assert_eq!(store.digest(&edition("news"), 4).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_slot_is_closed_once_and_an_earlier_one_never() {
    for store in stores() {
        store
            .progress(&edition("news"), &daily(), at(0))
            .await
            .unwrap();
        closed(&*store, close("news", "daily", 20)).await;

        for slot in [20, 10, 0] {
            let again = store.close(close("news", "daily", slot)).await.unwrap();
            assert_eq!(again, Closed::Already);
        }

        let progress = store.progress(&edition("news"), &daily(), at(30)).await;
        assert_eq!(
            progress.unwrap(),
            Progress {
                slot: at(20),
                from: Some(at(20))
            }
        );
        assert_eq!(store.digests(&edition("news"), 9).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_rule_does_not_close_the_slot_in_which_it_was_first_seen() {
    for store in stores() {
        store
            .progress(&edition("news"), &daily(), at(10))
            .await
            .unwrap();

        let close = store.close(close("news", "daily", 10)).await.unwrap();

        assert_eq!(close, Closed::Already);
    }
}

#[tokio::test]
async fn the_window_after_a_slot_passed_over_starts_where_its_own_would_have() {
    for store in stores() {
        let news = edition("news");
        let window = |to| Window {
            from: at(10),
            to: at(to),
        };

        store.pass(&news, &daily(), window(20)).await.unwrap();
        store.pass(&news, &daily(), window(15)).await.unwrap();

        let passed = Progress {
            slot: at(20),
            from: Some(at(10)),
        };
        let progress = store.progress(&news, &daily(), at(30)).await.unwrap();
        assert_eq!(progress, passed);
        let late = store.close(close("news", "daily", 20)).await.unwrap();
        assert_eq!(late, Closed::Already);
    }
}

#[tokio::test]
async fn a_closed_digest_is_unplanned_until_it_is_planned() {
    for store in stores() {
        let news = edition("news");
        let first = closed(&*store, close("news", "daily", 10)).await;
        let second = closed(&*store, close("news", "daily", 20)).await;
        let unplanned = store.unplanned().await.unwrap();
        assert_eq!(unplanned, [first, second.clone()]);

        store.planned(&news, 1).await.unwrap();
        store.planned(&news, 1).await.unwrap();

        assert_eq!(store.unplanned().await.unwrap(), [second]);
        assert!(store.digest(&news, 1).await.unwrap().unwrap().planned);
        let missing = store.planned(&news, 7).await;
        assert!(matches!(missing, Err(StoreError::NotFound { .. })));
    }
}

#[tokio::test]
async fn digests_are_listed_latest_first() {
    for store in stores() {
        for slot in 1..=12 {
            closed(&*store, close("news", "daily", slot * 10)).await;
        }
        closed(&*store, close("other", "daily", 10)).await;

        let latest = store.digests(&edition("news"), 3).await.unwrap();

        let numbers: Vec<u32> = latest.iter().map(|digest| digest.number).collect();
        assert_eq!(numbers, [12, 11, 10]);
    }
}
