use std::{collections::HashSet, fs, sync::Arc};

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Durability, SledStore,
    key::Key as TableKey,
    plan::{self, Begun},
    table::{ADDRESS, CONTENT, COUNTER, DELIVERY, TALLY, Table},
    tx::Tx,
};
use crate::{
    delivery::{
        Audience, Claim, Content, OutboxStore, Outcome, Plan, Planned, Purpose, Settle,
        destination::Destinations,
    },
    id::{ContentId, DeliveryId, EditionSlug, SourceName, SubscriberId},
    port::{Health, StoreError},
    secret::Key,
    sources::{Origin, Poll, SourceStore},
    subscribers::{Confirm, How, Request, SubscriberStore, address::EmailAddress},
};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn edition() -> EditionSlug {
    EditionSlug::parse("news").unwrap()
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn store() -> (SledStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let pepper = Key::new(&[7; Key::BYTES]);
    let store = SledStore::open(&folder.path().join("store"), pepper).unwrap();
    (store, folder)
}

fn content() -> Content {
    Content {
        purpose: Purpose::Notice,
        edition: edition(),
        edition_title: "News".to_owned(),
        sender: address("news@example.org"),
        subject: "Test".to_owned(),
        html: "<p>".to_owned(),
        text: "t".to_owned(),
        archived_at: Some("https://example.org/e/news/1".to_owned()),
        date: at(0),
    }
}

fn to_an_address(content: u64) -> DeliveryId {
    DeliveryId {
        content: ContentId(content),
        recipient: SubscriberId(0),
    }
}

/// How many deliveries are written, whether anybody is told of them or not.
async fn rows(store: &SledStore) -> usize {
    let count = |tx: &Tx<'_>| Ok(tx.scan(DELIVERY.all()).keys().count());
    store.read(count).await.unwrap()
}

async fn plan(store: &SledStore, to: &str) -> ContentId {
    let plan = Plan {
        key: to.to_owned(),
        content: content(),
        audience: Audience::Address(address(to)),
        stale: None,
        destinations: Arc::new(Destinations::built_in()),
        now: at(0),
    };
    match store.plan(plan).await.unwrap() {
        Planned::New { content, .. } | Planned::Already(content) => content,
    }
}

/// Overwrites a row with one that no version wrote.
async fn spoil<K, V>(store: &SledStore, table: Table<K, V>, key: K)
where
    K: TableKey + Send + 'static,
    V: Serialize + DeserializeOwned + 'static,
{
    store
        .write(Durability::Journaled, move |tx| {
            tx.put(table.spoiled(), &key, &u8::MAX)
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_delivery_that_cannot_be_read_does_not_hold_up_those_behind_it() {
    let (store, _folder) = store();
    plan(&store, "ann@example.org").await;
    plan(&store, "bob@example.org").await;
    spoil(&store, DELIVERY, to_an_address(1)).await;

    let claimed = store
        .claim_due(Claim::until(at(9)), at(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claimed.delivery.id, to_an_address(2));
    assert_eq!(
        store.claim_due(Claim::until(at(9)), at(1)).await.unwrap(),
        None
    );

    let listed = store.deliveries(9).await.unwrap();
    assert_eq!(listed.len(), 1, "a list leaves it out");
}

#[tokio::test]
async fn what_was_sent_is_recorded_also_where_the_count_cannot_be_read() {
    let (store, _folder) = store();
    let content = plan(&store, "ann@example.org").await;
    let claimed = store.claim_due(Claim::until(at(9)), at(1)).await.unwrap();
    spoil(&store, TALLY, content).await;

    let done = Settle {
        id: claimed.unwrap().delivery.id,
        outcome: Outcome::Sent {
            reply: "250 ok".to_owned(),
        },
        via: None,
    };
    store.settle(done, at(2)).await.unwrap();

    assert_eq!(store.deliveries(9).await.unwrap()[0].status.name(), "sent");
    assert_eq!(store.tally(content).await.unwrap().sent, 1);
}

#[tokio::test]
async fn a_delivery_in_hand_whose_row_is_damaged_is_released_whole() {
    let (store, _folder) = store();
    plan(&store, "ann@example.org").await;
    plan(&store, "bob@example.org").await;
    while store
        .claim_due(Claim::until(at(9)), at(1))
        .await
        .unwrap()
        .is_some()
    {}
    spoil(&store, DELIVERY, to_an_address(1)).await;

    assert_eq!(store.release_leases(at(2)).await.unwrap(), 2);
    assert_eq!(store.release_leases(at(2)).await.unwrap(), 0);
    let claimed = store.claim_due(Claim::until(at(9)), at(2)).await.unwrap();
    assert_eq!(claimed.unwrap().address.as_str(), "ann@example.org");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named_and_shows_no_address() {
    let (store, _folder) = store();
    let content = plan(&store, "ann@example.org").await;
    spoil(&store, CONTENT, content).await;
    spoil(&store, ADDRESS, "ann@example.org".to_owned()).await;

    let err = store.content(content).await.unwrap_err();
    assert_eq!(
        err.to_string(),
        "the content row 330000000000000001 cannot be read"
    );
    let err = store
        .read(|tx| tx.get(ADDRESS, &"ann@example.org".to_owned()))
        .await
        .unwrap_err();
    assert_eq!(err.to_string(), "the address row (hidden) cannot be read");
}

#[tokio::test]
async fn a_transaction_that_fails_or_panics_writes_nothing_and_stops_nobody() {
    let (store, _folder) = store();
    let failed = store
        .write(Durability::Journaled, |tx| {
            tx.take("article", 5)?;
            Err::<(), _>(StoreError::NotFound { what: "reason" })
        })
        .await;
    let panicked = store
        .write(Durability::Journaled, |tx| {
            tx.take("article", 5)?;
            let none = tx.get(COUNTER, &"none".to_owned())?;
            Ok(none.expect("there is none"))
        })
        .await;

    assert!(matches!(failed, Err(StoreError::NotFound { .. })));
    assert!(matches!(panicked, Err(StoreError::Unavailable { .. })));
    let first = store
        .write(Durability::Journaled, |tx| tx.take("article", 1))
        .await;
    assert_eq!(first.unwrap(), 1);
}

#[tokio::test]
async fn a_transaction_sees_what_it_wrote_and_others_see_it_committed() {
    let (store, _folder) = store();
    let key = "x".to_owned();

    store
        .write(Durability::Journaled, |tx| {
            let key = "x".to_owned();
            tx.put(COUNTER, &key, &1)?;
            assert_eq!(tx.get(COUNTER, &key)?, Some(1));
            tx.remove(COUNTER, &key);
            assert!(!tx.has(COUNTER, &key)?);
            tx.put(COUNTER, &key, &2)
        })
        .await
        .unwrap();

    let seen = store.read(move |tx| tx.get(COUNTER, &key)).await;
    assert_eq!(seen.unwrap(), Some(2));
}

#[tokio::test]
async fn a_lease_ends_with_the_process_that_took_it() {
    let (store, folder) = store();
    plan(&store, "ann@example.org").await;
    assert!(
        store
            .claim_due(Claim::until(at(99)), at(1))
            .await
            .unwrap()
            .is_some()
    );
    drop(store);

    let pepper = Key::new(&[7; Key::BYTES]);
    let store = SledStore::open(&folder.path().join("store"), pepper).unwrap();

    assert!(
        store
            .claim_due(Claim::until(at(99)), at(2))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_plan_that_comes_to_nothing_half_way_was_never_made() {
    const PEOPLE: u64 = 5_000;
    let digest = || Plan {
        key: "digest:1".to_owned(),
        content: Content {
            purpose: Purpose::Digest,
            ..content()
        },
        audience: Audience::Subscribed,
        stale: None,
        destinations: Arc::new(Destinations::built_in()),
        now: at(0),
    };
    let claims = async |store: &SledStore| {
        let mut claimed = HashSet::new();
        while let Some(next) = store.claim_due(Claim::until(at(99)), at(1)).await.unwrap() {
            assert!(claimed.insert(next.address.as_str().to_owned()));
        }
        claimed.len()
    };
    let (store, folder) = store();
    let crowd = (0..PEOPLE).map(|n| Request {
        address: address(&format!("{n}@example.org")),
        name: None,
        edition: edition(),
        confirm: Confirm::Waived,
        how: How::Form,
    });
    store.request(crowd.collect(), at(0)).await.unwrap();

    let fails = async |store: &SledStore| {
        let failed = store
            .write(Durability::Synced, move |tx| {
                let Begun::Large {
                    content,
                    recipients,
                } = plan::begin(tx, &digest())?
                else {
                    panic!("it was made at once");
                };
                plan::write(tx, &digest(), content, &recipients[..plan::BATCH])?;
                tx.apply()?;
                Err::<(), _>(StoreError::NotFound { what: "reason" })
            })
            .await;
        assert!(failed.is_err());
        assert!(rows(store).await > 0, "some were written");
        assert_eq!(store.deliveries(9).await.unwrap(), [], "and nobody is told");
    };

    fails(&store).await;
    assert_eq!(claims(&store).await, 0);

    fails(&store).await;
    let pepper = Key::new(&[7; Key::BYTES]);
    drop(store);
    let store = SledStore::open(&folder.path().join("store"), pepper).unwrap();
    assert_eq!(rows(&store).await, 0);
    assert_eq!(store.next_due().await.unwrap(), None);

    fails(&store).await;
    let planned = store.plan(digest()).await.unwrap();
    assert!(matches!(
        planned,
        Planned::New {
            deliveries: PEOPLE,
            ..
        }
    ));
    assert_eq!(store.deliveries(usize::MAX).await.unwrap().len(), 5_000);
    assert_eq!(claims(&store).await, 5_000);
}

#[tokio::test]
async fn a_checkpoint_that_fails_loses_nothing_and_nothing_is_written_after_it() {
    let (store, folder) = store();
    let path = folder.path().join("store");
    let write = |key: String, row: u64| {
        store.write(Durability::Synced, move |tx| tx.put(COUNTER, &key, &row))
    };
    write("before".to_owned(), 1).await.unwrap();
    // sled keeps a large page in a file of its own, there.
    fs::remove_dir_all(path.join("blobs")).unwrap();

    let long = "x".repeat(5_000_000);
    write(long.clone(), 2).await.unwrap();

    let refused = write("after".to_owned(), 3).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })));
    assert!(matches!(
        store.check().await,
        Err(StoreError::Unavailable { .. })
    ));

    let copy = folder.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for file in ["conf", "db", "journal"] {
        fs::copy(path.join(file), copy.join(file)).unwrap();
    }
    let store = SledStore::open(&copy, Key::new(&[7; Key::BYTES])).unwrap();
    for (key, row) in [("before", Some(1)), (&long, Some(2)), ("after", None)] {
        let key = key.to_owned();
        let found = store.read(move |tx| tx.get(COUNTER, &key)).await.unwrap();
        assert_eq!(found, row);
    }
}

#[tokio::test]
async fn closing_finishes_what_is_queued() {
    let (store, folder) = store();
    let sources = (0..50).map(|n| SourceName::parse(&format!("herald-{n}")).unwrap());
    let sources: Vec<_> = sources.collect();
    let poll = Poll::unpolled(&Origin::Folder("news".into()), at(0));

    for source in &sources {
        // It is queued; nobody waits for it.
        let _answer = store.record_quiet(source, &poll).now_or_never();
    }
    drop(store);

    // The lock outlives the drop for as long as a process that another test starts at this moment
    // has not got to its own program.
    let pepper = || Key::new(&[7; Key::BYTES]);
    let open = || SledStore::open(&folder.path().join("store"), pepper());
    let mut tries = std::iter::repeat_with(open).take(1000);
    let store = tries.find_map(Result::ok).unwrap();
    for source in &sources {
        assert_eq!(store.poll(source).await.unwrap().as_ref(), Some(&poll));
    }
}
