//! Values that need more than their type says, checked the same way from every source.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Deserializer, de::Error};

/// Reads an address to listen on: an IP address, bare or in brackets, or `localhost`.
pub fn parse_host(text: &str) -> Result<IpAddr, String> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse()
        .map_err(|_| format!("host is {text:?}, which is neither an IP address nor \"localhost\""))
}

/// Reads a token: 8 to 256 letters, digits and `-._~`, so that it can stand in a cookie, a header
/// and an address as it is.
pub fn parse_token(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if (8..=256).contains(&text.len()) && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("token must be 8 to 256 characters out of letters, digits and -._~".to_owned())
    }
}

/// Reads a number of minutes: more than 0, a year at most; fractions are fine.
pub fn parse_minutes(text: &str) -> Result<f64, String> {
    check_minutes(text.trim().parse().map_err(|_| format!("{text:?} is not a number"))?)
}

fn check_minutes(minutes: f64) -> Result<f64, String> {
    if minutes > 0.0 && minutes <= 525_600.0 {
        Ok(minutes)
    } else {
        Err("observed_idle_minutes must be more than 0 and at most 525600".to_owned())
    }
}

/// Reads a number of days: a second at least, a hundred years at most; fractions are fine.
pub fn parse_days(text: &str) -> Result<f64, String> {
    check_days(text.trim().parse().map_err(|_| format!("{text:?} is not a number"))?)
}

fn check_days(days: f64) -> Result<f64, String> {
    if (1.0 / 86_400.0..=36_500.0).contains(&days) {
        Ok(days)
    } else {
        Err("retention_days must be at least 0.00002 (a second) and at most 36500; leave it out to \
             keep all events"
            .to_owned())
    }
}

pub(super) fn host<'de, D: Deserializer<'de>>(from: D) -> Result<Option<IpAddr>, D::Error> {
    parse_host(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

pub(super) fn token<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    parse_token(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

pub(super) fn minutes<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    check_minutes(f64::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

pub(super) fn days<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    check_days(f64::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

/// Reads what has to become part of a command line: no NUL.
pub(super) fn plain<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    check_plain(String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

/// The same, and not empty.
pub(super) fn word<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = check_plain(String::deserialize(from)?).map_err(D::Error::custom)?;
    if text.trim().is_empty() {
        return Err(D::Error::custom("must not be empty"));
    }
    Ok(Some(text))
}

pub(super) fn words<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let words: Vec<String> = Vec::deserialize(from)?;
    let checked: Result<_, _> = words.into_iter().map(check_plain).collect();
    checked.map(Some).map_err(D::Error::custom)
}

pub(super) fn environment<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    let variables: BTreeMap<String, String> = BTreeMap::deserialize(from)?;
    for (name, value) in &variables {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(D::Error::custom(format!("{name:?} cannot be set in an environment")));
        }
    }
    Ok(Some(variables))
}

pub(super) fn max_processes<'de, D: Deserializer<'de>>(from: D) -> Result<Option<usize>, D::Error> {
    let number = i64::deserialize(from)?;
    let fits = usize::try_from(number).ok().filter(|number| (1..=64).contains(number));
    fits.map(Some).ok_or_else(|| D::Error::custom("max_processes must be 1 to 64"))
}

fn check_plain(text: String) -> Result<String, String> {
    if text.contains('\0') { Err("must not hold a NUL".to_owned()) } else { Ok(text) }
}
