//! Where hubs ask back and post what is new (W3C WebSub). The address is as good as a password, and
//! whoever has it still has to sign.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{
        FromRequest, Path, Query, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::{Shared, problem::Problem};
use crate::{
    ingest::deliveries::{Delivery, Full},
    sources::{Verdict, websub::Verification},
};

/// Seconds until a hub should try again.
const SOON: u32 = 60;

/// How long a document may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(60);

/// Documents that arrive at the same time.
const AT_ONCE: usize = 4;

/// Lets so many documents arrive at a time as memory is meant for.
pub(super) struct Door(Semaphore);

impl Default for Door {
    fn default() -> Self {
        Door(Semaphore::new(AT_ONCE))
    }
}

/// Absent ones are empty.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    #[serde(rename = "hub.mode")]
    mode: String,
    #[serde(rename = "hub.topic")]
    topic: String,
    #[serde(rename = "hub.challenge")]
    challenge: String,
    #[serde(rename = "hub.lease_seconds")]
    lease_seconds: String,
    #[serde(rename = "hub.reason")]
    reason: String,
}

/// Repeats the challenge of a hub that asks whether we asked (section 5.3).
pub(super) async fn verify(
    State(web): Shared,
    id: Result<Path<String>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let Path(id) = id.map_err(|_| Problem::not_found())?;
    let Query(asked) = asked.map_err(|_| Problem::not_found())?;
    let challenge = asked.challenge.clone();
    let verification = Verification {
        mode: asked.mode,
        topic: asked.topic,
        challenge: asked.challenge,
        lease_seconds: asked.lease_seconds.trim().parse().ok(),
        reason: asked.reason,
    };
    let now = web.clock.now();
    match web
        .store
        .verify_subscription(&id, verification, now)
        .await?
    {
        Verdict::Confirmed => {
            let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            Ok((plain, challenge).into_response())
        }
        Verdict::Noted => Ok(StatusCode::OK.into_response()),
        Verdict::Unasked => Err(Problem::not_found()),
    }
}

/// Accepts a document. One that the hub did not sign is accepted as well, and thrown away: whoever
/// guesses learns nothing (section 7.1).
pub(super) async fn deliver(
    State(web): Shared,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let Path(id) = id.map_err(|_| Problem::not_found())?;
    let now = web.clock.now();
    let hook = web.store.hook(&id).await?;
    let (source, subscription) = hook
        .filter(|(_, subscription)| subscription.is_live(now))
        .ok_or_else(Problem::not_found)?;
    let headers = request.headers().clone();
    let busy = || Problem::unavailable().retried_after(SOON);
    let _arriving = web.door.0.try_acquire().map_err(|_| busy())?;
    let body = tokio::time::timeout(BODY_WITHIN, Bytes::from_request(request, &())).await;
    let body = body.map_err(|_| Problem::undelivered(StatusCode::REQUEST_TIMEOUT))?;
    let body = body.map_err(|err| Problem::undelivered(err.status()))?;
    let stated = |name: &str| text(&headers, name);
    let signature = stated("x-hub-signature").unwrap_or_default();
    if !subscription.is_signed(signature, &body, web.hooks.sha1) {
        return Ok(StatusCode::ACCEPTED);
    }
    let delivery = Delivery {
        source,
        topic: subscription.topic,
        content_type: stated("content-type").map(str::to_owned),
        bytes: body.into(),
    };
    let put = web.hooks.inbox.put(delivery);
    put.map_err(|Full| busy())?;
    web.hooks.wake.wake();
    Ok(StatusCode::ACCEPTED)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

impl Problem {
    fn undelivered(status: StatusCode) -> Self {
        Self::new(
            status,
            "The document could not be read",
            "It is too long, or it breaks off.",
        )
    }
}
