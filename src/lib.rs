//! Sprint Runner: watches the sprint of a BMAD-method project and shows it live.

pub mod domain;
pub mod parse;
