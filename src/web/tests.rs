//! The public face from outside: a listener on loopback, and bytes.

mod consent;
mod feeds;
mod pages;
mod shelf;

use std::{collections::HashMap, net::SocketAddr, sync::atomic::Ordering, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    editions::fixture::{article, edition, full, morning, site, source},
    id::{SubscriberId, TopicSlug},
    ingest::{
        memory::Merits,
        read::Reader,
        topics::{Rule, Topic},
        turns::Turns,
    },
    secret::Key,
    sources::{
        fetch::{FetchConfig, Fetcher},
        guard::Guard,
        visit::Visitor,
    },
    subscribers::{
        How, Scope,
        token::{CONFIRM_WITHIN, Keyring, TokenPurpose},
    },
};
use shelf::Shelf;

/// A site that is served as long as it lives.
struct Served {
    shelf: Arc<Shelf>,
    address: SocketAddr,
    wake_optin: Activator,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }
}

async fn serve(shelf: Shelf) -> Served {
    let shelf = Arc::new(shelf);
    let wake_optin = Activator::default();
    let state = State {
        store: shelf.clone(),
        ingest: Arc::new(ingest(&shelf)),
        hooks: Hooks {
            inbox: Arc::new(Inbox::new(0)),
            wake: Activator::default(),
            sha1: Sha1::Refused,
            max_bytes: 0,
        },
        site: Arc::new(site()),
        editions: Arc::new([edition()]),
        source_titles: Arc::new(
            [(source("courier"), "The Courier".to_owned())]
                .into_iter()
                .collect(),
        ),
        templates: Arc::new(Templates::load(None).unwrap()),
        tokens: Arc::new(tokens()),
        clock: Clock::standing_at(morning()),
        wake_optin: wake_optin.clone(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .merge(router(state.clone()))
        .nest("/admin", admin_router(state));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    Served {
        shelf,
        address,
        wake_optin,
        _tasks: tasks,
    }
}

fn topic(slug: &str, title: &str) -> Topic {
    Topic {
        slug: TopicSlug::parse(slug).unwrap(),
        title: title.to_owned(),
        rule: Rule::default(),
    }
}

/// Nothing is pushed in these tests.
fn ingest(shelf: &Arc<Shelf>) -> IngestDueSources {
    let config = FetchConfig::new("Courant".to_owned(), Guard::default());
    let fetcher = Fetcher::new(config).unwrap();
    let clock = Clock::standing_at(morning());
    IngestDueSources {
        polls: shelf.clone(),
        store: shelf.clone(),
        articles: shelf.clone(),
        reader: Reader {
            visitor: Visitor::new(fetcher.clone()),
            fetcher,
            store: shelf.clone(),
        },
        sources: Arc::default(),
        topics: Arc::new([topic("harbour", "At the harbour"), topic("quays", "Quays")]),
        turns: Turns::new(clock.clone(), Duration::ZERO),
        clock,
        retired: CancellationToken::new(),
        merits: Arc::new(Merits {
            window: TimeDelta::days(7),
            priorities: HashMap::new(),
        }),
        memory: Arc::default(),
    }
}

impl Served {
    /// Sends what stands in `head` (request line and further fields), and `body`.
    async fn send(&self, head: &str, body: &str) -> Answer {
        let (line, fields) = head.split_once('\n').unwrap_or((head, ""));
        let mut request = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        for field in fields.lines() {
            request.push_str(&format!("{}\r\n", field.trim()));
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();

        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let fields = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        Answer {
            status: head[9..12].parse().unwrap(),
            headers: fields
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), "").await
    }

    async fn post(&self, path: &str, form: &str) -> Answer {
        self.send(
            &format!("POST {path}\nContent-Type: application/x-www-form-urlencoded"),
            form,
        )
        .await
    }
}

/// A library of two articles, and one digest of them.
fn library() -> Shelf {
    Shelf::default()
        .with(full(1, "The wall").article)
        .with(article(2, "The ferry"))
}

fn tokens() -> Tokens {
    Tokens::new(Keyring {
        current: Key::new(&[7; Key::BYTES]),
        retired: Vec::new(),
    })
}

fn link(page: &str, purpose: TokenPurpose, at: DateTime<Utc>) -> String {
    let token = tokens().mint(purpose, SubscriberId(1), &edition().slug, at);
    format!("/{page}/{token}")
}

/// Five years old: this kind does not run out.
fn unsubscribe_token() -> String {
    link(
        "unsubscribe",
        TokenPurpose::Unsubscribe,
        morning() - TimeDelta::days(5 * 365),
    )
}

fn confirm_token() -> String {
    link("confirm", TokenPurpose::Confirm, morning())
}
