//! TLS under SMTP, on a connection of our own.
//!
//! lettre can do both kinds of TLS, but only on sockets that it opens, where Nagle's algorithm
//! holds the end of each message back for 40 ms; and after STARTTLS it keeps what a stranger on the
//! wire may have said before.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// An encrypted connection as lettre wants it: one that starts with a greeting.
#[derive(Debug)]
pub(super) struct Encrypted {
    /// After STARTTLS a server does not greet again; the reply that let TLS begin stands in.
    greeting: &'static [u8],
    stream: TlsStream<TcpStream>,
}

/// Encrypts from the first byte.
pub(super) async fn implicit(
    stream: TcpStream,
    host: &str,
    trust: Arc<ClientConfig>,
) -> io::Result<Encrypted> {
    Ok(Encrypted {
        greeting: b"",
        stream: encrypt(stream, host, trust).await?,
    })
}

/// Asks a server that greets in clear to go on encrypted; `None` if it does not offer to.
pub(super) async fn starttls(
    stream: TcpStream,
    host: &str,
    hello: &str,
    trust: Arc<ClientConfig>,
) -> io::Result<Option<Encrypted>> {
    let mut stream = BufReader::new(stream);
    expect("220", hear(&mut stream).await?)?;
    stream
        .write_all(format!("EHLO {hello}\r\n").as_bytes())
        .await?;
    let offers = expect("250", hear(&mut stream).await?)?;
    let is_starttls = |line: &str| {
        line.get(4..)
            .is_some_and(|offer| offer.trim().eq_ignore_ascii_case("STARTTLS"))
    };
    if !offers.lines().any(is_starttls) {
        return Ok(None);
    }
    stream.write_all(b"STARTTLS\r\n").await?;
    expect("220", hear(&mut stream).await?)?;
    if !stream.buffer().is_empty() {
        // It was not encrypted, so anybody may have said it (CVE-2011-0411 and its kin).
        return Err(io::Error::other(
            "the server spoke on in clear after STARTTLS",
        ));
    }
    Ok(Some(Encrypted {
        greeting: b"220 encrypted\r\n",
        stream: encrypt(stream.into_inner(), host, trust).await?,
    }))
}

async fn encrypt(
    stream: TcpStream,
    host: &str,
    trust: Arc<ClientConfig>,
) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(trust).connect(name, stream).await
}

/// No reply in clear is longer, in octets.
const MAX_REPLY: u64 = 16 * 1024;

/// Reads one reply: lines whose code is followed by `-`, and a last one.
async fn hear(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut reply = String::new();
    let mut stream = stream.take(MAX_REPLY);
    loop {
        let start = reply.len();
        stream.read_line(&mut reply).await?;
        match reply.as_bytes().get(start..).unwrap_or_default() {
            [_, _, _, b'-', .., b'\n'] => {}
            [_, _, _, .., b'\n'] => return Ok(reply),
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

fn expect(code: &str, reply: String) -> io::Result<String> {
    if reply.starts_with(code) {
        Ok(reply)
    } else {
        Err(io::Error::other(reply.trim_end().to_owned()))
    }
}

impl AsyncTokioStream for Encrypted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.greeting.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let (now, later) = self
            .greeting
            .split_at(self.greeting.len().min(buf.remaining()));
        buf.put_slice(now);
        self.greeting = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
