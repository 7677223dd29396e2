//! What the daemon tells of itself.

pub mod control;
mod lines;
pub mod status;
pub mod voice;
