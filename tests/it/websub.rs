//! News that hubs push, and what becomes of it when they do not, or when somebody else tries.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use courant::{
    id::SourceName,
    library::Query,
    ops::config::Config,
    sources::{Poll, websub::Subscription},
};
use ring::hmac;
use url::form_urlencoded;

use crate::support::{
    app::{TestApp, fetching_from, rss},
    client::Answer,
    http::{Reply, Server},
    hub::{Form, Hub},
};

const TOPIC: &str = "https://paper.example/feed";

/// A feed that names a hub in its headers.
struct Paper {
    server: Server,
    titles: Arc<Mutex<Vec<&'static str>>>,
    /// Lines of the answer's head.
    links: Arc<Mutex<Vec<String>>>,
}

impl Paper {
    async fn start(hubs: &[&Hub]) -> Self {
        let titles = Arc::new(Mutex::new(vec!["Ferry"]));
        let links = Arc::new(Mutex::new(links(hubs)));
        let (shown, stated) = (titles.clone(), links.clone());
        let server = Server::start(move |_| {
            let links = stated.lock().unwrap();
            let mut head = vec!["200 OK", "Content-Type: application/rss+xml"];
            head.extend(links.iter().map(String::as_str));
            Reply::new(&head, &rss(shown.lock().unwrap().iter()))
        })
        .await;
        Paper {
            server,
            titles,
            links,
        }
    }

    fn publish(&self, title: &'static str) {
        self.titles.lock().unwrap().push(title);
    }

    fn config(&self) -> String {
        let url = self.server.url("/paper");
        let more = "max_bytes = \"50KB\"\n";
        format!(
            "[[source]]\nname = \"paper\"\nfeed = \"{url}\"\ninterval = \"1h\"\n{}{more}",
            fetching_from(&self.server)
        )
    }
}

fn links(hubs: &[&Hub]) -> Vec<String> {
    let hubs = hubs
        .iter()
        .map(|hub| format!("Link: <{}>; rel=\"hub\"", hub.url()));
    hubs.chain([format!("Link: <{TOPIC}>; rel=\"self\"")])
        .collect()
}

fn paper() -> SourceName {
    SourceName::parse("paper").unwrap()
}

/// The path of the address that a hub was told.
fn callback(form: &Form) -> String {
    let callback = &form["hub.callback"];
    let path = callback.strip_prefix("https://courant.example").unwrap();
    path.to_owned()
}

fn sign(algorithm: hmac::Algorithm, secret: &str, body: &str) -> String {
    let code = hmac::sign(
        &hmac::Key::new(algorithm, secret.as_bytes()),
        body.as_bytes(),
    );
    code.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn signed(form: &Form, body: &str) -> String {
    format!(
        "sha256={}",
        sign(hmac::HMAC_SHA256, &form["hub.secret"], body)
    )
}

impl TestApp {
    async fn asked_back(&self, form: &Form, fields: &[(&str, &str)]) -> Answer {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([
            ("hub.mode", &*form["hub.mode"]),
            ("hub.challenge", "a&b<i>"),
        ]);
        query.extend_pairs(fields);
        self.client
            .get(&format!("{}?{}", callback(form), query.finish()))
            .await
    }

    /// A hub asks back as it should, and grants ten days.
    async fn confirm(&self, form: &Form) {
        let fields = [("hub.topic", TOPIC), ("hub.lease_seconds", "864000")];
        let answer = self.asked_back(form, &fields).await;
        assert_eq!((answer.status, answer.text()), (200, "a&b<i>"));
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    }

    async fn deliver(&self, form: &Form, signature: &str, body: &str) -> u16 {
        let head = format!(
            "POST {}\nContent-Type: application/rss+xml\nX-Hub-Signature: {signature}",
            callback(form)
        );
        self.client.send(&head, body).await.status
    }

    async fn subscription(&self) -> Option<Subscription> {
        self.app.store.subscription(&paper()).await.unwrap()
    }

    async fn standing_poll(&self) -> Poll {
        self.app.store.poll(&paper()).await.unwrap().unwrap()
    }

    async fn known_titles(&self) -> Vec<String> {
        let articles = self.app.store.list(&Query::default()).await.unwrap();
        let mut titles: Vec<String> = articles.into_iter().map(|one| one.title).collect();
        titles.sort();
        titles
    }

    async fn quietly(&self, task: &str) {
        assert_eq!(self.activate(task).await.errors, [""; 0], "{task}");
    }
}

/// Polled once, and subscribed at the hub.
async fn subscribed(paper: &Paper, hub: &Hub) -> (TestApp, Form) {
    let app = TestApp::start(&paper.config()).await;
    app.work().await;
    app.quietly("renew_subscriptions").await;
    let form = hub.forms().pop().unwrap();
    app.confirm(&form).await;
    (app, form)
}

fn news(title: &str) -> String {
    String::from_utf8(rss([title])).unwrap()
}

#[tokio::test]
async fn from_the_header_of_a_feed_to_the_article_that_its_hub_pushes() {
    let hub = Hub::start().await;
    let paper = Paper::start(&[&hub]).await;
    let app = TestApp::start(&paper.config()).await;
    app.work().await;

    app.quietly("renew_subscriptions").await;
    let [form] = &hub.forms()[..] else {
        panic!("{:?}", hub.forms());
    };
    assert_eq!(form["hub.mode"], "subscribe");
    assert_eq!(form["hub.topic"], TOPIC);
    assert_eq!(form["hub.secret"].len(), 64);
    assert_eq!(callback(form).len(), "/hooks/".len() + 32);
    let body = news("Lighthouse");
    assert_eq!(
        app.deliver(form, &signed(form, &body), &body).await,
        404,
        "not confirmed yet"
    );
    app.confirm(form).await;
    let before = app.standing_poll().await;

    assert_eq!(app.deliver(form, &signed(form, &body), &body).await, 202);
    assert_eq!(app.known_titles().await, ["Ferry"], "it is read later");
    app.quietly("take_deliveries").await;

    assert_eq!(app.known_titles().await, ["Ferry", "Lighthouse"]);
    assert_eq!(app.standing_poll().await, before, "a delivery is no poll");
    paper.publish("Lighthouse");
    app.advance(TimeDelta::days(1));
    app.work().await;
    assert_eq!(
        app.known_titles().await,
        ["Ferry", "Lighthouse"],
        "polled and pushed is once"
    );
}

#[tokio::test]
async fn a_hub_that_falls_silent_costs_hours_and_no_article() {
    let hub = Hub::start().await;
    let paper = Paper::start(&[&hub]).await;
    let (app, _) = subscribed(&paper, &hub).await;
    let polls = || paper.server.heads().len();
    app.advance(TimeDelta::minutes(70));
    app.work().await;
    assert_eq!(polls(), 2, "the poll that was due when the hub came in");

    paper.publish("Lighthouse");
    app.advance(TimeDelta::minutes(5 * 60));
    app.work().await;
    assert_eq!(polls(), 2, "a hub that pushes makes polls rare");
    app.advance(TimeDelta::minutes(2 * 60));
    app.work().await;

    assert_eq!(polls(), 3);
    assert_eq!(app.known_titles().await, ["Ferry", "Lighthouse"]);
    app.advance(TimeDelta::days(11));
    app.work().await;
    app.advance(TimeDelta::minutes(70));
    app.work().await;
    assert_eq!(polls(), 5, "without a lease polls come as often as before");
}

#[tokio::test]
async fn who_asks_for_what_we_did_not_ask_gets_nothing() {
    let hub = Hub::start().await;
    let paper = Paper::start(&[&hub]).await;
    let app = TestApp::start(&paper.config()).await;
    app.work().await;
    app.quietly("renew_subscriptions").await;
    let form = hub.forms().pop().unwrap();
    let lease = ("hub.lease_seconds", "864000");

    let other_topic = [("hub.topic", "https://paper.example/other"), lease];
    assert_eq!(app.asked_back(&form, &other_topic).await.status, 404);
    assert_eq!(app.asked_back(&form, &[lease]).await.status, 404);
    let mut leaving = form.clone();
    leaving.insert("hub.mode".to_owned(), "unsubscribe".to_owned());
    let topic = [("hub.topic", TOPIC), lease];
    assert_eq!(app.asked_back(&leaving, &topic).await.status, 404);
    let mut elsewhere = form.clone();
    let unknown = format!("https://courant.example/hooks/{}", "0".repeat(32));
    elsewhere.insert("hub.callback".to_owned(), unknown);
    assert_eq!(app.asked_back(&elsewhere, &topic).await.status, 404);
    for odd in ["/hooks/%00", "/hooks/%ff", "/hooks/x?hub.mode=a&hub.mode=b"] {
        assert_eq!(app.client.get(odd).await.status, 404, "{odd}");
    }
    let bare = format!("{}?hub.mode=subscribe&hub.topic={TOPIC}", callback(&form));
    assert_eq!(
        app.client.get(&bare).await.status,
        404,
        "without a challenge"
    );
    assert!(!app.subscription().await.unwrap().is_live(app.now()));

    app.confirm(&form).await;
    let replayed = app.asked_back(&form, &topic).await;
    assert_eq!(replayed.status, 404, "nothing is asked any more");
    assert_eq!(app.asked_back(&leaving, &topic).await.status, 404);
    assert!(app.subscription().await.unwrap().is_live(app.now()));
}

#[tokio::test]
async fn what_the_hub_did_not_sign_is_accepted_and_thrown_away() {
    let hub = Hub::start().await;
    let paper = Paper::start(&[&hub]).await;
    let (app, form) = subscribed(&paper, &hub).await;
    let body = news("Forged");
    let good = signed(&form, &body);
    let sha1 = sign(
        hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        &form["hub.secret"],
        &body,
    );
    let wrong_key = sign(hmac::HMAC_SHA256, "guessed", &body);

    for bad in [
        "",
        "sha256=",
        "sha256=00",
        &good.replace("sha256=", "sha512="),
        &good.replace("sha256=", ""),
        &format!("sha1={sha1}"),
        &format!("sha256={wrong_key}"),
    ] {
        assert_eq!(app.deliver(&form, bad, &body).await, 202, "{bad}");
    }
    let altered = body.replace("Forged", "Altered");
    assert_eq!(app.deliver(&form, &good, &altered).await, 202);
    app.quietly("take_deliveries").await;
    assert_eq!(app.known_titles().await, ["Ferry"]);

    assert_eq!(app.deliver(&form, &good, &body).await, 202);
    assert_eq!(app.deliver(&form, &good, &body).await, 202, "a replay");
    app.quietly("take_deliveries").await;
    assert_eq!(app.known_titles().await, ["Ferry", "Forged"]);
}

#[tokio::test]
async fn a_hub_that_knows_only_sha1_is_heard_if_the_operator_says_so() {
    let hub = Hub::start().await;
    let paper = Paper::start(&[&hub]).await;
    let config = format!("{}websub_sha1 = true\n", paper.config());
    let app = TestApp::start(&config).await;
    app.work().await;
    app.quietly("renew_subscriptions").await;
    let form = hub.forms().pop().unwrap();
    app.confirm(&form).await;

    let body = news("Lighthouse");
    let code = sign(
        hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        &form["hub.secret"],
        &body,
    );
    app.deliver(&form, &format!("sha1={code}"), &body).await;
    app.quietly("take_deliveries").await;

    assert_eq!(app.known_titles().await, ["Ferry", "Lighthouse"]);
}

#[tokio::test]
async fn what_is_too_large_or_no_feed_is_stored_nowhere_and_hurts_nobody() {
    let hub = Hub::start().await;
    let paper = Paper::start(&[&hub]).await;
    let (app, form) = subscribed(&paper, &hub).await;

    let large = format!("{}{}", news("Large"), " ".repeat(50_000));
    assert_eq!(
        app.deliver(&form, &signed(&form, &large), &large).await,
        413
    );
    let half = format!("{}{}", news("Half"), " ".repeat(40_000));
    for expected in [202, 202, 503] {
        let status = app.deliver(&form, &signed(&form, &half), &half).await;
        assert_eq!(status, expected, "no more than two largest documents wait");
    }
    app.quietly("take_deliveries").await;
    let page = "<html><body>no feed</body></html>";
    assert_eq!(app.deliver(&form, &signed(&form, page), page).await, 202);
    assert_eq!(app.deliver(&form, &signed(&form, ""), "").await, 202);
    let good = news("Lighthouse");
    assert_eq!(app.deliver(&form, &signed(&form, &good), &good).await, 202);
    let report = app.activate("take_deliveries").await;

    assert_eq!(report.errors.len(), 2, "{report:?}");
    assert!(report.errors[0].contains("source paper: pushed by its hub: an HTML page"));
    assert_eq!(app.known_titles().await, ["Ferry", "Half", "Lighthouse"]);
}

#[tokio::test]
async fn a_lease_is_renewed_before_it_ends_and_survives_a_restart() {
    let hub = Hub::start().await;
    let paper = Paper::start(&[&hub]).await;
    let (app, first) = subscribed(&paper, &hub).await;

    app.advance(TimeDelta::days(6));
    app.quietly("renew_subscriptions").await;
    assert_eq!(hub.forms().len(), 1);
    let app = app.restart().await;
    app.advance(TimeDelta::hours(17));
    app.quietly("renew_subscriptions").await;
    app.quietly("renew_subscriptions").await;

    let forms = hub.forms();
    assert_eq!(forms.len(), 2);
    assert_eq!(forms[1], first, "the same address and the same secret");
    let body = news("Meanwhile");
    assert_eq!(
        app.deliver(&first, &signed(&first, &body), &body).await,
        202
    );
    app.confirm(&forms[1]).await;
    let until = app.subscription().await.unwrap().until.unwrap();
    assert_eq!(until, app.now() + TimeDelta::days(10));
}

#[tokio::test]
async fn hubs_are_asked_in_turn_and_left_alone_when_none_answers() {
    let (first, second) = (Hub::start().await, Hub::start().await);
    first.answer("500 Internal Server Error");
    let paper = Paper::start(&[&first, &second]).await;
    let app = TestApp::start(&paper.config()).await;
    app.work().await;

    app.quietly("renew_subscriptions").await;
    assert_eq!((first.forms().len(), second.forms().len()), (1, 1));

    // It never asks back.
    app.advance(TimeDelta::minutes(61));
    let late = app.activate("renew_subscriptions").await;
    assert!(late.errors[0].contains("did not ask back"), "{late:?}");
    second.answer("403 Forbidden");
    app.advance(TimeDelta::hours(4));
    let report = app.activate("renew_subscriptions").await;
    assert!(
        report.errors[0].contains("source paper: hub http"),
        "{report:?}"
    );
    assert!(report.errors[0].contains("answered "), "{report:?}");
    let asked = first.forms().len() + second.forms().len();
    assert_eq!(asked, 4);
    app.advance(TimeDelta::hours(1));
    app.quietly("renew_subscriptions").await;
    assert_eq!(first.forms().len() + second.forms().len(), asked);
    app.advance(TimeDelta::days(2));
    app.activate("renew_subscriptions").await;
    assert_eq!(first.forms().len() + second.forms().len(), asked + 2);
}

#[tokio::test]
async fn a_hub_that_says_no_is_asked_again_later() {
    let hub = Hub::start().await;
    let paper = Paper::start(&[&hub]).await;
    let app = TestApp::start(&paper.config()).await;
    app.work().await;
    app.quietly("renew_subscriptions").await;
    let mut form = hub.forms().pop().unwrap();
    form.insert("hub.mode".to_owned(), "denied".to_owned());

    let reason = ("hub.reason", "too many");
    let said = app.asked_back(&form, &[("hub.topic", TOPIC), reason]).await;

    assert_eq!((said.status, said.text()), (200, ""));
    let subscription = app.subscription().await.unwrap();
    assert_eq!(
        subscription.error.as_deref(),
        Some("the hub refused: too many")
    );
    app.advance(TimeDelta::minutes(61));
    app.quietly("renew_subscriptions").await;
    assert_eq!(hub.forms().len(), 2);
}

#[tokio::test]
async fn a_hub_is_left_when_its_source_names_it_no_more() {
    let hub = Hub::start().await;
    let paper = Paper::start(&[&hub]).await;
    let (app, form) = subscribed(&paper, &hub).await;
    paper.links.lock().unwrap().clear();
    app.advance(TimeDelta::hours(8));
    app.work().await;

    app.quietly("renew_subscriptions").await;
    let farewell = hub.forms().pop().unwrap();
    assert_eq!(farewell["hub.mode"], "unsubscribe");
    assert!(!farewell.contains_key("hub.secret"));
    app.confirm(&farewell).await;

    assert_eq!(app.subscription().await, None);
    let body = news("Late");
    assert_eq!(app.deliver(&form, &signed(&form, &body), &body).await, 404);
    app.quietly("renew_subscriptions").await;
    assert_eq!(hub.forms().len(), 2);
}

#[tokio::test]
async fn a_hub_that_does_not_hear_the_farewell_is_forgotten_after_some() {
    let hub = Hub::start().await;
    let paper = Paper::start(&[&hub]).await;
    let (app, _) = subscribed(&paper, &hub).await;
    paper.links.lock().unwrap().clear();
    app.advance(TimeDelta::hours(8));
    app.work().await;
    hub.answer("500 Internal Server Error");

    for _ in 0..6 {
        app.activate("renew_subscriptions").await;
        app.advance(TimeDelta::hours(12));
    }

    assert_eq!(hub.forms().len(), 4, "one subscription and three farewells");
    assert_eq!(app.subscription().await, None);
}

#[tokio::test]
async fn a_feed_that_names_itself_anew_is_subscribed_anew() {
    let hub = Hub::start().await;
    let paper = Paper::start(&[&hub]).await;
    let (app, first) = subscribed(&paper, &hub).await;
    let moved = "https://paper.example/new";
    for link in paper.links.lock().unwrap().iter_mut() {
        *link = link.replace(TOPIC, moved);
    }
    app.advance(TimeDelta::hours(8));
    app.work().await;

    app.quietly("renew_subscriptions").await;
    let farewell = hub.forms().pop().unwrap();
    assert_eq!(
        (&*farewell["hub.mode"], &*farewell["hub.topic"]),
        ("unsubscribe", TOPIC)
    );
    app.confirm(&farewell).await;
    app.quietly("renew_subscriptions").await;

    let second = hub.forms().pop().unwrap();
    assert_eq!(
        (&*second["hub.mode"], &*second["hub.topic"]),
        ("subscribe", moved)
    );
    assert_ne!(second["hub.secret"], first["hub.secret"]);
    assert_ne!(callback(&second), callback(&first));
}

#[tokio::test]
async fn a_hub_in_a_private_network_is_not_asked() {
    let hub = Hub::start().await;
    let paper = Paper::start(&[]).await;
    paper.links.lock().unwrap().extend([
        "Link: <https://10.0.0.1/hub>; rel=hub".to_owned(),
        "Link: <https://169.254.169.254/hub>; rel=hub".to_owned(),
    ]);
    let app = TestApp::start(&paper.config()).await;
    app.work().await;

    let report = app.activate("renew_subscriptions").await;

    assert!(report.errors[0].contains("is private"), "{report:?}");
    hub.answer("307 Temporary Redirect\r\nLocation: http://10.0.0.1/");
    paper.links.lock().unwrap().splice(.., links(&[&hub]));
    app.advance(TimeDelta::hours(9));
    app.work().await;
    let report = app.activate("renew_subscriptions").await;
    assert!(report.errors[0].contains("is private"), "{report:?}");
    assert_eq!(hub.forms().len(), 1);
}

#[tokio::test]
async fn no_hub_is_told_of_an_address_that_is_not_https() {
    let hub = Hub::start().await;
    let paper = Paper::start(&[&hub]).await;
    let app = TestApp::start(&paper.config()).await;
    app.work().await;
    let mut renew = courant::sources::renew::RenewSubscriptions {
        store: app.app.store.clone(),
        fetcher: app.app.renew.fetcher.clone(),
        sources: app.app.config.sources.clone(),
        base_url: "http://courant.example/".parse().unwrap(),
    };

    courant::task::Task::activate(&renew, app.now()).await;
    assert_eq!(hub.forms().len(), 0);
    renew.base_url = "http://127.0.0.1:8080/".parse().unwrap();
    courant::task::Task::activate(&renew, app.now()).await;
    assert_eq!(hub.forms().len(), 1, "on this machine http will do");
}

#[tokio::test]
async fn another_configuration_takes_over_what_waits() {
    let hub = Hub::start().await;
    let paper = Paper::start(&[&hub]).await;
    let (app, form) = subscribed(&paper, &hub).await;
    let body = news("Lighthouse");
    app.deliver(&form, &signed(&form, &body), &body).await;

    let config: Config = app.app.config.clone();
    let renewed = app.app.renewed(config).await.unwrap();
    let report = courant::task::Task::activate(&renewed.deliveries, app.now()).await;

    assert_eq!(report.errors, [""; 0]);
    assert_eq!(app.known_titles().await, ["Ferry", "Lighthouse"]);
}
