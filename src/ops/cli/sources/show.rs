//! `courant sources show`.

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::state::{Stand, span, when};
use crate::{
    id::SourceName,
    library::{Article, Query},
    ops::{
        app::App,
        cli::{order::Done, output::Out},
    },
    sources::{FullText, Poll, rules::Filter},
};

/// Of its articles, the latest.
const ARTICLES: usize = 5;

pub(super) async fn show(app: &App, out: &Out, name: &SourceName) -> anyhow::Result<Done> {
    let now = app.clock.now();
    let sources = &app.config.sources;
    let source = sources
        .iter()
        .find(|source| source.name == *name)
        .with_context(|| format!("there is no source `{name}`"))?;
    let standing = app.store.standings().await?.remove(name);
    let stand = Stand::new(source, standing.unwrap_or_default(), now);
    let query = Query {
        sources: vec![name.clone()],
        limit: Some(ARTICLES),
        ..Query::default()
    };
    let articles = app.store.list(&query).await?;
    if out.wants_json() {
        out.object(&object(&stand, &articles)).await?;
        return Ok(Done::Wholly);
    }
    out.line(format!("{}\n", source.title)).await;
    let facts = [
        identity(&stand, now),
        politeness(&stand.poll),
        pushing(&stand, now),
        wishes(&stand),
    ];
    for (what, fact) in facts.concat() {
        out.line(format!("{what:<11}{fact}")).await;
    }
    for defect in &stand.poll.defects {
        let line = defect.line.map(|line| format!("line {line}: "));
        let fact = format!("{}{}", line.unwrap_or_default(), defect.what);
        out.line(format!("{:<11}{fact}", "defect")).await;
    }
    for page in &stand.poll.missed {
        let again = page.again.map_or("given up".to_owned(), |again| {
            format!("again {}", when(again))
        });
        let fact = format!("{} failed {} times, {again}", page.url, page.times);
        out.line(format!("{:<11}{fact}", "missed")).await;
    }
    for article in &articles {
        let day = article.published.format("%Y-%m-%d");
        let fact = format!("{} {day} {}", article.id, article.heading());
        out.line(format!("{:<11}{fact}", "article")).await;
    }
    Ok(Done::Wholly)
}

type Facts = Vec<(&'static str, String)>;

fn identity(stand: &Stand<'_>, now: DateTime<Utc>) -> Facts {
    let ago = |at: DateTime<Utc>| format!("{} ({} ago)", when(at), span(now - at));
    let ahead = |at: DateTime<Utc>| match at <= now {
        true => format!("{} (due)", when(at)),
        false => format!("{} (in {})", when(at), span(at - now)),
    };
    let poll = &stand.poll;
    let moved = poll.moved.as_ref().map(|moved| {
        format!(
            "{} times to {} since {}; not believed yet",
            moved.times,
            moved.to.as_str(),
            when(moved.since)
        )
    });
    stated([
        ("name", Some(stand.source.name.to_string())),
        ("kind", Some(stand.source.origin.kind().to_owned())),
        ("address", Some(stand.source.origin.to_string())),
        (
            "moved to",
            poll.address.as_ref().map(|url| url.as_str().to_owned()),
        ),
        ("redirected", moved),
        ("state", Some(stand.in_words(now))),
        ("result", Some(poll.result.clone())),
        ("last poll", stand.last().map(ago)),
        ("next poll", stand.next().map(ahead)),
        (
            "failing",
            poll.failing_since
                .map(|since| format!("{} polls since {}", poll.failures, when(since))),
        ),
        ("articles", Some(stand.articles.to_string())),
        ("newest", poll.newest.map(when)),
        (
            "waiting",
            (poll.left > 0).then(|| format!("{} pages, for the next poll", poll.left)),
        ),
    ])
}

/// What polling goes by.
fn politeness(poll: &Poll) -> Facts {
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    // That of a folder is a digest of its listing and nobody's business.
    let is_text = |bytes: &&Vec<u8>| bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    let hours = &poll.hints.skip_hours;
    let days = &poll.hints.skip_days;
    stated([
        (
            "ETag",
            poll.validators.etag.as_ref().filter(is_text).map(text),
        ),
        ("modified", poll.validators.last_modified.as_ref().map(text)),
        (
            "ttl",
            poll.hints.ttl_minutes.map(|n| format!("{n} minutes")),
        ),
        (
            "skips",
            (!hours.is_empty() || !days.is_empty())
                .then(|| format!("hours {hours:?}, days {days:?} (0 is Monday), UTC")),
        ),
        (
            "rhythm",
            poll.rhythm
                .and_then(|rhythm| chrono::TimeDelta::from_std(rhythm).ok())
                .map(|rhythm| format!("an entry every {}", span(rhythm))),
        ),
        ("rests until", poll.rests_until.map(when)),
    ])
}

/// Who brings what is new, beside polls or in their place.
fn pushing(stand: &Stand<'_>, now: DateTime<Utc>) -> Facts {
    let hub = stand.poll.hub.as_ref().map(|hub| {
        let hubs: Vec<&str> = hub.hubs.iter().map(url::Url::as_str).collect();
        format!("{} for {}", hubs.join(", "), hub.topic)
    });
    let subscription = stand.subscription.as_ref().map(|kept| {
        let lease = match kept.until.filter(|until| now < *until) {
            Some(until) => format!("at {} until {}", kept.hub, when(until)),
            None => format!("none yet at {}", kept.hub),
        };
        let failed = kept.error.as_ref().filter(|_| kept.failures > 0);
        match failed {
            Some(error) => format!("{lease}; asked {} times in vain: {error}", kept.failures),
            None => lease,
        }
    });
    stated([("hub", hub), ("subscribed", subscription)])
}

/// What the operator asks of it.
fn wishes(stand: &Stand<'_>) -> Facts {
    let source = stand.source;
    let list = |of: &[String]| (!of.is_empty()).then(|| of.join(", "));
    let topics: Vec<String> = source.topics.iter().map(ToString::to_string).collect();
    let span_of = |time| chrono::TimeDelta::from_std(time).map_or("for ever".to_owned(), span);
    let filter = |filter: &Option<Filter>| filter.as_ref().map(ToString::to_string);
    stated([
        ("interval", source.interval.map(span_of)),
        (
            "full text",
            (source.full_text == FullText::Fetched)
                .then(|| "from the page of each entry".to_owned()),
        ),
        ("topics", list(&topics)),
        ("include", filter(&source.rules.include)),
        ("exclude", filter(&source.rules.exclude)),
        ("max age", source.rules.max_age.map(span_of)),
    ])
}

fn stated<const N: usize>(facts: [(&'static str, Option<String>); N]) -> Facts {
    let said = facts.into_iter();
    said.filter_map(|(what, fact)| Some((what, fact?)))
        .collect()
}

fn object(stand: &Stand<'_>, articles: &[Article]) -> Value {
    let Stand {
        source,
        poll,
        paused,
        subscription,
        ..
    } = stand;
    let exact =
        |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    let text = |bytes: &Option<Vec<u8>>| {
        bytes
            .as_ref()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    let articles: Vec<Value> = articles
        .iter()
        .map(|one| json!({ "id": one.id, "title": one.title, "published": one.published }))
        .collect();
    json!({
        "name": source.name,
        "title": source.title,
        "kind": source.origin.kind(),
        "origin": source.origin.to_string(),
        "address": poll.address,
        "moved": poll.moved,
        "state": stand.state,
        "result": poll.result,
        "last": exact(stand.last()),
        "next": exact(stand.next()),
        "failures": poll.failures,
        "failing_since": exact(poll.failing_since),
        "paused_since": exact(*paused),
        "articles": stand.articles,
        "newest": exact(poll.newest),
        "etag": text(&poll.validators.etag),
        "last_modified": text(&poll.validators.last_modified),
        "hints": poll.hints,
        "rhythm_s": poll.rhythm.map(|rhythm| rhythm.as_secs()),
        "rests_until": exact(poll.rests_until),
        "hub": poll.hub,
        "subscription": subscription.as_ref().map(|kept| json!({
            "hub": kept.hub,
            "until": exact(kept.until),
            "next": exact(Some(kept.next)),
            "failures": kept.failures,
            "error": kept.error,
        })),
        "interval_s": source.interval.map(|interval| interval.as_secs()),
        "topics": source.topics,
        "include": source.rules.include.as_ref().map(ToString::to_string),
        "exclude": source.rules.exclude.as_ref().map(ToString::to_string),
        "max_age_s": source.rules.max_age.map(|age| age.as_secs()),
        "waiting": poll.left,
        "missed": poll.missed,
        "defects": poll.defects,
        "latest": articles,
    })
}
