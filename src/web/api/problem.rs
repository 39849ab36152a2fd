//! What a pusher is told when nothing of a request is taken.

use axum::http::StatusCode;

use super::{super::problem::Problem, MAX_BODY_BYTES};
use crate::ingest::push::Refused;

/// Seconds until it is worth asking again.
const SOON: u32 = 2;

/// While the operator has a source paused.
const PAUSED: u32 = 600;

impl Problem {
    pub(super) fn no_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "Who are you?",
            "Send the token of a source: `Authorization: Bearer TOKEN`.",
        )
        .challenging("Bearer realm=\"courant\"")
    }

    pub(super) fn wrong_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "This token opens nothing",
            "No source has it.",
        )
        .challenging("Bearer realm=\"courant\", error=\"invalid_token\"")
    }

    pub(super) fn media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Only JSON is read",
            "Send application/json or application/feed+json, without a content coding.",
        )
    }

    pub(super) fn bad_key() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "The Idempotency-Key cannot be used",
            "It must be one key of 1 to 255 visible ASCII characters.",
        )
    }

    pub(super) fn other_request() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "The Idempotency-Key was used before",
            "It came with another body. A new request needs a new key.",
        )
    }

    pub(super) fn in_progress() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "A request with this Idempotency-Key is in progress",
            "Ask again when it is done.",
        )
        .retried_after(SOON)
    }

    pub(super) fn too_many() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many requests at once",
            "This source has several requests in progress. Wait for one of them.",
        )
        .retried_after(SOON)
    }

    pub(super) fn busy() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too busy at this moment",
            "Nothing was changed. Please try again.",
        )
        .retried_after(SOON)
    }

    pub(super) fn paused() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "This source is paused",
            "The operator takes nothing from it for now. Nothing was changed.",
        )
        .retried_after(PAUSED)
    }

    pub(super) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The request is too large",
            format!("It may have {} MB.", MAX_BODY_BYTES / 1_000_000),
        )
    }

    pub(super) fn cut_short() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "The request breaks off",
            "Its body did not arrive as a whole.",
        )
    }

    pub(super) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "The request took too long",
            "Its body did not arrive in time.",
        )
    }
}

/// Nothing is kept of a request that is refused.
impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let (status, title) = match refused {
            Refused::Json { .. } => (StatusCode::BAD_REQUEST, "The body could not be read"),
            Refused::Shape(_) | Refused::Item { .. } | Refused::TooMany(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "An article could not be taken, and so none was",
            ),
        };
        Self::new(status, title, refused.to_string())
    }
}
