//! Builds everything from a configuration. Nothing runs yet when it is built.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow};
use chrono::TimeDelta;
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::{
    sync::Mutex,
    task::spawn_blocking,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{config::Config, control, guard, keys::Keys};
use crate::{
    clock::Clock,
    delivery::{
        compose::{Links, verp::Verp},
        dkim::Signer,
        ledger::Ledger,
        relay::Relay,
        route::Route,
        task::{self, DeliverOutbox},
    },
    editions::{Edition, optin::RequestConfirmations, render::Templates, task::PublishDigests},
    id::EditionSlug,
    ingest::{
        deliveries::{Inbox, TakeDeliveries},
        memory::{Memory, Merits},
        read::Reader,
        task::IngestDueSources,
        turns::Turns,
    },
    port::StoreError,
    secret::Key,
    sources::{Source, fetch::Fetcher, renew::RenewSubscriptions, visit::Visitor},
    store::{Store, sled::SledStore},
    subscribers::token::{Keyring, Tokens},
    task::Activator,
    web,
};

/// How long another command may have the store.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// All parts of a Courant, ready to be run or to obey an order.
pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub store: Arc<dyn Store>,
    pub ingest: Arc<IngestDueSources>,
    pub deliveries: Arc<TakeDeliveries>,
    pub renew: Arc<RenewSubscriptions>,
    pub publish: Arc<PublishDigests>,
    pub confirm: Arc<RequestConfirmations>,
    /// None without a relay.
    pub deliver: Option<Arc<DeliverOutbox>>,
    pub web: web::State,
    pub wakes: Wakes,
    /// Sign the return paths of mail, and tell which of those that come back are genuine.
    pub bounce_keys: Keyring,
    ledger: Arc<Ledger>,
    /// Has the daemon read its configuration again, as SIGHUP does.
    pub reload: Activator,
    /// Cancelled when the process should end.
    pub stop: CancellationToken,
    /// Cancelled when these parts should finish: at the end, or because others take their place.
    pub retired: CancellationToken,
}

/// Shortens the wait of the task of that name.
#[derive(Clone, Debug, Default)]
pub struct Wakes {
    pub ingest: Activator,
    pub publish: Activator,
    pub optin: Activator,
    pub deliveries: Activator,
    pub delivery: Activator,
}

/// What goes from one configuration to the next beside the store. For a moment the old parts and the
/// new ones are at work together, and only one of them may judge.
struct Shared {
    memory: Arc<Mutex<Option<Memory>>>,
    inbox: Arc<Inbox>,
    bounce_keys: Keyring,
    ledger: Arc<Ledger>,
}

impl App {
    pub async fn build(config: Config) -> Result<App> {
        Self::build_at(config, Clock::System).await
    }

    /// Opens the store and prepares every part; `clock` is what all of them take for the time.
    pub async fn build_at(config: Config, clock: Clock) -> Result<App> {
        let keys = Keys::open(&config.data_dir)?;
        let store = Arc::new(open_store(&config, keys.suppression).await?);
        let tokens = Arc::new(Tokens::new(keys.tokens));
        let shared = Shared {
            memory: Arc::default(),
            inbox: Arc::new(Inbox::new(2 * config.fetch.max_bytes)),
            bounce_keys: keys.bounces,
            ledger: Arc::new(Ledger::new(store.clone())),
        };
        guard::watch(&config.data_dir, &*store, clock.now()).await?;
        let stop = CancellationToken::new();
        Self::assemble(config, clock, store, tokens, shared, stop).await
    }

    /// Prepares every part anew, over the same store.
    pub async fn renewed(&self, config: Config) -> Result<App> {
        let (store, tokens) = (self.store.clone(), self.web.tokens.clone());
        let (clock, stop) = (self.clock.clone(), self.stop.clone());
        let shared = Shared {
            memory: self.ingest.memory.clone(),
            inbox: self.deliveries.inbox.clone(),
            bounce_keys: self.bounce_keys.clone(),
            ledger: self.ledger.clone(),
        };
        let app = Self::assemble(config, clock, store, tokens, shared, stop).await?;
        Ok(App {
            reload: self.reload.clone(),
            ..app
        })
    }

    async fn assemble(
        config: Config,
        clock: Clock,
        store: Arc<dyn Store>,
        tokens: Arc<Tokens>,
        shared: Shared,
        stop: CancellationToken,
    ) -> Result<App> {
        let templates = Templates::load(config.templates.as_deref())
            .map_err(|problems| anyhow!(lines(&problems)))?;
        let titles = config
            .sources
            .iter()
            .map(|source| (source.name.clone(), source.title.clone()));
        let wakes = Wakes::default();
        let retired = stop.child_token();
        let fetcher = fetcher(&config, &store).await?;
        let ingest = Arc::new(IngestDueSources {
            polls: store.clone(),
            store: store.clone(),
            articles: store.clone(),
            reader: Reader {
                visitor: Visitor::new(fetcher.clone()),
                fetcher: fetcher.clone(),
                store: store.clone(),
            },
            sources: config.sources.clone(),
            topics: config.topics.clone(),
            turns: Turns::new(clock.clone(), config.fetch.spacing),
            clock: clock.clone(),
            retired: retired.clone(),
            merits: Arc::new(merits(&config)),
            memory: shared.memory.clone(),
        });
        let deliveries = Arc::new(TakeDeliveries {
            inbox: shared.inbox.clone(),
            ingest: ingest.clone(),
            wake: wakes.ingest.clone(),
        });
        let web = web::State {
            store: store.clone(),
            ingest: ingest.clone(),
            hooks: web::Hooks {
                inbox: deliveries.inbox.clone(),
                wake: wakes.deliveries.clone(),
                sha1: config.websub_sha1,
                max_bytes: config.fetch.max_bytes,
            },
            site: Arc::new(config.site.clone()),
            editions: config.editions.clone().into(),
            source_titles: Arc::new(titles.collect()),
            templates: Arc::new(templates),
            tokens,
            clock: clock.clone(),
            wake_optin: wakes.optin.clone(),
        };
        Ok(App {
            ingest,
            deliveries,
            renew: Arc::new(renew(&config, &store, fetcher)),
            publish: Arc::new(publish(&config, &web, &wakes)),
            confirm: Arc::new(confirm(&config, &web, &wakes)),
            deliver: deliver(&config, &web, &shared, &retired)?.map(Arc::new),
            config,
            clock,
            store,
            web,
            wakes,
            bounce_keys: shared.bounce_keys,
            ledger: shared.ledger,
            reload: Activator::default(),
            stop,
            retired,
        })
    }

    pub fn edition(&self, slug: &EditionSlug) -> Result<&Edition> {
        let known = || {
            self.config
                .editions
                .iter()
                .map(|edition| edition.slug.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let edition = self
            .config
            .editions
            .iter()
            .find(|edition| edition.slug == *slug);
        edition.ok_or_else(|| anyhow!("there is no edition `{slug}`; known: {}", known()))
    }
}

/// Opens the store. A command that has it is done in a moment; a daemon keeps it.
async fn open_store(config: &Config, pepper: Key) -> Result<SledStore> {
    let until = Instant::now() + PATIENCE;
    loop {
        let (path, pepper) = (config.store_path.clone(), pepper.clone());
        let opened = spawn_blocking(move || SledStore::open(&path, pepper)).await?;
        let is_locked = matches!(opened, Err(StoreError::Locked { .. }));
        if !is_locked || Instant::now() > until || has_daemon(config).await {
            return Ok(opened?);
        }
        sleep(LOOK_AGAIN).await;
    }
}

async fn has_daemon(config: &Config) -> bool {
    matches!(control::connect(&config.data_dir).await, Ok(Some(_)))
}

fn merits(config: &Config) -> Merits {
    let priorities = config.sources.iter().filter(|source| source.priority != 0);
    let priority = |source: &Source| (source.name.clone(), source.priority);
    Merits {
        window: TimeDelta::from_std(config.reprint_window).unwrap_or_default(),
        priorities: priorities.map(priority).collect(),
    }
}

/// Tells publishers for how many subscribers we ask.
async fn fetcher(config: &Config, store: &Arc<dyn Store>) -> Result<Fetcher> {
    let mut subscribers = 0;
    for edition in &config.editions {
        subscribers += store.count(&edition.slug).await.unwrap_or(0);
    }
    let fetch = config.fetch.clone().on_behalf_of(subscribers);
    Fetcher::new(fetch).context("prepare the HTTP client")
}

fn renew(config: &Config, store: &Arc<dyn Store>, fetcher: Fetcher) -> RenewSubscriptions {
    RenewSubscriptions {
        store: store.clone(),
        fetcher,
        sources: config.sources.clone(),
        base_url: config.site.base_url.clone(),
    }
}

fn publish(config: &Config, parts: &web::State, wakes: &Wakes) -> PublishDigests {
    PublishDigests {
        articles: parts.store.clone(),
        editions: parts.store.clone(),
        outbox: parts.store.clone(),
        rules: parts.editions.clone(),
        site: parts.site.clone(),
        titles: parts.source_titles.clone(),
        templates: parts.templates.clone(),
        destinations: config.destinations.clone(),
        delivery: wakes.delivery.clone(),
    }
}

fn confirm(config: &Config, parts: &web::State, wakes: &Wakes) -> RequestConfirmations {
    RequestConfirmations {
        subscribers: parts.store.clone(),
        outbox: parts.store.clone(),
        editions: parts.editions.clone(),
        site: parts.site.clone(),
        templates: parts.templates.clone(),
        destinations: config.destinations.clone(),
        delivery: wakes.delivery.clone(),
    }
}

fn deliver(
    config: &Config,
    parts: &web::State,
    shared: &Shared,
    retired: &CancellationToken,
) -> Result<Option<DeliverOutbox>> {
    if config.relays.is_empty() {
        return Ok(None);
    }
    let trust =
        ClientConfig::with_platform_verifier().context("read the certificates of this machine")?;
    let base_url = parts.site.base_url.clone();
    let hello = base_url.host_str().unwrap_or("localhost").to_owned();
    let trust = Arc::new(trust);
    let routes = config.relays.iter().map(|relay| {
        let (url, password) = (relay.url.clone(), relay.password.clone());
        let taker = Relay::new(url, password, hello.clone(), trust.clone())
            .with_context(|| format!("prepare the relay {}", relay.name))?
            .with_max_messages(relay.max_messages);
        let mut route = Route::new(relay.name.clone(), taker, relay.connections);
        route.weight = relay.weight;
        route.pace = relay.pace.clone();
        Ok(route)
    });
    let routes = routes.collect::<Result<_>>()?;
    let links = Links {
        base_url,
        tokens: parts.tokens.as_ref().clone(),
        bounces: config
            .bounce_address
            .clone()
            .map(|address| Verp::new(address, shared.bounce_keys.clone())),
    };
    let task = task::Config {
        links,
        signer: Signer::new(&config.dkim),
        doubt: config.doubt,
        patience: config.patience,
        paces: config.paces.clone(),
    };
    Ok(Some(DeliverOutbox::new(
        shared.ledger.clone(),
        routes,
        task,
        parts.clock.clone(),
        retired.clone(),
    )))
}

fn lines<T: ToString>(problems: &[T]) -> String {
    problems
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}
