//! An SMTP server that does as it is told, and keeps what it hears.

use std::{
    collections::VecDeque,
    fs, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// What the client just did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Connect,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Dot,
    Rset,
}

impl Stage {
    /// The stages of one transaction, in order.
    pub(crate) const TRANSACTION: [Stage; 4] = [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Dot];

    fn of(command: &str) -> Option<Self> {
        let verb = command.split([' ', '\r']).next()?;
        Some(match verb {
            "EHLO" => Stage::Ehlo,
            "STARTTLS" => Stage::StartTls,
            "AUTH" => Stage::Auth,
            "MAIL" => Stage::Mail,
            "RCPT" => Stage::Rcpt,
            "DATA" => Stage::Data,
            "RSET" => Stage::Rset,
            _ => return None,
        })
    }

    fn usual_reply(self) -> &'static str {
        match self {
            Stage::Connect => "220 localhost ESMTP",
            Stage::Ehlo => "250-localhost\r\n250 8BITMIME",
            Stage::StartTls => "220 go ahead",
            Stage::Auth => "235 2.7.0 welcome",
            Stage::Data => "354 go ahead",
            Stage::Dot => "250 2.0.0 taken",
            Stage::Mail | Stage::Rcpt | Stage::Rset => "250 ok",
        }
    }
}

/// What the server does instead of the usual.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Reply(&'static str),
    HangUp,
    /// Says this, and is gone.
    ReplyAndHangUp(&'static str),
    /// Says nothing more, and stays.
    FallSilent,
}

/// Says what the server does at a stage, given the client's line; the usual where it says nothing.
type Rule = Box<dyn FnMut(Stage, &str) -> Option<Act> + Send>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    None,
    Implicit,
    /// Done when asked for; offered only by a scripted reply to EHLO.
    StartTls,
}

/// One message as it came over the wire, dots unstuffed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) mail: String,
    pub(crate) rcpt: String,
    pub(crate) data: Vec<u8>,
}

pub(crate) struct SmtpServer {
    pub(crate) port: u16,
    heard: Arc<Mutex<Heard>>,
    /// Aborted when dropped.
    _listening: JoinSet<()>,
}

#[derive(Default)]
struct Heard {
    connections: usize,
    commands: Vec<String>,
    messages: Vec<Received>,
    script: VecDeque<(Stage, Act)>,
    rule: Option<Rule>,
    offer: Option<&'static str>,
    /// One permit for each message that may be taken; none at all where nothing is rationed.
    ration: Option<Arc<Semaphore>>,
    /// Messages that came whole and wait for their permits.
    n_waiting: usize,
    /// Told of every command and message.
    news: Arc<Notify>,
}

impl SmtpServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(Encryption::None).await
    }

    pub(crate) async fn start_with(encryption: Encryption) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let mut listening = JoinSet::new();
        listening.spawn(listen(listener, encryption, Arc::clone(&heard)));
        Self {
            port,
            heard,
            _listening: listening,
        }
    }

    /// The next time that the client does `stage`, the server does `act`.
    pub(crate) fn next(&self, stage: Stage, act: Act) {
        self.heard().script.push_back((stage, act));
    }

    /// From now on the server does what `rule` says, unless the script says otherwise.
    pub(crate) fn rule(&self, rule: impl FnMut(Stage, &str) -> Option<Act> + Send + 'static) {
        self.heard().rule = Some(Box::new(rule));
    }

    /// From now on the server does the usual.
    pub(crate) fn lift_rule(&self) {
        self.heard().rule = None;
    }

    /// From now on EHLO is answered so, unless the script says otherwise.
    pub(crate) fn offer(&self, reply: &'static str) {
        self.heard().offer = Some(reply);
    }

    /// Only `n` more messages are taken; those after them wait for their reply.
    pub(crate) fn ration(&self, n: usize) {
        self.heard().ration = Some(Arc::new(Semaphore::new(n)));
    }

    /// Takes whatever comes, also from those who wait.
    pub(crate) fn lift_ration(&self) {
        if let Some(ration) = self.heard().ration.take() {
            ration.add_permits(Semaphore::MAX_PERMITS / 2);
        }
    }

    /// Waits until `enough` of the messages were taken.
    pub(crate) async fn until(&self, enough: impl Fn(&[Received]) -> bool) {
        let news = Arc::clone(&self.heard().news);
        while !enough(&self.heard().messages) {
            news.notified().await;
        }
    }

    /// Waits until so many messages wait for their ration.
    pub(crate) async fn until_waiting(&self, n: usize) {
        let news = Arc::clone(&self.heard().news);
        while self.heard().n_waiting < n {
            news.notified().await;
        }
    }

    /// Waits until a client says `command`.
    pub(crate) async fn until_command(&self, command: &str) {
        let news = Arc::clone(&self.heard().news);
        while !self.heard().commands.iter().any(|said| said == command) {
            news.notified().await;
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.heard().connections
    }

    /// Every line of the client but the messages.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.heard().commands.clone()
    }

    pub(crate) fn messages(&self) -> Vec<Received> {
        self.heard().messages.clone()
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap()
    }
}

async fn listen(listener: TcpListener, encryption: Encryption, heard: Arc<Mutex<Heard>>) {
    let mut sessions = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        heard.lock().unwrap().connections += 1;
        let heard = Arc::clone(&heard);
        sessions.spawn(async move {
            // The client may go away at any time; that is what many tests are about.
            let _ended = serve(stream, encryption, &heard).await;
        });
    }
}

async fn serve(stream: TcpStream, encryption: Encryption, heard: &Mutex<Heard>) -> io::Result<()> {
    if encryption == Encryption::Implicit {
        let stream = acceptor().accept(stream).await?;
        let mut session = Session::new(stream, heard);
        return session.greet_and_talk().await.map(|_| ());
    }
    let mut session = Session::new(stream, heard);
    if session.greet_and_talk().await? == Ended::ForTls {
        let stream = acceptor().accept(session.stream.into_inner()).await?;
        Session::new(stream, heard).talk().await?;
    }
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Ended {
    ForGood,
    ForTls,
}

struct Session<'a, S> {
    stream: BufReader<S>,
    heard: &'a Mutex<Heard>,
    command: String,
    message: Received,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Session<'a, S> {
    fn new(stream: S, heard: &'a Mutex<Heard>) -> Self {
        Self {
            stream: BufReader::new(stream),
            heard,
            command: String::new(),
            message: Received::default(),
        }
    }

    async fn greet_and_talk(&mut self) -> io::Result<Ended> {
        self.answer(Stage::Connect).await?;
        self.talk().await
    }

    async fn talk(&mut self) -> io::Result<Ended> {
        loop {
            let mut command = String::new();
            if self.stream.read_line(&mut command).await? == 0 {
                return Ok(Ended::ForGood);
            }
            let command = command.trim_end().to_owned();
            {
                let mut heard = self.heard.lock().unwrap();
                heard.commands.push(command.clone());
                heard.news.notify_one();
            }
            let Some(stage) = Stage::of(&command) else {
                return Ok(Ended::ForGood);
            };
            self.command.clone_from(&command);
            let reply = self.answer(stage).await?;
            match (stage, reply.get(..3)) {
                (Stage::Mail, Some("250")) => self.message.mail = command,
                (Stage::Rcpt, Some("250")) => self.message.rcpt = command,
                (Stage::Rset, _) => self.message = Received::default(),
                (Stage::StartTls, Some("220")) => return Ok(Ended::ForTls),
                (Stage::Data, Some("354")) => self.take_message().await?,
                _ => {}
            }
        }
    }

    async fn take_message(&mut self) -> io::Result<()> {
        let mut data = Vec::new();
        loop {
            let mut line = Vec::new();
            if self.stream.read_until(b'\n', &mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line == b".\r\n" {
                break;
            }
            data.extend(line.strip_prefix(b".").unwrap_or(&line));
        }
        let mut message = std::mem::take(&mut self.message);
        message.data = data;
        let ration = self.heard.lock().unwrap().ration.clone();
        if let Some(ration) = ration {
            self.note_waiting(|n| n + 1);
            ration.acquire().await.unwrap().forget();
            self.note_waiting(|n| n - 1);
        }
        let reply = self.answer(Stage::Dot).await?;
        if reply.starts_with("250") {
            let mut heard = self.heard.lock().unwrap();
            heard.messages.push(message);
            heard.news.notify_one();
        }
        Ok(())
    }

    fn note_waiting(&self, count: impl FnOnce(usize) -> usize) {
        let mut heard = self.heard.lock().unwrap();
        heard.n_waiting = count(heard.n_waiting);
        heard.news.notify_one();
    }

    /// RCPT without MAIL, DATA without RCPT.
    fn is_out_of_order(&self, stage: Stage) -> bool {
        match stage {
            Stage::Rcpt => self.message.mail.is_empty(),
            Stage::Data => self.message.rcpt.is_empty(),
            _ => false,
        }
    }

    /// Does what the script says for `stage`, else the usual; returns the reply.
    async fn answer(&mut self, stage: Stage) -> io::Result<&'static str> {
        let (scripted, offer) = {
            let mut heard = self.heard.lock().unwrap();
            let is_first = heard.script.front().is_some_and(|(next, _)| *next == stage);
            let scripted = if is_first {
                heard.script.pop_front().map(|(_, act)| act)
            } else {
                let rule = heard.rule.as_mut();
                rule.and_then(|rule| rule(stage, &self.command))
            };
            (scripted, heard.offer.filter(|_| stage == Stage::Ehlo))
        };
        let reply = match scripted {
            Some(Act::HangUp) => return Err(io::ErrorKind::ConnectionAborted.into()),
            Some(Act::ReplyAndHangUp(reply)) => {
                self.say(reply).await?;
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Some(Act::FallSilent) => std::future::pending().await,
            Some(Act::Reply(reply)) => reply,
            None if self.is_out_of_order(stage) => "503 5.5.1 bad sequence",
            None => offer.unwrap_or(stage.usual_reply()),
        };
        self.say(reply).await?;
        Ok(reply)
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        let line = format!("{reply}\r\n");
        self.stream.write_all(line.as_bytes()).await?;
        self.stream.flush().await
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls");
    fs::read(folder.join(name)).unwrap()
}

fn acceptor() -> TlsAcceptor {
    let chain = CertificateDer::from_pem_slice(&fixture("localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(&fixture("localhost.key")).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Trusts the server's certificate, as long as it is called `localhost`.
pub(crate) fn trusting() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&fixture("ca.pem")).unwrap())
        .unwrap();
    client(roots)
}

/// Trusts nobody.
pub(crate) fn distrustful() -> Arc<ClientConfig> {
    client(RootCertStore::empty())
}

fn client(roots: RootCertStore) -> Arc<ClientConfig> {
    let config = ClientConfig::builder().with_root_certificates(roots);
    Arc::new(config.with_no_client_auth())
}
