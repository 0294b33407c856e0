//! `[nats]` of the file: where a team's events go, and as whom.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, de::Error};

use super::values;

/// The team of whoever names none.
pub const DEFAULT_TEAM: &str = "default";

/// A longer name is no name: names stand in subjects and in files' names.
const LONGEST_NAME: usize = 64;

/// More copies than this no server keeps.
const MOST_REPLICAS: usize = 5;

/// Addresses of NATS servers. They may hold a password, so nothing shows them but [`Self::shown`].
#[derive(Clone, PartialEq, Eq)]
pub struct Servers(Vec<String>);

impl Servers {
    /// Reads one address, or several parted by commas.
    pub fn parse(text: &str) -> Result<Self, String> {
        let servers = text.split(',').map(server).collect::<Result<_, _>>()?;
        Ok(Self(servers))
    }

    /// The addresses themselves, for who connects to them.
    pub fn reveal(&self) -> &[String] {
        &self.0
    }

    /// The addresses without user and password.
    pub fn shown(&self) -> String {
        let shown = self.0.iter().map(|server| {
            let (scheme, rest) = server.split_once("://").unwrap_or(("nats", server));
            let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
            format!("{scheme}://{place}")
        });
        shown.collect::<Vec<_>>().join(",")
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// One address, with its scheme. What it says is in no message: it may hold a password.
fn server(text: &str) -> Result<String, String> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").unwrap_or(("nats", text));
    if !matches!(scheme, "nats" | "tls") {
        return Err("the address of NATS begins with nats:// or tls://".to_owned());
    }
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let place = place.trim_end_matches('/');
    if place.is_empty() || !place.chars().all(fits) || rest.contains(char::is_whitespace) {
        return Err("the address of NATS is one such as nats://127.0.0.1:4222".to_owned());
    }
    Ok(format!("{scheme}://{}", rest.trim_end_matches('/')))
}

/// Reads the name of a team, of a project in it, or of a stream: it stands in subjects, so that
/// nothing may part it.
pub fn parse_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if begins && text.len() <= LONGEST_NAME && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{text:?} cannot be a name here: at most {LONGEST_NAME} of a-z, 0-9, - and _, and first a \
         letter or a digit"
    ))
}

/// A name made of any text, such as a folder's; none when nothing of it fits.
pub fn fitting_name(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let fit = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let name: String = lower.chars().map(fit).collect();
    let name: String = name.trim_matches(['-', '_']).chars().take(LONGEST_NAME).collect();
    parse_name(&name).ok()
}

/// What one source says; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NatsTable {
    /// Where it is; without it nothing is sent anywhere.
    #[serde(deserialize_with = "servers")]
    pub url: Option<Servers>,
    /// Whose sprints these are.
    #[serde(deserialize_with = "name")]
    pub team: Option<String>,
    /// What this project is called in its team.
    #[serde(deserialize_with = "name")]
    pub project: Option<String>,
    /// The stream that holds the team's events.
    #[serde(deserialize_with = "name")]
    pub stream: Option<String>,
    /// How many servers keep each event, where the stream is to be made.
    #[serde(deserialize_with = "replicas")]
    pub replicas: Option<usize>,
    /// How long the stream keeps events, where it is to be made.
    #[serde(deserialize_with = "values::days")]
    pub keep_days: Option<f64>,
    /// A file of credentials, as `nsc` writes it.
    pub credentials: Option<PathBuf>,
    /// A file of certificates to trust beside the system's.
    pub ca: Option<PathBuf>,
    /// This side's certificate.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// Whether a hub may start, stop and set what this server runs.
    pub control: Option<bool>,
}

impl NatsTable {
    /// This table, and where it says nothing, the `lower` one.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        Self {
            url: self.url.or(lower.url),
            team: self.team.or(lower.team),
            project: self.project.or(lower.project),
            stream: self.stream.or(lower.stream),
            replicas: self.replicas.or(lower.replicas),
            keep_days: self.keep_days.or(lower.keep_days),
            credentials: self.credentials.or(lower.credentials),
            ca: self.ca.or(lower.ca),
            certificate: self.certificate.or(lower.certificate),
            key: self.key.or(lower.key),
            control: self.control.or(lower.control),
        }
    }

    pub(super) fn based_on(&mut self, base: &Path) {
        let paths = [&mut self.credentials, &mut self.ca, &mut self.certificate, &mut self.key];
        for path in paths.into_iter().flatten() {
            *path = base.join(&*path);
        }
    }

    /// All together; none without an address.
    pub fn resolved(self) -> Option<Nats> {
        let servers = self.url?;
        let team = self.team.unwrap_or_else(|| DEFAULT_TEAM.to_owned());
        let stream = self.stream.unwrap_or_else(|| format!("sprint-{team}"));
        Some(Nats {
            servers,
            team,
            project: self.project,
            stream,
            replicas: self.replicas.unwrap_or(1),
            keep_days: self.keep_days,
            credentials: self.credentials,
            ca: self.ca,
            certificate: self.certificate,
            key: self.key,
            control: self.control.unwrap_or(false),
        })
    }
}

/// Where a team's events go, and as whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Nats {
    /// Where it is.
    pub servers: Servers,
    /// Whose sprints these are.
    pub team: String,
    /// What this project is called in its team; else its folder's name is made to fit.
    pub project: Option<String>,
    /// The stream that holds the team's events.
    pub stream: String,
    /// How many servers keep each event, where the stream is to be made.
    pub replicas: usize,
    /// How long the stream keeps events, where it is to be made; `None` keeps all.
    pub keep_days: Option<f64>,
    /// A file of credentials.
    pub credentials: Option<PathBuf>,
    /// A file of certificates to trust beside the system's.
    pub ca: Option<PathBuf>,
    /// This side's certificate.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// Whether start, stop and settings may come from afar.
    pub control: bool,
}

/// Reads a number of copies.
pub fn parse_replicas(text: &str) -> Result<usize, String> {
    check_replicas(text.trim().parse().map_err(|_| format!("{text:?} is not a number"))?)
}

fn check_replicas(number: i64) -> Result<usize, String> {
    let fits = usize::try_from(number).ok().filter(|it| (1..=MOST_REPLICAS).contains(it));
    fits.ok_or_else(|| format!("replicas must be 1 to {MOST_REPLICAS}"))
}

fn servers<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Servers>, D::Error> {
    Servers::parse(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

fn name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    parse_name(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

fn replicas<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    check_replicas(i64::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let servers = Servers::parse("nats://me:s3cret@a:4222, tls://b/").unwrap();
        assert_eq!(servers.reveal(), ["nats://me:s3cret@a:4222", "tls://b"]);
        assert_eq!(servers.shown(), "nats://a:4222,tls://b");
        assert_eq!(format!("{servers:?}"), "nats://a:4222,tls://b");
        for wrong in ["", "http://a", "nats://", "nats://pass word@a", "nats://a b"] {
            let error = Servers::parse(wrong).unwrap_err();
            assert!(!error.contains("pass"), "{error}");
        }
    }

    #[test]
    fn names_fit_into_subjects() {
        for good in ["a", "lantern-2", "0_x"] {
            assert_eq!(parse_name(good).as_deref(), Ok(good));
        }
        for bad in ["", "a.b", "A", "-a", "a*", "a>", "a b", "ä", &"a".repeat(65)] {
            assert!(parse_name(bad).is_err(), "{bad:?}");
        }
        assert_eq!(fitting_name("My App.v2").as_deref(), Some("my-app-v2"));
        assert_eq!(fitting_name("…"), None);
    }
}
