//! What is planned, and who recovers, while somebody else is still sending.

use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::Notify;

use crate::{
    promises::{recipients, smtp},
    refusals::{crowd, each_has_one},
    support::{
        app::{DESK, TestApp, imported},
        smtp::{Act, SmtpServer, Stage},
    },
};

#[tokio::test]
async fn a_digest_that_is_planned_while_a_slow_reply_is_awaited_leaves_by_the_other_connection() {
    let relay = SmtpServer::start().await;
    let app = TestApp::start_with_relay(DESK, &smtp(&relay)).await;
    let requests = crowd(20).iter().map(|address| imported(address)).collect();
    app.app.store.request(requests, app.now()).await.unwrap();
    app.work().await;
    app.write(&["Ferry"]);
    app.advance(TimeDelta::minutes(10));
    app.work().await;
    app.advance(TimeDelta::minutes(45));
    app.ask_for("late@example.org").await;
    app.activate("request_confirmations").await;
    relay.next(Stage::Dot, Act::FallSilent);

    let going_on = async {
        relay.until_command("DATA").await;
        app.advance(TimeDelta::minutes(10));
        app.activate("publish_digests").await;
        app.advance(TimeDelta::seconds(1));
        relay.until(|messages| messages.len() == 20).await;
    };
    tokio::select! {
        report = app.activate("deliver_outbox") => panic!("it did not wait: {report:?}"),
        () = going_on => {}
    }

    assert_eq!(recipients(&relay.messages()).len(), 20);
    assert_eq!(relay.connections(), 2);
}

/// A second relay that takes one message a second.
async fn start_with_slow_second(first: &SmtpServer, second: &SmtpServer, weight: u32) -> TestApp {
    let more = format!(
        "{DESK}\n[[relay]]\nname = \"second\"\nurl = \"{}\"\nconnections = 2\nrate = \"1/s\"\nweight = {weight}\n",
        smtp(second)
    );
    TestApp::start_with_relay(&more, &smtp(first)).await
}

#[tokio::test]
async fn a_relay_that_was_busy_once_is_used_again_while_the_other_goes_on() {
    for weight in [1, 0] {
        let (first, second) = (SmtpServer::start().await, SmtpServer::start().await);
        let app = start_with_slow_second(&first, &second, weight).await;
        app.plan_for(crowd(200)).await;
        let begun = app.now();
        let clock = app.app.clock.clone();
        first.rule(move |stage, _| {
            let is_busy = clock.now() - begun < TimeDelta::seconds(20);
            let busy = Act::ReplyAndHangUp("421 4.3.2 too busy");
            (is_busy && stage == Stage::Mail).then_some(busy)
        });

        let report = app.send_while_time_passes().await;

        each_has_one(&app, &[&first, &second], 200).await;
        assert_eq!(report.notices, ["relay is back"], "weight {weight}");
        let took = app.now() - begun;
        assert!(took < TimeDelta::seconds(45), "weight {weight}: {took}");
        let by_second = second.messages().len();
        assert!(
            (25..45).contains(&by_second),
            "weight {weight}: {by_second}"
        );
    }
}

#[tokio::test]
async fn a_delivery_whose_connection_is_not_open_yet_is_given_back_when_the_parts_retire() {
    let relay = SmtpServer::start().await;
    let app = TestApp::start_with_relay(DESK, &smtp(&relay)).await;
    app.plan_for(crowd(1)).await;
    let call = Arc::new(Notify::new());
    let noted = Arc::clone(&call);
    relay.rule(move |stage, _| {
        noted.notify_one();
        (stage == Stage::Connect).then_some(Act::FallSilent)
    });

    let retiring = async {
        call.notified().await;
        app.app.retired.cancel();
    };
    let (report, ()) = tokio::join!(app.activate("deliver_outbox"), retiring);

    assert_eq!(report.errors, [""; 0]);
    assert!(report.counts.contains(&("released", 1)), "{report:?}");
    let next = app.app.store.next_due().await.unwrap();
    assert!(next <= Some(app.now()), "nothing is in hand");
}
