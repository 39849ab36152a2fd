//! What every answer has in common: headers that keep a visitor safe, problems in a form that the
//! client reads, a line in the log, and an answer even where a handler panics.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use futures_util::FutureExt;
use serde_json::json;

use super::{Web, problem::Problem};
use crate::editions::render::view::Page;

/// Pictures are the publishers' own, so they come from anywhere; everything else comes from us, and
/// scripts from nobody.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' http: https:; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const TOKEN_POLICY: &str = "default-src 'none'; style-src 'self'; \
                            form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The first parts of addresses that hold somebody's token.
const TOKEN_PATHS: [&str; 3] = ["/confirm/", "/unsubscribe/", "/hooks/"];

pub(super) async fn surround(
    State(web): State<Arc<Web>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path();
    let token = TOKEN_PATHS
        .into_iter()
        .find(|start| path.starts_with(start));
    // The rest of such a path is as good as the person's signature.
    let path = token.map_or_else(|| path.to_owned(), |start| format!("{start}..."));
    let json = path.starts_with("/api/") || reads_json(request.headers());

    let mut response = AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Problem::internal().into_response());
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = &problem {
        response = explain(&web, problem, response, json);
    }
    secure(response.headers_mut(), token.is_some());

    let status = response.status().as_u16();
    let duration_ms = begun.elapsed().as_millis();
    match problem.filter(Problem::is_failure) {
        None => tracing::debug!(%method, path, status, duration_ms, "answered"),
        Some(problem) => {
            let cause = problem
                .cause
                .unwrap_or_else(|| "a handler panicked".to_owned());
            tracing::error!(%method, path, status, duration_ms, cause, "a request failed");
        }
    }
    response
}

/// Tells a program from a person: it accepts JSON and no HTML.
fn reads_json(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("json") && !accept.contains("text/html"))
}

/// Fills the empty answer of a problem, whose headers stay.
fn explain(web: &Web, problem: &Problem, response: Response, json: bool) -> Response {
    let mut filled = if json {
        // RFC 9457.
        let body = Json(json!({
            "type": "about:blank",
            "title": problem.title,
            "status": problem.status.as_u16(),
            "detail": problem.text,
        }));
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (problem.status, kind, body).into_response()
    } else {
        let page = Page::Message {
            title: problem.title,
            text: &problem.text,
        };
        match web.templates.page(&web.site, &page) {
            Ok(page) => (problem.status, Html(page)).into_response(),
            Err(_) => (problem.status, problem.title).into_response(),
        }
    };
    for (name, value) in response.headers() {
        if name != header::CONTENT_LENGTH && name != header::CONTENT_TYPE {
            filled.headers_mut().insert(name, value.clone());
        }
    }
    filled
}

fn secure(headers: &mut HeaderMap, token: bool) {
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if token {
        set(header::CONTENT_SECURITY_POLICY, TOKEN_POLICY);
        set(header::REFERRER_POLICY, "no-referrer");
        set(header::CACHE_CONTROL, "no-store");
        headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    } else {
        set(header::CONTENT_SECURITY_POLICY, POLICY);
        set(header::REFERRER_POLICY, "strict-origin-when-cross-origin");
    }
}
