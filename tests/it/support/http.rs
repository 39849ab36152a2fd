//! A server on loopback that answers as told and remembers what it was asked.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// What the server does about one request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// These bytes, then the end of the connection.
    Full(Vec<u8>),
    /// These bytes, then nothing for as long as the client stays.
    Stalled(Vec<u8>),
}

impl Reply {
    /// `head` is the status line and the header lines, without the last empty one.
    pub(crate) fn new(head: &[&str], body: &[u8]) -> Self {
        let mut bytes = format!("HTTP/1.1 {}\r\n\r\n", head.join("\r\n")).into_bytes();
        bytes.extend_from_slice(body);
        Reply::Full(bytes)
    }
}

/// Stops when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<Vec<u8>>>>,
    _running: JoinSet<()>,
}

impl Server {
    /// `answer` gets the path of each request.
    pub(crate) async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = heads.clone();
        let mut running = JoinSet::new();
        running.spawn(async move {
            let answer = Arc::new(answer);
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, seen) = (answer.clone(), seen.clone());
                connections.spawn(async move {
                    // A client that hangs up early is what some tests are about.
                    let _ = serve(stream, &*answer, &seen).await;
                });
            }
        });
        Self {
            address,
            heads,
            _running: running,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The requests so far, each from its first byte to the empty line.
    pub(crate) fn heads(&self) -> Vec<Vec<u8>> {
        self.heads.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: &(impl Fn(&str) -> Reply + Sync),
    seen: &Mutex<Vec<Vec<u8>>>,
) -> io::Result<()> {
    let mut head = Vec::new();
    // A TLS hello gets its answer as well, which ends the handshake at once.
    while !head.ends_with(b"\r\n\r\n") && !head.starts_with(&[0x16]) {
        head.push(stream.read_u8().await?);
    }
    let line = String::from_utf8_lossy(&head).into_owned();
    seen.lock().unwrap().push(head);
    match answer(line.split(' ').nth(1).unwrap_or_default()) {
        Reply::Full(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Reply::Stalled(bytes) => {
            stream.write_all(&bytes).await?;
            stream.read_to_end(&mut Vec::new()).await.map(|_| ())
        }
    }
}
