//! A device's life in simulated time: the real state machine, an honest engine, a dishonest world, and an oracle.
//!
//! One seed is one life: storms of faults, after each of which everything is healed and must come to rest, and calm times in
//! which nothing but the addresses changes and nothing may be done without need. [`live`] is the whole interface.

mod faults;
mod network;
mod oracle;
mod process;
mod service;
mod setup;
pub mod several;
mod sim;
mod storm;

pub use faults::Counts;
pub use sim::{Bug, Life, live};
