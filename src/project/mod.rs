//! A project: where its files lie ([`layout`]), what was last read in them ([`board`]), its settings
//! ([`settings_store`]).

pub mod board;
pub mod layout;
pub mod settings_store;
