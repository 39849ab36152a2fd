//! Taking articles out of the library.

use super::{article, at, body, judged, new, print, record, reprint, source, stores};
use courant::{
    id::ArticleId,
    ingest::Verdict,
    library::{Article, Query, Related},
};

#[tokio::test]
async fn a_removed_article_is_gone_from_everywhere_and_its_fingerprints_stay() {
    for store in stores() {
        let related = |id| Related {
            id: ArticleId(id),
            score: 0.5,
            named: false,
            same_story: false,
        };
        let mentioning = Article {
            related: vec![related(1), related(3)],
            ..article(2)
        };
        let all = vec![
            new(&["a"], article(1)),
            new(&["b"], mentioning),
            new(&["c"], article(3)),
            judged(&["r"], 1, Verdict::Reprint(reprint("echo", "e1"))),
        ];
        store.record(record(all)).await.unwrap();

        let ids = [ArticleId(1), ArticleId(9)];
        let removed = store.remove(&ids, at(7)).await.unwrap();
        let again = store.remove(&ids, at(8)).await.unwrap();

        assert_eq!(removed.len(), 1);
        assert_eq!(removed[0].reprints, [reprint("echo", "e1")]);
        assert_eq!(again, []);
        assert_eq!(store.article(ArticleId(1)).await.unwrap(), None);
        assert_eq!(store.body(ArticleId(1)).await.unwrap(), None);
        let left = store.list(&Query::default()).await.unwrap();
        assert_eq!(left.len(), 2);
        let mentioning = store.article(ArticleId(2)).await.unwrap().unwrap();
        assert_eq!(mentioning.related, [related(3)]);
        assert_eq!(store.removed(ArticleId(1)).await.unwrap(), Some(at(7)));
        assert_eq!(store.removed(ArticleId(9)).await.unwrap(), None);
        let known = store.known(&[print("a"), print("r")]).await.unwrap();
        assert_eq!(known.len(), 2);
    }
}

#[tokio::test]
async fn nothing_brings_a_removed_article_back() {
    for store in stores() {
        let first = record(vec![new(&["a"], article(1))]);
        store.record(first).await.unwrap();
        store.remove(&[ArticleId(1)], at(1)).await.unwrap();

        let revised = Verdict::Revised(Box::new((article(1), body("Again."))));
        let counts = store
            .record(record(vec![
                judged(&["a"], 1, revised),
                judged(&["e"], 1, Verdict::Reprint(reprint("echo", "e1"))),
                new(&["x", "a"], article(2)),
            ]))
            .await
            .unwrap();

        assert_eq!((counts.new, counts.revised, counts.known), (0, 0, 3));
        assert_eq!(store.list(&Query::default()).await.unwrap(), []);
        assert_eq!(store.body(ArticleId(1)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_reprint_is_unfolded_alone() {
    for store in stores() {
        let fold = |name, guid| judged(&[guid], 1, Verdict::Reprint(reprint(name, guid)));
        let all = vec![
            new(&["a"], article(1)),
            fold("echo", "e1"),
            fold("echo", "e2"),
            fold("post", "e3"),
        ];
        store.record(record(all)).await.unwrap();

        for guid in ["e1", "e3", "no-such"] {
            let unfolded = store.unfold(ArticleId(1), &source("echo"), guid).await;
            unfolded.unwrap();
        }

        let kept = store.article(ArticleId(1)).await.unwrap().unwrap();
        assert_eq!(
            kept.reprints,
            [reprint("echo", "e2"), reprint("post", "e3")]
        );
    }
}
