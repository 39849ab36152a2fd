//! A destination that takes little gets little, and holds up nobody else.

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;

use crate::{
    promises::{recipients, smtp},
    support::{
        app::{DESK, TestApp},
        smtp::{SmtpServer, Stage},
    },
};

const GMAIL: &str = "\n[[destination]]\nname = \"gmail\"\nrate = \"5/s\"\n";

#[tokio::test]
async fn a_thousand_at_gmail_leave_five_a_second_and_ten_others_do_not_wait() {
    let relay = SmtpServer::start().await;
    let app = TestApp::start_with_relay(&format!("{DESK}{GMAIL}"), &smtp(&relay)).await;
    let gmail = (0..1_000).map(|n| format!("{n}@gmail.com"));
    let others = (0..10).map(|n| format!("{n}@example.org"));
    app.plan_for(gmail.chain(others)).await;
    let begun = app.now();
    let left = Arc::new(Mutex::new(Vec::new()));
    let (noted, clock) = (Arc::clone(&left), app.app.clock.clone());
    relay.rule(move |stage, line| {
        if stage == Stage::Rcpt {
            let is_gmail = line.contains("@gmail.com");
            noted.lock().unwrap().push((clock.now(), is_gmail));
        }
        None
    });

    let report = app.send_while_time_passes().await;
    assert_eq!(report.errors, [""; 0]);

    let messages = relay.messages();
    assert_eq!(
        (recipients(&messages).len(), messages.len()),
        (1_010, 1_010)
    );
    let left = left.lock().unwrap();
    let times = |gmail: bool| left.iter().filter(move |(_, is_gmail)| *is_gmail == gmail);
    let waited = times(false).map(|(at, _)| *at - begun).max().unwrap();
    assert!(waited < TimeDelta::seconds(1), "the others waited {waited}");
    let gmail: Vec<_> = times(true).map(|(at, _)| *at).collect();
    let too_fast = gmail
        .windows(6)
        .filter(|six| six[5] - six[0] < TimeDelta::seconds(1));
    assert_eq!(too_fast.count(), 0);
    let took = gmail[999] - gmail[0];
    assert!(took < TimeDelta::seconds(260), "the limit is used: {took}");
}
