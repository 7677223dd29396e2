//! What is known and what follows from it: pure data and pure functions, no input or output, no clock.

pub mod address;
pub mod agree;
pub mod backoff;
pub mod desired;
pub mod error;
pub mod evidence;
pub mod json;
pub mod ledger;
pub mod machine;
pub mod name;
pub mod plan;
pub mod record;
pub mod terms;
pub mod time;
pub mod values;
pub mod weigh;
