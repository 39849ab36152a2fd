//! A relay that is away, unwell, or makes no sense: nobody is lost, doubled or silenced.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use courant::subscribers::{How, Scope};

use crate::{
    promises::smtp,
    refusals::{crowd, each_has_one},
    support::{
        app::{DESK, TestApp},
        binary::Courant,
        smtp::{Act, SmtpServer, Stage},
    },
};

#[tokio::test]
async fn a_relay_that_is_away_for_eight_hours_is_told_of_once_and_loses_nobody() {
    let relay = SmtpServer::start().await;
    let app = TestApp::start_with_relay(DESK, &smtp(&relay)).await;
    app.plan_for(crowd(100)).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (times, clock) = (Arc::clone(&asked), app.app.clock.clone());
    let mut taken = 0;
    relay.rule(move |stage, _| {
        taken += usize::from(stage == Stage::Mail);
        if stage == Stage::Connect && taken > 30 {
            times.lock().unwrap().push(clock.now());
        }
        (taken > 30 && matches!(stage, Stage::Mail | Stage::Connect)).then_some(Act::HangUp)
    });

    let told = app.send_for(TimeDelta::hours(8)).await;

    assert_eq!(relay.messages().len(), 30);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("relay: "), "{told:?}");
    let mut times = asked.lock().unwrap().clone();
    times.dedup();
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.is_sorted() && gaps.len() < 25, "{gaps:?}");
    assert!(gaps.last() >= Some(&TimeDelta::minutes(30)), "{gaps:?}");
    assert_eq!(app.tally().await.scheduled, 70);

    relay.lift_rule();
    let told = app.send_for(TimeDelta::minutes(40)).await;
    assert_eq!(told, ["relay is back"]);
    each_has_one(&app, &[&relay], 100).await;
}

#[tokio::test]
async fn a_relay_that_keeps_ending_or_confusing_the_talk_gets_everybodys_mail_in_the_end() {
    let busy = Act::ReplyAndHangUp("421 4.3.2 too busy");
    for act in [Act::HangUp, busy, Act::Reply("nonsense"), Act::Reply("999")] {
        for stage in Stage::TRANSACTION {
            let relay = SmtpServer::start().await;
            let app = TestApp::start_with_relay(DESK, &smtp(&relay)).await;
            app.plan_for(crowd(12)).await;
            let mut n = 0;
            relay.rule(move |at, _| {
                n += usize::from(at == stage);
                (at == stage && n % 4 == 0).then_some(act)
            });

            app.send_for(TimeDelta::hours(4)).await;

            each_has_one(&app, &[&relay], 12).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_says_nothing_at_all_is_waited_for_and_left() {
    let opening = [Stage::Connect, Stage::Ehlo];
    for stage in opening.into_iter().chain(Stage::TRANSACTION) {
        let relay = SmtpServer::start().await;
        let app = TestApp::start_with_relay(DESK, &smtp(&relay)).await;
        app.plan_for(crowd(12)).await;
        let mut n = 0;
        relay.rule(move |at, _| {
            n += usize::from(at == stage);
            (at == stage && n <= 2).then_some(Act::FallSilent)
        });

        app.send_for(TimeDelta::hours(4)).await;

        each_has_one(&app, &[&relay], 12).await;
    }
}

#[tokio::test]
async fn one_message_at_which_the_relay_always_breaks_off_is_given_up_and_holds_up_nobody() {
    let relay = SmtpServer::start().await;
    let app = TestApp::start_with_relay(DESK, &smtp(&relay)).await;
    app.plan_for(crowd(10)).await;
    let closes = Act::ReplyAndHangUp("421 4.7.1 not this one");
    relay.rule(move |_, line| line.contains("<reader3@").then_some(closes));

    app.send_for(TimeDelta::hours(1)).await;
    assert_eq!(relay.messages().len(), 9);
    app.send_for(TimeDelta::days(6)).await;

    let tally = app.tally().await;
    assert_eq!((tally.sent, tally.failed), (9, 1));
    assert_eq!(app.suppressed(crowd(10)).await, [""; 0]);
}

#[tokio::test]
async fn full_mailboxes_say_nothing_about_the_relay() {
    let relay = SmtpServer::start().await;
    let app = TestApp::start_with_relay(DESK, &smtp(&relay)).await;
    app.plan_for(crowd(80)).await;
    let mut asked = 0;
    relay.rule(move |stage, _| {
        asked += usize::from(stage == Stage::Rcpt);
        let is_full = stage == Stage::Rcpt && asked <= 60;
        is_full.then_some(Act::Reply("452 4.2.2 the mailbox is full"))
    });

    let report = app.activate("deliver_outbox").await;

    assert_eq!(report.errors, [""; 0]);
    let tally = app.tally().await;
    assert_eq!((tally.sent, tally.deferred), (20, 60));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_during_a_long_greeting_is_obeyed() {
    let relay = SmtpServer::start().await;
    let app = TestApp::start_with_relay(DESK, &smtp(&relay)).await;
    app.plan_for(crowd(1)).await;
    let reader = app.profile(&crowd(1)[0]).await.subscriber.id;
    let (store, now) = (Arc::clone(&app.app.store), app.now());
    relay.rule(move |stage, _| {
        if stage == Stage::Connect {
            let leaves = store.withdraw(reader, &Scope::Everything, How::OneClick, now);
            let runtime = tokio::runtime::Handle::current();
            tokio::task::block_in_place(|| runtime.block_on(leaves)).unwrap();
        }
        None
    });

    app.work().await;

    assert_eq!(relay.connections(), 1);
    assert_eq!(relay.messages().len(), 0);
    assert_eq!(app.tally().await.withheld, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_that_did_not_get_out_is_sent_by_the_next_call() {
    let relay = SmtpServer::start().await;
    let courant = Courant::with_relay(&smtp(&relay));
    courant.import_forty();
    courant.ok(&["ingest"]);
    relay.rule(|stage, _| (stage == Stage::Connect).then_some(Act::HangUp));
    let failed = courant.run(&["digest", "send", "daily"]);
    assert!(
        failed.stdout.contains("0 sent, 40 waiting"),
        "{}",
        failed.stdout
    );

    relay.lift_rule();
    let sent = courant.ok(&["digest", "send", "daily"]).stdout;

    assert!(sent.contains("40 messages of "), "{sent}");
    assert!(sent.contains("40 sent"), "{sent}");
    assert_eq!(relay.messages().len(), 40);
    let listed = courant.ok(&["outbox", "list", "--limit", "39"]).stdout;
    assert!(
        listed.ends_with("these are the latest 39; `--limit` shows more\n"),
        "{listed}"
    );
}
