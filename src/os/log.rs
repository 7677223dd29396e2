//! The log: standard error, as text or JSON.
