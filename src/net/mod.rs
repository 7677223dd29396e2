//! The network: one HTTP client, one DNS client.

pub mod dns;
pub mod http;
