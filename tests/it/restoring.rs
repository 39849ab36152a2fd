//! A store that is put back as it was, and must mail nothing that it may have mailed since.

use std::{path::Path, process::Command};

use crate::{
    stopping::sending,
    support::{
        binary::{Courant, Daemon},
        smtp::SmtpServer,
    },
};

const DOUBTED: &str = "nothing is mailed until `courant outbox resume`";

/// As an operator does it at the top of the folder.
#[track_caller]
fn shell(courant: &Courant, script: &str) {
    let mut shell = Command::new("sh");
    let shell = shell.args(["-ec", script]).current_dir(courant.path());
    assert!(shell.status().unwrap().success(), "{script}");
}

/// Whether the daemon found that its store may not know what was mailed.
fn is_doubted(courant: &Courant, daemon: &Daemon) -> bool {
    let told = courant.ok(&["outbox", "show"]).stdout;
    let is_held = told.contains("held since");
    assert_eq!(is_held, daemon.log.contains(DOUBTED), "{told}");
    is_held
}

/// A send of forty that was copied to `backup` after ten and then went on to its end.
async fn copied_and_gone_on(relay: &SmtpServer) -> Courant {
    let (courant, daemon, mut order) = sending(relay).await;
    shell(&courant, "cp -a data backup; rm backup/control.sock");
    assert!(Path::exists(&courant.path().join("backup/opened")));
    relay.lift_ration();
    assert!(order.wait().unwrap().success());
    assert_eq!(daemon.stop().0, 0);
    assert_eq!(relay.messages().len(), 40);
    courant
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_put_back_as_it_was_mails_nothing_until_told() {
    let relay = SmtpServer::start().await;
    let courant = copied_and_gone_on(&relay).await;
    for restore in [
        "rm -r data/store; cp -a backup/store data",
        // Over the file that is there, which stays the same one.
        "rm -r data/store; cp -a backup/store data; cp -a backup/opened data/opened",
        "rm -r data; cp -a backup data",
        "rm -r data; mkdir data; cp -a backup/store backup/keys data",
    ] {
        shell(&courant, restore);

        let daemon = courant.daemon();

        assert!(is_doubted(&courant, &daemon), "{restore}: {}", daemon.log);
        assert_eq!(daemon.stop().0, 0);
        assert_eq!(relay.messages().len(), 40, "{restore}");
    }

    courant.ok(&["outbox", "resume"]);
    let daemon = courant.daemon();
    assert!(!is_doubted(&courant, &daemon), "{}", daemon.log);
    // What the store knows to be left is sent now that somebody said so.
    relay.until(|messages| messages.len() >= 68).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_was_only_copied_from_or_killed_goes_on() {
    let relay = SmtpServer::start().await;
    let (courant, daemon, mut order) = sending(&relay).await;
    daemon.kill();
    order.wait().unwrap();
    relay.lift_ration();

    for backup in ["backup-1", "backup-2"] {
        shell(&courant, &format!("cp -a data {backup}"));
        let daemon = courant.daemon();
        assert!(!is_doubted(&courant, &daemon), "{}", daemon.log);
        assert_eq!(daemon.stop().0, 0);
    }
}
