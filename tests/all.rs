//! Every test that runs the real binary against real files, sockets and SQLite: one test program,
//! so that it is linked once.

mod support;

mod attack;
mod behaviours;
mod cli;
mod degraded;
mod delivery;
mod examples;
mod export;
mod files;
mod honesty;
mod import;
mod laws;
mod logging;
mod managed;
mod many;
mod metrics;
mod notifications;
mod openapi;
mod parsers;
mod past;
mod retention;
mod rooms;
mod run;
mod schemathesis;
mod storage;
mod stories;
mod team;
mod terminal;
mod websocket;
mod wire;
