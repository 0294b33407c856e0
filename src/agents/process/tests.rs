//! Laws of the room, held by real processes.
