//! Which batch an event belongs to, and what follows from that.
