//! What a relay says, and what becomes of the message and the connection.

mod closing;
mod opening;

use std::sync::Arc;

use courant::{
    delivery::{
        compose::{Envelope, Message},
        relay::{Connection, Refusal, Relay, RelayUrl, Sent},
    },
    secret::Secret,
    subscribers::address::EmailAddress,
};
use rustls::ClientConfig;

use crate::support::smtp::{Act, SmtpServer, Stage, distrustful};

fn message(recipient: &str) -> Message {
    Message {
        envelope: Envelope {
            return_path: EmailAddress::parse("news@example.org").unwrap(),
            recipient: EmailAddress::parse(recipient).unwrap(),
        },
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        bytes: b"Subject: Hello\r\n\r\n.\r\n..two dots\r\nbye\r\n".to_vec(),
    }
}

fn relay(url: &str, trust: Arc<ClientConfig>) -> Relay {
    let has_user = url.contains('@');
    let password = has_user.then(|| Secret::new("open sesame".to_owned()));
    let url = RelayUrl::parse(url).unwrap();
    Relay::new(url, password, "client.example.org".to_owned(), trust).unwrap()
}

fn in_clear(server: &SmtpServer) -> Relay {
    let url = format!("smtp://localhost:{}?tls=none", server.port);
    relay(&url, distrustful())
}

async fn connect(server: &SmtpServer) -> Connection {
    in_clear(server).connect().await.unwrap()
}

/// One command at a time, and several at once.
const WAYS: [&str; 2] = [
    "250-localhost\r\n250 8BITMIME",
    "250-localhost\r\n250 PIPELINING",
];

fn refused(refusal: Refusal, reply: &str) -> Sent {
    let reply = reply.to_owned();
    Sent::Refused { refusal, reply }
}

/// What is told to a client whose message meets `act` at `stage`, and whether it may go on.
async fn meet(way: &'static str, stage: Stage, act: Act) -> (Sent, bool, SmtpServer, Connection) {
    let server = SmtpServer::start().await;
    server.offer(way);
    server.next(stage, act);
    let mut connection = connect(&server).await;
    let sent = connection.send(&message("ann@example.net")).await;
    (sent, connection.is_open(), server, connection)
}

fn everywhere() -> impl Iterator<Item = (&'static str, Stage)> {
    WAYS.into_iter()
        .flat_map(|way| Stage::TRANSACTION.map(|stage| (way, stage)))
}

#[tokio::test]
async fn a_message_arrives_as_it_was_composed() {
    for way in WAYS {
        let server = SmtpServer::start().await;
        server.offer(way);
        let mut connection = connect(&server).await;

        let sent = connection.send(&message("ann@example.net")).await;

        let reply = "250 2.0.0 taken".to_owned();
        assert_eq!(sent, Sent::Accepted { reply });
        let [received] = server.messages().try_into().unwrap();
        assert_eq!(received.mail, "MAIL FROM:<news@example.org>");
        assert_eq!(received.rcpt, "RCPT TO:<ann@example.net>");
        assert_eq!(received.data, message("ann@example.net").bytes);
        assert_eq!(server.commands()[0], "EHLO client.example.org");
    }
}

#[tokio::test]
async fn a_refused_message_leaves_the_connection_to_the_next() {
    for (way, stage) in everywhere() {
        let nobody = match stage {
            Stage::Mail => Refusal::Policy,
            _ => Refusal::BadAddress,
        };
        for (reply, refusal, said) in [
            (
                "451-4.7.1 greylisted,\r\n451 4.7.1 come back",
                Refusal::Temporary,
                "451 4.7.1 greylisted, come back",
            ),
            ("550 5.1.1 nobody here", nobody, "550 5.1.1 nobody here"),
            (
                "550-5.7.26 not\r\n550 signed",
                Refusal::Policy,
                "550 5.7.26 not signed",
            ),
            (
                "554 5.6.1 \u{1b}[2Jgo",
                Refusal::Permanent,
                "554 5.6.1  [2Jgo",
            ),
            (
                "451 4.7.28 slowly",
                Refusal::RateLimited,
                "451 4.7.28 slowly",
            ),
        ] {
            let (sent, is_open, server, mut connection) = meet(way, stage, Act::Reply(reply)).await;

            assert_eq!(sent, refused(refusal, said), "{stage:?}");
            assert!(is_open, "{stage:?}");
            let next = connection.send(&message("bob@example.net")).await;
            assert!(matches!(next, Sent::Accepted { .. }), "{stage:?} {next:?}");
            assert_eq!((server.connections(), server.messages().len()), (1, 1));
        }
    }
}

#[tokio::test]
async fn a_relay_that_takes_nobody_says_nothing_about_the_message() {
    for (way, stage) in everywhere() {
        for reply in ["421 4.3.2 closing", "530 5.7.0 log in first"] {
            let (sent, is_open, ..) = meet(way, stage, Act::Reply(reply)).await;

            let refusal = match stage {
                Stage::Mail => Refusal::Away,
                _ => Refusal::BreaksOff,
            };
            let refused = refused(refusal, reply);
            assert_eq!((sent, is_open), (refused, false), "{stage:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_or_loses_step_is_not_used_again() {
    for (way, stage) in everywhere() {
        for act in [Act::HangUp, Act::Reply("235 hm"), Act::Reply("nonsense")] {
            let (sent, is_open, ..) = meet(way, stage, act).await;

            let as_expected = match stage {
                Stage::Dot => matches!(sent, Sent::Uncertain { .. }),
                _ => matches!(sent, Sent::Lost { .. }),
            };
            assert!(as_expected, "{stage:?} {act:?} {sent:?}");
            assert!(!is_open, "{stage:?} {act:?}");
        }
    }
    // The reply to an earlier command, read as one to this.
    for way in WAYS {
        let (sent, ..) = meet(way, Stage::Data, Act::Reply("250 ok")).await;
        assert!(matches!(sent, Sent::Lost { .. }));
        let (sent, ..) = meet(way, Stage::Dot, Act::Reply("354 go ahead")).await;
        assert!(matches!(sent, Sent::Uncertain { .. }));
    }
}

#[tokio::test]
async fn each_recipient_is_refused_alone() {
    for way in WAYS {
        let server = SmtpServer::start().await;
        server.offer(way);
        let mut connection = connect(&server).await;
        for n in 0..6 {
            // All but the first two.
            if n > 1 {
                server.next(Stage::Rcpt, Act::Reply("550 5.1.1 nobody here"));
            }
            let sent = connection.send(&message("ann@example.net")).await;
            match sent {
                Sent::Accepted { .. } => assert!(n < 2),
                sent => assert_eq!(sent, refused(Refusal::BadAddress, "550 5.1.1 nobody here")),
            }
        }
        assert_eq!((server.connections(), server.messages().len()), (1, 2));
    }
}

#[tokio::test]
async fn reports_are_asked_for_where_they_are_offered() {
    for (offer, pipelined) in [
        ("250-localhost\r\n250-DSN\r\n250 SIZE 1000", false),
        (
            "250-localhost\r\n250-PIPELINING\r\n250-DSN\r\n250 SIZE 1000",
            true,
        ),
    ] {
        let server = SmtpServer::start().await;
        server.offer(offer);
        let mut connection = connect(&server).await;

        let sent = connection.send(&message("ann+1@example.net")).await;

        assert!(matches!(sent, Sent::Accepted { .. }), "{pipelined}");
        let [received] = server.messages().try_into().unwrap();
        assert_eq!(
            received.mail,
            "MAIL FROM:<news@example.org> SIZE=38 RET=HDRS \
             ENVID=0123456789abcdef0123456789abcdef"
        );
        assert_eq!(
            received.rcpt,
            "RCPT TO:<ann+1@example.net> NOTIFY=FAILURE ORCPT=rfc822;ann+2B1@example.net"
        );
    }
}

#[tokio::test]
async fn a_message_larger_than_the_relay_takes_is_not_offered_to_it() {
    let server = SmtpServer::start().await;
    server.offer("250-localhost\r\n250 SIZE 37");
    let mut connection = connect(&server).await;

    let sent = connection.send(&message("ann@example.net")).await;

    let reply = "the message has 38 bytes; the relay takes 37";
    assert_eq!(sent, refused(Refusal::Permanent, reply));
    assert!(connection.is_open());
    assert!(
        !server
            .commands()
            .iter()
            .any(|line| line.starts_with("MAIL"))
    );
}

#[tokio::test]
async fn a_refusal_stands_even_if_the_connection_ends_with_it() {
    for (way, last) in [
        (WAYS[0], Stage::Rset),
        (WAYS[1], Stage::Data),
        (WAYS[1], Stage::Rset),
    ] {
        let server = SmtpServer::start().await;
        server.offer(way);
        server.next(Stage::Rcpt, Act::Reply("550 5.1.1 nobody here"));
        server.next(last, Act::HangUp);
        let mut connection = connect(&server).await;

        let sent = connection.send(&message("ann@example.net")).await;

        assert_eq!(
            sent,
            refused(Refusal::BadAddress, "550 5.1.1 nobody here"),
            "{last:?}"
        );
        assert!(!connection.is_open());
    }
}

#[tokio::test]
async fn a_server_that_wants_a_message_to_nobody_gets_none() {
    let server = SmtpServer::start().await;
    server.offer(WAYS[1]);
    server.next(Stage::Rcpt, Act::Reply("451 4.7.1 greylisted"));
    server.next(Stage::Data, Act::Reply("354 go ahead"));
    let mut connection = connect(&server).await;

    let sent = connection.send(&message("ann@example.net")).await;

    assert_eq!(sent, refused(Refusal::Temporary, "451 4.7.1 greylisted"));
    assert!(!connection.is_open());
    assert_eq!(server.messages(), []);
}

#[tokio::test]
async fn a_sending_that_is_given_up_half_way_leaves_no_usable_connection() {
    let server = SmtpServer::start().await;
    let mut connection = connect(&server).await;

    let message = message("ann@example.net");
    let sending = connection.send(&message);
    assert!(futures_util::FutureExt::now_or_never(sending).is_none());

    assert!(!connection.is_open());
}

#[tokio::test]
async fn an_address_beyond_ascii_needs_a_relay_that_speaks_it() {
    let server = SmtpServer::start().await;
    let mut connection = connect(&server).await;
    let sent = connection.send(&message("ännchen@example.net")).await;
    let reply = "the relay does not offer SMTPUTF8, which this address needs";
    assert_eq!(sent, refused(Refusal::Permanent, reply));
    assert!(connection.is_open());

    server.offer("250-localhost\r\n250-8BITMIME\r\n250 SMTPUTF8");
    let mut connection = connect(&server).await;
    let sent = connection.send(&message("ännchen@example.net")).await;
    assert!(matches!(sent, Sent::Accepted { .. }));
    let [received] = server.messages().try_into().unwrap();
    assert_eq!(received.mail, "MAIL FROM:<news@example.org> SMTPUTF8");
    assert_eq!(received.rcpt, "RCPT TO:<ännchen@example.net>");
}

#[tokio::test]
async fn a_folder_holds_each_message_once_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out/mail");
    let relay = relay(&format!("folder:{}", path.display()), distrustful());
    let message = message("ann@example.net");

    let mut connection = relay.connect().await.unwrap();
    for _ in 0..2 {
        let sent = connection.send(&message).await;
        assert!(matches!(sent, Sent::Accepted { .. }));
    }

    let files: Vec<_> = std::fs::read_dir(&path).unwrap().flatten().collect();
    let [file] = files.as_slice() else {
        panic!("{files:?}");
    };
    assert_eq!(file.file_name(), "0123456789abcdef0123456789abcdef.eml");
    assert_eq!(std::fs::read(file.path()).unwrap(), message.bytes);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_a_relay_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(
        &format!("folder:{}", folder.path().display()),
        distrustful(),
    );
    let mut connection = relay.connect().await.unwrap();
    std::fs::remove_dir(folder.path()).unwrap();

    let sent = connection.send(&message("ann@example.net")).await;

    assert!(matches!(
        sent,
        Sent::Refused {
            refusal: Refusal::Away,
            ..
        }
    ));
}
