//! Polls sources, keeps each story once, and publishes editions as feeds and mailed digests.
//!
//! ```text
//! sources -> ingest -> dedupe -> library -> related -> editions -> delivery -> relay
//!                                                         |            ^
//!                                                         v            |
//!                                                       feeds     subscribers
//! ```
//!
//! Everything is kept behind `store`; `web` is the public face; `ops` builds and runs it all.
//! `docs/ARCHITECTURE.md` has the map, the layers and the promises.

pub mod id;
pub mod clock;
pub mod parts;
pub mod port;
pub mod secret;
pub mod task;
pub mod words;

pub mod sources;
pub mod ingest;
pub mod dedupe;
pub mod library;
pub mod related;
pub mod editions;
pub mod subscribers;
pub mod delivery;
pub mod store;
pub mod web;
pub mod ops;
