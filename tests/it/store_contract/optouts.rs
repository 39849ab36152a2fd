//! Opting out, staying out, and coming back.

use super::{
    address, ask, asks, at, edition,
    people::{ANN, news, standing, withdraw},
    stores, subscribe,
};
use courant::{
    id::SubscriberId,
    store::Store,
    subscribers::{Confirm, ConsentChange, How, Requested, Scope},
};

pub(super) async fn is_suppressed(store: &dyn Store, text: &str) -> bool {
    let profile = store.find(&address(text)).await.unwrap().unwrap();
    profile.suppressed.is_some()
}

#[tokio::test]
async fn withdrawing_from_one_edition_leaves_the_others() {
    for store in stores() {
        let id = subscribe(&*store, ANN).await;
        let sport = vec![asks(ANN, "sport", Confirm::Waived)];
        store.request(sport, at(0)).await.unwrap();

        withdraw(&*store, id, news(), 1).await;

        assert_eq!(standing(&*store, ANN, "news").await, Some("unsubscribed"));
        assert_eq!(standing(&*store, ANN, "sport").await, Some("confirmed"));
        assert_eq!(store.count(&edition("news")).await.unwrap(), 0);
        assert!(!is_suppressed(&*store, ANN).await);
    }
}

#[tokio::test]
async fn withdrawing_again_or_for_nobody_changes_nothing() {
    for store in stores() {
        let id = subscribe(&*store, ANN).await;
        for scope in [news(), news(), Scope::Everything, Scope::Everything] {
            withdraw(&*store, id, scope, 1).await;
        }
        withdraw(&*store, id, Scope::Edition(edition("sport")), 2).await;
        withdraw(&*store, SubscriberId(999), Scope::Everything, 2).await;
        withdraw(&*store, SubscriberId(999), news(), 2).await;

        let evidence = store.consent(id).await.unwrap();
        let changes: Vec<_> = evidence.iter().map(|line| line.what).collect();
        let withdrawn = ConsentChange::Withdrawn;
        assert_eq!(changes, [ConsentChange::Confirmed, withdrawn, withdrawn]);
        assert_eq!(store.consent(SubscriberId(999)).await.unwrap(), []);
    }
}

#[tokio::test]
async fn withdrawing_from_everything_ends_every_subscription_and_suppresses_the_address() {
    for store in stores() {
        let id = subscribe(&*store, ANN).await;
        let sport = vec![asks(ANN, "sport", Confirm::Required)];
        store.request(sport, at(0)).await.unwrap();

        withdraw(&*store, id, Scope::Everything, 1).await;

        assert_eq!(standing(&*store, ANN, "news").await, Some("unsubscribed"));
        assert_eq!(standing(&*store, ANN, "sport").await, Some("unsubscribed"));
        assert!(is_suppressed(&*store, ANN).await);
        assert_eq!(store.unconfirmed(9).await.unwrap(), []);
        let last = store.consent(id).await.unwrap().pop().unwrap();
        assert_eq!((last.edition, last.how), (None, How::OneClick));
    }
}

#[tokio::test]
async fn an_import_never_brings_back_somebody_who_opted_out() {
    for store in stores() {
        let ann = subscribe(&*store, ANN).await;
        let bob = subscribe(&*store, "bob@example.org").await;
        withdraw(&*store, ann, news(), 1).await;
        withdraw(&*store, bob, Scope::Everything, 1).await;
        let before = store.consent(ann).await.unwrap();

        let again = vec![
            asks("ANN@example.org", "news", Confirm::Waived),
            asks("bob@example.org", "news", Confirm::Waived),
            asks("bob@example.org", "sport", Confirm::Waived),
        ];
        let requested = store.request(again, at(2)).await.unwrap();

        assert_eq!(requested, [Requested::OptedOut; 3]);
        assert_eq!(store.consent(ann).await.unwrap(), before);
        assert_eq!(standing(&*store, ANN, "news").await, Some("unsubscribed"));
        assert_eq!(standing(&*store, "bob@example.org", "sport").await, None);
    }
}

#[tokio::test]
async fn a_person_who_opted_out_comes_back_by_double_opt_in_only() {
    for store in stores() {
        let id = subscribe(&*store, ANN).await;
        withdraw(&*store, id, Scope::Everything, 1).await;

        let asked = ask(&*store, ANN, Confirm::Required, 2).await;
        assert_eq!(asked, Requested::Pending(id));
        assert!(is_suppressed(&*store, ANN).await);
        let vouched = ask(&*store, ANN, Confirm::Waived, 3).await;
        assert_eq!(vouched, Requested::OptedOut);

        assert!(store.confirm(id, &edition("news"), at(4)).await.unwrap());
        assert!(!is_suppressed(&*store, ANN).await);
        assert_eq!(standing(&*store, ANN, "news").await, Some("confirmed"));
    }
}

#[tokio::test]
async fn what_the_operator_suppressed_no_form_and_no_import_brings_back() {
    for store in stores() {
        let id = subscribe(&*store, ANN).await;
        let stranger = "Stranger@example.org";
        for text in [ANN, "stranger@example.org"] {
            store.suppress(&address(text), at(1)).await.unwrap();
            store.suppress(&address(text), at(2)).await.unwrap();
        }
        assert!(is_suppressed(&*store, ANN).await);

        for confirm in [Confirm::Required, Confirm::Waived] {
            let asked = ask(&*store, stranger, confirm, 3).await;
            assert_eq!(asked, Requested::OptedOut);
        }
        withdraw(&*store, id, Scope::Everything, 4).await;
        let asked = ask(&*store, ANN, Confirm::Required, 5).await;

        assert_eq!(asked, Requested::OptedOut);
        assert!(store.find(&address(stranger)).await.unwrap().is_none());
    }
}
