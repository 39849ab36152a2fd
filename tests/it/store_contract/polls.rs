//! What is kept about polling.

use super::{at, poll, source, stores};
use courant::sources::{Poll, Validators};

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
