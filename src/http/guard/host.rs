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
    origins: Vec<String>,
}

impl OwnNames {
    /// The loopback names with `port`, and what the user allowed besides.
    pub(super) fn new(port: u16, allowed: &[String]) -> Result<Self, String> {
        let mut names: Vec<Name> = ["127.0.0.1", "localhost", "[::1]"]
            .into_iter()
            .map(|host| Name { host: host.to_owned(), port, port_may_miss: port == 80 })
            .collect();
        let mut origins: Vec<String> =
            names.iter().flat_map(|name| origins_of("http", name, 80)).collect();
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
        Ok(Self { names, origins })
    }

    /// True when there is exactly one `Host` and it is an own name.
    pub(super) fn host_is_own(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let Some((host, port)) = host.to_str().ok().and_then(split_authority) else { return false };
        self.names.iter().any(|name| {
            name.host == host && port.map_or(name.port_may_miss, |port| port == name.port)
        })
    }

    /// True when a page of this origin was served by us.
    pub(super) fn origin_is_own(&self, origin: &str) -> bool {
        self.origins.iter().any(|own| own.eq_ignore_ascii_case(origin))
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
