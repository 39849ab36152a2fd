//! What is planned, in hand and done.

use std::{collections::HashSet, sync::Arc};

use futures_util::future::join_all;

use super::{
    address, apply, ask, asks, at, content, edition, optouts::is_suppressed, people::withdraw,
    plan, plan_digest, stores, subscribe,
};
use courant::{
    delivery::{
        Audience, Claim, Claimed, Delivery, Doubt, Hold, Outcome, Planned, Purpose, Reach,
        Recipient, Settle, Status, Tally,
    },
    id::{ContentId, DeliveryId, GroupName, RelayName, SubscriberId},
    port::StoreError,
    store::Store,
    subscribers::{Confirm, How, Request, Requested, Scope},
};

pub(super) const ANN: &str = "ann@example.org";

pub(super) async fn claim(store: &dyn Store, now: i64, until: i64) -> Option<Claimed> {
    store
        .claim_due(Claim::until(at(until)), at(now))
        .await
        .unwrap()
}

fn sent() -> Outcome {
    Outcome::Sent {
        reply: "250 2.0.0 ok".to_owned(),
    }
}

async fn settle(store: &dyn Store, claimed: &Claimed, outcome: Outcome, now: i64) {
    let id = claimed.delivery.id;
    store.settle(by_mx(id, outcome), at(now)).await.unwrap();
}

pub(super) fn by_mx(id: DeliveryId, outcome: Outcome) -> Settle {
    let via = Some(RelayName::parse("mx").unwrap());
    Settle { id, outcome, via }
}

async fn delivery(store: &dyn Store, id: DeliveryId) -> Delivery {
    let all = store.deliveries(usize::MAX).await.unwrap();
    all.into_iter().find(|delivery| delivery.id == id).unwrap()
}

pub(super) async fn crowd(store: &dyn Store, n: usize) {
    let requests = (0..n)
        .map(|n| asks(&format!("{n}@example.org"), "news", Confirm::Waived))
        .collect();
    store.request(requests, at(0)).await.unwrap();
}

#[tokio::test]
async fn a_digest_is_planned_for_everybody_who_is_confirmed_and_not_suppressed() {
    for store in stores() {
        let ann = subscribe(&*store, ANN).await;
        apply(&*store, "pending@example.org").await;
        let gone = subscribe(&*store, "gone@example.org").await;
        let everything = Scope::Everything;
        store
            .withdraw(gone, &everything, How::OneClick, at(0))
            .await
            .unwrap();
        subscribe(&*store, "barred@example.org").await;
        store
            .suppress(&address("barred@example.org"), at(0))
            .await
            .unwrap();
        let elsewhere = vec![asks("else@example.org", "news-b", Confirm::Waived)];
        store.request(elsewhere, at(0)).await.unwrap();

        let (id, deliveries) = plan_digest(&*store, "digest:1").await;

        assert_eq!(deliveries, 1);
        assert_eq!(
            store.content(id).await.unwrap(),
            Some(content(Purpose::Digest))
        );
        let planned = store.deliveries(9).await.unwrap();
        assert_eq!(planned.len(), 1);
        assert_eq!(planned[0].to, Recipient::Subscriber(ann));
        assert_eq!(planned[0].status, Status::Scheduled { due: at(0) });
        assert_eq!(store.next_due().await.unwrap(), Some(at(0)));
    }
}

#[tokio::test]
async fn a_plan_is_made_once_whatever_it_says_the_second_time() {
    for store in stores() {
        subscribe(&*store, ANN).await;
        let (id, _) = plan_digest(&*store, "digest:1").await;
        subscribe(&*store, "bob@example.org").await;

        let mut again = plan("digest:1", Purpose::Digest, Audience::Subscribed);
        again.content.subject = "Something else".to_owned();
        let again = store.plan(again).await.unwrap();

        assert_eq!(again, Planned::Already(id));
        assert_eq!(store.deliveries(9).await.unwrap().len(), 1);
        let kept = store.content(id).await.unwrap().unwrap();
        assert_eq!(kept.subject, "What happened");
    }
}

#[tokio::test]
async fn a_plan_that_reaches_nobody_is_made_all_the_same() {
    for store in stores() {
        store.suppress(&address(ANN), at(0)).await.unwrap();
        for (key, audience) in [
            ("nobody", Audience::Subscribed),
            ("stranger", Audience::One(SubscriberId(999))),
            ("barred", Audience::Address(address("Ann@Example.org"))),
        ] {
            let first = store
                .plan(plan(key, Purpose::Notice, audience.clone()))
                .await;
            let Planned::New {
                content,
                deliveries: 0,
            } = first.unwrap()
            else {
                panic!("{key} reached somebody");
            };

            let again = store
                .plan(plan(key, Purpose::Notice, audience))
                .await
                .unwrap();
            assert_eq!(again, Planned::Already(content));
        }
    }
}

#[tokio::test]
async fn a_large_audience_is_planned_at_once_and_claimed_each_once() {
    for store in stores() {
        crowd(&*store, 3_000).await;

        let (content, deliveries) = plan_digest(&*store, "digest:1").await;
        assert_eq!(deliveries, 3_000);

        let mut claimed = HashSet::new();
        while let Some(next) = claim(&*store, 0, 10).await {
            assert!(claimed.insert(next.delivery.to.clone().into_subscriber()));
        }
        assert_eq!(claimed.len(), 3_000);
        assert_eq!(store.tally(content).await.unwrap().scheduled, 3_000);
    }
}

trait IntoSubscriber {
    fn into_subscriber(self) -> SubscriberId;
}

impl IntoSubscriber for Recipient {
    fn into_subscriber(self) -> SubscriberId {
        match self {
            Recipient::Subscriber(id) => id,
            Recipient::Address(address) => panic!("{address:?}"),
        }
    }
}

#[tokio::test]
async fn a_claim_holds_everything_that_its_message_is_made_of() {
    for store in stores() {
        let named = Request {
            name: Some("Ann Lee".to_owned()),
            ..asks("Ann@example.org", "news", Confirm::Waived)
        };
        store.request(vec![named], at(0)).await.unwrap();
        let (content, _) = plan_digest(&*store, "digest:1").await;

        let claimed = claim(&*store, 1, 10).await.unwrap();

        assert_eq!(claimed.address, address("Ann@example.org"));
        assert_eq!(claimed.name.as_deref(), Some("Ann Lee"));
        assert_eq!(claimed.delivery.id.content, content);
        assert_eq!(claimed.delivery.purpose, Purpose::Digest);
        assert_eq!(claimed.delivery.edition, edition("news"));
        assert_eq!(claimed.delivery.status, Status::Leased { until: at(10) });
        assert_eq!(claimed.delivery.attempts, 0);
        assert_eq!(
            delivery(&*store, claimed.delivery.id).await,
            claimed.delivery
        );
    }
}

#[tokio::test]
async fn a_delivery_is_not_claimed_before_it_is_due() {
    for store in stores() {
        subscribe(&*store, ANN).await;
        let mut later = plan("digest:1", Purpose::Digest, Audience::Subscribed);
        later.now = at(5);
        store.plan(later).await.unwrap();

        assert_eq!(claim(&*store, 4, 10).await, None);
        assert_eq!(store.next_due().await.unwrap(), Some(at(5)));
        assert!(claim(&*store, 5, 10).await.is_some());
    }
}

#[tokio::test]
async fn a_leased_delivery_is_nobody_elses_until_its_lease_runs_out() {
    for store in stores() {
        let ann = subscribe(&*store, ANN).await;
        plan_digest(&*store, "digest:1").await;
        assert!(!store.is_in_hand(ann).await.unwrap());

        let first = claim(&*store, 0, 10).await.unwrap();
        assert!(store.is_in_hand(ann).await.unwrap());
        assert!(!store.is_in_hand(SubscriberId(ann.0 + 1)).await.unwrap());
        assert_eq!(claim(&*store, 9, 20).await, None);
        assert_eq!(store.next_due().await.unwrap(), Some(at(10)));

        let second = claim(&*store, 10, 20).await.unwrap();
        assert_eq!(second.delivery.id, first.delivery.id);
        settle(&*store, &second, sent(), 11).await;
        assert!(!store.is_in_hand(ann).await.unwrap());
        assert_eq!(claim(&*store, 99, 100).await, None);
        assert_eq!(store.next_due().await.unwrap(), None);
    }
}

#[tokio::test]
async fn many_callers_at_once_never_get_the_same_delivery() {
    for store in stores() {
        crowd(&*store, 200).await;
        plan_digest(&*store, "digest:1").await;

        let claims = (0..250).map(|_| claim(&*store, 0, 10));
        let claimed = join_all(claims).await;

        let ids: Vec<_> = claimed.iter().flatten().map(|c| c.delivery.id).collect();
        assert_eq!(ids.len(), 200);
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 200);
    }
}

#[tokio::test]
async fn every_outcome_is_recorded_with_its_attempt() {
    for store in stores() {
        crowd(&*store, 4).await;
        let (content, _) = plan_digest(&*store, "digest:1").await;
        let deferred = Outcome::Deferred {
            due: at(30),
            reason: "451 busy".to_owned(),
        };
        let failed = Outcome::Failed {
            reason: "550 no such user".to_owned(),
        };

        let mut seen = Vec::new();
        for outcome in [sent(), deferred, failed, Outcome::Released] {
            let claimed = claim(&*store, 1, 10).await.unwrap();
            settle(&*store, &claimed, outcome, 2).await;
            let settled = delivery(&*store, claimed.delivery.id).await;
            seen.push((settled.status, settled.attempts));
        }

        let (reply, busy, unknown) = ("250 2.0.0 ok", "451 busy", "550 no such user");
        let expected = [
            (
                Status::Sent {
                    at: at(2),
                    reply: reply.to_owned(),
                },
                1,
            ),
            (
                Status::Deferred {
                    due: at(30),
                    reason: busy.to_owned(),
                },
                1,
            ),
            (
                Status::Failed {
                    at: at(2),
                    reason: unknown.to_owned(),
                },
                1,
            ),
            (Status::Scheduled { due: at(2) }, 0),
        ];
        assert_eq!(seen, expected);
        let tally = Tally {
            scheduled: 1,
            sent: 1,
            deferred: 1,
            failed: 1,
            ..Tally::default()
        };
        assert_eq!(store.tally(content).await.unwrap(), tally);
    }
}

#[tokio::test]
async fn what_waits_is_counted_by_destination_until_it_is_done() {
    for store in stores() {
        for address in [ANN, "bob@gmail.com", "cid@gmail.com", "dan@googlemail.com"] {
            subscribe(&*store, address).await;
        }
        plan_digest(&*store, "digest:1").await;
        let waiting = async || {
            let counted = store.waiting().await.unwrap().into_iter();
            let named = counted.map(|(group, n)| (group.to_string(), n));
            named.collect::<Vec<_>>()
        };
        assert_eq!(
            waiting().await,
            [("gmail".to_owned(), 3), ("other".to_owned(), 1)]
        );

        for (outcome, left) in [(Outcome::Released, 4), (failed(), 3), (sent(), 2)] {
            let claimed = claim(&*store, 1, 10).await.unwrap();
            settle(&*store, &claimed, outcome, 2).await;
            let counted = waiting().await;
            assert_eq!(counted.iter().map(|(_, n)| n).sum::<u64>(), left);
        }
    }
}

#[tokio::test]
async fn a_deferred_delivery_is_due_again_when_it_said() {
    for store in stores() {
        subscribe(&*store, ANN).await;
        plan_digest(&*store, "digest:1").await;
        let first = claim(&*store, 0, 10).await.unwrap();
        let deferred = Outcome::Deferred {
            due: at(30),
            reason: "451 busy".to_owned(),
        };
        settle(&*store, &first, deferred, 1).await;

        assert_eq!(claim(&*store, 29, 40).await, None);
        assert_eq!(store.next_due().await.unwrap(), Some(at(30)));
        let second = claim(&*store, 30, 40).await.unwrap();
        assert_eq!(second.delivery.attempts, 1);
        settle(&*store, &second, sent(), 31).await;
        assert_eq!(delivery(&*store, second.delivery.id).await.attempts, 2);
    }
}

#[tokio::test]
async fn every_attempt_that_did_not_end_it_is_remembered_in_the_relays_words() {
    for store in stores() {
        subscribe(&*store, ANN).await;
        plan_digest(&*store, "digest:1").await;
        let deferred = |reason: &str, due| Outcome::Deferred {
            due: at(due),
            reason: reason.to_owned(),
        };
        let mut due = 0;
        for (outcome, n) in [
            (deferred("451 busy", 30), 1),
            (deferred("450 greylisted", 60), 31),
            (failed(), 61),
            (sent(), 63),
        ] {
            let claimed = claim(&*store, n, 100).await.unwrap();
            settle(&*store, &claimed, outcome, n).await;
            let again = store.retry(vec![claimed.delivery.id], at(n)).await.unwrap();
            due += again;
        }

        let one = store.deliveries(1).await.unwrap().remove(0);
        let earlier: Vec<_> = one
            .earlier
            .iter()
            .map(|attempt| (attempt.at, attempt.words.as_str()))
            .collect();
        let expected = [
            (at(1), "451 busy"),
            (at(31), "450 greylisted"),
            (at(61), "550 no"),
        ];
        assert_eq!(earlier, expected);
        assert_eq!(due, 3, "what was sent is not retried");
    }
}

#[tokio::test]
async fn what_was_sent_stays_sent() {
    for store in stores() {
        subscribe(&*store, ANN).await;
        let (content, _) = plan_digest(&*store, "digest:1").await;
        let slow = claim(&*store, 0, 10).await.unwrap();
        let quick = claim(&*store, 10, 20).await.unwrap();

        settle(&*store, &quick, sent(), 11).await;
        for outcome in [sent(), Outcome::Released, failed()] {
            settle(&*store, &slow, outcome, 12).await;
        }

        let settled = delivery(&*store, slow.delivery.id).await;
        assert!(matches!(settled.status, Status::Sent { at: when, .. } if when == at(11)));
        assert_eq!(store.tally(content).await.unwrap().sent, 1);
        assert_eq!(claim(&*store, 99, 100).await, None);
    }
}

fn nobodys(content: ContentId) -> DeliveryId {
    DeliveryId {
        content,
        recipient: SubscriberId(99),
    }
}

fn failed() -> Outcome {
    Outcome::Failed {
        reason: "550 no".to_owned(),
    }
}

#[tokio::test]
async fn a_lease_that_ran_out_can_still_report_that_it_sent() {
    for store in stores() {
        let ann = subscribe(&*store, ANN).await;
        let (content, _) = plan_digest(&*store, "digest:1").await;
        let slow = claim(&*store, 0, 10).await.unwrap();
        store
            .withdraw(ann, &Scope::Everything, How::OneClick, at(9))
            .await
            .unwrap();
        assert_eq!(claim(&*store, 10, 20).await, None);
        assert_eq!(store.tally(content).await.unwrap().withheld, 1);

        settle(&*store, &slow, sent(), 12).await;

        let tally = store.tally(content).await.unwrap();
        assert_eq!((tally.sent, tally.withheld), (1, 0));
    }
}

#[tokio::test]
async fn a_delivery_is_settled_before_the_next_is_claimed() {
    for store in stores() {
        crowd(&*store, 2).await;
        let (content, _) = plan_digest(&*store, "digest:1").await;
        let first = claim(&*store, 0, 10).await.unwrap().delivery.id;
        let put_off = Outcome::Deferred {
            due: at(1),
            reason: "451 busy".to_owned(),
        };

        let next = |id, outcome, now| {
            let settle = by_mx(id, outcome);
            store.settle_and_claim(settle, Claim::until(at(10)), at(now))
        };
        let second = next(first, put_off, 0).await.unwrap().unwrap().delivery.id;
        assert_ne!(second, first);
        let again = next(second, sent(), 1).await.unwrap().unwrap().delivery;
        assert_eq!((again.id, again.attempts), (first, 1));
        let tally = store.tally(content).await.unwrap();
        assert_eq!((tally.sent, tally.scheduled, tally.deferred), (1, 1, 0));

        assert_eq!(next(first, sent(), 2).await.unwrap(), None);
        assert_eq!(store.tally(content).await.unwrap().sent, 2);
        let unknown = next(nobodys(content), sent(), 2).await;
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
    }
}

#[tokio::test]
async fn settling_a_delivery_that_does_not_exist_is_an_error() {
    for store in stores() {
        let unknown = by_mx(nobodys(ContentId(9)), sent());
        let settled = store.settle(unknown, at(0)).await;

        assert!(matches!(settled, Err(StoreError::NotFound { .. })));
    }
}

#[tokio::test]
async fn a_daemon_that_starts_makes_every_lease_due_again() {
    for store in stores() {
        crowd(&*store, 3).await;
        plan_digest(&*store, "digest:1").await;
        let settled = claim(&*store, 0, 1_000).await.unwrap();
        settle(&*store, &settled, sent(), 1).await;
        let held = claim(&*store, 1, 1_000).await.unwrap();
        let notice = plan("test", Purpose::Notice, Audience::Address(address(ANN)));
        store.plan(notice).await.unwrap();
        while claim(&*store, 1, 1_000).await.is_some() {}

        assert_eq!(store.release_leases(at(2)).await.unwrap(), 3);
        assert_eq!(store.release_leases(at(2)).await.unwrap(), 0);

        let released = delivery(&*store, held.delivery.id).await;
        assert_eq!(released.status, Status::Scheduled { due: at(2) });
        assert_eq!(released.attempts, 0);
        let mut again = 0;
        while claim(&*store, 2, 1_000).await.is_some() {
            again += 1;
        }
        assert_eq!(again, 3);
    }
}

#[tokio::test]
async fn deliveries_are_listed_latest_first() {
    for store in stores() {
        crowd(&*store, 5).await;
        plan_digest(&*store, "digest:1").await;

        let latest = store.deliveries(3).await.unwrap();

        assert_eq!(latest.len(), 3);
        assert!(latest.windows(2).all(|two| two[0].id > two[1].id));
    }
}

#[tokio::test]
async fn deliveries_of_one_person_are_listed_latest_first() {
    for store in stores() {
        crowd(&*store, 3).await;
        let ann = subscribe(&*store, ANN).await;
        plan_digest(&*store, "digest:1").await;
        plan_digest(&*store, "digest:2").await;

        let to = store.deliveries_to(ann).await.unwrap();

        assert_eq!(to.len(), 2);
        assert!(to[0].id > to[1].id);
        let ann = Recipient::Subscriber(ann);
        assert!(to.iter().all(|delivery| delivery.to == ann));
    }
}

#[tokio::test]
async fn a_content_that_was_never_planned_is_nothing() {
    for store in stores() {
        let id = ContentId(999);

        assert_eq!(store.content(id).await.unwrap(), None);
        assert_eq!(store.tally(id).await.unwrap(), Tally::default());
        assert_eq!(store.next_due().await.unwrap(), None);
    }
}

#[tokio::test]
async fn messages_that_somebody_waits_for_go_before_digests() {
    for store in stores() {
        crowd(&*store, 3).await;
        plan_digest(&*store, "digest:1").await;
        let mut notice = plan("test", Purpose::Notice, Audience::Address(address(ANN)));
        notice.now = at(5);
        store.plan(notice).await.unwrap();

        let first = claim(&*store, 5, 10).await.unwrap();

        assert_eq!(first.delivery.purpose, Purpose::Notice);
    }
}

#[tokio::test]
async fn a_destination_that_is_closed_does_not_hold_up_the_others() {
    for store in stores() {
        let gmail = GroupName::parse("gmail").unwrap();
        for name in ["a@gmail.com", "b@gmail.com", "c@example.org", "d@gmail.com"] {
            subscribe(&*store, name).await;
        }
        plan_digest(&*store, "digest:1").await;
        let closed = Claim {
            closed: Arc::new([gmail.clone()].into()),
            ..Claim::until(at(10))
        };

        let other = store.claim_due(closed.clone(), at(1)).await.unwrap();
        assert_eq!(other.unwrap().address, address("c@example.org"));
        assert_eq!(store.claim_due(closed, at(1)).await.unwrap(), None);

        for _ in 0..3 {
            let claimed = claim(&*store, 1, 10).await.unwrap();
            assert_eq!(claimed.delivery.group, gmail);
        }
        assert_eq!(claim(&*store, 1, 10).await, None);
    }
}

#[tokio::test]
async fn what_is_held_waits_and_goes_on_where_it_stopped() {
    for store in stores() {
        crowd(&*store, 3).await;
        let (content, _) = plan_digest(&*store, "digest:1").await;
        let first = claim(&*store, 0, 10).await.unwrap();
        settle(&*store, &first, sent(), 1).await;
        let held = Reach::Edition(edition("news"));
        let hold = |reason: &str| Hold {
            at: at(1),
            reason: reason.to_owned(),
        };
        store
            .hold(held.clone(), hold("refused"), Vec::new())
            .await
            .unwrap();
        store
            .hold(held.clone(), hold("again"), Vec::new())
            .await
            .unwrap();

        assert_eq!(claim(&*store, 2, 10).await, None);
        assert_eq!(
            store.holds().await.unwrap(),
            [(held.clone(), hold("refused"))]
        );
        let notice = plan("test", Purpose::Notice, Audience::Address(address(ANN)));
        store.plan(notice).await.unwrap();
        assert!(claim(&*store, 2, 10).await.is_some(), "a test is no digest");
        let everything = Reach::Everything;
        store
            .hold(everything.clone(), hold("all"), Vec::new())
            .await
            .unwrap();
        let notice = plan("test 2", Purpose::Notice, Audience::Address(address(ANN)));
        store.plan(notice).await.unwrap();
        assert_eq!(claim(&*store, 2, 10).await, None);

        assert!(store.lift(everything.clone()).await.unwrap());
        assert!(!store.lift(everything).await.unwrap());
        assert!(claim(&*store, 2, 10).await.is_some());
        assert!(store.lift(held).await.unwrap());
        let mut left = 0;
        while let Some(claimed) = claim(&*store, 3, 10).await {
            assert_ne!(claimed.delivery.id, first.delivery.id);
            left += 1;
        }
        assert_eq!((left, store.tally(content).await.unwrap().sent), (2, 1));
    }
}

#[tokio::test]
async fn a_bounce_suppresses_the_person_and_not_who_only_got_a_test() {
    for store in stores() {
        subscribe(&*store, ANN).await;
        let bounced = || Outcome::Bounced {
            reason: "550 5.1.1 unknown".to_owned(),
        };
        let notice = plan("test", Purpose::Notice, Audience::Address(address(ANN)));
        store.plan(notice).await.unwrap();
        let test = claim(&*store, 0, 10).await.unwrap();
        settle(&*store, &test, bounced(), 1).await;
        assert!(!is_suppressed(&*store, ANN).await);

        plan_digest(&*store, "digest:1").await;
        let claimed = claim(&*store, 1, 10).await.unwrap();
        settle(&*store, &claimed, bounced(), 2).await;

        assert!(is_suppressed(&*store, ANN).await);
        let (_, deliveries) = plan_digest(&*store, "digest:2").await;
        assert_eq!(deliveries, 0);
        let imported = ask(&*store, ANN, Confirm::Waived, 3).await;
        assert_eq!(imported, Requested::OptedOut);
    }
}

/// Ann of the edition news, whose mailbox was not there when she was mailed.
async fn bounced_once(store: &dyn Store) -> Claimed {
    subscribe(store, ANN).await;
    plan_digest(store, "digest:1").await;
    let claimed = claim(store, 1, 10).await.unwrap();
    let reason = "550 5.1.1 unknown".to_owned();
    settle(store, &claimed, Outcome::Bounced { reason }, 2).await;
    claimed
}

#[tokio::test]
async fn an_opt_out_after_a_bounce_stands_when_the_bounce_is_taken_back() {
    for store in stores() {
        let claimed = bounced_once(&*store).await;
        let ann = claimed.delivery.id.recipient;
        withdraw(&*store, ann, Scope::Everything, 3).await;

        store.retry(vec![claimed.delivery.id], at(4)).await.unwrap();

        assert!(is_suppressed(&*store, ANN).await);
        let sport = vec![asks(ANN, "sport", Confirm::Waived)];
        let imported = store.request(sport, at(5)).await.unwrap();
        assert_eq!(imported, [Requested::OptedOut]);
    }
}

#[tokio::test]
async fn who_confirms_after_a_bounce_is_mailed_whatever_they_were_subscribed_to() {
    for store in stores() {
        let ann = bounced_once(&*store).await.delivery.id.recipient;
        let sport = vec![asks(ANN, "sport", Confirm::Required)];
        store.request(sport, at(3)).await.unwrap();

        assert!(store.confirm(ann, &edition("sport"), at(4)).await.unwrap());

        let (_, deliveries) = plan_digest(&*store, "digest:2").await;
        assert_eq!(deliveries, 1);
    }
}

#[tokio::test]
async fn what_may_have_arrived_is_held_until_somebody_decides() {
    for store in stores() {
        crowd(&*store, 2).await;
        let (content, _) = plan_digest(&*store, "digest:1").await;
        let ask = |until| Claim {
            doubt: Doubt::Hold,
            ..Claim::until(at(until))
        };
        let lost = store.claim_due(ask(10), at(0)).await.unwrap().unwrap();
        let said = store.claim_due(ask(10), at(0)).await.unwrap().unwrap();
        let reason = "no reply".to_owned();
        settle(&*store, &said, Outcome::Uncertain { reason }, 1).await;

        assert_eq!(store.claim_due(ask(30), at(20)).await.unwrap(), None);

        let tally = store.tally(content).await.unwrap();
        assert_eq!((tally.uncertain, tally.scheduled), (2, 0));
        let status = delivery(&*store, lost.delivery.id).await.status;
        assert_eq!(status.name(), "uncertain");
        let ids = vec![lost.delivery.id, said.delivery.id];
        assert_eq!(store.retry(ids, at(21)).await.unwrap(), 2);
        let again = store.claim_due(ask(30), at(21)).await.unwrap().unwrap();
        assert_eq!(again.delivery.attempts, 0);
    }
}

#[tokio::test]
async fn what_was_sent_or_withheld_or_is_in_hand_is_not_retried() {
    for store in stores() {
        crowd(&*store, 3).await;
        plan_digest(&*store, "digest:1").await;
        let first = claim(&*store, 0, 10).await.unwrap();
        settle(&*store, &first, sent(), 1).await;
        let second = claim(&*store, 0, 10).await.unwrap();
        settle(&*store, &second, failed(), 1).await;
        let third = claim(&*store, 0, 10).await.unwrap();
        let ids = [&first, &second, &third].map(|claimed| claimed.delivery.id);

        assert_eq!(store.retry(ids.to_vec(), at(2)).await.unwrap(), 1);

        let again = claim(&*store, 2, 10).await.unwrap();
        assert_eq!(again.delivery.id, second.delivery.id);
        assert_eq!(claim(&*store, 2, 10).await, None);
    }
}

#[tokio::test]
async fn contents_are_told_with_how_far_they_got() {
    for store in stores() {
        crowd(&*store, 3).await;
        let (first, _) = plan_digest(&*store, "digest:1").await;
        let (second, _) = plan_digest(&*store, "digest:2").await;
        let claimed = claim(&*store, 0, 10).await.unwrap();
        settle(&*store, &claimed, sent(), 1).await;

        let issues = store.issues(9).await.unwrap();

        let told: Vec<_> = issues
            .iter()
            .map(|issue| (issue.content, issue.tally.sent))
            .collect();
        assert_eq!(told, [(second, 0), (first, 1)]);
        assert_eq!(issues[0].edition, edition("news"));
        let from = DeliveryId {
            content: first,
            recipient: SubscriberId(2),
        };
        let rest = store.deliveries_of(from, 9).await.unwrap();
        assert_eq!(
            rest.iter()
                .map(|one| one.id.recipient.0)
                .collect::<Vec<_>>(),
            [2, 3]
        );
    }
}

#[tokio::test]
async fn what_is_stale_is_withheld() {
    for store in stores() {
        crowd(&*store, 2).await;
        let mut digest = plan("digest:1", Purpose::Digest, Audience::Subscribed);
        digest.stale = Some(at(60));
        let planned = store.plan(digest).await.unwrap();
        let Planned::New { content, .. } = planned else {
            panic!("{planned:?}");
        };
        let claimed = claim(&*store, 59, 70).await.unwrap();
        settle(&*store, &claimed, sent(), 59).await;

        assert_eq!(claim(&*store, 60, 70).await, None);

        let tally = store.tally(content).await.unwrap();
        assert_eq!((tally.sent, tally.withheld), (1, 1));
    }
}

#[tokio::test]
async fn destinations_take_turns() {
    for store in stores() {
        for n in 0..5 {
            subscribe(&*store, &format!("{n}@gmail.com")).await;
        }
        for n in 0..2 {
            subscribe(&*store, &format!("{n}@example.org")).await;
        }
        plan_digest(&*store, "digest:1").await;

        let mut groups = Vec::new();
        while let Some(claimed) = claim(&*store, 1, 10).await {
            groups.push(claimed.delivery.group.to_string());
        }

        let turns = [
            "gmail", "other", "gmail", "other", "gmail", "gmail", "gmail",
        ];
        assert_eq!(groups, turns);
    }
}
