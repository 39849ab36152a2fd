//! The whole product in a temporary folder, with the sample configuration in `config/demo`.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, Result, anyhow, bail};
use axum::{
    Router, extract,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Redirect},
    routing::get,
};
use tokio::net::TcpListener;

use super::{
    app::App,
    cli::output::tell,
    config::{Config, reader::Layers},
    daemon::{self, Listeners, Sending},
    shutdown,
};
use crate::{
    delivery::Planned,
    editions::{select, task::Published},
    ingest::{Recorded, read::Asked},
    library::Query,
    subscribers::{Confirm, How, Request, Requested, Scope, address::EmailAddress},
    task::Task,
    web,
};

/// Stands for the demo's own address in the sample articles.
const PLACEHOLDER: &str = "http://demo.invalid/";

/// The papers of the sample articles, each at `https://NAME.example/`, where nobody answers. The demo
/// puts itself in their place.
const PAPERS: [&str; 3] = ["harbour-gazette", "tidewater-review", "tidewater-courier"];

/// The sample files; `courant.toml` is read beside them.
const FILES: [(&str, &str); 6] = [
    (
        "harbour-gazette/feed.xml",
        include_str!("../../config/demo/harbour-gazette/feed.xml"),
    ),
    (
        "tidewater-review/feed.xml",
        include_str!("../../config/demo/tidewater-review/feed.xml"),
    ),
    (
        "desk/harbour-board-votes.html",
        include_str!("../../config/demo/desk/harbour-board-votes.html"),
    ),
    (
        "desk/oysters-in-november.md",
        include_str!("../../config/demo/desk/oysters-in-november.md"),
    ),
    (
        "desk/walks-that-end-at-a-ferry.md",
        include_str!("../../config/demo/desk/walks-that-end-at-a-ferry.md"),
    ),
    (
        "desk/where-to-stand.md",
        include_str!("../../config/demo/desk/where-to-stand.md"),
    ),
];

const PICTURES: [(&str, &[u8]); 4] = [
    (
        "barrier.jpg",
        include_bytes!("../../config/demo/pictures/barrier.jpg"),
    ),
    (
        "ferry.jpg",
        include_bytes!("../../config/demo/pictures/ferry.jpg"),
    ),
    (
        "market.jpg",
        include_bytes!("../../config/demo/pictures/market.jpg"),
    ),
    (
        "observatory.jpg",
        include_bytes!("../../config/demo/pictures/observatory.jpg"),
    ),
];

const CONFIG: &str = include_str!("../../config/demo/courant.toml");

const READER: &str = "reader@example.org";
const FORMER_READER: &str = "former-reader@example.org";

/// Runs the demo on `port`, or on any free one if that is taken; with `once`, stops after the digest.
pub async fn run(port: u16, once: bool) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("courant-demo-")
        .tempdir()
        .context("make a temporary folder")?;
    let listeners = Listeners {
        public: bind(port).await?,
        admin: bind(0).await?,
    };
    let address = format!("http://{}/", listeners.public.local_addr()?);
    let app = Arc::new(build(folder.path(), &address).await?);

    tell(&format!(
        "Courant's demo works in {}\n\n",
        folder.path().display()
    ));
    for line in [ingest(&app).await?, publish(&app).await?, mail(&app).await?] {
        tell(&format!("  {line}\n"));
    }
    if !once {
        let signals = shutdown::on_signal(app.stop.clone())?;
        tell(&invitation(&address));
        let public = |app: &App| public(app, folder.path());
        let never = async |_: &App| std::future::pending().await;
        tokio::select! {
            served = daemon::serve(app, listeners, public, Sending::On, never) => served?,
            never = signals => match never {},
        }
        tell("\nThe demo has ended; its folder is removed.\n");
    }
    Ok(())
}

/// The pages of every installation, the captured mail, and what the sample articles point to.
fn public(app: &App, folder: &Path) -> Router {
    let papers = app.web.clone();
    web::router(app.web.clone())
        .merge(web::mailbox::router(app.web.clone(), folder.join("mail")))
        .route("/pictures/{name}", get(picture))
        .route(
            "/papers/{*page}",
            get(move |uri: Uri| async move { paper(&papers, &uri).await }),
        )
}

async fn bind(port: u16) -> Result<TcpListener> {
    match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("listen on this machine"),
    }
}

async fn build(folder: &Path, address: &str) -> Result<App> {
    for (name, text) in FILES {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        let text = PAPERS
            .iter()
            .fold(text.replace(PLACEHOLDER, address), |text, paper| {
                let theirs = format!("https://{paper}.example/");
                text.replace(&theirs, &format!("{address}papers/{paper}/"))
            });
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    let mut layers = Layers::default();
    layers.add(&folder.join("courant.toml").display().to_string(), CONFIG);
    layers.set("demo", &["site".to_owned(), "base_url".to_owned()], address);
    let config = Config::read(&layers).map_err(|problems| anyhow!("{problems:?}"))?;
    App::build(config).await
}

async fn ingest(app: &App) -> Result<String> {
    let mut sum = Recorded::default();
    // One after the other, in the order of the configuration: the same every time.
    for source in app.config.sources.iter() {
        let polled = app
            .ingest
            .poll(source, Asked::ByOperator, app.clock.now())
            .await?;
        if polled.failed {
            bail!("source {}: {}", source.name, polled.result);
        }
        sum += polled.recorded;
    }
    Ok(format!(
        "ingested   {} articles from {} sources; {} came twice and is kept once",
        sum.new,
        app.config.sources.len(),
        match sum.reprints {
            1 => "one story".to_owned(),
            n => format!("{n} stories"),
        },
    ))
}

async fn publish(app: &App) -> Result<String> {
    let edition = app.config.editions.first();
    let edition = edition.context("the demo's configuration has no edition")?;
    let articles = app.store.list(&select::query(edition)).await?;
    let published = select::published(
        &*app.store,
        &app.web.source_titles,
        &app.config.site,
        articles,
        edition.related,
    )
    .await?;
    let related: usize = published.iter().map(|article| article.related.len()).sum();
    Ok(format!(
        "published  {} as pages and three feeds, with {related} related links",
        edition.title
    ))
}

/// Two people subscribe, one of them opts out, and the digest goes to the other.
async fn mail(app: &App) -> Result<String> {
    let Some((edition, rule)) = app
        .config
        .editions
        .first()
        .and_then(|edition| Some((edition, edition.digests.first()?)))
    else {
        bail!("the demo's configuration has no digest")
    };
    let request = |address: &str, name: &str| -> Result<Request> {
        Ok(Request {
            address: EmailAddress::parse(address)?,
            name: Some(name.to_owned()),
            edition: edition.slug.clone(),
            confirm: Confirm::Waived,
            how: How::Operator {
                basis: "made up for the demo".to_owned(),
            },
        })
    };
    let people = vec![
        request(READER, "Ada Reader")?,
        request(FORMER_READER, "Former Reader")?,
    ];
    let requested = app.store.request(people, app.clock.now()).await?;
    let [_, Requested::Confirmed(former)] = requested[..] else {
        bail!("the demo's folder was not fresh")
    };
    app.store
        .withdraw(
            former,
            &Scope::Edition(edition.slug.clone()),
            How::UnsubscribePage,
            app.clock.now(),
        )
        .await?;

    let now = app.clock.now();
    let window = app.publish.window(edition, rule, now).await?;
    let Published::Planned {
        digest,
        planned: Planned::New { content, .. },
    } = app.publish.publish(edition, rule, window).await?
    else {
        bail!("there was nothing to mail")
    };
    let outbox = app
        .deliver
        .as_ref()
        .context("the demo's configuration has no relay")?;
    if let Some(err) = outbox.activate(now).await.errors.first() {
        bail!("the digest could not be delivered: {err}");
    }
    let sent = app.store.tally(content).await?.sent;
    Ok(format!(
        "mailed     its digest no. {} to {sent} of 2 subscribers; the other had opted out",
        digest.number,
    ))
}

fn invitation(address: &str) -> String {
    format!(
        "\nOpen\n  \
         {address}mail       the mail as its reader sees it\n  \
         {address}e/coast    the edition, and how to subscribe\n  \
         {address}e/coast/1  the digest in the browser\n  \
         {address}           the front page\n\n\
         What you do here stays here: mail goes to a folder. Ctrl-C ends the demo.\n"
    )
}

/// Where a paper's own page would be: on the page that this site has of the article.
async fn paper(web: &web::State, uri: &Uri) -> Result<Redirect, StatusCode> {
    let address = Some(web.site.address(uri.path().trim_start_matches('/')));
    let articles = web.store.list(&Query::default()).await;
    let articles = articles.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let article = articles
        .iter()
        .find(|article| {
            let reprints = article.reprints.iter().map(|reprint| &reprint.url);
            [&article.url]
                .into_iter()
                .chain(reprints)
                .any(|url| *url == address)
        })
        .ok_or(StatusCode::NOT_FOUND)?;
    Ok(Redirect::to(&format!("/articles/{}", article.id)))
}

async fn picture(
    extract::Path(name): extract::Path<String>,
) -> Result<impl IntoResponse, StatusCode> {
    let found = PICTURES.iter().find(|(known, _)| *known == name);
    let (_, bytes) = found.ok_or(StatusCode::NOT_FOUND)?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg")], *bytes))
}
