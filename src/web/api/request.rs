//! What every request of a pusher is checked for, the cheap before the costly.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};

use super::super::{Web, problem::Problem};
use crate::{
    id::SourceName,
    sources::{Source, push},
};

/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(60);

/// Bytes of an `Idempotency-Key`.
const LONGEST_KEY: usize = 255;

/// Requests of one source at the same time, and of all together: each may hold a long body.
const OF_ONE: usize = 4;
const OF_ALL: usize = 8;

/// The source whose token the request bears (RFC 6750, section 2.1), unless the operator has paused it.
pub(super) async fn pusher<'a>(web: &'a Web, headers: &HeaderMap) -> Result<&'a Source, Problem> {
    let stated = headers.get(header::AUTHORIZATION);
    let stated = stated.ok_or_else(Problem::no_token)?;
    let token = stated.to_str().ok().and_then(|stated| {
        let (scheme, token) = stated.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let source = token.and_then(|token| push::pusher(&web.ingest.sources, token));
    let source = source.ok_or_else(Problem::wrong_token)?;
    match web.store.paused().await?.contains_key(&source.name) {
        true => Err(Problem::paused()),
        false => Ok(source),
    }
}

pub(super) fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    let stated = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = stated(header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_json = ["application/json", "application/feed+json"]
        .iter()
        .any(|json| kind.eq_ignore_ascii_case(json));
    let is_plain = headers
        .get(header::CONTENT_ENCODING)
        .is_none_or(|coding| coding == "identity");
    if is_json && is_plain {
        Ok(())
    } else {
        Err(Problem::media_type())
    }
}

/// The key of a request that may be sent again (draft-ietf-httpapi-idempotency-key-header), with or
/// without the quotes that the draft wants.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut stated = headers.get_all("idempotency-key").iter();
    let Some(key) = stated.next() else {
        return Ok(None);
    };
    let key = key.to_str().unwrap_or_default().trim();
    let bare = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
    let key = bare.unwrap_or(key);
    if key.is_empty() || key.len() > LONGEST_KEY || stated.next().is_some() {
        return Err(Problem::bad_key());
    }
    Ok(Some(key.to_owned()))
}

/// Reads the body, as long as the route lets it be.
pub(super) async fn body(request: Request) -> Result<Bytes, Problem> {
    let read = Bytes::from_request(request, &());
    match tokio::time::timeout(BODY_WITHIN, read).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(err)) if err.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(Problem::too_large()),
        Ok(Err(_)) => Err(Problem::cut_short()),
        Err(_) => Err(Problem::too_slow()),
    }
}

/// The requests that are being answered, by source, each with its key if it has one.
#[derive(Default)]
pub(in crate::web) struct InHand(Mutex<HashMap<SourceName, Vec<Option<String>>>>);

impl InHand {
    /// Lets a request begin, unless its twin or too many others are in hand.
    pub(super) fn begin(
        &self,
        source: &SourceName,
        key: Option<&str>,
    ) -> Result<Begun<'_>, Problem> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let n_all: usize = all.values().map(Vec::len).sum();
        let own = all.entry(source.clone()).or_default();
        if key.is_some() && own.iter().any(|other| other.as_deref() == key) {
            return Err(Problem::in_progress());
        }
        if own.len() >= OF_ONE {
            return Err(Problem::too_many());
        }
        if n_all >= OF_ALL {
            return Err(Problem::busy());
        }
        own.push(key.map(str::to_owned));
        Ok(Begun {
            all: self,
            source: source.clone(),
            key: key.map(str::to_owned),
        })
    }
}

/// A request in hand, until it is dropped.
pub(super) struct Begun<'a> {
    all: &'a InHand,
    source: SourceName,
    key: Option<String>,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = all.get_mut(&self.source)
            && let Some(at) = own.iter().position(|key| *key == self.key)
        {
            own.swap_remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_so_many_requests_in_hand_and_never_two_of_one_key() {
        let in_hand = InHand::default();
        let desk = SourceName::parse("desk").unwrap();
        let status =
            |source: &SourceName, key| in_hand.begin(source, key).err().map(|p| p.status.as_u16());

        let first = in_hand.begin(&desk, Some("a")).unwrap();
        assert_eq!(status(&desk, Some("a")), Some(409));
        assert_eq!(status(&SourceName::parse("wire").unwrap(), Some("a")), None);
        let others: Vec<_> = (1..OF_ONE)
            .map(|_| in_hand.begin(&desk, None).unwrap())
            .collect();
        assert_eq!(status(&desk, Some("b")), Some(429));
        let names = ["a", "b", "c", "d"].map(|name| SourceName::parse(name).unwrap());
        let rest: Vec<_> = names
            .iter()
            .map(|name| in_hand.begin(name, None).unwrap())
            .collect();
        assert_eq!(status(&SourceName::parse("e").unwrap(), None), Some(503));

        drop((first, others, rest));
        assert_eq!(status(&desk, Some("a")), None);
    }
}
