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
    /// The head, and then the chunk again and again for as long as the client stays.
    Endless { head: Vec<u8>, chunk: Vec<u8> },
}

impl Reply {
    /// `head` is the status line and the header lines, without the last empty one.
    pub(crate) fn new(head: &[&str], body: &[u8]) -> Self {
        let mut bytes = format!("HTTP/1.1 {}\r\n\r\n", head.join("\r\n")).into_bytes();
        bytes.extend_from_slice(body);
        Reply::Full(bytes)
    }
}

/// One request, as it came.
pub(crate) struct Request {
    pub(crate) path: String,
    head: Vec<u8>,
}

impl Request {
    fn new(head: Vec<u8>) -> Self {
        let line = String::from_utf8_lossy(&head);
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        Request { path, head }
    }

    /// The bytes of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<Vec<u8>> {
        let lines = self.head.split(|byte| *byte == b'\n');
        lines.into_iter().find_map(|line| {
            let value = line.strip_prefix(format!("{name}: ").as_bytes())?;
            Some(value.strip_suffix(b"\r").unwrap_or(value).to_vec())
        })
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
        Self::listen("127.0.0.1", move |request| answer(&request.path)).await
    }

    /// Many hosts in one: listens at every address of this machine, of which loopback has plenty.
    pub(crate) async fn everywhere(
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen("0.0.0.0", answer).await
    }

    async fn listen(
        address: &str,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
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
    answer: &(impl Fn(&Request) -> Reply + Sync),
    seen: &Mutex<Vec<Vec<u8>>>,
) -> io::Result<()> {
    let mut head = Vec::new();
    // A TLS hello gets its answer as well, which ends the handshake at once.
    while !head.ends_with(b"\r\n\r\n") && !head.starts_with(&[0x16]) {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    seen.lock().unwrap().push(head.clone());
    match answer(&Request::new(head)) {
        Reply::Full(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Reply::Stalled(bytes) => {
            stream.write_all(&bytes).await?;
            stream.read_to_end(&mut Vec::new()).await.map(|_| ())
        }
        Reply::Endless { head, chunk } => {
            stream.write_all(&head).await?;
            loop {
                stream.write_all(&chunk).await?;
            }
        }
    }
}
