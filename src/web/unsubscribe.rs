//! Leaving, by the link in every mail and by one click in the mail program (RFC 8058).

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State, rejection::BytesRejection},
    response::Response,
};
use url::form_urlencoded;

use super::{Shared, Web, pages, problem::Problem};
use crate::{
    delivery::OutboxStore,
    editions::render::view::{EditionLink, Page},
    id::{EditionSlug, SubscriberId},
    port,
    subscribers::{How, Scope, token::TokenPurpose},
};

/// How long an answer waits for a message that is on its way to a relay. The relay's own
/// time-outs end the wait in the worst case; mail programs give up on us after some 30 s.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Between two looks at the outbox.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Shows a button and changes nothing: scanners of mail open every link (RFC 8058, section 1).
pub(super) async fn ask(
    State(web): Shared,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let claim = web.tokens.read(TokenPurpose::Unsubscribe, &token)?;
    let profile = web.store.profile(claim.subscriber).await?;
    let page = Page::Unsubscribe {
        edition: link(&web, &claim.edition),
        address: profile.map(|profile| profile.subscriber.address.masked()),
    };
    pages::personal(&web, &page)
}

/// Ends what the token names, whatever else was sent: no cookie, no form field, not even a body
/// that can be read is needed.
///
/// When it answers, the opt-out is durable, and no message for this person is handed to a relay
/// afterwards: those in hand at that moment are waited for.
pub(super) async fn unsubscribe(
    State(web): Shared,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let claim = web.tokens.read(TokenPurpose::Unsubscribe, &token)?;
    let body = body.unwrap_or_default();
    let everything =
        has_field(query.unwrap_or_default().as_bytes(), "all") || has_field(&body, "everything");
    let scope = if everything {
        Scope::Everything
    } else {
        Scope::Edition(claim.edition.clone())
    };
    let store = &web.store;
    store
        .withdraw(claim.subscriber, &scope, how(&body), web.clock.now())
        .await?;
    until_out_of_hand(store.as_ref(), claim.subscriber).await?;
    let page = Page::Unsubscribed {
        edition: link(&web, &claim.edition),
        everything,
    };
    pages::personal(&web, &page)
}

async fn until_out_of_hand(outbox: &dyn OutboxStore, subscriber: SubscriberId) -> port::Result<()> {
    let look = async {
        while outbox.is_in_hand(subscriber).await? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    };
    tokio::time::timeout(LONGEST_WAIT, look)
        .await
        .unwrap_or(Ok(()))
}

fn has_field(form: &[u8], name: &str) -> bool {
    form_urlencoded::parse(form).any(|(key, _)| key == name)
}

/// The form of a mail program has one field with one value, in either of two encodings
/// (RFC 8058, section 3.1).
fn how(body: &[u8]) -> How {
    let body = String::from_utf8_lossy(body);
    if body.contains("List-Unsubscribe") && body.contains("One-Click") {
        How::OneClick
    } else {
        How::UnsubscribePage
    }
}

/// An edition that is no longer published can still be left.
fn link(web: &Web, slug: &EditionSlug) -> EditionLink {
    match web.edition(slug.as_str()) {
        Some(edition) => EditionLink {
            title: edition.title.clone(),
            path: web.site.address(&format!("e/{slug}")).path().to_owned(),
        },
        None => EditionLink {
            title: slug.to_string(),
            path: web.site.base_url.path().to_owned(),
        },
    }
}
