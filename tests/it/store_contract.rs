//! Every promise of every storage port, on each engine.

mod polls;
mod articles;
mod hubs;
mod pushes;
mod removals;
mod digests;
mod people;
mod optouts;
mod outbox;
mod gate;

use std::{ops::Deref, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
pub(crate) use courant::delivery::Audience;
use courant::{
    dedupe::{Trace, fingerprint::Fingerprint},
    delivery::{Content, Plan, Planned, Purpose, destination::Destinations},
    id::{ArticleId, ContentId, EditionSlug, SourceName, SubscriberId},
    ingest::{Judged, Record, Verdict},
    library::{Article, Body, Mail, Reprint},
    secret::Key,
    sources::{FeedUrl, Origin, Poll},
    store::{Store, sled::SledStore},
    subscribers::{Confirm, How, Request, Requested, address::EmailAddress},
};

/// An engine with a store of its own.
struct Engine {
    store: Arc<dyn Store>,
    _folder: tempfile::TempDir,
}

impl Deref for Engine {
    type Target = dyn Store;

    fn deref(&self) -> &(dyn Store + 'static) {
        &*self.store
    }
}

fn stores() -> Vec<Engine> {
    let folder = tempfile::tempdir().unwrap();
    let pepper = Key::new(&[7; Key::BYTES]);
    let store = SledStore::open(&folder.path().join("store"), pepper).unwrap();
    vec![Engine {
        store: Arc::new(store),
        _folder: folder,
    }]
}

/// That many minutes into the tests' day.
fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
}

pub(crate) fn source(name: &str) -> SourceName {
    SourceName::parse(name).unwrap()
}

pub(crate) fn edition(slug: &str) -> EditionSlug {
    EditionSlug::parse(slug).unwrap()
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn print(text: &str) -> Fingerprint {
    Fingerprint::of("test", &[text])
}

pub(crate) fn article(id: u64) -> Article {
    Article {
        id: ArticleId(id),
        source: source("herald"),
        guid: Some(format!("guid-{id}")),
        url: Some(format!("https://herald.example/{id}").parse().unwrap()),
        title: format!("Article {id}"),
        summary: "A summary.".to_owned(),
        authors: Vec::new(),
        tags: Vec::new(),
        topics: Vec::new(),
        language: None,
        picture: None,
        attachments: Vec::new(),
        named_related: Vec::new(),
        published: at(0),
        first_seen: at(0),
        revised: None,
        reprints: Vec::new(),
        related: Vec::new(),
        story: ArticleId(id),
        mail: Mail::Due,
    }
}

fn body(text: &str) -> Body {
    Body {
        html: format!("<p>{text}</p>"),
        text: text.to_owned(),
    }
}

fn reprint(name: &str, guid: &str) -> Reprint {
    Reprint {
        source: source(name),
        guid: Some(guid.to_owned()),
        url: None,
        score: 1.0,
        measure: None,
        seen: at(5),
        id: None,
    }
}

fn trace(article: u64, revision: &str) -> Trace {
    Trace {
        article: ArticleId(article),
        source: source("wire"),
        represents: true,
        revision: print(revision),
        link: None,
        title: print("title"),
    }
}

fn judged(prints: &[&str], article: u64, verdict: Verdict) -> Judged {
    Judged {
        prints: prints.iter().map(|text| print(text)).collect(),
        trace: trace(article, "first"),
        verdict,
    }
}

/// A new article that is known by `prints`.
pub(crate) fn new(prints: &[&str], article: Article) -> Judged {
    let id = article.id.0;
    judged(
        prints,
        id,
        Verdict::New(Box::new((article, body("Its text.")))),
    )
}

pub(crate) fn poll(result: &str) -> Poll {
    let herald = FeedUrl::parse("https://herald.example/feed").unwrap();
    Poll {
        next: at(60),
        result: result.to_owned(),
        entries: Some(3),
        ..Poll::unpolled(&Origin::Feed(herald), at(0))
    }
}

pub(crate) fn record(judged: Vec<Judged>) -> Record {
    Record {
        source: source("herald"),
        poll: Some(poll("read")),
        judged,
        push: None,
        now: at(0),
    }
}

pub(crate) fn asks(text: &str, slug: &str, confirm: Confirm) -> Request {
    let how = match confirm {
        Confirm::Required => How::Form,
        Confirm::Waived => How::Import {
            basis: "asked on paper".to_owned(),
        },
    };
    Request {
        address: address(text),
        name: None,
        edition: edition(slug),
        confirm,
        how,
    }
}

async fn ask(store: &dyn Store, text: &str, confirm: Confirm, minutes: i64) -> Requested {
    let requests = vec![asks(text, "news", confirm)];
    store.request(requests, at(minutes)).await.unwrap()[0]
}

/// Enters somebody for the edition `news`, confirmed.
async fn subscribe(store: &dyn Store, text: &str) -> SubscriberId {
    match ask(store, text, Confirm::Waived, 0).await {
        Requested::Confirmed(id) => id,
        other => panic!("{other:?}"),
    }
}

/// Enters somebody for the edition `news`, to be confirmed.
async fn apply(store: &dyn Store, text: &str) -> SubscriberId {
    match ask(store, text, Confirm::Required, 0).await {
        Requested::Pending(id) => id,
        other => panic!("{other:?}"),
    }
}

fn content(purpose: Purpose) -> Content {
    Content {
        purpose,
        edition: edition("news"),
        edition_title: "News".to_owned(),
        sender: address("news@herald.example"),
        subject: "What happened".to_owned(),
        html: "<p>Much.</p>".to_owned(),
        text: "Much.".to_owned(),
        archived_at: None,
        date: at(0),
    }
}

pub(crate) fn plan(key: &str, purpose: Purpose, audience: Audience) -> Plan {
    Plan {
        key: key.to_owned(),
        content: content(purpose),
        audience,
        stale: None,
        destinations: Arc::new(Destinations::built_in()),
        now: at(0),
    }
}

/// Plans a digest of `news` for everybody; tells how many deliveries that made.
async fn plan_digest(store: &dyn Store, key: &str) -> (ContentId, u64) {
    let plan = plan(key, Purpose::Digest, Audience::Subscribed);
    match store.plan(plan).await.unwrap() {
        Planned::New {
            content,
            deliveries,
        } => (content, deliveries),
        Planned::Already(_) => panic!("{key} was planned before"),
    }
}
