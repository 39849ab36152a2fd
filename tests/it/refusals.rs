//! A relay that refuses: one, everybody, or all from some moment on. Nobody is lost, doubled or
//! wrongly silenced.

use courant::{delivery::Reach, id::EditionSlug};

use crate::{
    promises::{recipients, smtp},
    support::{
        app::{DESK, TestApp},
        smtp::{Act, SmtpServer, Stage},
    },
};

const NOBODY: &str = "550 5.1.1 no such mailbox";
const UNSIGNED: &str = "550 5.7.26 this mail is not authenticated";

pub(crate) fn crowd(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("reader{n}@example.org")).collect()
}

/// Everybody has the digest, once, and the store knows.
pub(crate) async fn each_has_one(app: &TestApp, relays: &[&SmtpServer], n: usize) {
    let messages: Vec<_> = relays.iter().flat_map(|relay| relay.messages()).collect();
    assert_eq!((recipients(&messages).len(), messages.len()), (n, n));
    let tally = app.tally().await;
    assert_eq!((tally.sent, tally.total()), (n as u64, n as u64));
    assert_eq!(app.suppressed(crowd(n)).await, [""; 0]);
}

async fn start(relay: &SmtpServer, n: usize) -> TestApp {
    let app = TestApp::start_with_relay(DESK, &smtp(relay)).await;
    app.plan_for(crowd(n)).await;
    app
}

/// From the `nth` recipient on, all are refused.
fn refuse_from(relay: &SmtpServer, nth: usize, reply: &'static str) {
    let mut asked = 0;
    relay.rule(move |stage, _| {
        asked += usize::from(stage == Stage::Rcpt);
        (stage == Stage::Rcpt && asked >= nth).then_some(Act::Reply(reply))
    });
}

/// Those who were asked for and refused.
fn refused(relay: &SmtpServer) -> usize {
    let commands = relay.commands();
    let asked = commands.iter().filter(|line| line.starts_with("RCPT"));
    asked.count() - relay.messages().len()
}

async fn reasons(app: &TestApp) -> Vec<String> {
    let holds = app.app.store.holds().await.unwrap();
    holds.into_iter().map(|(_, hold)| hold.reason).collect()
}

async fn resume(app: &TestApp) {
    let daily = Reach::Edition(EditionSlug::parse("daily").unwrap());
    assert!(app.app.store.lift(daily).await.unwrap());
}

#[tokio::test]
async fn who_is_refused_alone_is_set_aside_alone() {
    for (reply, silenced) in [
        (NOBODY, &["reader3@example.org"][..]),
        (UNSIGNED, &[]),
        ("554 5.6.0 not this one", &[]),
    ] {
        let relay = SmtpServer::start().await;
        let app = start(&relay, 20).await;
        relay.rule(move |_, line| line.contains("<reader3@").then_some(Act::Reply(reply)));

        app.work().await;

        let tally = app.tally().await;
        assert_eq!((tally.sent, tally.failed), (19, 1), "{reply}");
        assert_eq!(app.suppressed(crowd(20)).await, silenced, "{reply}");
        assert_eq!(recipients(&relay.messages()).len(), 19);
    }
}

#[tokio::test]
async fn a_relay_that_refuses_everybody_stops_the_edition_and_silences_nobody() {
    for (reply, bound) in [(NOBODY, 10), (UNSIGNED, 5)] {
        let relay = SmtpServer::start().await;
        let app = start(&relay, 50).await;
        refuse_from(&relay, 1, reply);

        let report = app.activate("deliver_outbox").await;

        assert_eq!(report.errors.len(), 1, "{:?}", report.errors);
        assert!(report.errors[0].contains(reply), "{:?}", report.errors);
        assert!(reasons(&app).await[0].contains(reply));
        let tally = app.tally().await;
        assert_eq!((tally.scheduled, tally.failed), (50, 0), "{reply}");
        assert_eq!(app.suppressed(crowd(50)).await, [""; 0], "{reply}");
        // One more may have been on its way, by the other connection.
        assert!((bound..=bound + 1).contains(&refused(&relay)), "{reply}");
        app.work().await;
        assert!(refused(&relay) <= bound + 1, "it stays held");

        relay.lift_rule();
        resume(&app).await;
        app.work().await;
        each_has_one(&app, &[&relay], 50).await;
    }
}

#[tokio::test]
async fn a_send_that_is_stopped_at_the_2500th_goes_on_there() {
    let relay = SmtpServer::start().await;
    let app = start(&relay, 2_600).await;
    refuse_from(&relay, 2_500, UNSIGNED);

    app.activate("deliver_outbox").await;

    assert_eq!(reasons(&app).await.len(), 1);
    let tally = app.tally().await;
    assert_eq!((tally.sent, tally.failed), (2_499, 0));
    let app = app.restart().await;
    app.work().await;
    assert_eq!(relay.messages().len(), 2_499, "it is held after a restart");

    relay.lift_rule();
    resume(&app).await;
    app.work().await;
    each_has_one(&app, &[&relay], 2_600).await;
}

#[tokio::test]
async fn a_list_that_is_mostly_dead_is_done_after_a_hold_or_two() {
    let relay = SmtpServer::start().await;
    let app = start(&relay, 60).await;
    // Two of three have no mailbox.
    let is_dead = |line: &str| (0..60).any(|n| n % 3 > 0 && line.contains(&format!("<reader{n}@")));
    relay.rule(move |_, line| is_dead(line).then_some(Act::Reply(NOBODY)));

    let mut holds = 0;
    for _ in 0..8 {
        app.activate("deliver_outbox").await;
        if app.tally().await.scheduled == 0 {
            break;
        }
        holds += 1;
        resume(&app).await;
    }

    let tally = app.tally().await;
    assert_eq!((tally.sent, tally.failed), (20, 40));
    assert_eq!(app.suppressed(crowd(60)).await.len(), 40);
    assert!(holds < 6, "{holds}");
}
