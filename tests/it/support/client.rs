//! An HTTP client that shows what came over the wire.

use std::{collections::HashMap, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// By lower-case name.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.unwrap_or_else(|| panic!("no {name}: {:?}", self.headers))
    }
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// Somebody's browser, mail program or feed reader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) SocketAddr);

impl Client {
    pub(crate) async fn get(self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), "").await
    }

    pub(crate) async fn post(self, path: &str, content_type: &str, body: &str) -> Answer {
        self.send(&format!("POST {path}\nContent-Type: {content_type}"), body)
            .await
    }

    /// Sends the method and path of `head`, the fields that follow it a line each, and `body`.
    pub(crate) async fn send(self, head: &str, body: &str) -> Answer {
        let (line, fields) = head.split_once('\n').unwrap_or((head, ""));
        let mut request = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        for field in fields.lines() {
            request += &format!("{field}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let mut stream = TcpStream::connect(self.0).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        parse(&bytes)
    }
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.expect("an answer has an empty line");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    Answer {
        status: head[9..12].parse().unwrap(),
        headers: fields
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        body: bytes[end + 4..].to_vec(),
    }
}
