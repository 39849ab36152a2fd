//! A WebSub hub on loopback that answers requests as told and remembers them. It never asks back by
//! itself: a test does that when it wants to.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use url::form_urlencoded;

/// The fields of a form.
pub(crate) type Form = HashMap<String, String>;

/// Stops when it is dropped.
pub(crate) struct Hub {
    port: u16,
    status: Arc<Mutex<&'static str>>,
    forms: Arc<Mutex<Vec<Form>>>,
    _running: JoinSet<()>,
}

impl Hub {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let status = Arc::new(Mutex::new("202 Accepted"));
        let forms = Arc::new(Mutex::new(Vec::new()));
        let (answers, seen) = (status.clone(), forms.clone());
        let mut running = JoinSet::new();
        running.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let status = *answers.lock().unwrap();
                // A client that hangs up early has seen enough.
                let _ = serve(stream, status, &seen).await;
            }
        });
        Self {
            port,
            status,
            forms,
            _running: running,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hub", self.port)
    }

    /// The status line, and header lines, of every answer from now on.
    pub(crate) fn answer(&self, status: &'static str) {
        *self.status.lock().unwrap() = status;
    }

    /// The requests so far.
    pub(crate) fn forms(&self) -> Vec<Form> {
        self.forms.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, status: &str, seen: &Mutex<Vec<Form>>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.and_then(|n| n.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    let form = form_urlencoded::parse(&body).into_owned().collect();
    seen.lock().unwrap().push(form);
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
