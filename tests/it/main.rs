//! The one integration binary: a file per feature.

// Says to clippy what cargo knows: everything here is a test.
#![cfg(test)]

mod support;

mod cli;
mod dkim;
mod docs;
mod feeds;
mod fetch;
mod hostile;
mod identity;
mod layers;
mod pages;
mod politeness;
mod promises;
mod push;
mod recovery;
mod relay;
mod reprints;
mod search;
mod sources;
mod store_contract;
mod stories;
mod subscribe;
mod topics;
mod websub;
mod why;
