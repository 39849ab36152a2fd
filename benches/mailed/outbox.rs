//! A store with a crowd, a digest planned for it, and the courier that delivers it.

use std::{net::SocketAddr, num::NonZeroUsize, path::Path, sync::Arc};

use anyhow::{Context, bail, ensure};
use courant::{
    clock::Clock,
    delivery::{
        Audience, Content, Doubt, OutboxStore, Plan, Planned,
        destination::Destinations,
        dkim::Signer,
        ledger::Ledger,
        relay::{Relay, RelayUrl},
        retry::Patience,
        route::Route,
        task::{Config, DeliverOutbox},
    },
    id::{ContentId, EditionSlug, RelayName},
    secret::Key,
    store::sled::SledStore,
    subscribers::{Confirm, How, Request, SubscriberStore, address::EmailAddress},
    task::Task,
};
use tokio_util::sync::CancellationToken;

use super::links;

/// Opens a new store in `folder` in which `people` are subscribed.
pub(crate) async fn crowd(folder: &Path, people: u64) -> anyhow::Result<Arc<SledStore>> {
    let pepper = Key::new(&[7; Key::BYTES]);
    let store = Arc::new(SledStore::open(&folder.join("store"), pepper)?);
    let now = Clock::System.now();
    for first in (0..people).step_by(1_000) {
        let some = first..people.min(first + 1_000);
        let some = some.map(request).collect::<anyhow::Result<_>>()?;
        store.request(some, now).await?;
    }
    Ok(store)
}

fn request(n: u64) -> anyhow::Result<Request> {
    let hosts = ["gmail.com", "outlook.com", "example.net", "example.org"];
    let host = hosts[usize::try_from(n % 4)?];
    Ok(Request {
        address: EmailAddress::parse(&format!("reader{n}@{host}"))?,
        name: Some(format!("Reader {n}")),
        edition: EditionSlug::parse("world")?,
        confirm: Confirm::Waived,
        how: How::Import {
            basis: "asked for it".to_owned(),
        },
    })
}

pub(crate) async fn plan(
    store: &SledStore,
    key: &str,
    content: &Content,
) -> anyhow::Result<ContentId> {
    let plan = Plan {
        key: key.to_owned(),
        content: content.clone(),
        audience: Audience::Subscribed,
        stale: None,
        destinations: Arc::new(Destinations::built_in()),
        now: Clock::System.now(),
    };
    match store.plan(plan).await? {
        Planned::New { content, .. } => Ok(content),
        Planned::Already(content) => bail!("{content} was planned before"),
    }
}

/// A courier with so many `connections` to each of `relays`.
pub(crate) fn courier(
    store: &Arc<SledStore>,
    relays: &[SocketAddr],
    connections: usize,
    signer: Signer,
) -> anyhow::Result<DeliverOutbox> {
    let trust = rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let trust = Arc::new(trust);
    let connections = NonZeroUsize::new(connections).context("no connections")?;
    let routes = relays.iter().enumerate().map(|(n, address)| {
        let url = RelayUrl::parse(&format!("smtp://{address}?tls=none"))?;
        let hello = "bench.example.org".to_owned();
        let relay = Relay::new(url, None, hello, Arc::clone(&trust))?;
        let name = RelayName::parse(&format!("mx{n}"))?;
        Ok(Route::new(name, relay, connections))
    });
    let config = Config {
        links: links()?,
        signer,
        doubt: Doubt::Retry,
        patience: Patience::default(),
        paces: Vec::new(),
    };
    Ok(DeliverOutbox::new(
        Arc::new(Ledger::new(store.clone())),
        routes.collect::<anyhow::Result<_>>()?,
        config,
        Clock::System,
        CancellationToken::new(),
    ))
}

/// Delivers everything that is due, and makes sure that it is `messages`.
pub(crate) async fn deliver(courier: &DeliverOutbox, messages: u64) -> anyhow::Result<()> {
    let report = courier.activate(Clock::System.now()).await;
    ensure!(report.errors.is_empty(), "{:?}", report.errors);
    let sent = report.counts.iter().find(|(what, _)| *what == "sent");
    ensure!(sent == Some(&("sent", messages)), "{:?}", report.counts);
    Ok(())
}
