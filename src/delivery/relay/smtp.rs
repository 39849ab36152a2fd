//! An SMTP server as relay (RFC 5321), over lettre's connection.
//!
//! One connection belongs to one worker, and every step has a deadline. lettre's own `send` checks
//! neither that DATA was answered by 354 nor that a reply came in time, and its pool gives a
//! half-used connection to the next message; so the steps are taken here one by one.

use std::{error::Error as _, io, sync::Arc, time::Duration};

use lettre::transport::smtp::{
    self as lettre_smtp,
    authentication::{Credentials, Mechanism},
    client::{AsyncSmtpConnection, AsyncTokioStream},
    commands::{Data, Ehlo, Quit},
    extension::{ClientId, Extension},
    response::Response,
};
use rustls::ClientConfig;
use tokio::{net::TcpStream, time::timeout};

use super::{RelayError, Sent, SmtpAddress, Tls, tls};
use crate::{delivery::compose::Message, secret::Secret};

/// To reach the host.
const REACH: Duration = Duration::from_secs(30);
/// For TLS, greeting, EHLO and AUTH together. RFC 5321 gives the greeting alone this much.
const OPENING: Duration = Duration::from_secs(5 * 60);
/// MAIL and RCPT, each (RFC 5321, section 4.5.3.2, as those below).
const COMMAND: Duration = Duration::from_secs(5 * 60);
const DATA: Duration = Duration::from_secs(2 * 60);
/// Three minutes for a message of a few blocks, and ten for the reply to the final dot. Whoever
/// waits less sends twice.
const CONTENT: Duration = Duration::from_secs(13 * 60);
/// For what is only polite: RSET and QUIT.
const COURTESY: Duration = Duration::from_secs(10);

/// The longest that [`Connection::send`] takes; a lease must last longer.
pub const LONGEST_SEND: Duration = Duration::from_secs((5 + 5 + 2 + 13) * 60 + 10);

#[derive(Clone, Debug)]
pub struct Smtp {
    address: SmtpAddress,
    login: Option<(String, Secret)>,
    hello: String,
    trust: Arc<ClientConfig>,
}

pub struct Connection {
    smtp: AsyncSmtpConnection,
    state: State,
    /// Several commands may go out together (RFC 2920): two round trips a message, not four.
    pipelining: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    /// A reply is missing or nobody knows whose it is: nothing that comes in can be trusted.
    Broken,
}

impl Smtp {
    pub(super) fn new(
        address: SmtpAddress,
        login: Option<(String, Secret)>,
        hello: String,
        trust: Arc<ClientConfig>,
    ) -> Self {
        Self {
            address,
            login,
            hello,
            trust,
        }
    }

    pub(super) async fn connect(&self) -> Result<Connection, RelayError> {
        let SmtpAddress { host, port, .. } = &self.address;
        let reached = timeout(REACH, TcpStream::connect((host.as_str(), *port))).await;
        let stream = reached
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            .map_err(|source| self.unreachable(source))?;
        let opened = timeout(OPENING, self.open(stream)).await;
        opened.unwrap_or_else(|_| Err(self.unreachable(io::ErrorKind::TimedOut.into())))
    }

    async fn open(&self, stream: TcpStream) -> Result<Connection, RelayError> {
        let stream = self.secure(stream).await?;
        let hello = ClientId::Domain(self.hello.clone());
        let mut smtp = AsyncSmtpConnection::connect_with_transport(stream, &hello)
            .await
            .map_err(|err| self.refused(&err))?;
        if let Some((user, password)) = &self.login {
            let login = Credentials::new(user.clone(), password.expose().to_owned());
            smtp.auth(&[Mechanism::Plain, Mechanism::Login], &login)
                .await
                .map_err(|err| self.refused(&err))?;
        }
        // lettre asked the same, but keeps only the answers that it uses itself.
        let offers = smtp.command(Ehlo::new(hello)).await;
        let offers = offers.map_err(|err| self.refused(&err))?;
        let is_pipelining = |offer: &str| offer.trim().eq_ignore_ascii_case("PIPELINING");
        Ok(Connection {
            pipelining: offers.message().any(is_pipelining),
            smtp,
            state: State::Ready,
        })
    }

    async fn secure(&self, stream: TcpStream) -> Result<Box<dyn AsyncTokioStream>, RelayError> {
        let host = &self.address.host;
        let trust = Arc::clone(&self.trust);
        let encrypted = match self.address.tls {
            Tls::None => return Ok(Box::new(stream)),
            Tls::Implicit => tls::implicit(stream, host, trust).await.map(Some),
            Tls::StartTls => tls::starttls(stream, host, &self.hello, trust).await,
        };
        match encrypted.map_err(|source| self.unreachable(source))? {
            Some(encrypted) => Ok(Box::new(encrypted)),
            None => Err(RelayError::NoTls { relay: self.name() }),
        }
    }

    fn name(&self) -> String {
        format!("{}:{}", self.address.host, self.address.port)
    }

    fn unreachable(&self, source: io::Error) -> RelayError {
        RelayError::Unreachable {
            relay: self.name(),
            source,
        }
    }

    fn refused(&self, err: &lettre_smtp::Error) -> RelayError {
        RelayError::Refused {
            relay: self.name(),
            reply: describe(err),
        }
    }
}

impl Connection {
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Ready
    }

    pub(super) async fn send(&mut self, message: &Message) -> Sent {
        // Until the last reply is in, whatever ends this future leaves the connection unusable.
        self.state = State::Broken;
        match self.transact(message).await {
            Ok(reply) => {
                self.state = State::Ready;
                Sent::Accepted { reply }
            }
            Err(Refusal::Dot(sent)) => {
                self.state = State::Ready;
                sent
            }
            Err(Refusal::Before(sent)) => {
                self.reset().await;
                sent
            }
            Err(Refusal::End(sent)) => sent,
        }
    }

    async fn transact(&mut self, message: &Message) -> Result<String, Refusal> {
        let envelope = &message.envelope;
        let is_ascii =
            envelope.return_path.as_str().is_ascii() && envelope.recipient.as_str().is_ascii();
        let smtputf8 = match is_ascii {
            true => "",
            false if self.offers_smtputf8() => " SMTPUTF8",
            false => return Err(Refusal::Before(not_deliverable())),
        };
        let mail = format!(
            "MAIL FROM:<{}>{smtputf8}\r\n",
            envelope.return_path.as_str()
        );
        let rcpt = format!("RCPT TO:<{}>\r\n", envelope.recipient.as_str());
        if self.pipelining {
            self.agree_at_once(mail + &rcpt).await?;
        } else {
            self.ask(mail, COMMAND, &[250]).await?;
            self.ask(rcpt, COMMAND, &[250, 251]).await?;
            self.ask(Data, DATA, &[354]).await?;
        }

        // lettre ends the message with CRLF and the dot; the message's own CRLF would be doubled.
        let bytes = message
            .bytes
            .strip_suffix(b"\r\n")
            .unwrap_or(&message.bytes);
        let reply = timeout(CONTENT, self.smtp.message(bytes)).await;
        match expect(reply, &[250]) {
            Err(Refusal::Before(sent)) => Err(Refusal::Dot(sent)),
            other => other,
        }
    }

    /// Sends MAIL, RCPT and DATA together, and hears all three replies whatever the first says.
    async fn agree_at_once(&mut self, mail_and_rcpt: String) -> Result<(), Refusal> {
        let commands = format!("{mail_and_rcpt}{Data}");
        let mut refused = None;
        let mut reply = self.ask(commands, COMMAND, &[250]).await;
        for (wait, good) in [(COMMAND, &[250, 251][..]), (DATA, &[354])] {
            refused = first_refusal(refused, reply)?;
            reply = self.hear(wait, good).await;
        }
        let Some(sent) = refused else {
            return reply.map(drop);
        };
        match reply {
            Err(Refusal::Before(_)) => Err(Refusal::Before(sent)),
            // The server would take a message that has no sender or no recipient. It gets none.
            _ => Err(Refusal::End(sent)),
        }
    }

    async fn hear(&mut self, wait: Duration, good: &[u16]) -> Result<String, Refusal> {
        expect(timeout(wait, self.smtp.read_response()).await, good)
    }

    async fn ask(
        &mut self,
        command: impl std::fmt::Display,
        wait: Duration,
        good: &[u16],
    ) -> Result<String, Refusal> {
        expect(timeout(wait, self.smtp.command(command)).await, good)
    }

    fn offers_smtputf8(&self) -> bool {
        self.smtp
            .server_info()
            .supports_feature(Extension::SmtpUtfEight)
    }

    /// Gives up the transaction that was refused, and keeps the connection if the server lets us.
    async fn reset(&mut self) {
        if self.ask("RSET\r\n", COURTESY, &[250]).await.is_ok() {
            self.state = State::Ready;
        }
    }

    pub(super) async fn close(mut self) {
        if self.is_open() {
            let _goodbye = timeout(COURTESY, self.smtp.command(Quit)).await;
        }
    }
}

/// Why a transaction came to nothing, and where that leaves the connection.
enum Refusal {
    /// Before the message was sent; RSET undoes what was agreed.
    Before(Sent),
    /// In the reply to the message; the transaction is over.
    Dot(Sent),
    /// The connection is of no further use.
    End(Sent),
}

type Reply = Result<Result<Response, lettre_smtp::Error>, tokio::time::error::Elapsed>;

/// Reads a reply by its code alone: any code that the step does not have means that replies and
/// commands are out of step.
fn expect(reply: Reply, good: &[u16]) -> Result<String, Refusal> {
    let lost = |reason: String| Err(Refusal::End(Sent::Lost { reason }));
    match reply {
        Err(_) => lost("no reply in time".to_owned()),
        Ok(Ok(response)) => {
            let lines: Vec<_> = response.message().collect();
            let text = format!("{} {}", response.code(), lines.join(" "));
            if good.iter().any(|code| response.has_code(*code)) {
                Ok(text)
            } else {
                lost(format!("out of step: {text}"))
            }
        }
        Ok(Err(err)) => {
            let reply = describe(&err);
            match err.status().map(|code| code.to_string()).as_deref() {
                Some("421" | "530") => Err(Refusal::End(Sent::Away { reply })),
                Some(_) if err.is_transient() => Err(Refusal::Before(Sent::Deferred { reply })),
                Some(_) => Err(Refusal::Before(Sent::Rejected { reply })),
                None => lost(reply),
            }
        }
    }
}

/// The refusal that counts: later replies only follow from it, even if the connection then ends.
fn first_refusal(
    refused: Option<Sent>,
    reply: Result<String, Refusal>,
) -> Result<Option<Sent>, Refusal> {
    match reply {
        Ok(_) => Ok(refused),
        Err(Refusal::Before(sent) | Refusal::Dot(sent)) => Ok(refused.or(Some(sent))),
        Err(Refusal::End(sent)) => Err(Refusal::End(refused.unwrap_or(sent))),
    }
}

/// The server's words where it said any, else what lettre makes of it.
fn describe(err: &lettre_smtp::Error) -> String {
    let words = err.source().map(ToString::to_string);
    match (err.status(), words) {
        (Some(code), Some(words)) => format!("{code} {words}"),
        (_, words) => words.unwrap_or_else(|| err.to_string()),
    }
}

fn not_deliverable() -> Sent {
    Sent::Rejected {
        reply: "the relay does not offer SMTPUTF8, which this address needs".to_owned(),
    }
}
