//! Connections that end: when, and what that says of the message in hand.

use std::num::NonZeroU32;

use courant::delivery::relay::{Refusal, Sent};

use super::{WAYS, connect, in_clear, message, refused};
use crate::support::smtp::{Act, SmtpServer, Stage};

#[tokio::test]
async fn a_message_that_did_not_get_out_whole_has_not_arrived() {
    let server = SmtpServer::start().await;
    server.next(Stage::Data, Act::ReplyAndHangUp("354 go ahead"));
    let mut connection = connect(&server).await;
    let mut large = message("ann@example.net");
    // More than a socket holds.
    large.bytes = b"And so on.\r\n".repeat(1_000_000);

    let sent = connection.send(&large).await;

    assert!(matches!(sent, Sent::Lost { .. }), "{sent:?}");
    assert!(!connection.is_open());
    assert_eq!(server.messages(), []);
}

#[tokio::test]
async fn a_relay_that_closes_after_some_messages_has_nothing_against_the_next() {
    for way in WAYS {
        for act in [
            Act::HangUp,
            Act::Reply("421 Maximum message count per session reached"),
            Act::ReplyAndHangUp("421 4.4.2 too many messages in this connection"),
            Act::Reply("452 4.7.0 too many messages in this session"),
            Act::Reply("503 5.5.1 sender already specified"),
        ] {
            let server = SmtpServer::start().await;
            server.offer(way);
            let mut connection = connect(&server).await;
            let first = connection.send(&message("ann@example.net")).await;
            assert!(matches!(first, Sent::Accepted { .. }));

            server.next(Stage::Mail, act);
            let closed = connection.send(&message("bob@example.net")).await;

            assert!(matches!(closed, Sent::Closed { .. }), "{act:?} {closed:?}");
            assert!(!connection.is_open());
            let mut fresh = connect(&server).await;
            let second = fresh.send(&message("bob@example.net")).await;
            assert!(matches!(second, Sent::Accepted { .. }));
            assert_eq!(server.messages().len(), 2);
        }
    }
}

#[tokio::test]
async fn a_relay_that_closes_later_in_a_message_or_takes_none_is_away() {
    for way in WAYS {
        let server = SmtpServer::start().await;
        server.offer(way);
        let mut connection = connect(&server).await;
        connection.send(&message("ann@example.net")).await;
        server.next(Stage::Rcpt, Act::Reply("421 4.3.2 closing"));
        let sent = connection.send(&message("bob@example.net")).await;
        assert_eq!(sent, refused(Refusal::BreaksOff, "421 4.3.2 closing"));

        // A refused message proves nothing.
        let mut connection = connect(&server).await;
        server.next(Stage::Rcpt, Act::Reply("550 5.1.1 nobody here"));
        connection.send(&message("ann@example.net")).await;
        server.next(Stage::Mail, Act::Reply("421 4.3.2 closing"));
        let sent = connection.send(&message("bob@example.net")).await;
        assert_eq!(sent, refused(Refusal::Away, "421 4.3.2 closing"));
    }
}

#[tokio::test]
async fn a_connection_is_left_before_the_relay_tires_of_it() {
    for way in WAYS {
        let server = SmtpServer::start().await;
        server.offer(way);
        let relay = in_clear(&server).with_max_messages(NonZeroU32::new(2).unwrap());
        let mut connection = relay.connect().await.unwrap();

        connection.send(&message("ann@example.net")).await;
        assert!(connection.is_open());
        server.next(Stage::Rcpt, Act::Reply("550 5.1.1 nobody here"));
        let sent = connection.send(&message("bob@example.net")).await;

        assert_eq!(sent, refused(Refusal::BadAddress, "550 5.1.1 nobody here"));
        assert!(!connection.is_open());
        server.until_command("QUIT").await;
    }
}
