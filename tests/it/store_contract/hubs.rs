//! What is kept about hubs.

use courant::{
    sources::{
        Poll, Standing, Verdict,
        entry::Hub,
        websub::{Mode, Subscription, Verification},
    },
    store::Store,
};

use super::{at, poll, source, stores};

fn hub() -> Hub {
    Hub {
        hubs: vec!["https://hub.example/".parse().unwrap()],
        topic: "https://wire.example/feed".parse().unwrap(),
    }
}

fn pending(id: &str) -> Subscription {
    let begun = Subscription::begin(&hub(), id.to_owned(), "secret".to_owned(), at(0)).unwrap();
    begun.asking(Mode::Subscribe, None, at(0))
}

fn verification(mode: &str) -> Verification {
    Verification {
        mode: mode.to_owned(),
        topic: "https://wire.example/feed".to_owned(),
        challenge: "c".to_owned(),
        ..Verification::default()
    }
}

async fn verify(store: &dyn Store, id: &str, mode: &str) -> Verdict {
    let verdict = store
        .verify_subscription(id, verification(mode), at(1))
        .await;
    verdict.unwrap()
}

#[tokio::test]
async fn the_standing_of_a_source_names_its_hub_and_its_subscription() {
    for store in stores() {
        let named = Poll {
            hub: Some(hub()),
            ..poll("read")
        };
        store.record_quiet(&source("b"), &named).await.unwrap();
        for name in ["a", "b"] {
            let kept = store.keep_subscription(&source(name), &pending(name)).await;
            kept.unwrap();
        }

        let standing = |name, poll| {
            let standing = Standing {
                poll,
                subscription: Some(pending(name)),
                ..Standing::default()
            };
            (source(name), standing)
        };
        let standings = store.standings().await.unwrap();
        assert_eq!(
            Vec::from_iter(standings),
            [standing("a", None), standing("b", Some(named))]
        );
    }
}

#[tokio::test]
async fn only_its_own_address_leads_to_a_subscription() {
    for store in stores() {
        let wire = source("wire");
        store
            .keep_subscription(&wire, &pending("old"))
            .await
            .unwrap();
        store
            .keep_subscription(&wire, &pending("new"))
            .await
            .unwrap();

        assert_eq!(store.hook("old").await.unwrap(), None);
        let found = store.hook("new").await.unwrap();
        assert_eq!(found, Some((wire.clone(), pending("new"))));
        assert_eq!(store.hook("ne\0w").await.unwrap(), None);

        store.forget_subscription(&wire).await.unwrap();
        assert_eq!(store.hook("new").await.unwrap(), None);
        assert_eq!(store.subscription(&wire).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_hub_that_asks_back_is_answered_once_and_its_answer_is_kept() {
    for store in stores() {
        let wire = source("wire");
        store
            .keep_subscription(&wire, &pending("id"))
            .await
            .unwrap();

        assert_eq!(
            verify(&*store, "other", "subscribe").await,
            Verdict::Unasked
        );
        assert_eq!(verify(&*store, "id", "unsubscribe").await, Verdict::Unasked);
        assert_eq!(verify(&*store, "id", "subscribe").await, Verdict::Confirmed);
        let live = store.subscription(&wire).await.unwrap().unwrap();
        assert!(live.is_live(at(1)));
        assert_eq!(verify(&*store, "id", "subscribe").await, Verdict::Unasked);

        let asked = live.asking(Mode::Subscribe, None, at(1));
        store.keep_subscription(&wire, &asked).await.unwrap();
        assert_eq!(verify(&*store, "id", "denied").await, Verdict::Noted);
        let refused = store.subscription(&wire).await.unwrap().unwrap();
        assert_eq!(refused.failures, 1);

        let leaving = live.asking(Mode::Unsubscribe, None, at(1));
        store.keep_subscription(&wire, &leaving).await.unwrap();
        assert_eq!(
            verify(&*store, "id", "unsubscribe").await,
            Verdict::Confirmed
        );
        assert_eq!(store.subscription(&wire).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_failure_is_noted_of_the_request_that_failed_and_of_no_other() {
    for store in stores() {
        let wire = source("wire");
        let fail = |id: &'static str| store.subscription_failed(&wire, id, "timed out", at(1));
        fail("id").await.unwrap();
        assert_eq!(store.subscription(&wire).await.unwrap(), None);

        store
            .keep_subscription(&wire, &pending("id"))
            .await
            .unwrap();
        fail("other").await.unwrap();
        assert_eq!(
            store.subscription(&wire).await.unwrap(),
            Some(pending("id"))
        );
        fail("id").await.unwrap();
        let failed = store.subscription(&wire).await.unwrap().unwrap();
        assert_eq!(failed.error.as_deref(), Some("timed out"));

        store
            .keep_subscription(&wire, &pending("id"))
            .await
            .unwrap();
        verify(&*store, "id", "subscribe").await;
        fail("id").await.unwrap();
        let live = store.subscription(&wire).await.unwrap().unwrap();
        assert_eq!(live.failures, 0, "it was confirmed meanwhile");
    }
}
