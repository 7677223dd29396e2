//! The three shapes in which providers are written, and what they share.

pub mod push;
pub mod records;
pub mod rrsets;
pub mod zones;
