//! People, their subscriptions, and their consent.

use super::{address, apply, ask, asks, at, edition, stores, subscribe};
use courant::{
    id::SubscriberId,
    port::StoreError,
    store::Store,
    subscribers::{
        ASK_AGAIN_MINUTES, Confirm, ConsentChange, How, Request, Requested, Scope, Subscription,
        Unconfirmed,
    },
};

pub(super) const ANN: &str = "ann@example.org";

pub(super) async fn standing(store: &dyn Store, text: &str, slug: &str) -> Option<&'static str> {
    let profile = store.find(&address(text)).await.unwrap()?;
    let (_, subscription) = profile
        .subscriptions
        .iter()
        .find(|(held, _)| *held == edition(slug))?;
    Some(subscription.name())
}

pub(super) async fn withdraw(store: &dyn Store, id: SubscriberId, scope: Scope, minutes: i64) {
    store
        .withdraw(id, &scope, How::OneClick, at(minutes))
        .await
        .unwrap();
}

pub(super) fn news() -> Scope {
    Scope::Edition(edition("news"))
}

#[tokio::test]
async fn a_request_from_the_form_waits_for_confirmation() {
    for store in stores() {
        let id = apply(&*store, ANN).await;

        assert_eq!(standing(&*store, ANN, "news").await, Some("pending"));
        assert_eq!(store.count(&edition("news")).await.unwrap(), 0);
        let due = Unconfirmed {
            subscriber: id,
            edition: edition("news"),
            since: at(0),
        };
        assert_eq!(
            store.unconfirmed(9).await.unwrap(),
            std::slice::from_ref(&due)
        );

        store.asked(&due).await.unwrap();
        store.asked(&due).await.unwrap();

        assert_eq!(store.unconfirmed(9).await.unwrap(), []);
        assert_eq!(standing(&*store, ANN, "news").await, Some("pending"));
    }
}

#[tokio::test]
async fn confirmation_requests_are_due_in_the_order_they_were_asked_for() {
    for store in stores() {
        ask(&*store, "late@example.org", Confirm::Required, 9).await;
        ask(&*store, "soon@example.org", Confirm::Required, 1).await;

        let due = store.unconfirmed(1).await.unwrap();

        assert_eq!(due.len(), 1);
        assert_eq!(due[0].since, at(1));
    }
}

#[tokio::test]
async fn an_operator_who_vouches_for_consent_enters_people_confirmed() {
    for store in stores() {
        let id = subscribe(&*store, ANN).await;

        assert_eq!(standing(&*store, ANN, "news").await, Some("confirmed"));
        assert_eq!(store.count(&edition("news")).await.unwrap(), 1);
        assert_eq!(store.unconfirmed(9).await.unwrap(), []);
        let evidence = store.consent(id).await.unwrap();
        assert_eq!(evidence.len(), 1);
        assert_eq!(evidence[0].what, ConsentChange::Confirmed);
        assert!(matches!(&evidence[0].how, How::Import { basis } if basis == "asked on paper"));
    }
}

#[tokio::test]
async fn an_operator_can_confirm_what_is_pending() {
    for store in stores() {
        let id = apply(&*store, ANN).await;

        let requested = ask(&*store, ANN, Confirm::Waived, 1).await;

        assert_eq!(requested, Requested::Confirmed(id));
        assert_eq!(store.unconfirmed(9).await.unwrap(), []);
    }
}

#[tokio::test]
async fn two_spellings_of_an_address_are_one_person() {
    for store in stores() {
        let id = subscribe(&*store, "Ann@Example.org").await;

        let again = ask(&*store, "ANN@example.ORG", Confirm::Waived, 1).await;

        assert_eq!(again, Requested::Already(id));
        let profile = store.profile(id).await.unwrap().unwrap();
        assert_eq!(profile.subscriber.address, address("Ann@example.org"));
    }
}

#[tokio::test]
async fn requests_are_recorded_in_order_and_each_sees_those_before() {
    for store in stores() {
        let requests = vec![
            asks(ANN, "news", Confirm::Waived),
            asks(ANN, "news", Confirm::Waived),
            asks(ANN, "sport", Confirm::Waived),
            asks("bob@example.org", "news", Confirm::Required),
        ];

        let requested = store.request(requests, at(0)).await.unwrap();

        let Requested::Confirmed(ann) = requested[0] else {
            panic!("{requested:?}");
        };
        assert_eq!(requested[1], Requested::Already(ann));
        assert_eq!(requested[2], Requested::Confirmed(ann));
        assert!(matches!(requested[3], Requested::Pending(bob) if bob != ann));
        assert_eq!(store.count(&edition("news")).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_pending_person_is_not_asked_again_at_once() {
    for store in stores() {
        let id = apply(&*store, ANN).await;

        let soon = ask(&*store, ANN, Confirm::Required, ASK_AGAIN_MINUTES - 1).await;
        assert_eq!(soon, Requested::Already(id));
        assert_eq!(store.unconfirmed(9).await.unwrap()[0].since, at(0));

        let later = ask(&*store, ANN, Confirm::Required, ASK_AGAIN_MINUTES).await;
        assert_eq!(later, Requested::Pending(id));
        let due = store.unconfirmed(9).await.unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].since, at(ASK_AGAIN_MINUTES));
    }
}

#[tokio::test]
async fn confirming_confirms_what_is_pending_and_may_be_repeated() {
    for store in stores() {
        let id = apply(&*store, ANN).await;

        assert!(store.confirm(id, &edition("news"), at(1)).await.unwrap());
        assert!(store.confirm(id, &edition("news"), at(2)).await.unwrap());

        let profile = store.profile(id).await.unwrap().unwrap();
        let confirmed = Subscription::Confirmed { at: at(1) };
        assert_eq!(profile.subscriptions, [(edition("news"), confirmed)]);
        assert_eq!(store.count(&edition("news")).await.unwrap(), 1);
        assert_eq!(store.unconfirmed(9).await.unwrap(), []);
    }
}

#[tokio::test]
async fn confirming_what_was_never_asked_for_or_was_ended_does_nothing() {
    for store in stores() {
        let id = apply(&*store, ANN).await;
        withdraw(&*store, id, news(), 1).await;

        assert!(!store.confirm(id, &edition("news"), at(2)).await.unwrap());
        assert!(!store.confirm(id, &edition("sport"), at(2)).await.unwrap());
        let nobody = SubscriberId(999);
        assert!(
            !store
                .confirm(nobody, &edition("news"), at(2))
                .await
                .unwrap()
        );

        assert_eq!(standing(&*store, ANN, "news").await, Some("unsubscribed"));
        assert_eq!(store.unconfirmed(9).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_person_is_kept_with_the_name_they_gave() {
    for store in stores() {
        let named = Request {
            name: Some("Ann Lee".to_owned()),
            ..asks(ANN, "news", Confirm::Required)
        };
        store.request(vec![named], at(3)).await.unwrap();

        let profile = store.find(&address(ANN)).await.unwrap().unwrap();
        assert_eq!(profile.subscriber.name.as_deref(), Some("Ann Lee"));
        assert_eq!(profile.subscriber.created, at(3));
        assert_eq!(store.find(&address("bob@example.org")).await.unwrap(), None);
        assert_eq!(store.profile(SubscriberId(999)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn profiles_are_paged_by_address() {
    for store in stores() {
        for text in [
            "c@example.org",
            "A@example.org",
            "b@example.org",
            "b@example.com",
        ] {
            subscribe(&*store, text).await;
        }

        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = store.profiles(after, 3).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.subscriber.id);
            seen.extend(
                page.into_iter()
                    .map(|profile| profile.subscriber.address.canonical()),
            );
        }

        let all = [
            "a@example.org",
            "b@example.com",
            "b@example.org",
            "c@example.org",
        ];
        assert_eq!(seen, all);
        let astray = store.profiles(Some(SubscriberId(999)), 3).await;
        assert!(matches!(astray, Err(StoreError::NotFound { .. })));
    }
}

#[tokio::test]
async fn the_record_of_consent_is_in_order_and_whole() {
    for store in stores() {
        let id = apply(&*store, ANN).await;
        store.confirm(id, &edition("news"), at(1)).await.unwrap();
        withdraw(&*store, id, news(), 2).await;
        subscribe(&*store, "bob@example.org").await;

        let evidence = store.consent(id).await.unwrap();

        let lines: Vec<_> = evidence
            .iter()
            .map(|line| (line.what, line.how.clone(), line.at))
            .collect();
        assert_eq!(
            lines,
            [
                (ConsentChange::Requested, How::Form, at(0)),
                (ConsentChange::Confirmed, How::ConfirmationPage, at(1)),
                (ConsentChange::Withdrawn, How::OneClick, at(2)),
            ]
        );
        assert!(evidence.iter().all(|line| line.subscriber == id));
    }
}
