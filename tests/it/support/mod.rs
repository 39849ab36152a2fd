//! Peers that run inside the test process, and the product itself.

pub(crate) mod app;
pub(crate) mod binary;
pub(crate) mod client;
pub(crate) mod http;
pub(crate) mod hub;
pub(crate) mod mail;
pub(crate) mod smtp;
