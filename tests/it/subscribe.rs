//! Joining and leaving, as a visitor and a mail program do it.

use chrono::TimeDelta;
use courant::subscribers::{ASK_AGAIN_MINUTES, How, Profile, Requested, address::EmailAddress};

use crate::support::{
    app::{DESK, TestApp, imported},
    client::{Answer, FORM},
};

pub(crate) const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

impl TestApp {
    pub(crate) async fn ask_for(&self, address: &str) -> Answer {
        let address = address.replace('@', "%40").replace('+', "%2B");
        let form = format!("email={address}&edition=daily&website=");
        self.client.post("/subscribe", FORM, &form).await
    }

    /// Enters somebody who has given their consent elsewhere.
    pub(crate) async fn import(&self, address: &str) -> Requested {
        let request = imported(address);
        let requested = self.app.store.request(vec![request], self.now()).await;
        requested.unwrap().remove(0)
    }

    pub(crate) async fn profile(&self, address: &str) -> Profile {
        let address = EmailAddress::parse(address).unwrap();
        self.app.store.find(&address).await.unwrap().unwrap()
    }

    async fn status(&self, address: &str) -> &'static str {
        self.profile(address).await.subscriptions[0].1.name()
    }

    /// The subjects of all that `address` got so far.
    fn subjects(&self, address: &str) -> Vec<String> {
        let mails = self.mails().into_iter().filter(|mail| mail.to == address);
        mails.map(|mail| mail.subject).collect()
    }
}

#[tokio::test]
async fn double_opt_in_and_one_click_from_the_form_to_the_last_mail() {
    let app = TestApp::start(DESK).await;
    let ann = "ann@example.org";
    app.work().await;

    assert_eq!(app.ask_for(ann).await.status, 200);
    assert_eq!(app.status(ann).await, "pending");
    app.write(&["Ferry"]);
    app.next_morning().await;
    let [request] = &app.mails()[..] else {
        panic!("who is pending gets the request alone: {:?}", app.mails());
    };
    assert_eq!((&*request.to, &request.one_click), (ann, &None));
    let confirm = request.link("/confirm/");

    let page = app.client.get(&confirm).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<form"), "{}", page.text());
    assert!(!page.text().contains(ann), "{}", page.text());
    assert_eq!(app.status(ann).await, "pending");

    assert_eq!(app.client.post(&confirm, FORM, "").await.status, 200);
    assert_eq!(app.status(ann).await, "confirmed");

    app.write(&["Lighthouse"]);
    app.next_morning().await;
    let mails = app.mails();
    let digest = mails
        .iter()
        .find(|mail| mail.subject != request.subject)
        .unwrap();
    assert!(digest.text.contains("Lighthouse") && digest.html.contains("Lighthouse"));
    let leave = digest.one_click.clone().unwrap();
    assert!(digest.text.contains(&leave), "the text leads out as well");

    assert_eq!(app.client.get(&leave).await.status, 200);
    assert_eq!(app.status(ann).await, "confirmed");
    assert_eq!(app.client.post(&leave, FORM, ONE_CLICK).await.status, 200);
    assert_eq!(app.status(ann).await, "unsubscribed");

    app.write(&["Barrier"]);
    app.next_morning().await;
    assert_eq!(app.mails().len(), 2);
    let stale = app.client.post(&confirm, FORM, "").await;
    assert_eq!(stale.status, 410, "an old confirmation revives nothing");
    assert_eq!(app.status(ann).await, "unsubscribed");
}

#[tokio::test]
async fn a_mail_programs_button_works_with_either_kind_of_form_and_without_cookies() {
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    for (content_type, body) in [
        (FORM, ONE_CLICK),
        ("multipart/form-data; boundary=x", multipart),
    ] {
        let app = TestApp::start(DESK).await;
        app.import("ann@example.org").await;
        app.import("bob@example.org").await;
        app.work().await;
        app.write(&["Ferry"]);
        app.next_morning().await;
        let leave = app.mails()[0].one_click.clone().unwrap();

        let answer = app.client.post(&leave, content_type, body).await;

        assert_eq!(answer.status, 200, "RFC 8058 allows no redirect");
        assert!(!answer.headers.contains_key("set-cookie"));
        let ann = app.profile("ann@example.org").await;
        assert_eq!(ann.subscriptions[0].1.name(), "unsubscribed");
        let evidence = app.app.store.consent(ann.subscriber.id).await.unwrap();
        assert_eq!(evidence.last().unwrap().how, How::OneClick);
        app.write(&["Lighthouse"]);
        app.next_morning().await;
        assert_eq!(app.subjects("ann@example.org").len(), 1, "{content_type}");
        assert_eq!(app.subjects("bob@example.org").len(), 2, "{content_type}");
        assert_eq!(
            app.client.post(&leave, content_type, body).await.status,
            200
        );
    }
}

#[tokio::test]
async fn no_import_revives_an_opt_out_and_the_person_can() {
    let app = TestApp::start(DESK).await;
    let ann = "ann@example.org";
    app.import(ann).await;
    app.work().await;
    app.write(&["Ferry"]);
    app.next_morning().await;
    let leave = app.mails()[0].one_click.clone().unwrap();
    app.client.post(&leave, FORM, ONE_CLICK).await;

    for same in [ann, "Ann@Example.ORG"] {
        assert_eq!(app.import(same).await, Requested::OptedOut, "{same}");
    }
    assert_eq!(app.status(ann).await, "unsubscribed");
    app.write(&["Lighthouse"]);
    app.next_morning().await;
    assert_eq!(app.mails().len(), 1);

    app.ask_for(ann).await;
    app.work().await;
    let mails = app.mails();
    let request = mails.iter().find(|mail| mail.one_click.is_none()).unwrap();
    app.client.post(&request.link("/confirm/"), FORM, "").await;
    assert_eq!(app.status(ann).await, "confirmed");
}

#[tokio::test]
async fn answers_do_not_tell_who_is_known() {
    let app = TestApp::start(DESK).await;
    app.import("confirmed@example.org").await;
    app.import("gone@example.org").await;
    app.work().await;
    app.write(&["Ferry"]);
    app.next_morning().await;
    let gone = app
        .mails()
        .into_iter()
        .find(|mail| mail.to == "gone@example.org");
    let leave = gone.unwrap().one_click.unwrap();
    app.client.post(&leave, FORM, ONE_CLICK).await;
    app.ask_for("pending@example.org").await;

    let mut answers = Vec::new();
    for address in ["unknown", "pending", "confirmed", "gone"] {
        let mut answer = app.ask_for(&format!("{address}@example.org")).await;
        answer.headers.remove("date");
        answers.push(answer);
    }

    assert_eq!(answers[0].status, 200);
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
}

#[tokio::test]
async fn asking_again_and_again_fills_nobodys_mailbox() {
    let app = TestApp::start(DESK).await;
    for _ in 0..3 {
        app.ask_for("ann@example.org").await;
        app.work().await;
    }
    assert_eq!(app.mails().len(), 1);

    app.advance(TimeDelta::minutes(ASK_AGAIN_MINUTES + 1));
    app.ask_for("ann@example.org").await;
    app.work().await;
    assert_eq!(app.mails().len(), 2, "who lost the mail can have another");
}

#[tokio::test]
async fn what_is_wrong_with_a_form_is_said_and_nothing_is_recorded() {
    let app = TestApp::start(DESK).await;
    for (content_type, form) in [
        (FORM, "email=nobody&edition=daily"),
        (FORM, "email=ann%40example.org&edition=weekly"),
        (
            FORM,
            "email=ann%40example.org%0ABcc:bob%40example.org&edition=daily",
        ),
        (FORM, ""),
        ("text/plain", "email=ann%40example.org&edition=daily"),
    ] {
        let answer = app.client.post("/subscribe", content_type, form).await;
        assert_eq!(answer.status, 422, "{form}");
    }
    // The trap for programs answers like everything else.
    let trapped = "email=bot%40example.org&edition=daily&website=x";
    assert_eq!(
        app.client.post("/subscribe", FORM, trapped).await.status,
        200
    );

    assert_eq!(app.app.store.profiles(None, 9).await.unwrap(), []);
}

#[tokio::test]
async fn a_link_that_was_tampered_with_is_nobodys() {
    let app = TestApp::start(DESK).await;
    app.import("ann@example.org").await;
    app.ask_for("bob@example.org").await;
    app.work().await;
    app.write(&["Ferry"]);
    app.next_morning().await;
    let mails = app.mails();
    let leave = mails[0].one_click.clone().unwrap();
    let confirm = mails[1].link("/confirm/");

    let swapped = [
        leave.replace("/unsubscribe/", "/confirm/"),
        confirm.replace("/confirm/", "/unsubscribe/"),
        format!("{}A", &leave[..leave.len() - 1]),
        format!("{leave}A"),
        "/unsubscribe/AAAA".to_owned(),
    ];
    for path in swapped {
        if path != leave {
            assert_eq!(app.client.get(&path).await.status, 404, "{path}");
            assert_eq!(app.client.post(&path, FORM, "").await.status, 404, "{path}");
        }
    }
    assert_eq!(app.status("ann@example.org").await, "confirmed");
    assert_eq!(app.status("bob@example.org").await, "pending");
}

#[tokio::test]
async fn a_confirmation_works_for_a_week() {
    let app = TestApp::start(DESK).await;
    app.ask_for("ann@example.org").await;
    app.work().await;
    let confirm = app.mails()[0].link("/confirm/");

    app.advance(TimeDelta::days(7) + TimeDelta::minutes(1));

    assert_eq!(app.client.get(&confirm).await.status, 410);
    assert_eq!(app.client.post(&confirm, FORM, "").await.status, 410);
    assert_eq!(app.status("ann@example.org").await, "pending");
}
