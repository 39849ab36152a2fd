//! Waits, and connections cut at every byte, over a wire in memory.

use std::{
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    io::{DuplexStream, ReadBuf, duplex},
    time::sleep,
};

use super::*;
use crate::{delivery::compose::Envelope, subscribers::address::EmailAddress};

/// One end of the wire, as lettre wants it.
#[derive(Debug)]
struct Wire(DuplexStream);

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::from(([127, 0, 0, 1], 25)))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

fn message() -> Message {
    Message {
        envelope: Envelope {
            return_path: EmailAddress::parse("news@example.org").unwrap(),
            recipient: EmailAddress::parse("ann@example.net").unwrap(),
        },
        id: "0a1b".to_owned(),
        bytes: b"Subject: Hello\r\n\r\nbye\r\n".to_vec(),
    }
}

const GREETING: &[u8] = b"220 mx\r\n";
const OFFERS: &[u8] = b"250-mx\r\n250 8BITMIME\r\n";

async fn open(wire: DuplexStream) -> Connection {
    let hello = ClientId::Domain("client.example.org".to_owned());
    Connection::open(Box::new(Wire(wire)), hello, None, MAX_MESSAGES)
        .await
        .unwrap()
}

/// A server that opens and then answers the commands and the message with `replies`, each after
/// its wait in seconds.
async fn serve<R: AsRef<[u8]>>(wire: DuplexStream, replies: &[(u64, R)]) {
    let mut wire = BufReader::new(wire);
    wire.write_all(GREETING).await.unwrap();
    let mut line = String::new();
    for _ in 0..2 {
        wire.read_line(&mut line).await.unwrap();
        wire.write_all(OFFERS).await.unwrap();
    }
    let mut ends = "\r\n";
    for (seconds, reply) in replies {
        let reply = reply.as_ref();
        line.clear();
        while !line.ends_with(ends) {
            assert!(wire.read_line(&mut line).await.unwrap() > 0);
        }
        sleep(Duration::from_secs(*seconds)).await;
        // Who waited too long is gone.
        let _heard = wire.write_all(&[reply, b"\r\n"].concat()).await;
        ends = if reply.starts_with(b"354") {
            "\r\n.\r\n"
        } else {
            "\r\n"
        };
    }
    // Says nothing more, and stays.
    let mut rest = Vec::new();
    let _gone = wire.read_to_end(&mut rest).await;
}

/// What a message comes to with such a server.
async fn send_to<R: AsRef<[u8]>>(replies: &[(u64, R)]) -> Sent {
    let (ours, theirs) = duplex(64 * 1024);
    let send = async {
        let mut connection = open(ours).await;
        connection.send(&message()).await
    };
    let (sent, ()) = tokio::join!(send, serve(theirs, replies));
    sent
}

#[tokio::test(start_paused = true)]
async fn a_slow_relay_is_waited_for() {
    let replies = [
        (4 * 60, "250 ok"),
        (4 * 60, "250 ok"),
        (110, "354 go ahead"),
        (9 * 60, "250 taken"),
    ];
    let reply = "250 taken".to_owned();
    assert_eq!(send_to(&replies).await, Sent::Accepted { reply });
}

#[tokio::test(start_paused = true)]
async fn a_silent_relay_is_given_up_at_every_stage() {
    let replies = [(0, "250 ok"), (0, "250 ok"), (0, "354 go ahead")];
    let reason = || "no reply in time".to_owned();
    for n in 0..3 {
        let sent = send_to(&replies[..n]).await;
        assert_eq!(sent, Sent::Lost { reason: reason() }, "{n}");
    }
    assert_eq!(
        send_to(&replies).await,
        Sent::Uncertain { reason: reason() }
    );
    let late = [(0, "250 ok"), (0, "250 ok"), (121, "354 go ahead")];
    assert_eq!(send_to(&late).await, Sent::Lost { reason: reason() });
}

#[tokio::test(start_paused = true)]
async fn codes_without_text_are_replies() {
    let replies = ["250", "250", "354", "250"].map(|reply| (0, reply));
    let reply = "250 ".to_owned();
    assert_eq!(send_to(&replies).await, Sent::Accepted { reply });
}

#[tokio::test(start_paused = true)]
async fn a_relay_may_refuse_in_any_encoding() {
    let replies: [&[u8]; 2] = [b"250 ok", b"550-5.1.1 Empf\xe4nger\n550 5.1.1 unbekannt"];
    assert_eq!(
        send_to(&replies.map(|reply| (0, reply))).await,
        Sent::Refused {
            refusal: Refusal::BadAddress,
            reply: "550 5.1.1 Empf\u{fffd}nger unbekannt".to_owned(),
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_code_that_nobody_defined_goes_by_its_first_digit() {
    for (refused, refusal, reply) in [
        (
            "571 5.7.1 refused",
            Refusal::Policy,
            "554 5.7.1 refused (571)",
        ),
        (
            "571-no\r\n571 way",
            Refusal::Permanent,
            "554 no (571) way (571)",
        ),
        ("490", Refusal::Temporary, "451 (490)"),
    ] {
        let replies = [(0, "250 ok"), (0, refused)];
        let reply = reply.to_owned();
        assert_eq!(send_to(&replies).await, Sent::Refused { refusal, reply });
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_goes_by_its_first_digit_too() {
    for (said, reply) in [("200 ok", "200 ok"), ("299 queued", "250 queued (299)")] {
        let replies = ["252 ok", "251 will forward", "354 go", said].map(|reply| (0, reply));
        let reply = reply.to_owned();
        assert_eq!(send_to(&replies).await, Sent::Accepted { reply });
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_without_end_is_none() {
    let endless = "250-and so on\r\n".repeat(10_000);
    let long = format!("250 {}", "x".repeat(100_000));
    for reply in [&endless, &long] {
        let sent = send_to(&[(0, reply)]).await;
        assert!(matches!(sent, Sent::Lost { .. }), "{sent:?}");
    }
}

/// What the client says to a server that agrees to everything, and takes the message.
async fn whole_conversation() -> (Sent, usize) {
    cut_after(usize::MAX).await
}

/// Reads `n_bytes` of the client after the opening, agreeing to everything, and is gone.
///
/// The wire holds one byte: what the client has written, all but the last byte was read.
async fn cut_after(n_bytes: usize) -> (Sent, usize) {
    let (ours, theirs) = duplex(1);
    let send = async {
        let mut connection = open(ours).await;
        connection.send(&message()).await
    };
    let serve = async {
        let mut wire = BufReader::with_capacity(1, theirs);
        wire.write_all(GREETING).await.unwrap();
        let mut line = String::new();
        for _ in 0..2 {
            wire.read_line(&mut line).await.unwrap();
            wire.write_all(OFFERS).await.unwrap();
        }
        let mut heard = Vec::new();
        let mut told = 0;
        while heard.len() < n_bytes {
            let Ok(byte) = wire.read_u8().await else {
                break;
            };
            heard.push(byte);
            let end = if told < 3 { &b"\r\n"[..] } else { b"\r\n.\r\n" };
            if heard.ends_with(end) && told < 4 && heard.len() < n_bytes {
                let reply = ["250 ok", "250 ok", "354 go", "250 taken"][told];
                told += 1;
                let reply = format!("{reply}\r\n");
                wire.write_all(reply.as_bytes()).await.unwrap();
            }
            if told == 4 {
                break;
            }
        }
        heard.len()
    };
    tokio::join!(send, serve)
}

#[tokio::test]
async fn a_message_is_in_doubt_only_once_it_is_out() {
    let (sent, length) = whole_conversation().await;
    assert!(matches!(sent, Sent::Accepted { .. }), "{sent:?}");

    let dot = b"\r\n.\r\n".len();
    for n in 0..=length {
        let (sent, heard) = cut_after(n).await;
        assert_eq!(heard, n);
        match sent {
            Sent::Lost { .. } => assert!(n < length, "{n} of {length}"),
            Sent::Uncertain { .. } => assert!(n + 1 + dot >= length, "{n} of {length}"),
            other => panic!("{n} of {length}: {other:?}"),
        }
    }
}
