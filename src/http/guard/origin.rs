//! Where a request comes from: `Origin` and `Sec-Fetch-*`.

use http::header::ORIGIN;
use http::{HeaderMap, HeaderValue, Method};

use super::host::OwnNames;

/// What is known of a request's page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Our own page, or no page at all.
    Own,
    /// A foreign page that the user allowed: it gets CORS headers.
    Allowed(HeaderValue),
    /// Anything else.
    Foreign,
}

/// The foreign origins that the user allowed.
#[derive(Debug, Default)]
pub(super) struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// Reads `--allow-origin`: `scheme://host[:port]`, nothing behind it.
    pub(super) fn new(entries: &[String]) -> Result<Self, String> {
        let mut origins = Vec::with_capacity(entries.len());
        for entry in entries {
            let rest = entry.split_once("://").filter(|(scheme, _)| {
                !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            });
            if rest.and_then(|(_, rest)| super::host::split_authority(rest)).is_none() {
                return Err(format!("allowed origin {entry:?} is not scheme://host[:port]"));
            }
            origins.push(entry.to_ascii_lowercase());
        }
        Ok(Self(origins))
    }

    fn allows(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
    }
}

/// The pages that a link from elsewhere may open, by their addresses and their files.
const PAGES: [&str; 6] = ["/", "/index.html", "/api", "/api.html", "/projects", "/projects.html"];

/// Judges a request. A link from elsewhere may open a page, and nothing else.
pub(super) fn judge(
    own: &OwnNames,
    allowed: &AllowedOrigins,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Origin {
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => {}
        (Some(value), None) => match value.to_str() {
            Ok(origin) if own.origin_is_own(origin, headers) => {}
            Ok(origin) if allowed.allows(origin) => return Origin::Allowed(value.clone()),
            _ => return Origin::Foreign,
        },
        _ => return Origin::Foreign,
    }
    let same_site = headers
        .get_all("sec-fetch-site")
        .iter()
        .all(|site| site == "same-origin" || site == "none");
    if same_site || opens_the_page(method, path, headers) { Origin::Own } else { Origin::Foreign }
}

/// A cross-site link to a page: a reading navigation of the whole window.
pub(super) fn opens_the_page(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let is = |name: &str, word: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().is_some_and(|value| value == word) && values.next().is_none()
    };
    (method == Method::GET || method == Method::HEAD)
        && PAGES.contains(&path)
        && is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document")
}
