//! What a visitor is told when something cannot be done, and the one place where errors become
//! statuses.

use std::borrow::Cow;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    editions::render::RenderError, port::StoreError, subscribers::token::TokenError, task::chain,
};

/// How long a client waits before it tries again while the store is away.
const RETRY_AFTER_SECONDS: u32 = 30;

/// Something that cannot be done. [`super::layer`] gives it the form that the client reads.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    pub(super) text: Cow<'static, str>,
    /// Seconds.
    retry_after: Option<u32>,
    /// `WWW-Authenticate` (RFC 6750, section 3).
    challenge: Option<&'static str>,
    /// For the log, never for the visitor.
    pub(super) cause: Option<String>,
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        title: &'static str,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        Problem {
            status,
            title,
            text: text.into(),
            retry_after: None,
            challenge: None,
            cause: None,
        }
    }

    pub(super) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "There is no such page",
            "The address may be mistyped, or what it led to is no longer kept.",
        )
    }

    /// An article that was taken out of the library.
    pub(super) fn removed() -> Self {
        Self::new(
            StatusCode::GONE,
            "This article was removed",
            "It was published here, and it is not any more.",
        )
    }

    /// A link from mail that did its work, or waited too long.
    pub(super) fn gone() -> Self {
        Self::new(
            StatusCode::GONE,
            "This link no longer works",
            "It has been used, or it is too old. You can ask for a new one on the page of the edition.",
        )
    }

    pub(super) fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "That cannot be done here",
            "This address answers to other methods.",
        )
    }

    pub(super) fn unreadable() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "The form could not be read",
            "Please go back, fill it in again, and send it once more.",
        )
    }

    pub(super) fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Not at this moment",
            "Nothing was changed. Please try again in a minute.",
        )
        .retried_after(RETRY_AFTER_SECONDS)
    }

    pub(super) fn retried_after(self, seconds: u32) -> Self {
        Problem {
            retry_after: Some(seconds),
            ..self
        }
    }

    pub(super) fn challenging(self, challenge: &'static str) -> Self {
        Problem {
            challenge: Some(challenge),
            ..self
        }
    }

    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong here",
            "It is our fault, and it has been noted.",
        )
    }

    /// Whether an operator must look, as they need not where a visitor comes again later.
    pub(super) fn is_failure(&self) -> bool {
        self.status == StatusCode::INTERNAL_SERVER_ERROR || self.cause.is_some()
    }

    fn because(self, err: &dyn std::error::Error) -> Self {
        Problem {
            cause: Some(chain(err)),
            ..self
        }
    }
}

impl From<StoreError> for Problem {
    fn from(err: StoreError) -> Self {
        match &err {
            StoreError::NotFound { .. } => Problem::not_found(),
            StoreError::Unavailable { .. } | StoreError::Locked { .. } => {
                Problem::unavailable().because(&err)
            }
            StoreError::Corrupt { .. } => Problem::internal().because(&err),
        }
    }
}

/// A link that is not ours is told nothing about why.
impl From<TokenError> for Problem {
    fn from(err: TokenError) -> Self {
        match err {
            TokenError::Malformed | TokenError::Forged => Problem::not_found(),
        }
    }
}

impl From<RenderError> for Problem {
    fn from(err: RenderError) -> Self {
        Problem::internal().because(&err)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after {
            let retry = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, retry);
        }
        if let Some(challenge) = self.challenge {
            let challenge = HeaderValue::from_static(challenge);
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(self);
        response
    }
}
