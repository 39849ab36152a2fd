use super::*;

#[tokio::test]
async fn pages_are_safe_to_show_and_lead_to_the_feeds() {
    let site = serve(library()).await;

    for path in [
        "/",
        "/e/morning",
        "/e/morning/1",
        "/articles/1",
        "/subscribe",
    ] {
        let answer = site.get(path).await;

        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(!answer.headers.contains_key("set-cookie"));
        assert!(!answer.text().contains("<script"), "{path}");
        if path != "/subscribe" {
            for kind in ["rss+xml", "atom+xml", "feed+json"] {
                let link = format!("<link rel=\"alternate\" type=\"application/{kind}\"");
                assert!(answer.text().contains(&link), "{path}: {}", answer.text());
            }
        }
    }
}

#[tokio::test]
async fn an_edition_shows_articles_digests_and_a_form() {
    let site = serve(library()).await;

    let answer = site.get("/e/morning").await;

    for shown in [
        "The wall",
        "The ferry",
        "href=\"/e/morning/1\"",
        "action=\"/subscribe\"",
    ] {
        assert!(answer.text().contains(shown), "{shown}");
    }
    let digest = site.get("/e/morning/1").await;
    assert!(digest.text().contains("No. 1"));
    assert!(!digest.text().contains("href=\"/e/morning/0\""));
}

#[tokio::test]
async fn a_problem_is_a_page_for_people_and_json_for_programs() {
    let site = serve(library()).await;

    for path in [
        "/nowhere",
        "/e/nowhere",
        "/e/morning/9",
        "/e/morning/x",
        "/articles/99",
        "/confirm/x",
    ] {
        let answer = site.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("There is no such page"), "{path}");
    }
    let answer = site
        .send("GET /nowhere\nAccept: application/json", "")
        .await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(answer.text().contains("\"status\":404"));
}

#[tokio::test]
async fn a_handler_that_panics_is_answered_for() {
    let site = serve(library()).await;
    site.shelf.broken.store(true, Ordering::SeqCst);

    let answer = site.get("/e/morning").await;

    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("It is our fault"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}
