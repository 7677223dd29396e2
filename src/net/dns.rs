//! What a zone's own name servers answer.
