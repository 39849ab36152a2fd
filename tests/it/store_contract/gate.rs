//! Who may receive what, asked at the last moment.

use futures_util::future::try_join_all;

use super::{
    address, apply, ask, at, edition,
    outbox::{ANN, claim, crowd},
    plan, plan_digest, stores, subscribe,
};
use courant::{
    delivery::{Audience, Purpose, Recipient, Status, Withheld},
    subscribers::{Confirm, How, Requested, Scope},
};

#[tokio::test]
async fn an_opt_out_is_obeyed_from_the_moment_it_is_answered() {
    for store in stores() {
        let ann = subscribe(&*store, ANN).await;
        let bob = subscribe(&*store, "bob@example.org").await;
        subscribe(&*store, "barred@example.org").await;
        let (content, deliveries) = plan_digest(&*store, "digest:1").await;
        assert_eq!(deliveries, 3);

        let news = Scope::Edition(edition("news"));
        store
            .withdraw(ann, &news, How::OneClick, at(1))
            .await
            .unwrap();
        let everything = Scope::Everything;
        store
            .withdraw(bob, &everything, How::OneClick, at(1))
            .await
            .unwrap();
        store
            .suppress(&address("BARRED@example.org"), at(1))
            .await
            .unwrap();

        assert_eq!(claim(&*store, 2, 10).await, None);
        let reasons: Vec<_> = store
            .deliveries(9)
            .await
            .unwrap()
            .into_iter()
            .map(|delivery| match delivery.status {
                Status::Withheld { at: when, reason } if when == at(2) => reason,
                other => panic!("{other:?}"),
            })
            .collect();
        let suppressed = Withheld::Suppressed;
        assert_eq!(reasons, [suppressed, suppressed, Withheld::NotSubscribed]);
        assert_eq!(store.tally(content).await.unwrap().withheld, 3);
        assert_eq!(store.next_due().await.unwrap(), None);
    }
}

#[tokio::test]
async fn any_number_of_withheld_deliveries_does_not_hide_the_one_behind_them() {
    for store in stores() {
        crowd(&*store, 2_500).await;
        let last = subscribe(&*store, "last@example.org").await;
        let (content, _) = plan_digest(&*store, "digest:1").await;
        let page = store.profiles(None, usize::MAX).await.unwrap();
        let barred = page
            .iter()
            .filter(|profile| profile.subscriber.id != last)
            .map(|profile| store.suppress(&profile.subscriber.address, at(1)));
        try_join_all(barred).await.unwrap();

        let claimed = claim(&*store, 2, 10).await.unwrap();

        assert_eq!(claimed.delivery.to, Recipient::Subscriber(last));
        assert_eq!(store.tally(content).await.unwrap().withheld, 2_500);
    }
}

#[tokio::test]
async fn only_who_waits_for_confirmation_is_asked_to_confirm() {
    for store in stores() {
        let pending = apply(&*store, ANN).await;
        let confirmed = apply(&*store, "bob@example.org").await;
        for (key, id) in [("confirm:1", pending), ("confirm:2", confirmed)] {
            let audience = Audience::One(id);
            store
                .plan(plan(key, Purpose::Confirmation, audience))
                .await
                .unwrap();
        }
        store
            .confirm(confirmed, &edition("news"), at(1))
            .await
            .unwrap();

        let claimed = claim(&*store, 2, 10).await.unwrap();

        assert_eq!(claimed.delivery.to, Recipient::Subscriber(pending));
        assert_eq!(claim(&*store, 2, 10).await, None);
    }
}

#[tokio::test]
async fn a_suppressed_person_who_asks_again_is_asked_to_confirm_and_mailed_nothing_else() {
    for store in stores() {
        let id = subscribe(&*store, ANN).await;
        store
            .withdraw(id, &Scope::Everything, How::OneClick, at(1))
            .await
            .unwrap();
        let asked = ask(&*store, ANN, Confirm::Required, 2).await;
        assert_eq!(asked, Requested::Pending(id));
        for purpose in [Purpose::Notice, Purpose::Digest, Purpose::Confirmation] {
            let key = format!("{purpose:?}");
            store
                .plan(plan(&key, purpose, Audience::One(id)))
                .await
                .unwrap();
        }

        let claimed = claim(&*store, 3, 10).await.unwrap();
        assert_eq!(claimed.delivery.purpose, Purpose::Confirmation);
        assert_eq!(claim(&*store, 3, 10).await, None);
    }
}

#[tokio::test]
async fn a_notice_goes_to_any_address_that_is_not_suppressed() {
    for store in stores() {
        for (key, text) in [("1", ANN), ("2", "barred@example.org")] {
            let audience = Audience::Address(address(text));
            store
                .plan(plan(key, Purpose::Notice, audience))
                .await
                .unwrap();
        }
        store
            .suppress(&address("barred@example.org"), at(1))
            .await
            .unwrap();

        let claimed = claim(&*store, 2, 10).await.unwrap();

        assert_eq!((claimed.address, claimed.name), (address(ANN), None));
        assert_eq!(claim(&*store, 2, 10).await, None);
    }
}

#[tokio::test]
async fn an_unconfirmed_subscriber_receives_no_digest() {
    for store in stores() {
        let id = apply(&*store, ANN).await;
        for (key, audience) in [
            ("one", Audience::One(id)),
            ("address", Audience::Address(address(ANN))),
            ("all", Audience::Subscribed),
        ] {
            store
                .plan(plan(key, Purpose::Digest, audience))
                .await
                .unwrap();
        }

        assert_eq!(claim(&*store, 1, 10).await, None);
    }
}
