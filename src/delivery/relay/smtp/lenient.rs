//! Replies as lettre can read them, and messages past it.
//!
//! RFC 5321, section 4.2, wants clients to bear a code without text and to go by its first digit where they
//! do not know it, and section 2.4 a server that does not speak ASCII. To lettre all of that is noise, and
//! noise ends the connection: a recipient who is refused in Latin-1, or by a 571, would cost it each time.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::body::Body;

/// No reply is longer, in octets, whatever its lines. lettre reads what it has from the start
/// with each line that comes in.
const MAX_REPLY: usize = 16 * 1024;

/// The message that goes out with the next flush.
#[derive(Clone, Debug, Default)]
pub(super) struct Outgoing(Arc<Mutex<Body>>);

impl Outgoing {
    pub(super) fn body(&self) -> MutexGuard<'_, Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection whose incoming lines are mended, and by which messages leave.
#[derive(Debug)]
pub(super) struct Lenient {
    stream: Box<dyn AsyncTokioStream>,
    /// The start of a line whose end is not in yet.
    unfinished: Vec<u8>,
    /// Whole lines, and how much of them was passed on.
    lines: Vec<u8>,
    read: usize,
    /// What has come in of the reply that is not at its end.
    reply: usize,
    outgoing: Outgoing,
}

impl Lenient {
    pub(super) fn new(stream: Box<dyn AsyncTokioStream>) -> Self {
        Self {
            stream,
            unfinished: Vec::new(),
            lines: Vec::new(),
            read: 0,
            reply: 0,
            outgoing: Outgoing::default(),
        }
    }

    pub(super) fn outgoing(&self) -> Outgoing {
        self.outgoing.clone()
    }

    fn take_in(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.lines.clear();
        self.read = 0;
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.unfinished.extend_from_slice(part);
            self.reply += part.len();
            if self.reply > MAX_REPLY {
                return Err(io::Error::other("the reply is too long"));
            }
            if !part.ends_with(b"\n") {
                continue;
            }
            if self.unfinished.get(3) != Some(&b'-') {
                self.reply = 0;
            }
            let line = mended(&self.unfinished);
            self.lines.extend_from_slice(line.as_bytes());
            self.unfinished.clear();
        }
        Ok(())
    }
}

/// The line in UTF-8, with a code that lettre knows and something after it, and ended by CRLF.
fn mended(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    let line = line.trim_end_matches(['\r', '\n']);
    let known = match line.as_bytes() {
        [b'2', b'6'..=b'9', ..] => Some("250"),
        [b'4', b'6'..=b'9', ..] => Some("451"),
        [b'5', b'6'..=b'9', ..] => Some("554"),
        _ => None,
    };
    match (line.split_at_checked(3), known) {
        (Some((code, text)), Some(known)) if is_code(code) => {
            format!("{known}{text} ({code})\r\n")
        }
        _ if is_code(line) => format!("{line} \r\n"),
        _ => format!("{line}\r\n"),
    }
}

fn is_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl AsyncTokioStream for Lenient {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for Lenient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.read == self.lines.len() {
            let mut bytes = [0; 1024];
            let mut chunk = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.take_in(chunk.filled())?;
        }
        let n = buf.remaining().min(self.lines.len() - self.read);
        buf.put_slice(&self.lines[self.read..self.read + n]);
        self.read += n;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Lenient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outgoing = self.outgoing();
        let mut body = outgoing.body();
        while !body.rest().is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, body.rest()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => body.advance(n),
            }
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
