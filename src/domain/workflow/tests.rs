//! The state machine against a simulated world: tables, properties, whole recorded batches.

mod cases;
mod laws;
mod recorded;
mod world;
