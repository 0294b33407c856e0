//! Who may come in: checked before any route, streams included.
//!
//! Order: target form → Host (421) → Origin, Sec-Fetch-Site (403) → path (400) → sign-in (303) →
//! token (401) → read-only (403). What a refused request named is never looked at.

mod host;
mod origin;
mod path;
mod replies;
mod token;

pub use token::Token;

use http::{HeaderMap, Method, Uri};
use warp::reply::Response;

/// What the guard is told at start.
#[derive(Debug, Clone, Default)]
pub struct GuardSettings {
    /// The port we listen on.
    pub port: u16,
    /// Further own names: `name` (with the own port) or `name:port` (behind a proxy; 80 and 443 also
    /// match a missing port).
    pub allow_hosts: Vec<String>,
    /// Foreign pages that may use the API: `scheme://host[:port]`.
    pub allow_origins: Vec<String>,
    /// Asked of everybody when set.
    pub token: Option<String>,
    /// Control routes are refused.
    pub read_only: bool,
    /// The page comes from a user's folder and may hold inline handlers.
    pub foreign_page: bool,
}

/// The guard of one server.
#[derive(Debug)]
pub struct Guard {
    settings: GuardSettings,
}
/// temporary
pub fn _skeleton(_: &Method, _: &Uri, _: &HeaderMap) -> Option<Response> { None }
impl Guard {
    /// Reads the lists. An entry that cannot be read is an error for people.
    pub fn new(settings: GuardSettings) -> Result<Self, String> {
        Ok(Self { settings })
    }
    /// The settings.
    pub fn settings(&self) -> &GuardSettings { &self.settings }
}
