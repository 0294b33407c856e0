//! Laws of the room, held by real processes.

mod ending;
mod leaving;
mod reading;
mod stage;
mod starting;
