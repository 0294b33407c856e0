//! A project: where its files lie ([`layout`]), what was last read in them ([`board`]), its settings
//! ([`settings_store`]), what it is called beside others ([`names`], [`checkout`]).

pub mod board;
pub mod checkout;
pub mod layout;
pub mod names;
pub mod settings_store;
