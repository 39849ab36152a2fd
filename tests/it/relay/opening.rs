//! Greeting, encryption and login.

use courant::{
    delivery::relay::{Relay, RelayError, RelayUrl, Sent},
    secret::Secret,
};

use super::{in_clear, message, relay};
use crate::support::smtp::{Act, Encryption, SmtpServer, Stage, distrustful, trusting};

#[tokio::test]
async fn a_host_without_a_full_name_is_introduced_by_its_address() {
    let server = SmtpServer::start().await;
    let url = RelayUrl::parse(&format!("smtp://localhost:{}?tls=none", server.port)).unwrap();
    let relay = Relay::new(url, None, "localhost".to_owned(), distrustful()).unwrap();

    relay.connect().await.unwrap();

    assert_eq!(server.commands()[0], "EHLO [127.0.0.1]");
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

#[tokio::test]
async fn what_is_no_mail_server_is_told_from_one_that_closes() {
    for (act, told) in [
        (Act::Reply("SSH-2.0-OpenSSH_9.2"), " does not speak SMTP"),
        (Act::HangUp, " turns us away: it closed the connection"),
    ] {
        let server = SmtpServer::start().await;
        server.next(Stage::Connect, act);
        let err = in_clear(&server).connect().await.err().unwrap();
        assert!(err.to_string().ends_with(told), "{err}");
    }
}

#[tokio::test]
async fn a_relay_that_breaks_off_while_it_opens_has_no_connection() {
    for encryption in [Encryption::None, Encryption::StartTls] {
        for stage in [Stage::Connect, Stage::Ehlo, Stage::StartTls, Stage::Auth] {
            for act in [
                Act::HangUp,
                Act::Reply("nonsense"),
                Act::Reply("421 closing"),
            ] {
                let server = SmtpServer::start_with(encryption).await;
                let url = match encryption {
                    Encryption::StartTls => format!("smtp://ann@localhost:{}", server.port),
                    _ => format!("smtp://localhost:{}?tls=none", server.port),
                };
                let is_secret = matches!(stage, Stage::StartTls | Stage::Auth);
                if is_secret && encryption == Encryption::None {
                    continue;
                }
                if is_secret {
                    server.next(Stage::Ehlo, WITH_STARTTLS);
                }
                if stage == Stage::Auth {
                    server.next(Stage::Ehlo, WITH_AUTH);
                }
                server.next(stage, act);

                let connected = relay(&url, trusting()).connect().await;

                assert!(connected.is_err(), "{encryption:?} {stage:?} {act:?}");
            }
        }
    }
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
