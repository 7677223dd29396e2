//! What is known and what follows from it: pure data and pure functions, no input or output, no clock.

pub mod address;
pub mod agree;
pub mod backoff;
pub mod compose;
pub mod desired;
pub mod diagnosis;
pub mod error;
pub mod evidence;
pub mod json;
pub mod ledger;
pub mod mac;
pub mod machine;
pub mod name;
pub mod news;
pub mod plan;
pub mod prefix;
pub mod record;
pub mod situation;
pub mod tally;
pub mod template;
pub mod terms;
pub mod time;
pub mod uplinks;
pub mod values;
pub mod weigh;
