//! Signals as a stream of words.
