//! The network: one HTTP client, one DNS client, and the limits that services document.

pub mod dns;
pub mod http;
pub mod limit;
mod unanswered;
