use super::*;

#[tokio::test]
async fn known_and_unknown_addresses_get_the_same_answer() {
    let site = serve(library()).await;

    let unknown = site
        .post("/subscribe", "edition=morning&email=new%40example.org")
        .await;
    let known = site
        .post("/subscribe", "edition=morning&email=ann%40example.org")
        .await;
    let program = site
        .post(
            "/subscribe",
            "edition=morning&email=x%40example.org&website=spam",
        )
        .await;

    assert_eq!(unknown.status, 200);
    assert!(unknown.text().contains("Check your mail"));
    assert_eq!(unknown.body, known.body);
    assert_eq!(unknown.body, program.body);
    let asked: Vec<String> = site
        .shelf
        .requests()
        .into_iter()
        .map(|r| r.address.into())
        .collect();
    assert_eq!(asked, ["new@example.org", "ann@example.org"]);
    site.wake_optin.woken().await;
}

#[tokio::test]
async fn a_form_that_is_filled_in_wrongly_says_what_is_wrong() {
    let site = serve(library()).await;

    let address = site.post("/subscribe", "edition=morning&email=ann").await;
    assert_eq!(address.status, 422);
    assert!(address.text().contains("does not look like a mail address"));
    let edition = site
        .post("/subscribe", "email=ann%40example.org&edition=evening")
        .await;
    assert_eq!(edition.status, 422);
    assert!(edition.text().contains("Please choose an edition"));
    assert_eq!(
        site.send("POST /subscribe\nContent-Type: text/plain", "x")
            .await
            .status,
        422
    );
    assert!(site.shelf.requests().is_empty());
}

#[tokio::test]
async fn opening_a_link_changes_nothing() {
    let site = serve(library()).await;

    for method in ["GET", "HEAD", "OPTIONS"] {
        for token in [confirm_token(), unsubscribe_token()] {
            for _ in 0..3 {
                site.send(&format!("{method} {token}"), "").await;
            }
        }
    }

    assert!(site.shelf.withdrawn().is_empty());
    assert!(site.shelf.confirmed().is_empty());
    let page = site.get(&unsubscribe_token()).await;
    assert!(page.text().contains("a…@example.org") && !page.text().contains("ann@"));
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("x-robots-tag"), "noindex");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(!page.header("content-security-policy").contains("img-src"));
}

#[tokio::test]
async fn pressing_the_button_confirms() {
    let site = serve(library()).await;

    let answer = site.post(&confirm_token(), "").await;

    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("You are subscribed"));
    assert_eq!(site.shelf.confirmed(), ["morning"]);
    site.shelf.nothing_pending();
    assert_eq!(site.post(&confirm_token(), "").await.status, 410);
}

#[tokio::test]
async fn a_post_unsubscribes_whatever_its_body_is() {
    let site = serve(library()).await;
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
    let long = "x".repeat(MAX_BODY_BYTES + 1);

    for (kind, body, how) in [
        (
            "application/x-www-form-urlencoded",
            "List-Unsubscribe=One-Click",
            How::OneClick,
        ),
        ("multipart/form-data; boundary=b", multipart, How::OneClick),
        ("text/plain", "", How::UnsubscribePage),
        ("application/json", "{\"broken\":", How::UnsubscribePage),
        ("multipart/form-data", "\u{0}", How::UnsubscribePage),
        ("text/plain", &long, How::UnsubscribePage),
    ] {
        let head = format!("POST {}\nContent-Type: {kind}", unsubscribe_token());
        let answer = site.send(&head, body).await;

        assert_eq!(answer.status, 200, "{kind}");
        assert!(
            !answer.headers.contains_key("location") && !answer.headers.contains_key("set-cookie")
        );
        let (scope, by) = site.shelf.withdrawn().pop().unwrap();
        assert_eq!(scope, Scope::Edition("morning".parse().unwrap()));
        assert_eq!(by, how, "{kind}");
    }
}

#[tokio::test]
async fn everything_can_be_left_at_once() {
    let site = serve(library()).await;

    let form = site.post(&unsubscribe_token(), "everything=1").await;
    site.send(&format!("POST {}?all", unsubscribe_token()), "")
        .await;

    assert!(form.text().contains("from any edition"));
    let scopes: Vec<Scope> = site
        .shelf
        .withdrawn()
        .into_iter()
        .map(|(scope, _)| scope)
        .collect();
    assert_eq!(scopes, [Scope::Everything, Scope::Everything]);
}

#[tokio::test]
async fn a_forged_link_changes_nothing_and_tells_nothing() {
    let site = serve(library()).await;
    let swapped = confirm_token().replace("/confirm/", "/unsubscribe/");

    for path in ["/unsubscribe/x", swapped.as_str()] {
        assert_eq!(site.get(path).await.status, 404);
        assert_eq!(
            site.post(path, "List-Unsubscribe=One-Click").await.status,
            404
        );
    }
    assert!(site.shelf.withdrawn().is_empty());
}

#[tokio::test]
async fn an_opt_out_is_answered_when_no_message_is_on_its_way() {
    let site = serve(library()).await;
    site.shelf.in_hand.store(3, Ordering::SeqCst);

    let answer = site.post(&unsubscribe_token(), "").await;

    assert_eq!(answer.status, 200);
    assert_eq!(site.shelf.in_hand.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_opt_out_that_was_not_recorded_is_not_confirmed() {
    let site = serve(library()).await;
    site.shelf.away.store(true, Ordering::SeqCst);

    let answer = site
        .post(&unsubscribe_token(), "List-Unsubscribe=One-Click")
        .await;

    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), "30");
    assert!(!answer.text().contains("unsubscribed"));
    assert_eq!(site.get("/admin/ready").await.status, 503);
    assert_eq!(site.get("/admin/live").await.status, 200);
    site.shelf.away.store(false, Ordering::SeqCst);
    assert_eq!(site.get("/admin/ready").await.status, 200);
}

#[tokio::test]
async fn a_confirmation_that_waited_too_long_has_lapsed() {
    let site = serve(library()).await;
    let asked = morning() - CONFIRM_WITHIN - TimeDelta::seconds(1);
    let late = link("confirm", TokenPurpose::Confirm, asked);

    assert_eq!(site.get(&late).await.status, 410);
    assert_eq!(site.post(&late, "").await.status, 410);
    assert!(site.shelf.confirmed().is_empty());
}

#[tokio::test]
async fn an_edition_that_is_gone_can_still_be_left() {
    let site = serve(library()).await;
    let gone = "evening".parse().unwrap();
    let token = tokens().mint(TokenPurpose::Unsubscribe, SubscriberId(1), &gone, morning());

    let answer = site.post(&format!("/unsubscribe/{token}"), "").await;

    assert_eq!(answer.status, 200);
    assert_eq!(
        site.shelf.withdrawn(),
        [(Scope::Edition(gone), How::UnsubscribePage)]
    );
}
