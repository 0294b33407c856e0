//! Under way.
/// A token.
#[derive(Debug)]
pub struct Token;
