//! What is recorded together with pushed articles.

use courant::ingest::{Answer, Push, Record};

use super::{article, at, new, print, record, source, stores};
use courant::id::ArticleId;

fn answer(body: &str, minutes: i64) -> Answer {
    Answer {
        request: [1; 32],
        status: 201,
        body: body.to_owned(),
        at: at(minutes),
    }
}

/// One article that is known by `name`, recorded with an answer under the key `k`.
fn push(name: &str, id: u64, body: &str, minutes: i64) -> Record {
    Record {
        push: Some(Push {
            lifted: Vec::new(),
            answer: Some(("k".to_owned(), answer(body, minutes))),
        }),
        now: at(minutes),
        ..record(vec![new(&[name], article(id))])
    }
}

const DAY: i64 = 24 * 60;

#[tokio::test]
async fn an_answer_is_kept_with_its_articles_for_a_day_and_under_its_source() {
    for store in stores() {
        store.record(push("a", 1, "first", 0)).await.unwrap();

        let kept = |name: &'static str, minutes| {
            let store = &store;
            async move { store.answer(&source(name), "k", at(minutes)).await.unwrap() }
        };
        assert_eq!(kept("herald", DAY - 1).await, Some(answer("first", 0)));
        assert_eq!(kept("herald", DAY).await, None);
        assert_eq!(kept("echo", 0).await, None);
        let other = store.answer(&source("herald"), "other", at(0)).await;
        assert_eq!(other.unwrap(), None);
    }
}

#[tokio::test]
async fn a_key_that_was_answered_lets_nothing_in_until_it_expires() {
    for store in stores() {
        store.record(push("a", 1, "first", 0)).await.unwrap();

        let again = store.record(push("b", 2, "second", DAY - 1)).await;
        assert!(again.is_err(), "{again:?}");
        assert_eq!(store.article(ArticleId(2)).await.unwrap(), None);

        store.record(push("b", 2, "second", DAY)).await.unwrap();
        let kept = store.answer(&source("herald"), "k", at(DAY)).await;
        assert_eq!(kept.unwrap(), Some(answer("second", DAY)));
    }
}

#[tokio::test]
async fn a_pushed_article_that_lost_a_race_takes_the_whole_request_with_it() {
    for store in stores() {
        let first = record(vec![new(&["a"], article(1))]);
        store.record(first).await.unwrap();

        let late = Record {
            judged: vec![new(&["b"], article(2)), new(&["a"], article(3))],
            ..push("", 0, "late", 0)
        };
        let lost = store.record(late).await;

        assert!(lost.is_err(), "{lost:?}");
        assert_eq!(store.article(ArticleId(2)).await.unwrap(), None);
        let kept = store.answer(&source("herald"), "k", at(0)).await.unwrap();
        assert_eq!(kept, None);
    }
}

#[tokio::test]
async fn a_delivery_leaves_the_poll_as_it_is() {
    for store in stores() {
        store.record(record(Vec::new())).await.unwrap();
        let before = store.poll(&source("herald")).await.unwrap();

        let delivery = Record {
            poll: None,
            ..record(vec![new(&["a"], article(1))])
        };
        store.record(delivery).await.unwrap();

        assert!(before.is_some());
        assert_eq!(store.poll(&source("herald")).await.unwrap(), before);
        assert!(store.article(ArticleId(1)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_lifted_fingerprint_of_its_own_source_may_lead_to_a_new_article() {
    for store in stores() {
        let first = record(vec![new(&["a"], article(1))]);
        store.record(first).await.unwrap();
        store.remove(&[ArticleId(1)], at(1)).await.unwrap();
        let lifting = |source_name: &str, id| Record {
            source: source(source_name),
            push: Some(Push {
                lifted: vec![print("a")],
                answer: None,
            }),
            ..record(vec![new(&["a"], article(id))])
        };

        let strange = store.record(lifting("echo", 2)).await;
        assert!(strange.is_err(), "{strange:?}");
        store.record(lifting("wire", 3)).await.unwrap();

        let known = store.known(&[print("a")]).await.unwrap();
        assert_eq!(known[&print("a")].article, ArticleId(3));
        assert!(store.article(ArticleId(3)).await.unwrap().is_some());
    }
}
