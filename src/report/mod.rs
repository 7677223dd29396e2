//! What the daemon tells of itself.

pub mod control;
mod lines;
pub mod metrics;
pub mod status;
pub mod voice;
#[cfg(feature = "web")]
pub mod web;
