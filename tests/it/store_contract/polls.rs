//! What is kept about polling.

use super::{article, at, new, poll, record, source, stores};
use courant::sources::{Poll, Standing, Validators};

#[tokio::test]
async fn a_source_that_was_never_polled_has_no_state() {
    for store in stores() {
        assert_eq!(store.poll(&source("herald")).await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_latest_poll_of_each_source_is_kept_to_the_byte() {
    for store in stores() {
        let latest = Poll {
            validators: Validators {
                etag: Some(b"W/\"\xff\"".to_vec()),
                ..Validators::default()
            },
            failing_since: Some(at(3)),
            ..poll("timed out")
        };

        let herald = source("herald");
        store.record_quiet(&herald, &poll("read")).await.unwrap();
        store.record_quiet(&herald, &latest).await.unwrap();
        let echo = source("echo");
        store.record_quiet(&echo, &poll("moved")).await.unwrap();

        assert_eq!(store.poll(&herald).await.unwrap(), Some(latest));
        assert_eq!(store.poll(&echo).await.unwrap(), Some(poll("moved")));
    }
}

#[tokio::test]
async fn a_pause_outlasts_the_poll_that_was_in_hand_and_keeps_its_beginning() {
    for store in stores() {
        let herald = source("herald");
        store.pause(&herald, at(1)).await.unwrap();
        store.record_quiet(&herald, &poll("read")).await.unwrap();
        store.pause(&herald, at(9)).await.unwrap();

        let paused = store.paused().await.unwrap();
        assert_eq!(Vec::from_iter(paused), [(herald.clone(), at(1))]);
        store.resume(&herald, at(10)).await.unwrap();
        assert!(store.paused().await.unwrap().is_empty());
        assert_eq!(store.poll(&herald).await.unwrap(), Some(poll("read")));
    }
}

#[tokio::test]
async fn resuming_a_source_that_is_gone_has_it_asked_again() {
    for store in stores() {
        let herald = source("herald");
        let gone = Poll {
            gone: true,
            ..poll("answered 410 Gone")
        };
        store.record_quiet(&herald, &gone).await.unwrap();

        store.resume(&herald, at(7)).await.unwrap();

        let asked = Poll {
            gone: false,
            next: at(7),
            ..gone
        };
        assert_eq!(store.poll(&herald).await.unwrap(), Some(asked));
    }
}

#[tokio::test]
async fn the_articles_of_each_source_are_counted_as_they_are_recorded() {
    for store in stores() {
        let both = vec![new(&["a"], article(1)), new(&["b"], article(2))];
        store.record(record(both)).await.unwrap();
        let again = vec![new(&["b"], article(3)), new(&["c"], article(4))];
        store.record(record(again)).await.unwrap();
        store.pause(&source("echo"), at(3)).await.unwrap();

        let herald = Standing {
            poll: Some(poll("read")),
            paused: None,
            articles: 3,
            subscription: None,
        };
        let echo = Standing {
            paused: Some(at(3)),
            ..Standing::default()
        };
        let standings = store.standings().await.unwrap();
        assert_eq!(
            Vec::from_iter(standings),
            [(source("echo"), echo), (source("herald"), herald)]
        );
    }
}
