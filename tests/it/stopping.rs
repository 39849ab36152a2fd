//! A daemon that is told to stop, or to read its configuration again, in the middle of a send.

use std::process::Child;

use crate::{
    promises::{recipients, smtp},
    support::{
        binary::{Courant, Daemon},
        smtp::SmtpServer,
    },
};

/// A daemon that has sent ten of forty messages, and waits for the answers to two more.
pub(crate) async fn sending(relay: &SmtpServer) -> (Courant, Daemon, Child) {
    let courant = Courant::with_relay(&smtp(relay));
    courant.import_forty();
    courant.ok(&["ingest"]);
    relay.ration(10);
    let daemon = courant.daemon();
    let order = courant.spawn(&["digest", "send", "daily"], "");
    relay.until(|messages| messages.len() == 10).await;
    relay.until_waiting(2).await;
    (courant, daemon, order)
}

/// The same with a daemon that has read its configuration again since, and two more that wait.
async fn reloaded(relay: &SmtpServer) -> (Courant, Daemon, Child) {
    let (courant, mut daemon, order) = sending(relay).await;
    daemon.signal("HUP");
    daemon.wait_for("is running");
    relay.until_waiting(4).await;
    (courant, daemon, order)
}

/// Stops the daemon, and has the relay answer what it has in hand only then.
fn stop(relay: &SmtpServer, mut daemon: Daemon, mut order: Child) {
    daemon.signal("TERM");
    daemon.wait_for("stopping");
    relay.lift_ration();
    daemon.wait_for("\"stopped\"");
    assert_eq!(daemon.stop().0, 0);
    order.wait().unwrap();
}

/// Starts the daemon again, and waits until everybody has the digest.
async fn go_on(courant: &Courant, relay: &SmtpServer) {
    let daemon = courant.daemon();
    relay
        .until(|messages| recipients(messages).len() == 40)
        .await;
    assert_eq!(daemon.stop().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_is_told_to_stop_finishes_what_is_in_hand_and_doubles_nobody() {
    let relay = SmtpServer::start().await;
    let (courant, daemon, order) = sending(&relay).await;

    stop(&relay, daemon, order);

    assert_eq!(relay.messages().len(), 12);
    go_on(&courant, &relay).await;
    assert_eq!(relay.messages().len(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once_and_loses_nobody() {
    let relay = SmtpServer::start().await;
    let (courant, mut daemon, mut order) = sending(&relay).await;

    daemon.signal("TERM");
    daemon.wait_for("a second signal");
    assert_eq!(daemon.stop().0, 130);
    assert_eq!(order.wait().unwrap().code(), Some(1));

    relay.lift_ration();
    go_on(&courant, &relay).await;
    let doubled = relay.messages().len() - 40;
    assert!(doubled <= 2, "{doubled} repeats on two connections");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_breaks_off_nothing_that_is_in_hand_and_does_not_wait_for_it() {
    let relay = SmtpServer::start().await;
    let (courant, daemon, mut order) = reloaded(&relay).await;

    relay.lift_ration();

    relay
        .until(|messages| recipients(messages).len() == 40)
        .await;
    order.wait().unwrap();
    let (code, log) = daemon.stop();
    assert_eq!(code, 0);
    assert!(!log.contains("grace period over"), "{log}");
    assert_eq!(relay.messages().len(), 40);
    assert_eq!(courant.count("sent"), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_stops_after_a_reload_finishes_what_is_in_hand_since_before() {
    let relay = SmtpServer::start().await;
    let (courant, daemon, order) = reloaded(&relay).await;

    stop(&relay, daemon, order);

    assert_eq!(relay.messages().len(), 14);
    assert_eq!(courant.count("sent"), 14);
    go_on(&courant, &relay).await;
    assert_eq!(relay.messages().len(), 40);
}
