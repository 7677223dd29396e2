//! The kernel's word on addresses and routes (Linux): a snapshot, and a stream of changes.
