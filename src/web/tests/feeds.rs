use super::*;

#[tokio::test]
async fn a_feed_is_served_with_validators_and_then_not_again() {
    let site = serve(library()).await;

    for (file, kind) in [
        ("rss.xml", "application/rss+xml; charset=utf-8"),
        ("atom.xml", "application/atom+xml; charset=utf-8"),
        ("feed.json", "application/feed+json; charset=utf-8"),
    ] {
        let path = format!("/e/morning/{file}");
        let first = site.get(&path).await;
        assert_eq!(first.status, 200);
        assert_eq!(first.header("content-type"), kind);
        assert_eq!(first.header("cache-control"), "public, max-age=900");
        assert_eq!(first.header("vary"), "Accept-Encoding");
        assert_eq!(first.header("access-control-allow-origin"), "*");
        assert_eq!(
            first.header("last-modified"),
            "Mon, 23 Nov 2026 05:05:00 GMT"
        );

        let tag = first.header("etag");
        let second = site
            .send(&format!("GET {path}\nIf-None-Match: {tag}"), "")
            .await;
        assert_eq!(second.status, 304);
        assert!(second.body.is_empty());
        assert_eq!(second.header("etag"), tag);
        assert_eq!(second.header("cache-control"), "public, max-age=900");

        let head = site.send(&format!("HEAD {path}"), "").await;
        assert_eq!(head.header("etag"), tag);
        assert_eq!(head.header("content-length"), first.body.len().to_string());
        assert!(head.body.is_empty());

        let zipped = site
            .send(&format!("GET {path}\nAccept-Encoding: gzip"), "")
            .await;
        assert_eq!(zipped.header("content-encoding"), "gzip");
        assert_ne!(zipped.header("etag"), tag);
        assert!(zipped.body.starts_with(&[0x1f, 0x8b]));
    }
}

#[tokio::test]
async fn a_validator_outlives_a_restart_and_ends_with_a_change() {
    let before = serve(library()).await.get("/e/morning/rss.xml").await;
    let site = serve(library()).await;
    let after = site.get("/e/morning/rss.xml").await;
    assert_eq!(before.header("etag"), after.header("etag"));

    site.shelf
        .revise(2, "The ferry is late", morning() + TimeDelta::hours(1));

    let changed = site.get("/e/morning/rss.xml").await;
    assert_ne!(changed.header("etag"), after.header("etag"));
    assert_eq!(
        changed.header("last-modified"),
        "Mon, 23 Nov 2026 06:00:00 GMT"
    );
    assert!(changed.text().contains("The ferry is late"));
}

#[tokio::test]
async fn a_feed_that_did_not_change_is_not_written_again() {
    let site = serve(library()).await;

    site.get("/e/morning/rss.xml").await;
    let read = site.shelf.bodies_read.load(Ordering::SeqCst);
    site.get("/e/morning/rss.xml").await;

    assert_eq!(site.shelf.bodies_read.load(Ordering::SeqCst), read);
}

#[tokio::test]
async fn topics_and_sources_have_feeds_and_unknown_ones_have_none() {
    let site = serve(library()).await;

    let topic = site.get("/topics/harbour/rss.xml").await;
    assert!(topic.text().contains("The wall") && !topic.text().contains("The ferry"));
    assert!(
        topic.text().contains(": At the harbour</title>"),
        "{}",
        topic.text()
    );
    assert_eq!(site.get("/topics/quays/rss.xml").await.status, 200);
    let source = site.get("/sources/courier/atom.xml").await;
    assert!(
        source.text().contains("<title>The Courier</title>"),
        "{}",
        source.text()
    );
    for path in [
        "/topics/none/rss.xml",
        "/sources/none/rss.xml",
        "/e/none/rss.xml",
        "/e/morning/rss",
    ] {
        assert_eq!(site.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_feed_takes_no_post_and_answers_a_preflight() {
    let site = serve(library()).await;

    let post = site.post("/e/morning/rss.xml", "").await;
    assert_eq!(post.status, 405);
    assert!(post.header("allow").contains("GET"), "{post:?}");

    let options = site.send("OPTIONS /e/morning/rss.xml", "").await;
    assert_eq!(options.status, 204);
    assert!(
        options
            .header("access-control-allow-headers")
            .contains("If-None-Match")
    );
}
