//! Articles that are pushed to us. A token names the source; what is answered is on disk.

mod problem;
mod request;

use axum::{
    extract::{Path, Request, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use url::Url;

pub(super) use request::InHand;

use super::{Shared, Web, problem::Problem};
use crate::{
    ingest::{
        Answer,
        fate::{Fate, Outcome},
        push::{self, Refused},
        removal::Withdrawn,
        take::{Bundle, Removed},
    },
    secret::same,
    sources::entry::Entry,
};

/// The longest body of a request; a thousand articles fit.
pub(super) const MAX_BODY_BYTES: usize = 5_000_000;

/// Takes one article or a JSON Feed document, all of it or nothing.
///
/// With an `Idempotency-Key` the same request gets the same answer for a day, also after a restart.
pub(super) async fn post(State(web): Shared, request: Request) -> Result<Response, Problem> {
    let source = request::pusher(&web, request.headers()).await?;
    request::expect_json(request.headers())?;
    let key = request::idempotency_key(request.headers())?;
    let _in_hand = web.pushes.begin(&source.name, key.as_deref())?;
    let body = request::body(request).await?;
    let now = web.clock.now();
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &body).as_ref());
    if let Some(key) = &key
        && let Some(kept) = web.store.answer(&source.name, key, now).await?
    {
        return match same(&kept.request, &hash) {
            true => Ok(answer(kept.status, kept.body)),
            false => Err(Problem::other_request()),
        };
    }
    let bundle = read(&web, move |site| push::read(&body, site)).await?;
    let keep = |fates: &[Fate]| {
        let (status, body) = tell(&web, fates);
        let kept = Answer {
            request: hash,
            status,
            body,
            at: now,
        };
        Some((key?, kept))
    };
    let pushed = web
        .ingest
        .push(source, bundle, Removed::StayGone, keep, now);
    let (status, body) = tell(&web, &pushed.await?);
    Ok(answer(status, body))
}

/// Creates or revises the article of that guid. One that was removed comes back under a new number.
pub(super) async fn put(
    State(web): Shared,
    guid: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let source = request::pusher(&web, request.headers()).await?;
    let Path(guid) = guid.map_err(|_| Problem::not_found())?;
    request::expect_json(request.headers())?;
    let _in_hand = web.pushes.begin(&source.name, None)?;
    let body = request::body(request).await?;
    let bundle = read(&web, move |site| push::read_as(&body, &guid, site)).await?;
    let now = web.clock.now();
    let pushed = web
        .ingest
        .push(source, bundle, Removed::ComeBack, |_| None, now);
    let (status, body) = tell(&web, &pushed.await?);
    Ok(answer(status, body))
}

/// Shows what became of that guid.
pub(super) async fn get(
    State(web): Shared,
    guid: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let source = request::pusher(&web, request.headers()).await?;
    let Path(guid) = guid.map_err(|_| Problem::not_found())?;
    let found = web.ingest.article_of(&source.name, &guid).await?;
    let id = found.ok_or_else(Problem::not_found)?;
    let article = web.store.article(id).await?.ok_or_else(Problem::removed)?;
    let shown = json!({
        "id": guid,
        "article": id,
        "url": address(&web, id),
        "title": article.heading(),
        "date_published": article.published,
        "date_modified": article.changed(),
    });
    Ok(answer(StatusCode::OK.as_u16(), shown.to_string()))
}

/// Removes the article of that guid, once and for all who ask again.
pub(super) async fn delete(
    State(web): Shared,
    guid: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let source = request::pusher(&web, request.headers()).await?;
    let Path(guid) = guid.map_err(|_| Problem::not_found())?;
    let now = web.clock.now();
    match web.ingest.withdraw(&source.name, &guid, now).await? {
        Withdrawn::Gone => Ok(StatusCode::NO_CONTENT.into_response()),
        Withdrawn::Unknown => Err(Problem::not_found()),
    }
}

/// Off the runtime: five megabytes of JSON take a while.
async fn read(
    web: &Web,
    read: impl FnOnce(&Url) -> Result<Vec<Entry>, Refused> + Send + 'static,
) -> Result<Bundle, Problem> {
    let home = web.site.base_url.clone();
    let site = home.clone();
    let read = spawn_blocking(move || read(&site)).await;
    let entries = read.map_err(|_| Problem::internal())??;
    Ok(Bundle { entries, home })
}

/// 201 if anything is new, and what became of each article.
fn tell(web: &Web, fates: &[Fate]) -> (u16, String) {
    let items: Vec<Value> = fates.iter().map(|fate| item(web, fate)).collect();
    let is_new = fates.iter().any(|fate| fate.outcome == Outcome::New);
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    (status.as_u16(), json!({ "items": items }).to_string())
}

fn item(web: &Web, fate: &Fate) -> Value {
    let outcome = match fate.outcome {
        Outcome::New => "new",
        Outcome::Revised => "revised",
        Outcome::Known => "known",
        Outcome::Reprint => "reprint",
        Outcome::Removed => "removed",
    };
    json!({
        "id": fate.guid,
        "article": fate.article,
        "outcome": outcome,
        "url": address(web, fate.article),
    })
}

fn address(web: &Web, id: crate::id::ArticleId) -> String {
    web.site.address(&format!("articles/{id}")).into()
}

fn answer(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body).into_response()
}
