//! Driftless keeps DNS records from drifting away from the addresses they stand for.
//!
//! Four floors, imports only go down: entrance (`cli`, `app`, `config`, `import`), loop (`engine`), hands (`detect`, `provider`, `net`,
//! `notify`, `os`, `store`, `report`), model (`model`: pure). See ARCHITECTURE.md.

pub mod app;
pub mod cli;
pub mod config;
pub mod detect;
pub mod engine;
#[cfg(feature = "import")]
pub mod import;
pub mod model;
pub mod net;
pub mod notify;
pub mod os;
pub mod provider;
pub mod report;
pub mod store;
