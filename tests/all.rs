//! Every test that runs the real binary against real files, sockets and SQLite: one test program,
//! so that it is linked once.

mod support;

mod cli;
mod delivery;
mod rooms;
