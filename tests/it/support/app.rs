//! The whole product in this process: its clock stands until a test moves it, its tasks rest until
//! a test activates them, and its public listener is real.

use std::{fs, path::Path, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use courant::{
    clock::Clock,
    delivery::Tally,
    id::EditionSlug,
    ops::{
        app::App,
        config::{Config, reader::Layers},
    },
    subscribers::{Confirm, How, Request, address::EmailAddress},
    task::{Report, Task},
    web,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};

use super::{client::Client, http::Server, mail::Mail};

/// When every test begins, a Monday. The digest `morning` is due an hour later.
pub(crate) fn start() -> DateTime<Utc> {
    "2026-11-23T06:00:00Z".parse().unwrap()
}

/// A site with an edition and a digest; sources come from the test.
const CONFIG: &str = r#"
[site]
title = "The Courant"
base_url = "https://courant.example/"
sender = "editor@courant.example"
postal_address = "1 Press Lane, Saltmere"
data_dir = "data"

[[edition]]
slug = "daily"
title = "The Daily"

[[edition.digest]]
name = "morning"
schedule = "0 7 * * *"
"#;

const FOLDER_RELAY: &str = "folder:mail";

pub(crate) struct TestApp {
    pub(crate) app: Arc<App>,
    /// Asks the public listener.
    pub(crate) client: Client,
    folder: TempDir,
    config: String,
    serving: JoinSet<()>,
}

impl TestApp {
    /// `more` is added to the configuration; mail goes into a folder.
    pub(crate) async fn start(more: &str) -> Self {
        Self::start_with_relay(more, FOLDER_RELAY).await
    }

    pub(crate) async fn start_with_relay(more: &str, relay: &str) -> Self {
        let relay = format!("[[relay]]\nname = \"relay\"\nurl = \"{relay}\"\nconnections = 2\n");
        let config = format!("{CONFIG}\n{more}\n{relay}");
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("desk")).unwrap();
        Self::build(folder, config, Clock::standing_at(start())).await
    }

    async fn build(folder: TempDir, config: String, clock: Clock) -> Self {
        let mut layers = Layers::default();
        let file = folder.path().join("courant.toml");
        layers.add(&file.display().to_string(), &config);
        let read = Config::read(&layers).unwrap();
        let app = Arc::new(App::build_at(read, clock).await.unwrap());
        let public = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let client = Client(public.local_addr().unwrap());
        let (router, stop) = (web::router(app.web.clone()), app.stop.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let stopped = async move { stop.cancelled().await };
            let served = axum::serve(public, router).with_graceful_shutdown(stopped);
            served.await.unwrap();
        });
        Self {
            app,
            client,
            folder,
            config,
            serving,
        }
    }

    /// Ends the process, as it were, and starts it again in the same folder at the same time.
    pub(crate) async fn restart(mut self) -> Self {
        self.app.stop.cancel();
        while self.serving.join_next().await.is_some() {}
        let clock = self.app.clock.clone();
        let store = Arc::downgrade(&self.app.store);
        drop(self.app);
        assert_eq!(store.strong_count(), 0, "somebody still holds the store");
        Self::build(self.folder, self.config, clock).await
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.app.clock.advance(by);
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.app.clock.now()
    }

    /// Runs one task once, as the daemon would at this moment.
    pub(crate) async fn activate(&self, task: &str) -> Report {
        let app = &self.app;
        let deliver = app.deliver.clone().unwrap();
        let tasks: [Arc<dyn Task>; 6] = [
            app.ingest.clone(),
            app.deliveries.clone(),
            app.renew.clone(),
            app.publish.clone(),
            app.confirm.clone(),
            deliver,
        ];
        let task = tasks.iter().find(|one| one.name() == task).unwrap();
        task.activate(self.now()).await
    }

    /// Runs every task once, in the order of the flow; nothing may go wrong.
    pub(crate) async fn work(&self) {
        for task in [
            "ingest_due_sources",
            "publish_digests",
            "request_confirmations",
            "deliver_outbox",
        ] {
            let report = self.activate(task).await;
            assert_eq!(report.errors, [""; 0], "{task}");
        }
    }

    /// Takes in what is there, and goes on to half past seven in the morning, when the digest is sent.
    pub(crate) async fn next_morning(&self) {
        self.advance(TimeDelta::minutes(10));
        self.work().await;
        let slot = self
            .now()
            .date_naive()
            .and_hms_opt(7, 30, 0)
            .unwrap()
            .and_utc();
        let next = if slot > self.now() {
            slot
        } else {
            slot + TimeDelta::days(1)
        };
        self.advance(next - self.now());
        self.work().await;
    }

    /// Subscribes a crowd, and plans a digest for it of which nothing is sent yet.
    pub(crate) async fn plan_for(&self, crowd: impl IntoIterator<Item = String>) {
        let requests = crowd.into_iter().map(|address| imported(&address));
        let requested = self.app.store.request(requests.collect(), self.now());
        requested.await.unwrap();
        self.work().await;
        self.write(&["Ferry"]);
        self.advance(TimeDelta::minutes(10));
        self.work().await;
        self.advance(TimeDelta::hours(1));
        let report = self.activate("publish_digests").await;
        assert_eq!(report.errors, [""; 0]);
    }

    /// Sends for as long as `span`, as the daemon would; returns what it would have logged.
    pub(crate) async fn send_for(&self, span: TimeDelta) -> Vec<String> {
        let end = self.now() + span;
        let period = TimeDelta::seconds(10);
        let mut told = Vec::new();
        while self.now() < end {
            let report = self.activate("deliver_outbox").await;
            told.extend(report.errors);
            told.extend(report.notices);
            self.advance(period);
        }
        told
    }

    /// Sends once while the clock runs, which stands whenever a message is on its way.
    pub(crate) async fn send_while_time_passes(&self) -> Report {
        let relays = self.app.deliver.clone().unwrap();
        let sending = self.activate("deliver_outbox");
        tokio::pin!(sending);
        loop {
            tokio::select! {
                report = &mut sending => return report,
                () = tokio::task::yield_now() => {}
            }
            let counts = relays.traffic().relays(self.now());
            if counts.iter().all(|(_, counts)| counts.open == 0) {
                self.advance(TimeDelta::milliseconds(100));
            }
        }
    }

    /// How many deliveries of the digest are in which status.
    pub(crate) async fn tally(&self) -> Tally {
        let issues = self.app.store.issues(1).await.unwrap();
        issues[0].tally
    }

    /// Whose address is suppressed.
    pub(crate) async fn suppressed(&self, crowd: impl IntoIterator<Item = String>) -> Vec<String> {
        let mut found = Vec::new();
        for address in crowd {
            if self.profile(&address).await.suppressed.is_some() {
                found.push(address);
            }
        }
        found
    }

    /// What the folder relay has taken so far.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        Mail::in_folder(&self.path().join("mail"))
    }

    /// Puts a file for each title into the folder of [`DESK`].
    pub(crate) fn write(&self, titles: &[&str]) {
        for title in titles {
            write_article(&self.path().join("desk"), title);
        }
    }
}

/// Somebody who agreed elsewhere to get the edition `daily`.
pub(crate) fn imported(address: &str) -> Request {
    Request {
        address: EmailAddress::parse(address).unwrap(),
        name: None,
        edition: EditionSlug::parse("daily").unwrap(),
        confirm: Confirm::Waived,
        how: How::Import {
            basis: "a list on paper".to_owned(),
        },
    }
}

/// A source of the folder `desk`; of a first fetch everything may be mailed.
pub(crate) const DESK: &str =
    "[[source]]\nname = \"desk\"\nfolder = \"desk\"\nmail_first = 100\ninterval = \"5m\"\n";

/// One Markdown file, dated when every test begins.
pub(crate) fn write_article(folder: &Path, title: &str) {
    let text = format!(
        "---\ntitle: {title}\ndate: 2026-11-23T05:00:00Z\n---\n\nAll that is known of {title}.\n"
    );
    fs::write(folder.join(format!("{title}.md")), text).unwrap();
}

/// A source `name` that is fetched from `server`.
pub(crate) fn feed_source(name: &str, server: &Server) -> String {
    let url = server.url(&format!("/{name}"));
    format!("[[source]]\nname = \"{name}\"\nfeed = \"{url}\"\ninterval = \"5m\"\n")
}

/// Lets feeds come from `server`, which is on loopback.
pub(crate) fn fetching_from(server: &Server) -> String {
    let port = server.port();
    format!("[fetch]\nallow_networks = [\"127.0.0.0/8\"]\nports = [{port}]\nspacing = \"0s\"\n")
}

/// An RSS document with an item for each title, dated on the day before every test begins.
pub(crate) fn rss(titles: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<u8> {
    let item = |title: &str| {
        format!(
            "<item><guid isPermaLink=\"false\">{title}</guid><title>{title}</title>\
             <link>https://paper.example/{}</link><pubDate>Sun, 22 Nov 2026 12:00:00 GMT</pubDate>\
             <description>All that is known of {title}.</description></item>",
            title.replace(' ', "-")
        )
    };
    let items: String = titles
        .into_iter()
        .map(|title| item(title.as_ref()))
        .collect();
    format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>Paper</title>\
         <link>https://paper.example/</link><description>News</description>{items}</channel></rss>"
    )
    .into_bytes()
}
