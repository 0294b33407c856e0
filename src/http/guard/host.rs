//! Own names: which `Host` and which `Origin` mean this server.

use http::HeaderMap;
use http::header::HOST;

/// One own name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    /// Lower case; IPv6 in brackets.
    host: String,
    port: u16,
    /// A missing port means this one too.
    port_may_miss: bool,
}

/// All own names, and the origins of the pages served under them.
#[derive(Debug)]
pub(super) struct OwnNames {
    names: Vec<Name>,
    /// Of the names that the user gave: what a proxy that speaks TLS, or sends a `Host` of its own,
    /// has its pages called.
    origins: Vec<String>,
    /// The port under which any literal address is own, when a token is asked for.
    addresses_at: Option<u16>,
}

impl OwnNames {
    /// The loopback names with `port`, and what the user allowed besides.
    ///
    /// With a token, any literal address with `port` is own too: people type the address of the
    /// network that they see, and a rebound name, which the list is there against, is no literal.
    pub(super) fn new(port: u16, allowed: &[String], with_token: bool) -> Result<Self, String> {
        let mut names: Vec<Name> = ["127.0.0.1", "localhost", "[::1]"]
            .into_iter()
            .map(|host| Name { host: host.to_owned(), port, port_may_miss: port == 80 })
            .collect();
        let mut origins = Vec::new();
        for entry in allowed {
            let (host, given) = split_authority(entry)
                .ok_or_else(|| format!("allowed host {entry:?} is not a name or name:port"))?;
            let port = given.unwrap_or(port);
            // A name with its own port is one behind a proxy, which may speak TLS.
            let name =
                Name { host, port, port_may_miss: port == 80 || (given.is_some() && port == 443) };
            origins.extend(origins_of("http", &name, 80));
            if given.is_some() {
                origins.extend(origins_of("https", &name, 443));
            }
            names.push(name);
        }
        Ok(Self { names, origins, addresses_at: with_token.then_some(port) })
    }

    /// True when there is exactly one `Host` and it is an own name.
    pub(super) fn host_is_own(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let Some((host, port)) = host.to_str().ok().and_then(split_authority) else { return false };
        self.is_own_address(&host, port)
            || self.names.iter().any(|name| {
                name.host == host && port.map_or(name.port_may_miss, |port| port == name.port)
            })
    }

    fn is_own_address(&self, host: &str, port: Option<u16>) -> bool {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        self.addresses_at.is_some_and(|own| own == port.unwrap_or(80))
            && bare.parse::<std::net::IpAddr>().is_ok()
    }

    fn is_named(&self, host: &str, port: u16) -> bool {
        self.is_own_address(host, Some(port))
            || self.names.iter().any(|name| name.host == host && name.port == port)
    }

    /// True when a page of this origin was served by us: from the very `Host` that is asked, or
    /// under a name that the user gave. To be asked once the `Host` is known to be own.
    ///
    /// Another own name than the one asked is another origin: on `[::1]` somebody else may listen
    /// on the port that is ours on `127.0.0.1`, and not every literal address is ours.
    pub(super) fn origin_is_own(&self, origin: &str, headers: &HeaderMap) -> bool {
        let page = origin.strip_prefix("http://").and_then(split_authority);
        let host = headers.get(HOST).and_then(|host| split_authority(host.to_str().ok()?));
        let at = |(host, port): (String, Option<u16>)| (host, port.unwrap_or(80));
        let is_asked = |page: &(String, u16)| host.map(at).as_ref() == Some(page);
        page.map(at).is_some_and(|page| self.is_named(&page.0, page.1) && is_asked(&page))
            || self.origins.iter().any(|own| own.eq_ignore_ascii_case(origin))
    }
}

/// `scheme://host:port`, and without the port where it is the scheme's own.
fn origins_of(scheme: &str, name: &Name, default_port: u16) -> Vec<String> {
    let mut origins = vec![format!("{scheme}://{}:{}", name.host, name.port)];
    if name.port == default_port {
        origins.push(format!("{scheme}://{}", name.host));
    }
    origins
}

/// Host in lower case and port of `host[:port]`; `None` for anything else.
pub(super) fn split_authority(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = if text.starts_with('[') {
        let end = text.find(']')?;
        let inside = &text[1..end];
        if inside.is_empty()
            || !inside.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'))
        {
            return None;
        }
        (&text[..=end], &text[end + 1..])
    } else {
        let end = text.find(':').unwrap_or(text.len());
        let host = &text[..end];
        if host.is_empty()
            || !host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        {
            return None;
        }
        (host, &text[end..])
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some(digits.parse().ok()?)
        }
        _ => return None,
    };
    Some((host.to_ascii_lowercase(), port))
}
