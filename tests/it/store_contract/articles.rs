//! Recording what a poll brought, and reading the library.

use super::{article, at, body, judged, new, print, record, reprint, source, stores, trace};
use courant::{
    id::{ArticleId, TopicSlug},
    ingest::{Recorded, Verdict},
    library::{Article, Mail, Query},
    parts::Window,
    store::Store,
};

async fn listed(store: &dyn Store, query: Query) -> Vec<u64> {
    let articles = store.list(&query).await.unwrap();
    articles.iter().map(|article| article.id.0).collect()
}

#[tokio::test]
async fn an_id_is_reserved_once() {
    for store in stores() {
        let first = store.reserve(3).await.unwrap();
        let second = store.reserve(1).await.unwrap();
        let third = store.reserve(1).await.unwrap();

        assert!(first.0 + 3 <= second.0);
        assert!(second < third);
    }
}

#[tokio::test]
async fn a_recorded_article_is_found_by_its_id_and_by_every_fingerprint() {
    for store in stores() {
        let counts = store
            .record(record(vec![new(&["guid", "link"], article(1))]))
            .await;

        assert_eq!(
            counts.unwrap(),
            Recorded {
                new: 1,
                ..Recorded::default()
            }
        );
        assert_eq!(store.article(ArticleId(1)).await.unwrap(), Some(article(1)));
        assert_eq!(
            store.body(ArticleId(1)).await.unwrap(),
            Some(body("Its text."))
        );
        let prints = [print("guid"), print("link"), print("other")];
        let known = store.known(&prints).await.unwrap();
        assert_eq!(known.len(), 2);
        assert_eq!(known.get(&print("link")), Some(&trace(1, "first")));
        let poll = store.poll(&source("herald")).await.unwrap().unwrap();
        assert_eq!(poll.result, "read");
    }
}

#[tokio::test]
async fn an_article_that_lost_the_race_for_one_fingerprint_leaves_nothing_behind() {
    for store in stores() {
        store
            .record(record(vec![new(&["a"], article(1))]))
            .await
            .unwrap();

        let late = vec![new(&["b", "a"], article(2))];
        let counts = store.record(record(late)).await.unwrap();

        assert_eq!((counts.new, counts.known), (0, 1));
        assert_eq!(store.article(ArticleId(2)).await.unwrap(), None);
        assert_eq!(store.body(ArticleId(2)).await.unwrap(), None);
        assert_eq!(listed(&*store, Query::default()).await, [1]);
        let known = store.known(&[print("a"), print("b")]).await.unwrap();
        assert_eq!(known.len(), 1);
        assert_eq!(known[&print("a")].article, ArticleId(1));
    }
}

#[tokio::test]
async fn of_two_equal_entries_in_one_document_the_first_is_kept() {
    for store in stores() {
        let twice = vec![new(&["a"], article(1)), new(&["a"], article(2))];

        let counts = store.record(record(twice)).await.unwrap();

        assert_eq!((counts.new, counts.known), (1, 1));
        assert_eq!(listed(&*store, Query::default()).await, [1]);
    }
}

#[tokio::test]
async fn held_articles_are_counted_among_the_new_ones() {
    for store in stores() {
        let held = Article {
            mail: Mail::Held,
            ..article(1)
        };
        let both = vec![new(&["a"], held), new(&["b"], article(2))];

        let counts = store.record(record(both)).await.unwrap();

        assert_eq!((counts.new, counts.held), (2, 1));
        let due = Query {
            mail: Some(Mail::Due),
            ..Query::default()
        };
        assert_eq!(listed(&*store, due).await, [2]);
    }
}

#[tokio::test]
async fn a_revised_article_keeps_its_id_its_first_day_its_reprints_and_its_mail() {
    for store in stores() {
        let held = Article {
            mail: Mail::Held,
            ..article(1)
        };
        let folded = judged(&["r"], 1, Verdict::Reprint(reprint("echo", "e1")));
        let first = vec![new(&["a"], held), folded];
        store.record(record(first)).await.unwrap();

        let rewritten = Article {
            id: ArticleId(99),
            title: "A better title".to_owned(),
            first_seen: at(50),
            published: at(40),
            revised: Some(at(50)),
            ..article(1)
        };
        let revised = Verdict::Revised(Box::new((rewritten, body("New text."))));
        let counts = store
            .record(record(vec![judged(&["a", "b"], 1, revised)]))
            .await;

        assert_eq!(counts.unwrap().revised, 1);
        let kept = store.article(ArticleId(1)).await.unwrap().unwrap();
        assert_eq!(kept.title, "A better title");
        assert_eq!(kept.id, ArticleId(1));
        assert_eq!((kept.first_seen, kept.published), (at(0), at(0)));
        assert_eq!(kept.revised, Some(at(50)));
        assert_eq!(kept.reprints, [reprint("echo", "e1")]);
        assert_eq!(kept.mail, Mail::Held);
        assert_eq!(
            store.body(ArticleId(1)).await.unwrap(),
            Some(body("New text."))
        );
        assert_eq!(store.article(ArticleId(99)).await.unwrap(), None);
        assert_eq!(store.known(&[print("b")]).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_article_that_is_redated_is_listed_once_at_its_new_date() {
    for store in stores() {
        let dated = |id, minutes| Article {
            published: at(minutes),
            first_seen: at(30),
            ..article(id)
        };
        let both = vec![new(&["a"], dated(1, 20)), new(&["b"], dated(2, 10))];
        store.record(record(both)).await.unwrap();

        let redated = Verdict::Revised(Box::new((dated(1, 5), body("Text."))));
        store
            .record(record(vec![judged(&["a"], 1, redated)]))
            .await
            .unwrap();

        assert_eq!(listed(&*store, Query::default()).await, [2, 1]);
    }
}

#[tokio::test]
async fn a_reprint_is_folded_into_its_article_once() {
    for store in stores() {
        store
            .record(record(vec![new(&["a"], article(1))]))
            .await
            .unwrap();

        let fold = |guid| judged(&[guid], 1, Verdict::Reprint(reprint("echo", guid)));
        let counts = store
            .record(record(vec![fold("e1"), fold("e1"), fold("e2")]))
            .await;

        let counts = counts.unwrap();
        assert_eq!((counts.reprints, counts.known), (2, 1));
        let kept = store.article(ArticleId(1)).await.unwrap().unwrap();
        assert_eq!(
            kept.reprints,
            [reprint("echo", "e1"), reprint("echo", "e2")]
        );
        let known = store.known(&[print("e2")]).await.unwrap();
        assert_eq!(known[&print("e2")].article, ArticleId(1));
    }
}

#[tokio::test]
async fn a_known_entry_refreshes_its_trace_and_nothing_else() {
    for store in stores() {
        store
            .record(record(vec![new(&["a"], article(1))]))
            .await
            .unwrap();

        let mut again = judged(&["a"], 1, Verdict::Known);
        again.trace = trace(1, "second");
        let counts = store.record(record(vec![again])).await.unwrap();

        assert_eq!(counts.known, 1);
        let known = store.known(&[print("a")]).await.unwrap();
        assert_eq!(known[&print("a")], trace(1, "second"));
        assert_eq!(store.article(ArticleId(1)).await.unwrap(), Some(article(1)));
    }
}

#[tokio::test]
async fn a_fingerprint_leads_to_one_article_for_ever() {
    for store in stores() {
        let both = vec![new(&["a"], article(1)), new(&["b"], article(2))];
        store.record(record(both)).await.unwrap();

        let mixed = judged(&["a", "b"], 2, Verdict::Known);
        store.record(record(vec![mixed])).await.unwrap();

        let known = store.known(&[print("a"), print("b")]).await.unwrap();
        assert_eq!(known[&print("a")].article, ArticleId(1));
        assert_eq!(known[&print("b")].article, ArticleId(2));
    }
}

#[tokio::test]
async fn articles_come_in_the_order_in_which_they_are_asked_for() {
    for store in stores() {
        let three = (1..=3)
            .map(|id| new(&[&id.to_string()], article(id)))
            .collect();
        store.record(record(three)).await.unwrap();

        let ids = [ArticleId(3), ArticleId(9), ArticleId(1)];
        let found = store.articles(&ids).await.unwrap();

        assert_eq!(found, [article(3), article(1)]);
    }
}

#[tokio::test]
async fn a_list_has_the_latest_first_and_stops_at_its_limit() {
    for store in stores() {
        let dated = |id, minutes| {
            let article = Article {
                published: at(minutes),
                first_seen: at(30),
                ..article(id)
            };
            new(&[&id.to_string()], article)
        };
        let four = vec![dated(1, 10), dated(2, 20), dated(3, 10), dated(4, 5)];
        store.record(record(four)).await.unwrap();

        assert_eq!(listed(&*store, Query::default()).await, [2, 3, 1, 4]);
        let two = Query {
            limit: Some(2),
            ..Query::default()
        };
        assert_eq!(listed(&*store, two).await, [2, 3]);
    }
}

#[tokio::test]
async fn a_list_of_a_window_is_half_open_and_still_latest_first() {
    for store in stores() {
        let seen = |id, minutes, published| {
            let article = Article {
                published: at(published),
                first_seen: at(minutes),
                ..article(id)
            };
            new(&[&id.to_string()], article)
        };
        let five = vec![
            seen(1, 9, 9),
            seen(2, 10, 1),
            seen(3, 11, 7),
            seen(4, 19, 2),
            seen(5, 20, 0),
        ];
        store.record(record(five)).await.unwrap();

        let window = |limit| Query {
            seen: Some(Window {
                from: at(10),
                to: at(20),
            }),
            limit,
            ..Query::default()
        };
        assert_eq!(listed(&*store, window(None)).await, [3, 4, 2]);
        assert_eq!(listed(&*store, window(Some(1))).await, [3]);
    }
}

#[tokio::test]
async fn a_list_selects_by_source_carrier_and_topic() {
    for store in stores() {
        let topic = |name: &str| TopicSlug::parse(name).unwrap();
        let of = |id, name, topics: &[&str]| {
            let article = Article {
                source: source(name),
                topics: topics.iter().map(|name| topic(name)).collect(),
                ..article(id)
            };
            new(&[&id.to_string()], article)
        };
        let three = vec![
            of(1, "herald", &["sport"]),
            of(2, "echo", &["sport", "tennis"]),
            of(3, "post", &[]),
            judged(&["r"], 3, Verdict::Reprint(reprint("echo", "e"))),
        ];
        store.record(record(three)).await.unwrap();

        let from_echo = Query {
            sources: vec![source("echo")],
            ..Query::default()
        };
        assert_eq!(listed(&*store, from_echo).await, [3, 2]);
        let sport_but_tennis = Query {
            topics: vec![topic("sport")],
            exclude: vec![topic("tennis")],
            ..Query::default()
        };
        assert_eq!(listed(&*store, sport_but_tennis).await, [1]);
    }
}
