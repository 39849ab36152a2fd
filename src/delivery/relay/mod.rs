//! What takes messages: an SMTP server, a folder, or the memory of a test.

pub mod folder;
pub mod memory;
mod reply;
pub mod smtp;
mod tls;

use std::{io, num::NonZeroU32, path::PathBuf, sync::Arc};

use rustls::ClientConfig;
use url::Url;

use super::compose::Message;
use crate::secret::Secret;
use folder::Folder;
use memory::Memory;
use smtp::Smtp;

/// Where messages are handed over.
#[derive(Clone, Debug)]
pub enum Relay {
    Smtp(Smtp),
    Folder(Folder),
    Memory(Memory),
}

/// A way to the relay that takes one message after the other.
pub enum Connection {
    Smtp(Box<smtp::Connection>),
    Folder(Folder),
    Memory(Memory),
}

/// What the relay made of a message. A `reply` is whole, its line breaks made spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is the relay's now.
    Accepted { reply: String },
    /// Not taken, and the relay said why.
    Refused { refusal: Refusal, reply: String },
    /// The connection ended, or lost step, before the whole message was out: it has not arrived
    /// (RFC 5321, section 3.8).
    Lost { reason: String },
    /// The whole message was out, and no reply came: it may have arrived (RFC 1047). The same bytes
    /// must be sent again, or nothing.
    Uncertain { reason: String },
    /// The relay has had enough of this connection, as many have after some number of messages.
    /// Nothing was tried and nothing failed: the same message belongs on a fresh one. A connection
    /// that has accepted nothing never ends so.
    Closed { reason: String },
}

/// The kinds of refusal, which have different consequences (RFC 3463).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Later perhaps: 4yz, and what is permanent by name only.
    Temporary,
    /// The same, and about this mailbox alone: it is full, or gets too much.
    MailboxBusy,
    /// We send more than the destination or the relay allows; the message is as good as before.
    RateLimited,
    /// There is no such mailbox. Counts as a bounce.
    BadAddress,
    /// Policy, authentication or reputation: about the sender, never about the subscriber.
    Policy,
    /// Any other 5yz: about this message alone.
    Permanent,
    /// The relay takes nothing from us at present. The connection is over.
    Away,
    /// The same, but said of a recipient or a message, so that these may be the reason.
    BreaksOff,
}

/// Why there is no connection. Whatever the reason, it concerns the relay, not a message.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("cannot reach the relay {relay}")]
    Unreachable {
        relay: String,
        #[source]
        source: io::Error,
    },
    #[error("the relay {relay} turns us away: {reply}")]
    Refused { relay: String, reply: String },
    #[error("what answers at {relay} does not speak SMTP")]
    NotSmtp { relay: String },
    #[error("the relay {relay} does not offer STARTTLS; `?tls=none` would send in clear")]
    NoTls { relay: String },
}

impl Relay {
    /// Builds the relay that an address names.
    ///
    /// `hello` is the name of this host, for EHLO, if it is a full one: otherwise this end of the
    /// connection stands for it. `trust` says which certificates are good.
    pub fn new(
        url: RelayUrl,
        password: Option<Secret>,
        hello: String,
        trust: Arc<ClientConfig>,
    ) -> Result<Self, BadRelayUrl> {
        let address = match url {
            RelayUrl::Folder(path) => return Ok(Relay::Folder(Folder::new(path))),
            RelayUrl::Smtp(address) => address,
        };
        let login = match (address.user.clone(), password) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            (Some(_), None) => return Err(BadRelayUrl::NoPassword),
            (None, Some(_)) => return Err(BadRelayUrl::NoUser),
        };
        Ok(Relay::Smtp(Smtp::new(address, login, hello, trust)))
    }

    /// Sets how many messages a connection takes before it is replaced; [`smtp::MAX_MESSAGES`]
    /// unless set. Folders do not mind.
    pub fn with_max_messages(self, max_messages: NonZeroU32) -> Self {
        match self {
            Relay::Smtp(smtp) => Relay::Smtp(smtp.with_max_messages(max_messages)),
            Relay::Folder(_) | Relay::Memory(_) => self,
        }
    }

    pub async fn connect(&self) -> Result<Connection, RelayError> {
        match self {
            Relay::Smtp(smtp) => Ok(Connection::Smtp(Box::new(smtp.connect().await?))),
            Relay::Folder(folder) => Ok(Connection::Folder(folder.open().await?)),
            Relay::Memory(memory) => Ok(Connection::Memory(memory.clone())),
        }
    }
}

impl Connection {
    /// Hands one message over. Dropping the future leaves the connection useless: drop that too.
    pub async fn send(&mut self, message: &Message) -> Sent {
        match self {
            Connection::Smtp(smtp) => smtp.send(message).await,
            Connection::Folder(folder) => folder.write(message).await,
            Connection::Memory(memory) => memory.take(message),
        }
    }

    /// Tells whether another message may follow. If not, the connection is dropped as it is.
    pub fn is_open(&self) -> bool {
        match self {
            Connection::Smtp(smtp) => smtp.is_open(),
            Connection::Folder(_) | Connection::Memory(_) => true,
        }
    }

    /// Takes leave of the relay.
    pub async fn close(self) {
        match self {
            Connection::Smtp(smtp) => smtp.close().await,
            Connection::Folder(_) | Connection::Memory(_) => {}
        }
    }
}

/// A relay as the configuration names it: `smtp://HOST`, `smtps://USER@HOST`, `folder:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayUrl {
    Smtp(SmtpAddress),
    Folder(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpAddress {
    pub host: String,
    /// 465 for `smtps`, else 587, or 25 in clear.
    pub port: u16,
    pub tls: Tls,
    pub user: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte (RFC 8314, section 3.3).
    Implicit,
    /// Without it nothing is sent (RFC 3207).
    StartTls,
    /// In clear: for a relay on this machine.
    None,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRelayUrl {
    #[error("a relay is `smtp://HOST`, `smtps://HOST` or `folder:PATH`")]
    UnknownKind,
    #[error("a relay needs a host, as in `smtps://mail.example.org`")]
    NoHost,
    #[error("a folder relay needs a path, as in `folder:/var/spool/courant`")]
    NoPath,
    #[error("a relay's password does not stand in its address: use `password` or `password_file`")]
    PasswordInUrl,
    #[error("a user would log in in clear: drop `tls=none`, or drop the user")]
    LoginInClear,
    #[error("the relay's user has no password: set `password` or `password_file`")]
    NoPassword,
    #[error("the relay's password has no user: write `smtps://USER@HOST`")]
    NoUser,
    #[error("`{0}` means nothing in a relay's address; the one option is `tls=none`, with `smtp:`")]
    UnknownOption(String),
}

impl RelayUrl {
    pub fn parse(text: &str) -> Result<Self, BadRelayUrl> {
        if let Some(path) = text.strip_prefix("folder:") {
            return match path {
                "" => Err(BadRelayUrl::NoPath),
                path => Ok(RelayUrl::Folder(PathBuf::from(path))),
            };
        }
        let url = Url::parse(text).map_err(|err| match err {
            url::ParseError::EmptyHost => BadRelayUrl::NoHost,
            _ => BadRelayUrl::UnknownKind,
        })?;
        if !["smtp", "smtps"].contains(&url.scheme()) {
            return Err(BadRelayUrl::UnknownKind);
        }
        if url.password().is_some() {
            return Err(BadRelayUrl::PasswordInUrl);
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(BadRelayUrl::NoHost)?;
        let tls = parse_tls(&url)?;
        let user = Some(decode(url.username())).filter(|user| !user.is_empty());
        if user.is_some() && tls == Tls::None {
            return Err(BadRelayUrl::LoginInClear);
        }
        let port = url.port().unwrap_or(match tls {
            Tls::Implicit => 465,
            Tls::StartTls => 587,
            Tls::None => 25,
        });
        Ok(RelayUrl::Smtp(SmtpAddress {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            tls,
            user,
        }))
    }
}

fn parse_tls(url: &Url) -> Result<Tls, BadRelayUrl> {
    if !["", "/"].contains(&url.path()) {
        return Err(BadRelayUrl::UnknownOption(url.path().to_owned()));
    }
    match (url.scheme(), url.query()) {
        ("smtps", None) => Ok(Tls::Implicit),
        (_, None) => Ok(Tls::StartTls),
        ("smtp", Some("tls=none")) => Ok(Tls::None),
        (_, Some(query)) => Err(BadRelayUrl::UnknownOption(query.to_owned())),
    }
}

/// Undoes percent-encoding: the user of a mail account is often an address.
fn decode(user: &str) -> String {
    let query = user.replace('+', "%2B");
    let pair = url::form_urlencoded::parse(query.as_bytes()).next();
    pair.map(|(user, _)| user.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, u16, Tls, Option<&str>), BadRelayUrl>) {
        let expected = expected.map(|(host, port, tls, user)| {
            RelayUrl::Smtp(SmtpAddress {
                host: host.to_owned(),
                port,
                tls,
                user: user.map(str::to_owned),
            })
        });
        assert_eq!(RelayUrl::parse(text), expected, "{text}");
    }

    #[test]
    fn an_address_says_where_and_how_safely() {
        check("smtp://mx", Ok(("mx", 587, Tls::StartTls, None)));
        check("smtp://mx:2525/", Ok(("mx", 2525, Tls::StartTls, None)));
        check(
            "smtp://127.0.0.1?tls=none",
            Ok(("127.0.0.1", 25, Tls::None, None)),
        );
        check("smtp://[::1]:25?tls=none", Ok(("::1", 25, Tls::None, None)));
        check(
            "smtps://a+b%40example.org@mx.example.org",
            Ok((
                "mx.example.org",
                465,
                Tls::Implicit,
                Some("a+b@example.org"),
            )),
        );
        assert_eq!(
            RelayUrl::parse("folder:out/mail"),
            Ok(RelayUrl::Folder("out/mail".into()))
        );
    }

    #[test]
    fn a_wrong_address_is_told_what_is_wrong() {
        let option = |text: &str| Err(BadRelayUrl::UnknownOption(text.to_owned()));
        check("", Err(BadRelayUrl::UnknownKind));
        check("mail.example.org", Err(BadRelayUrl::UnknownKind));
        check("http://mail.example.org", Err(BadRelayUrl::UnknownKind));
        check("smtp://", Err(BadRelayUrl::NoHost));
        check("smtp:mx", Err(BadRelayUrl::NoHost));
        check("folder:", Err(BadRelayUrl::NoPath));
        check("smtps://u:secret@mx", Err(BadRelayUrl::PasswordInUrl));
        check("smtp://u@mx?tls=none", Err(BadRelayUrl::LoginInClear));
        check("smtp://mx?tls=maybe", option("tls=maybe"));
        check("smtps://mx?tls=none", option("tls=none"));
        check("smtp://mx/box", option("/box"));
    }
}
