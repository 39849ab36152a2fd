//! What a relay says, and what becomes of the message and the connection.

use std::sync::Arc;

use courant::{
    delivery::{
        compose::{Envelope, Message},
        relay::{Connection, Relay, RelayError, RelayUrl, Sent},
    },
    secret::Secret,
    subscribers::address::EmailAddress,
};
use rustls::ClientConfig;

use crate::support::smtp::{Act, Encryption, SmtpServer, Stage, distrustful, trusting};

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
        for (reply, expected) in [
            (
                "450-4.2.0 greylisted,\r\n450 4.2.0 come back",
                "450 4.2.0 greylisted, come back",
            ),
            ("550 5.1.1 nobody here", "550 5.1.1 nobody here"),
        ] {
            let (sent, is_open, server, mut connection) = meet(way, stage, Act::Reply(reply)).await;

            let reply = expected.to_owned();
            let expected = match reply.starts_with('4') {
                true => Sent::Deferred { reply },
                false => Sent::Rejected { reply },
            };
            assert_eq!(sent, expected, "{stage:?}");
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
        let (sent, is_open, ..) = meet(way, stage, Act::Reply("421 4.3.2 closing")).await;

        let reply = "421 4.3.2 closing".to_owned();
        assert_eq!((sent, is_open), (Sent::Away { reply }, false), "{stage:?}");
    }
    let (sent, ..) = meet(WAYS[0], Stage::Mail, Act::Reply("530 5.7.0 log in first")).await;
    assert!(matches!(sent, Sent::Away { .. }));
}

#[tokio::test]
async fn a_connection_that_breaks_or_loses_step_is_not_used_again() {
    for (way, stage) in everywhere() {
        for act in [Act::HangUp, Act::Reply("299 hm"), Act::Reply("nonsense")] {
            let (sent, is_open, ..) = meet(way, stage, act).await;

            assert!(
                matches!(sent, Sent::Lost { .. }),
                "{stage:?} {act:?} {sent:?}"
            );
            assert!(!is_open, "{stage:?} {act:?}");
        }
    }
    // The reply to an earlier command, read as one to this.
    for way in WAYS {
        let (sent, ..) = meet(way, Stage::Data, Act::Reply("250 ok")).await;
        assert!(matches!(sent, Sent::Lost { .. }));
        let (sent, ..) = meet(way, Stage::Dot, Act::Reply("354 go ahead")).await;
        assert!(matches!(sent, Sent::Lost { .. }));
    }
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

        assert!(matches!(sent, Sent::Rejected { .. }), "{last:?} {sent:?}");
        assert!(!connection.is_open());
    }
}

#[tokio::test]
async fn a_server_that_wants_a_message_to_nobody_gets_none() {
    let server = SmtpServer::start().await;
    server.offer(WAYS[1]);
    server.next(Stage::Rcpt, Act::Reply("450 4.2.0 greylisted"));
    server.next(Stage::Data, Act::Reply("354 go ahead"));
    let mut connection = connect(&server).await;

    let sent = connection.send(&message("ann@example.net")).await;

    let reply = "450 4.2.0 greylisted".to_owned();
    assert_eq!(sent, Sent::Deferred { reply });
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
    assert!(matches!(sent, Sent::Rejected { .. }));
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
async fn a_relay_that_does_not_open_is_told_from_one_that_is_not_there() {
    let server = SmtpServer::start().await;
    for reply in ["421 too busy", "554 not for you"] {
        server.next(Stage::Connect, Act::Reply(reply));
        let refused = in_clear(&server).connect().await.err().unwrap();
        assert!(matches!(&refused, RelayError::Refused { reply: said, .. } if said == reply));
    }

    let deaf = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("smtp://{}?tls=none", deaf.local_addr().unwrap());
    drop(deaf);
    let away = relay(&url, distrustful()).connect().await.err().unwrap();
    assert!(matches!(away, RelayError::Unreachable { .. }));
}

const WITH_STARTTLS: Act = Act::Reply("250-localhost\r\n250 STARTTLS");
const WITH_AUTH: Act = Act::Reply("250-localhost\r\n250 AUTH LOGIN PLAIN");

#[tokio::test]
async fn nothing_is_sent_in_clear_unless_that_was_asked_for() {
    let server = SmtpServer::start_with(Encryption::StartTls).await;
    let url = format!("smtp://localhost:{}", server.port);

    let refused = relay(&url, trusting()).connect().await.err().unwrap();

    assert!(matches!(refused, RelayError::NoTls { .. }));
    assert_eq!(server.commands(), ["EHLO client.example.org"]);
}

#[tokio::test]
async fn starttls_encrypts_before_the_login() {
    let server = SmtpServer::start_with(Encryption::StartTls).await;
    server.next(Stage::Ehlo, WITH_STARTTLS);
    server.next(Stage::Ehlo, WITH_AUTH);
    let url = format!("smtp://ann@localhost:{}", server.port);

    let mut connection = relay(&url, trusting()).connect().await.unwrap();
    let sent = connection.send(&message("ann@example.net")).await;

    assert!(matches!(sent, Sent::Accepted { .. }));
    assert_eq!(server.messages()[0].data, message("ann@example.net").bytes);
    let verbs: Vec<_> = server
        .commands()
        .iter()
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    let expected = "EHLO STARTTLS EHLO AUTH EHLO MAIL RCPT DATA";
    assert_eq!(verbs.join(" "), expected);
}

#[tokio::test]
async fn what_is_said_in_clear_after_starttls_is_not_believed() {
    let server = SmtpServer::start_with(Encryption::StartTls).await;
    server.next(Stage::Ehlo, WITH_STARTTLS);
    server.next(
        Stage::StartTls,
        Act::Reply("220 go ahead\r\n250 AUTH PLAIN"),
    );
    let url = format!("smtp://localhost:{}", server.port);

    assert!(relay(&url, trusting()).connect().await.is_err());
}

#[tokio::test]
async fn smtps_is_encrypted_from_the_first_byte() {
    let server = SmtpServer::start_with(Encryption::Implicit).await;
    server.next(Stage::Ehlo, WITH_AUTH);
    let url = format!("smtps://ann@localhost:{}", server.port);

    let mut connection = relay(&url, trusting()).connect().await.unwrap();
    let sent = connection.send(&message("ann@example.net")).await;

    assert!(matches!(sent, Sent::Accepted { .. }));
    // Base64 of NUL, user, NUL, password (RFC 4616).
    assert_eq!(server.commands()[1], "AUTH PLAIN AGFubgBvcGVuIHNlc2FtZQ==");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let server = SmtpServer::start_with(Encryption::Implicit).await;
    for (host, trust) in [("localhost", distrustful()), ("127.0.0.1", trusting())] {
        let url = format!("smtps://{host}:{}", server.port);
        let refused = relay(&url, trust).connect().await.err().unwrap();
        assert!(matches!(refused, RelayError::Unreachable { .. }), "{host}");
    }
    assert_eq!(server.commands(), [""; 0]);
}

#[test]
fn a_user_and_a_password_come_together() {
    for (url, password) in [
        ("smtps://ann@localhost", None),
        ("smtps://localhost", Some("p")),
    ] {
        let password = password.map(|text| Secret::new(text.to_owned()));
        let url = RelayUrl::parse(url).unwrap();
        assert!(Relay::new(url, password, "client".to_owned(), distrustful()).is_err());
    }
}

#[tokio::test]
async fn a_refused_login_is_not_tried_without() {
    let server = SmtpServer::start_with(Encryption::Implicit).await;
    server.next(Stage::Ehlo, WITH_AUTH);
    server.next(Stage::Auth, Act::Reply("535 5.7.8 wrong password"));
    let url = format!("smtps://ann@localhost:{}", server.port);

    let refused = relay(&url, trusting()).connect().await.err().unwrap();

    let RelayError::Refused { reply, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!(reply, "535 5.7.8 wrong password");
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

    assert!(matches!(sent, Sent::Away { .. }));
}
