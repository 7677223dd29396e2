//! Evidence: who says which address, by what way and for whom, and what that counted for.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::agree::{Reading, SourceName};
use super::record::Family;
use super::time::Wall;

/// How a source learns an address. Two voices that come by different ways are unlike evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// The kernel's word on an interface of ours.
    Interface,
    /// The router's word on its own address outside.
    Router,
    /// A web server that says who asks.
    Https,
    /// A name server that says who asks.
    Dns,
    /// A STUN server that says who asks.
    Stun,
    /// A file on this machine.
    File,
    /// A command on this machine.
    Command,
    /// The configuration itself.
    Fixed,
}

impl Protocol {
    /// Whether the answer comes from this machine or its router, not from out in the world.
    #[must_use]
    pub fn is_local(self) -> bool {
        !matches!(self, Self::Https | Self::Dns | Self::Stun)
    }
}

/// The word in the configuration.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interface => "interface",
            Self::Router => "router",
            Self::Https => "https",
            Self::Dns => "dns",
            Self::Stun => "stun",
            Self::File => "file",
            Self::Command => "command",
            Self::Fixed => "fixed",
        })
    }
}

/// One source's part in a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The source.
    pub source: SourceName,
    /// Who runs it.
    pub operator: String,
    /// How it learns the address.
    pub protocol: Protocol,
    /// The family it was asked for.
    pub family: Family,
    /// What it said; `None`: it was not asked, or what it said was of another network.
    pub answer: Option<Reading>,
    /// When it said so; `None`: it was not asked.
    pub at: Option<Wall>,
    /// What that counted for.
    pub weight: Weight,
}

impl Evidence {
    /// Whether what is believed rests on it.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.weight == Weight::Counts
    }
}

/// What an answer counted for. Its text is the reason that people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// What is believed rests on it.
    Counts,
    /// It says something else than what is believed.
    Dissents,
    /// It says what is believed, as another one of the same operator does by the same protocol: together they are one voice.
    Repeats,
    /// It disagreed too often; whether it now says what is believed.
    Demoted {
        /// It does.
        agrees: bool,
    },
    /// It could not tell.
    Blind,
    /// It has no address, and the next source is asked.
    Passed,
    /// It was not needed: others were enough, or come first.
    Spare,
    /// It was needed, and is spared: it was asked moments before the network changed.
    Rests {
        /// Not asked again before.
        until: Wall,
    },
    /// Too few say the same.
    Undecided,
    /// It is the only one, and has not said so often enough.
    Unproven {
        /// How often it has.
        times: u32,
    },
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counts => f.write_str("counts"),
            Self::Dissents => f.write_str("says something else than what is believed"),
            Self::Repeats => f.write_str("one voice with another of the same operator by the same protocol"),
            Self::Demoted { agrees: true } => f.write_str("agrees, and is not counted: it disagreed too often before"),
            Self::Demoted { agrees: false } => f.write_str("not counted: it disagrees too often"),
            Self::Blind => f.write_str("could not tell"),
            Self::Passed => f.write_str("has none, so that the next source is asked"),
            Self::Spare => f.write_str("not needed"),
            Self::Rests { until } => {
                write!(f, "needed, and not asked again before {until}: it was asked moments before the network changed")
            }
            Self::Undecided => f.write_str("no single answer has enough voices"),
            Self::Unproven { times } => write!(f, "alone, and has said so {times} of {TIMES} times"),
        }
    }
}

/// A single source out in the world is believed when it has said the same so many times, …
pub const TIMES: u32 = 3;
/// … over at least so many seconds, and nothing else in between.
pub const OVER: std::time::Duration = std::time::Duration::from_secs(120);
