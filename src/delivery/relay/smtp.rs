//! An SMTP server as relay (RFC 5321), over lettre's connection.
//!
//! One connection belongs to one worker, and every step has a deadline. lettre's own `send` checks
//! neither that DATA was answered by 354 nor that a reply came in time, and its pool gives a
//! half-used connection to the next message; so the steps are taken here one by one.

mod body;
mod hello;
mod lenient;
mod offers;

use std::{error::Error as _, io, num::NonZeroU32, sync::Arc, time::Duration};

use futures_util::FutureExt;
use lettre::transport::smtp::{
    self as lettre_smtp,
    authentication::{Credentials, Mechanism},
    client::{AsyncSmtpConnection, AsyncTokioStream},
    commands::{Data, Ehlo, Quit},
    extension::ClientId,
    response::Response,
};
use rustls::ClientConfig;
use tokio::{net::TcpStream, time::timeout};

use super::{
    Refusal, RelayError, Sent, SmtpAddress, Tls,
    reply::{Stage, classify},
    tls,
};
use crate::{delivery::compose::Message, secret::Secret};
use hello::client_id;
use lenient::{Lenient, Outgoing};
use offers::Offers;

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

/// Messages that a connection takes, unless set. Most relays close after some number, and 100 is
/// the usual one.
pub const MAX_MESSAGES: NonZeroU32 = NonZeroU32::new(100).unwrap();

#[derive(Clone, Debug)]
pub struct Smtp {
    address: SmtpAddress,
    login: Option<(String, Secret)>,
    hello: String,
    trust: Arc<ClientConfig>,
    max_messages: NonZeroU32,
}

pub struct Connection {
    smtp: AsyncSmtpConnection,
    outgoing: Outgoing,
    state: State,
    offers: Offers,
    max_messages: NonZeroU32,
    tried: u32,
    accepted: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    /// A reply is missing or nobody knows whose it is: nothing that comes in can be trusted. Or the
    /// relay or we took leave.
    Over,
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
            max_messages: MAX_MESSAGES,
        }
    }

    pub(super) fn with_max_messages(self, max_messages: NonZeroU32) -> Self {
        Self {
            max_messages,
            ..self
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
        let own = stream.local_addr();
        let own = own.map_err(|source| self.unreachable(source))?;
        let hello = client_id(&self.hello, own);
        let stream = self.secure(stream, &hello).await?;
        let opened = Connection::open(stream, hello, self.login.as_ref(), self.max_messages).await;
        opened.map_err(|err| self.refused(&err))
    }

    async fn secure(
        &self,
        stream: TcpStream,
        hello: &ClientId,
    ) -> Result<Box<dyn AsyncTokioStream>, RelayError> {
        let host = &self.address.host;
        let trust = Arc::clone(&self.trust);
        let encrypted = match self.address.tls {
            Tls::None => return Ok(Box::new(stream)),
            Tls::Implicit => tls::implicit(stream, host, trust).await.map(Some),
            Tls::StartTls => tls::starttls(stream, host, &hello.to_string(), trust).await,
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
        let relay = self.name();
        let reply = describe(err);
        match err.is_response() && err.status().is_none() && reply != CLOSED {
            true => RelayError::NotSmtp { relay },
            false => RelayError::Refused { relay, reply },
        }
    }
}

impl Connection {
    /// Hears the greeting, says hello, and logs in.
    async fn open(
        stream: Box<dyn AsyncTokioStream>,
        hello: ClientId,
        login: Option<&(String, Secret)>,
        max_messages: NonZeroU32,
    ) -> Result<Self, lettre_smtp::Error> {
        let stream = Lenient::new(stream);
        let outgoing = stream.outgoing();
        let mut smtp =
            AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await?;
        if let Some((user, password)) = login {
            let login = Credentials::new(user.clone(), password.expose().to_owned());
            smtp.auth(&[Mechanism::Plain, Mechanism::Login], &login)
                .await?;
        }
        // lettre asked the same, but keeps only the answers that it uses itself.
        let offers = smtp.command(Ehlo::new(hello)).await?;
        Ok(Self {
            offers: Offers::read(offers.message()),
            smtp,
            outgoing,
            state: State::Ready,
            max_messages,
            tried: 0,
            accepted: 0,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == State::Ready
    }

    pub(super) async fn send(&mut self, message: &Message) -> Sent {
        if let Err(refused) = self.offers.accept(message) {
            return refused;
        }
        // Until the last reply is in, whatever ends this future leaves the connection unusable.
        self.state = State::Over;
        self.tried += 1;
        let sent = match self.transact(message).await {
            Ok(reply) => {
                self.state = State::Ready;
                self.accepted += 1;
                Sent::Accepted { reply }
            }
            Err(Failure::Dot(sent)) => {
                self.state = State::Ready;
                sent
            }
            Err(Failure::Before(sent)) => {
                self.reset().await;
                sent
            }
            Err(Failure::End(sent)) => sent,
        };
        if self.is_open() && self.tried >= self.max_messages.get() {
            self.leave();
        }
        sent
    }

    async fn transact(&mut self, message: &Message) -> Result<String, Failure> {
        let (mail, rcpt) = (self.offers.mail(message), self.offers.rcpt(message));
        if self.offers.pipelining {
            let commands = [mail, rcpt, Data.to_string()].concat();
            self.agree_at_once(commands).await?;
        } else {
            let agreed = self.ask(mail, Stage::Mail, COMMAND, is_done).await;
            self.or_closed(agreed)?;
            self.ask(rcpt, Stage::Rcpt, COMMAND, is_done).await?;
            self.ask(Data, Stage::Data, DATA, is_go_ahead).await?;
        }
        let reply = self.hand_over(&message.bytes).await?;
        Ok(told(&reply))
    }

    /// Sends MAIL, RCPT and DATA together, and hears all three replies whatever the first says.
    async fn agree_at_once(&mut self, commands: String) -> Result<(), Failure> {
        let mut reply = self.ask(commands, Stage::Mail, COMMAND, is_done).await;
        reply = self.or_closed(reply);
        let mut refused = None;
        for (stage, wait, is_good) in [
            (Stage::Rcpt, COMMAND, is_done as IsGood),
            (Stage::Data, DATA, is_go_ahead),
        ] {
            refused = first_refusal(refused, reply)?;
            reply = self.hear(stage, wait, is_good).await;
        }
        let Some(sent) = refused else {
            return reply.map(drop);
        };
        match reply {
            Err(Failure::Before(_)) => Err(Failure::Before(sent)),
            // The server would take a message that has no sender or no recipient. It gets none.
            _ => Err(Failure::End(sent)),
        }
    }

    /// Sends the message itself, after which only a reply can tell whether it arrived.
    async fn hand_over(&mut self, message: &[u8]) -> Result<Response, Failure> {
        self.outgoing.body().load(message);
        // Nothing more from lettre: it flushes.
        let reply = timeout(CONTENT, self.smtp.command("")).await;
        let is_out = self.outgoing.body().rest().is_empty();
        expect(reply, Stage::Data, is_done).map_err(|failure| match failure {
            Failure::Before(sent) => Failure::Dot(sent),
            Failure::End(Sent::Lost { reason }) if is_out => {
                Failure::End(Sent::Uncertain { reason })
            }
            other => other,
        })
    }

    /// A relay that ends a connection which has served before, when the next message is announced,
    /// has nothing against the message. If it has something against us, it will tell the next
    /// connection as well.
    fn or_closed(&self, reply: Result<Response, Failure>) -> Result<Response, Failure> {
        if self.accepted == 0 {
            return reply;
        }
        reply.map_err(|failure| match failure {
            Failure::End(Sent::Lost { reason } | Sent::Refused { reply: reason, .. })
            | Failure::Before(Sent::Refused {
                refusal: Refusal::RateLimited,
                reply: reason,
            }) => Failure::End(Sent::Closed { reason }),
            other => other,
        })
    }

    async fn hear(
        &mut self,
        stage: Stage,
        wait: Duration,
        is_good: IsGood,
    ) -> Result<Response, Failure> {
        let reply = timeout(wait, self.smtp.read_response()).await;
        expect(reply, stage, is_good)
    }

    async fn ask(
        &mut self,
        command: impl std::fmt::Display,
        stage: Stage,
        wait: Duration,
        is_good: IsGood,
    ) -> Result<Response, Failure> {
        let reply = timeout(wait, self.smtp.command(command)).await;
        expect(reply, stage, is_good)
    }

    /// Gives up the transaction that was refused, and keeps the connection if the server lets us.
    async fn reset(&mut self) {
        let reply = timeout(COURTESY, self.smtp.command("RSET\r\n")).await;
        if matches!(reply, Ok(Ok(response)) if response.has_code(250)) {
            self.state = State::Ready;
        }
    }

    /// Says goodbye and waits for no answer: somebody waits for what came of the last message.
    fn leave(&mut self) {
        self.state = State::Over;
        let _goodbye = self.smtp.command(Quit).now_or_never();
    }

    pub(super) async fn close(mut self) {
        if self.is_open() {
            let _goodbye = timeout(COURTESY, self.smtp.command(Quit)).await;
        }
    }
}

/// Why a transaction came to nothing, and where that leaves the connection.
enum Failure {
    /// Refused before the message was sent; RSET undoes what was agreed.
    Before(Sent),
    /// Refused in the reply to the message; the transaction is over.
    Dot(Sent),
    /// The connection is of no further use.
    End(Sent),
}

type Reply = Result<Result<Response, lettre_smtp::Error>, tokio::time::error::Elapsed>;

/// Tells by its code whether a positive reply is one that the step has.
type IsGood = fn(u16) -> bool;

/// Any 2yz is (RFC 5321, section 4.2), but for those that only belong elsewhere.
fn is_done(code: u16) -> bool {
    (200..300).contains(&code) && ![220, 221, 235].contains(&code)
}

fn is_go_ahead(code: u16) -> bool {
    code == 354
}

/// Reads a reply. A good one that the step does not have means that replies and commands are out
/// of step.
fn expect(reply: Reply, stage: Stage, is_good: IsGood) -> Result<Response, Failure> {
    let lost = |reason: String| Err(Failure::End(Sent::Lost { reason }));
    match reply {
        Err(_) => lost("no reply in time".to_owned()),
        Ok(Ok(response)) => match is_good(response.code().into()) {
            true => Ok(response),
            false => lost(format!("out of step: {}", told(&response))),
        },
        Ok(Err(err)) => {
            let Some(code) = err.status() else {
                return lost(describe(&err));
            };
            let code = u16::from(code);
            let words = err.source().map(ToString::to_string).unwrap_or_default();
            let refusal = classify(stage, code, &words);
            let reply = describe(&err);
            let sent = Sent::Refused { refusal, reply };
            let is_over = matches!(refusal, Refusal::Away | Refusal::BreaksOff);
            Err(match code == 421 || is_over {
                true => Failure::End(sent),
                false => Failure::Before(sent),
            })
        }
    }
}

/// The refusal that counts: later replies only follow from it, even if the connection then ends.
fn first_refusal(
    refused: Option<Sent>,
    reply: Result<Response, Failure>,
) -> Result<Option<Sent>, Failure> {
    match reply {
        Ok(_) => Ok(refused),
        Err(Failure::Before(sent) | Failure::Dot(sent)) => Ok(refused.or(Some(sent))),
        Err(Failure::End(sent)) => Err(Failure::End(refused.unwrap_or(sent))),
    }
}

/// A reply in one line.
fn told(response: &Response) -> String {
    let lines: Vec<_> = response.message().collect();
    printable(&format!("{} {}", response.code(), lines.join(" ")))
}

/// What lettre calls an incomplete response.
const CLOSED: &str = "it closed the connection";

/// The server's words where it said any, else what lettre makes of it.
fn describe(err: &lettre_smtp::Error) -> String {
    let words = err.source().map(ToString::to_string);
    let words = words.map(|words| match words.as_str() {
        "incomplete response" => CLOSED.to_owned(),
        _ => words,
    });
    printable(&match (err.status(), words) {
        (Some(code), Some(words)) => format!("{code} {words}"),
        (_, words) => words.unwrap_or_else(|| err.to_string()),
    })
}

/// A reply is kept, and shown in a terminal: nothing in it may move the cursor.
fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests;
