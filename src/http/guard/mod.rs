//! Who may come in: checked before any route, streams included.
//!
//! Order: target form and `Host` (421) → `Origin`, `Sec-Fetch-Site` (403) → path (400) → sign-in
//! (303) → token (401) → read-only (403) → a method that the address does not have (405) → media
//! type of a control request (415). Its body (413) is the service's matter, its content (400) the route's. What stands behind a refusal is never
//! looked at. To add a check: a pure function in a file of its own, one line in [`Guard::check`],
//! rows in the table of `tests.rs`.

mod host;
mod origin;
mod path;
mod replies;
#[cfg(test)]
mod tests;
mod token;

use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Uri};
use warp::reply::Response;

use self::host::OwnNames;
use self::origin::{AllowedOrigins, Origin};
use self::token::{SignIn, Token};
use super::error::{Code, error_reply};
use super::table;

pub(super) use self::token::cookie_name;

/// What the guard is told at start.
#[derive(Debug, Clone, Default)]
pub struct GuardSettings {
    /// The port we listen on.
    pub port: u16,
    /// Further own names: `name` (with the own port), or `name:port` for one behind a proxy (80 and
    /// 443 then also match a missing port, and `https` origins count as own).
    pub allow_hosts: Vec<String>,
    /// Foreign pages that may use the API: `scheme://host[:port]`.
    pub allow_origins: Vec<String>,
    /// Asked of everybody when set.
    pub token: Option<String>,
    /// Every control route is refused.
    pub read_only: bool,
    /// The page comes from a user's folder and may hold inline handlers.
    pub foreign_page: bool,
    /// Where the page is: `/` when empty.
    pub home: String,
}

/// The guard of one server.
#[derive(Debug)]
pub struct Guard {
    own: OwnNames,
    allowed: AllowedOrigins,
    token: Option<Token>,
    read_only: bool,
    foreign_page: bool,
    home: String,
}

/// A request that may go on.
#[derive(Debug, Default)]
pub struct Pass {
    /// The foreign origin that was allowed, for [`Guard::dress`].
    cors: Option<HeaderValue>,
}

/// The guard's word.
#[derive(Debug)]
pub enum Verdict {
    /// Go on.
    Pass(Pass),
    /// This is the answer.
    Answer(Response, Pass),
}

impl Guard {
    /// Reads the lists; an entry that cannot be read is told in a sentence for people.
    pub fn new(settings: &GuardSettings) -> Result<Self, String> {
        let token = settings.token.as_deref();
        Ok(Self {
            own: OwnNames::new(settings.port, &settings.allow_hosts, token.is_some())?,
            allowed: AllowedOrigins::new(&settings.allow_origins)?,
            token: token.map(|secret| Token::new(secret, settings.port)).transpose()?,
            read_only: settings.read_only,
            foreign_page: settings.foreign_page,
            home: Some(&settings.home).filter(|it| !it.is_empty()).map_or("/", |it| it).to_owned(),
        })
    }

    /// Judges a request's head.
    pub fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Verdict {
        // An absolute target names a host of its own beside `Host`: no browser sends one.
        if uri.scheme().is_some() || uri.authority().is_some() || !self.own.host_is_own(headers) {
            return refuse(Code::Misdirected, "this server does not answer under that host name");
        }
        let pass = match origin::judge(&self.own, &self.allowed, method, uri.path(), headers) {
            Origin::Own => Pass::default(),
            Origin::Allowed(origin) => Pass { cors: Some(origin) },
            Origin::Foreign => {
                return refuse(Code::Forbidden, "requests from other web pages are not taken");
            }
        };
        if !path::is_plain(uri.path()) {
            return pass.answer(error_reply(Code::BadRequest, "the path is not a plain one"));
        }
        // A preflight carries no credentials, and says nothing that the page does not know.
        if method == Method::OPTIONS && pass.cors.is_some() {
            return pass.answer(replies::options(uri.path(), true));
        }
        if let Some(refusal) = self.ask_token(method, uri, headers) {
            return pass.answer(refusal);
        }
        if method == Method::OPTIONS {
            return pass.answer(replies::options(uri.path(), false));
        }
        match self.refuse_change(method, uri.path(), headers) {
            Some(refusal) => pass.answer(refusal),
            None => Verdict::Pass(pass),
        }
    }

    /// The same for who comes in by no connection of ours and whom somebody else has let in: what
    /// stands there against browsers and strangers is left out. None = go on.
    pub fn check_indoors(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Option<Response> {
        if !path::is_plain(path) {
            return Some(error_reply(Code::BadRequest, "the path is not a plain one"));
        }
        self.refuse_change(method, path, headers)
    }

    fn refuse_change(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
        if matches!(*method, Method::GET | Method::HEAD) {
            return None;
        }
        if self.read_only {
            return Some(error_reply(Code::Forbidden, "this server is read-only"));
        }
        // Which methods there are stands before what they must be sent as.
        if let Some(allow) = table::refuses(path, method) {
            return Some(replies::not_allowed(method, allow));
        }
        // What a form can send never gets through: not its type, and not its missing type.
        if matches!(*method, Method::POST | Method::PUT | Method::PATCH) && !is_json(headers) {
            let message = "the body must be sent as application/json";
            return Some(error_reply(Code::UnsupportedMediaType, message));
        }
        None
    }

    /// Adds what every answer carries.
    pub fn dress(&self, headers: &mut HeaderMap, pass: Pass) {
        replies::dress(headers, self.foreign_page, pass.cors);
    }

    fn ask_token(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
        let token = self.token.as_ref()?;
        match token.sign_in(method, uri) {
            SignIn::Right => return Some(replies::signed_in(token.set_cookie(), &self.home)),
            SignIn::NotAsked if token.is_in(headers) => return None,
            SignIn::NotAsked | SignIn::Wrong => {}
        }
        let mut reply = if origin::opens_the_page(method, uri.path(), headers) {
            let same = |site: &HeaderValue| site == "same-origin" || site == "none";
            let from_elsewhere = !headers.get_all("sec-fetch-site").iter().all(same);
            let page = ["api", "projects"]
                .into_iter()
                .find(|page| uri.path().trim_start_matches('/').starts_with(page));
            let page = page.unwrap_or_default();
            let step =
                (from_elsewhere && uri.query().is_none()).then(|| format!("{}{page}", self.home));
            replies::sign_in_page(&self.home, step.as_deref())
        } else {
            error_reply(Code::Unauthorized, "this server wants its token")
        };
        reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        Some(reply)
    }
}

impl Pass {
    fn answer(self, reply: Response) -> Verdict {
        Verdict::Answer(reply, self)
    }
}

fn refuse(code: Code, message: &str) -> Verdict {
    Pass::default().answer(error_reply(code, message))
}

/// Exactly one `Content-Type`, and it is JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (types.next(), types.next()) else { return false };
    kind.to_str().is_ok_and(|kind| {
        let essence = kind.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/json")
    })
}
