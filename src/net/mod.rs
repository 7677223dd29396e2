//! The network: one HTTP client, one DNS client, one STUN client, the ways they go out by, and the limits that services document.

pub mod dns;
pub mod http;
pub mod limit;
mod quote;
pub mod roots;
pub mod server;
pub mod stun;
mod unanswered;
pub mod via;
