//! The three shapes in which providers are written, and what they share.

pub mod patience;
pub mod push;
pub mod records;
pub mod rrsets;
pub mod zones;
