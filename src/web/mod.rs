//! The public face: pages, feeds, and the links that mail carries.

mod api;
mod conditional;
mod feeds;
mod hooks;
mod layer;
pub mod mailbox;
mod pages;
mod problem;
mod subscribe;
mod unsubscribe;

use std::{ops::Deref, sync::Arc};

use axum::{
    Router,
    extract::{self, DefaultBodyLimit},
    http::StatusCode,
    middleware,
    routing::{get, post},
};

use crate::{
    clock::Clock,
    editions::{Edition, Site, feed::Format, render::Templates, select::SourceTitles},
    ingest::{deliveries::Inbox, task::IngestDueSources},
    sources::websub::Sha1,
    store::Store,
    subscribers::token::Tokens,
    task::Activator,
};
use feeds::Kind;
use problem::Problem;

/// The longest body that is read. A form takes some hundred bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// What the handlers work with.
#[derive(Clone)]
pub struct State {
    pub store: Arc<dyn Store>,
    /// Takes in what is pushed.
    pub ingest: Arc<IngestDueSources>,
    pub hooks: Hooks,
    pub site: Arc<Site>,
    pub editions: Arc<[Edition]>,
    pub source_titles: Arc<SourceTitles>,
    pub templates: Arc<Templates>,
    pub tokens: Arc<Tokens>,
    pub clock: Clock,
    /// Woken when somebody asks to subscribe.
    pub wake_optin: Activator,
}

/// What the addresses that hubs know lead to.
#[derive(Clone)]
pub struct Hooks {
    pub inbox: Arc<Inbox>,
    /// Woken when something is put there.
    pub wake: Activator,
    pub sha1: Sha1,
    /// The longest document that is read.
    pub max_bytes: usize,
}

impl State {
    /// The edition that a path or a form names.
    fn edition(&self, slug: &str) -> Option<&Edition> {
        self.editions
            .iter()
            .find(|edition| edition.slug.as_str() == slug)
    }
}

/// What the public handlers share.
struct Web {
    state: State,
    feeds: feeds::Cache,
    pushes: api::InHand,
    door: hooks::Door,
}

impl Deref for Web {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

type Shared = extract::State<Arc<Web>>;

/// Everything that the world may ask for.
pub fn router(state: State) -> Router {
    let max_delivery = DefaultBodyLimit::max(state.hooks.max_bytes);
    let web = Arc::new(Web {
        state,
        feeds: feeds::Cache::default(),
        pushes: api::InHand::default(),
        door: hooks::Door::default(),
    });
    let mut router = Router::new()
        .route("/", get(pages::index))
        .route("/style.css", get(pages::style))
        .route("/e/{edition}", get(pages::edition))
        .route("/e/{edition}/{number}", get(pages::digest))
        .route("/articles/{id}", get(pages::article))
        .route(
            "/subscribe",
            get(subscribe::form).post(subscribe::subscribe),
        )
        .route(
            "/confirm/{token}",
            get(subscribe::ask).post(subscribe::confirm),
        )
        .route(
            "/unsubscribe/{token}",
            get(unsubscribe::ask).post(unsubscribe::unsubscribe),
        )
        .route(
            "/api/articles",
            post(api::post).layer(DefaultBodyLimit::max(api::MAX_BODY_BYTES)),
        )
        .route(
            "/api/articles/{guid}",
            get(api::get)
                .put(api::put)
                .delete(api::delete)
                .layer(DefaultBodyLimit::max(api::MAX_BODY_BYTES)),
        )
        .route(
            "/hooks/{id}",
            get(hooks::verify).post(hooks::deliver).layer(max_delivery),
        );
    for format in Format::ALL {
        let file = format.file_name();
        router = router
            .route(
                &format!("/e/{{edition}}/{file}"),
                feeds::route(Kind::Edition, format),
            )
            .route(
                &format!("/topics/{{topic}}/{file}"),
                feeds::route(Kind::Topic, format),
            )
            .route(
                &format!("/sources/{{source}}/{file}"),
                feeds::route(Kind::Source, format),
            );
    }
    router
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(web.clone(), layer::surround))
        .with_state(web)
}

/// What the operator's machinery asks for, on a listener of its own.
pub fn admin_router(state: State) -> Router {
    Router::new()
        .route("/live", get(async || "live\n"))
        .route("/ready", get(ready))
        .with_state(state)
}

/// Ready is who can answer, and nothing can be answered without the store.
async fn ready(extract::State(state): extract::State<State>) -> (StatusCode, &'static str) {
    match state.store.check().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the store records nothing\n",
        ),
    }
}

#[cfg(test)]
mod tests;
