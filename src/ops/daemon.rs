//! The daemon: listeners and tasks, until told to stop.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::{
    Router,
    extract::Request,
    handler::Handler,
    routing::{MethodRouter, any_service},
};
use tokio::{
    net::{TcpListener, UnixListener},
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    app::App,
    config::{Config, reader::World},
    control,
    driver::Driver,
    metrics, narrate, shutdown,
};
use crate::{
    sources::{Origin, Source, watch::Watch},
    task::{Activator, chain},
    web,
};

/// How long tasks may take to finish what they have in hand; below systemd's 90 s.
const GRACE: Duration = Duration::from_secs(30);

/// Whether the daemon mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    On,
    /// Everything is planned, nothing leaves the outbox.
    Off,
}

/// The listeners, bound and not yet served.
#[derive(Debug)]
pub struct Listeners {
    pub public: TcpListener,
    pub admin: TcpListener,
}

impl Listeners {
    pub async fn bind(app: &App) -> Result<Listeners> {
        let bind = async |what: &str, address| {
            TcpListener::bind(address)
                .await
                .with_context(|| format!("listen at {address} ({what})"))
        };
        let web = &app.config.web;
        Ok(Listeners {
            public: bind("web.listen", web.listen).await?,
            admin: bind("web.admin_listen", web.admin_listen).await?,
        })
    }
}

/// Runs until SIGTERM or SIGINT, and returns when everything in hand is finished and kept.
///
/// At SIGHUP it reads `files` again: a sound configuration takes the place of the old one and
/// no connection is lost, a bad one is logged and changes nothing.
pub async fn run(app: App, files: &[PathBuf], sending: Sending) -> Result<()> {
    let signals = shutdown::on_signal(app.stop.clone())?;
    let mut hangups = signal(SignalKind::hangup())?;
    let listeners = Listeners::bind(&app).await?;
    let public = |app: &App| web::router(app.web.clone());
    let next = async |app: &App| next(app, files, &mut hangups).await;
    let serving = serve(Arc::new(app), listeners, public, sending, next);
    tokio::select! {
        served = serving => served,
        never = signals => match never {},
    }
}

/// Serves `public` and works until the app's `stop` is cancelled; whenever `next` yields another
/// app, it takes over.
pub async fn serve(
    mut app: Arc<App>,
    listeners: Listeners,
    public: impl Fn(&App) -> Router,
    sending: Sending,
    mut next: impl AsyncFnMut(&App) -> App,
) -> Result<()> {
    let control = Arc::new(control::listen(&app.config.data_dir)?);
    let released = app.store.release_leases(app.clock.now()).await?;
    if released > 0 {
        info!(
            deliveries = released,
            "resuming deliveries that were in hand when the last run ended"
        );
    }
    let addresses = (
        listeners.public.local_addr()?,
        listeners.admin.local_addr()?,
    );
    let (face, shown) = watch::channel(any_service(public(&app)));
    let (latest_app, apps) = watch::channel(app.clone());
    let admin = web::admin_router(app.web.clone()).merge(metrics::router(apps));
    let mut doors = Driver::new(app.clock.clone(), app.stop.clone());
    let stop = || app.stop.clone();
    doors.attend(
        "public listener",
        listen(listeners.public, latest(shown), stop()),
    );
    doors.attend("admin listener", listen(listeners.admin, admin, stop()));
    loop {
        info!(
            public = %addresses.0,
            admin = %addresses.1,
            sources = app.config.sources.len(),
            editions = app.config.editions.len(),
            "courant {} is running", env!("CARGO_PKG_VERSION"),
        );
        let work = start(&app);
        let hands = start_hands(&app, &control, sending);
        let successor = tokio::select! {
            () = app.stop.cancelled() => None,
            next = next(&app) => Some(next),
        };
        app.retired.cancel();
        let Some(successor) = successor else {
            tokio::join!(work.finish(GRACE), hands.finish(GRACE), doors.finish(GRACE));
            info!("stopped");
            return Ok(());
        };
        app = Arc::new(successor);
        latest_app.send_replace(app.clone());
        // Visitors see it at once, but nothing may judge beside those who still do.
        drop(face.send_replace(any_service(public(&app))));
        doors.attend("what was in hand before a reload", hands.ended());
        work.finish(GRACE).await;
    }
}

/// Starts what is found again where it was broken off.
fn start(app: &Arc<App>) -> Driver {
    let mut driver = Driver::new(app.clock.clone(), app.retired.clone());
    driver.start(app.ingest.clone(), app.wakes.ingest.clone());
    driver.attend("folder watch", watch_folders(app.clone()));
    driver.start(app.deliveries.clone(), app.wakes.deliveries.clone());
    driver.start(app.renew.clone(), Activator::default());
    driver.start(app.publish.clone(), app.wakes.publish.clone());
    driver.start(app.confirm.clone(), app.wakes.optin.clone());
    driver.attend("delivery log", narrate::narrate(app.clone()));
    driver
}

/// Starts what takes nothing more in hand when the app retires, and has to finish what it has: a
/// message that is broken off before the relay's last reply arrives twice, and a relay may take
/// minutes over it (RFC 5321, section 4.5.3.2.6).
fn start_hands(app: &Arc<App>, control: &Arc<UnixListener>, sending: Sending) -> Driver {
    let mut driver = Driver::new(app.clock.clone(), app.retired.clone());
    driver.attend(
        "control socket",
        control::serve(control.clone(), app.clone()),
    );
    if let Some(deliver) = app.deliver.as_ref().filter(|_| sending == Sending::On) {
        driver.start(deliver.clone(), app.wakes.delivery.clone());
    }
    driver
}

/// Has folders polled when something in them changes, until the app retires.
async fn watch_folders(app: Arc<App>) {
    let folder = |source: &Source| match &source.origin {
        Origin::Folder(path) => Some((source.name.clone(), path.clone())),
        _ => None,
    };
    let folders: Vec<_> = app.config.sources.iter().filter_map(folder).collect();
    if folders.is_empty() {
        return;
    }
    let (watch, unwatched) = Watch::start(folders);
    for folder in unwatched {
        warn!("{folder}");
    }
    let Some(watch) = watch else { return };
    loop {
        tokio::select! {
            () = app.retired.cancelled() => return,
            changed = watch.changed() => for source in changed {
                if let Err(err) = app.ingest.stir(&source).await {
                    warn!("source {source}: {}", chain(&err));
                }
            }
        }
        app.wakes.ingest.wake();
    }
}

/// Has every request answered by the latest of `routers`, so that a listener outlives them.
fn latest(routers: watch::Receiver<MethodRouter>) -> Router {
    Router::new().fallback(move |request: Request| {
        let router = routers.borrow().clone();
        async move { router.call(request, ()).await }
    })
}

async fn listen(listener: TcpListener, router: Router, stop: CancellationToken) {
    let serving =
        axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await });
    if let Err(err) = serving.await {
        error!("a listener failed: {err}");
    }
}

/// Waits for a SIGHUP, or an order to the same end, that finds a sound configuration in `files`.
async fn next(app: &App, files: &[PathBuf], hangups: &mut Signal) -> App {
    loop {
        tokio::select! {
            _ = hangups.recv() => {}
            () = app.reload.woken() => {}
        }
        let config = match Config::load(files, World::Checked) {
            Ok(config) => config,
            Err(problems) => {
                problems.iter().for_each(|problem| error!("{problem}"));
                warn!("the configuration is bad; the old one stays");
                continue;
            }
        };
        match app.renewed(until_restart(&app.config, config)).await {
            Ok(app) => return app,
            Err(err) => error!("the configuration cannot be used, and the old one stays: {err:#}"),
        }
    }
}

/// Keeps of `old` what a process is bound to from its start.
fn until_restart(old: &Config, new: Config) -> Config {
    for (key, changes) in [
        ("site.data_dir", old.data_dir != new.data_dir),
        ("store.path", old.store_path != new.store_path),
        ("web.listen", old.web.listen != new.web.listen),
        (
            "web.admin_listen",
            old.web.admin_listen != new.web.admin_listen,
        ),
    ] {
        if changes {
            warn!("{key} has changed; it takes effect at the next start");
        }
    }
    Config {
        data_dir: old.data_dir.clone(),
        store_path: old.store_path.clone(),
        web: old.web.clone(),
        ..new
    }
}
