//! What the daemon tells of itself.

pub mod control;
pub mod status;
