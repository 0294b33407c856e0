//! A project: where its files lie ([`layout`]), and what was last read in them ([`board`]).

pub mod board;
pub mod layout;
