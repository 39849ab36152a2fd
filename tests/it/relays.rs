//! Several relays: one takes over from another, and nobody is lost or doubled.

use chrono::TimeDelta;

use crate::{
    promises::smtp,
    refusals::{crowd, each_has_one},
    support::{
        app::{DESK, TestApp},
        smtp::{Act, SmtpServer, Stage},
    },
};

async fn start(first: &SmtpServer, second: &SmtpServer, weight: u32) -> TestApp {
    let more = format!(
        "{DESK}\n[[relay]]\nname = \"second\"\nurl = \"{}\"\nconnections = 2\nweight = {weight}\n",
        smtp(second)
    );
    TestApp::start_with_relay(&more, &smtp(first)).await
}

/// It takes `n` more messages, and is gone then.
fn die_after(relay: &SmtpServer, n: usize) {
    let mut asked = 0;
    relay.rule(move |stage, _| {
        asked += usize::from(stage == Stage::Mail);
        (asked > n && matches!(stage, Stage::Mail | Stage::Connect)).then_some(Act::HangUp)
    });
}

#[tokio::test]
async fn what_a_dying_relay_leaves_the_other_takes() {
    let (first, second) = (SmtpServer::start().await, SmtpServer::start().await);
    let app = start(&first, &second, 1).await;
    app.plan_for(crowd(100)).await;
    die_after(&first, 15);

    let report = app.send_while_time_passes().await;

    assert_eq!(report.errors.len(), 1, "{:?}", report.errors);
    each_has_one(&app, &[&first, &second], 100).await;
    assert_eq!(first.messages().len(), 15);
}

#[tokio::test]
async fn a_relay_that_stands_by_is_used_while_no_other_is_there() {
    let (first, second) = (SmtpServer::start().await, SmtpServer::start().await);
    let app = start(&first, &second, 0).await;
    app.plan_for(crowd(60)).await;
    die_after(&first, 20);

    app.send_while_time_passes().await;

    each_has_one(&app, &[&first, &second], 60).await;
    assert_eq!((first.messages().len(), second.messages().len()), (20, 40));

    first.lift_rule();
    app.advance(TimeDelta::hours(1));
    app.write(&["Lighthouse"]);
    app.next_morning().await;
    assert_eq!((first.messages().len(), second.messages().len()), (80, 40));
}
