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
mod outage;
mod paces;
mod pages;
mod politeness;
mod promises;
mod push;
mod recovery;
mod refusals;
mod relay;
mod relays;
mod reprints;
mod restoring;
mod round;
mod search;
mod sources;
mod store_contract;
mod stopping;
mod stories;
mod subscribe;
mod topics;
mod websub;
mod why;
