//! What takes messages and keeps nothing: Postfix's `smtp-sink`, or a server that thinks before it
//! answers.

use std::{
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinSet,
    time::sleep,
};

/// Postfix's server that takes everything.
pub(crate) struct Sink {
    pub(crate) port: u16,
    process: Child,
}

impl Sink {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let process = Command::new("smtp-sink")
            .args(["-u", "nobody", &format!("inet:127.0.0.1:{port}"), "1024"])
            .stderr(Stdio::null())
            .spawn()
            .context("run smtp-sink (Debian: postfix)")?;
        let sink = Self { port, process };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Ok(sink);
            }
            sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("smtp-sink does not listen")
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

/// A server that thinks before each answer. It offers PIPELINING and answers what came together together.
pub(crate) struct SlowServer {
    pub(crate) address: SocketAddr,
    _serving: JoinSet<()>,
}

impl SlowServer {
    /// Answers after `delay`, and tells `hears` of each recipient.
    pub(crate) async fn start(
        delay: Duration,
        hears: Arc<dyn Fn(&str) + Send + Sync>,
    ) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let hears = Arc::clone(&hears);
                connections.spawn(async move { serve(stream, delay, &*hears).await });
            }
        });
        Ok(SlowServer {
            address,
            _serving: serving,
        })
    }
}

async fn serve(
    stream: TcpStream,
    delay: Duration,
    hears: &(dyn Fn(&str) + Send + Sync),
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(64 << 10, stream);
    let mut replies = String::from("220 slow ESMTP\r\n");
    let mut line = Vec::new();
    loop {
        if stream.buffer().is_empty() {
            sleep(delay).await;
            stream.get_mut().write_all(replies.as_bytes()).await?;
            replies.clear();
        }
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let reply = match line.get(..4).unwrap_or_default() {
            b"EHLO" => "250-slow\r\n250 PIPELINING\r\n",
            b"RCPT" => {
                hears(&String::from_utf8_lossy(&line));
                "250 2.1.5 ok\r\n"
            }
            b"DATA" => {
                sleep(delay).await;
                replies += "354 go on\r\n";
                stream.get_mut().write_all(replies.as_bytes()).await?;
                replies.clear();
                while line != b".\r\n" {
                    line.clear();
                    if stream.read_until(b'\n', &mut line).await? == 0 {
                        return Ok(());
                    }
                }
                "250 2.0.0 ok\r\n"
            }
            b"QUIT" => return Ok(()),
            _ => "250 2.0.0 ok\r\n",
        };
        replies += reply;
    }
}
