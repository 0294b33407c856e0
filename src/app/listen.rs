//! Where the server listens: which port wins, what to say when it is taken, who needs a token.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};

use crate::config::Config;

/// The port when nobody names one.
pub const DEFAULT_PORT: u16 = 8080;

/// What the kernels allow a socket's path, its closing NUL left out.
const UNIX_PATH: usize = 103;

/// The port to use: what the configuration says, else the setting `server_port`, else 8080.
pub fn port(config: &Config, state: &Path) -> u16 {
    config.port.or_else(|| setting(state)).unwrap_or(DEFAULT_PORT)
}

/// The setting as last saved. A broken file is told elsewhere; here it says nothing.
fn setting(state: &Path) -> Option<u16> {
    let text = std::fs::read_to_string(state.join("settings.json")).ok()?;
    let settings: serde_json::Value = serde_json::from_str(&text).ok()?;
    let port = settings.get("server_port")?.as_u64()?;
    u16::try_from(port).ok().filter(|port| *port > 0)
}

/// The address for people and programs on this machine: an address that means *all* is reached by
/// loopback.
pub fn url(bound: SocketAddr) -> String {
    let host = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}/", SocketAddr::new(host, bound.port()))
}

/// The address as it is shown and as the command line finds it: `http://…/` or `unix:/path`.
pub fn place(config: &Config, bound: Option<SocketAddr>) -> String {
    match (bound, &config.unix) {
        (Some(bound), _) => url(bound),
        (None, Some(path)) => format!("unix:{}", path.display()),
        (None, None) => String::new(),
    }
}

/// The token that clients need: the one given; else, where others than this machine can connect, a
/// new one. A Unix socket has its file's mode instead. The second part tells whether it was made here.
pub fn token(config: &Config) -> anyhow::Result<(Option<String>, bool)> {
    if config.token.is_some() || config.unix.is_some() || config.host.is_loopback() {
        return Ok((config.token.clone(), false));
    }
    let mut bytes = [0_u8; 24];
    let mut filled = 0;
    while filled < bytes.len() {
        filled +=
            rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())
                .context("cannot draw a token")?;
    }
    let mut token = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    Ok((Some(token), true))
}

/// Why the address could not be taken, and what to do.
pub fn refusal(address: SocketAddr, error: &std::io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "port {} is already in use by another program: stop that one, or choose another with \
             --port N (--port 0 takes any free one)",
            address.port()
        ),
        ErrorKind::PermissionDenied => anyhow!(
            "this user may not listen on port {}: ports below 1024 need special rights; choose \
             another with --port N",
            address.port()
        ),
        ErrorKind::AddrNotAvailable => {
            anyhow!("{} is no address of this machine: see --host", address.ip())
        }
        _ => anyhow!("cannot listen on {address}: {error}"),
    }
}

/// A socket's path has to fit into the kernel's address and into a line for people.
pub fn check_unix(path: &Path) -> anyhow::Result<()> {
    let Some(text) = path.to_str() else { bail!("the path of --unix is not UTF-8") };
    if text.chars().any(char::is_control) {
        bail!("the path of --unix holds control characters");
    }
    if text.len() > UNIX_PATH {
        bail!(
            "the path of --unix is {} bytes long, and a socket's may have {UNIX_PATH}: name a \
             shorter one, such as $XDG_RUNTIME_DIR/sprint-runner.sock",
            text.len()
        );
    }
    Ok(())
}

/// Why the Unix socket could not be made, and what to do.
pub fn unix_refusal(path: &Path, error: &std::io::Error) -> anyhow::Error {
    let path = path.display();
    match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "another program listens on {path} already: stop that one, or choose another path \
             with --unix PATH"
        ),
        ErrorKind::AlreadyExists => anyhow!(
            "{path} is there already and is no socket: it is left alone; choose another path with \
             --unix PATH"
        ),
        ErrorKind::NotFound => anyhow!("the folder of {path} does not exist: make it first"),
        _ => anyhow!("cannot listen on {path}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layer;

    #[test]
    fn the_setting_counts_only_when_nobody_names_a_port() {
        let state = tempfile::tempdir().unwrap();
        let silent = Config::from(Layer::default());
        assert_eq!(port(&silent, state.path()), 8080);
        std::fs::write(state.path().join("settings.json"), r#"{"server_port": 9001}"#).unwrap();
        assert_eq!(port(&silent, state.path()), 9001);
        let named = Config::from(Layer { port: Some(0), ..Layer::default() });
        assert_eq!(port(&named, state.path()), 0);
        std::fs::write(state.path().join("settings.json"), r#"{"server_port": 90"#).unwrap();
        assert_eq!(port(&silent, state.path()), 8080);
    }

    #[test]
    fn all_addresses_are_shown_as_loopback() {
        assert_eq!(url("0.0.0.0:80".parse().unwrap()), "http://127.0.0.1:80/");
        assert_eq!(url("[::]:81".parse().unwrap()), "http://[::1]:81/");
        assert_eq!(url("192.0.2.1:82".parse().unwrap()), "http://192.0.2.1:82/");
    }

    #[test]
    fn only_the_network_gets_a_token_by_itself() {
        let local = Config::from(Layer::default());
        assert_eq!(token(&local).unwrap(), (None, false));
        let open = Config::from(Layer { host: "0.0.0.0".parse().ok(), ..Layer::default() });
        let (made, is_new) = token(&open).unwrap();
        assert!(is_new);
        assert_eq!(made.unwrap().len(), 48);
        let given = Config { token: Some("a-given-token".into()), ..open };
        assert_eq!(token(&given).unwrap(), (Some("a-given-token".into()), false));
    }
}
