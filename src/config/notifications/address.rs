//! Addresses: where to send, and where people reach the dashboard.

use serde::{Deserialize, Deserializer, de::Error};

/// Whether it can be sent to: `http` or `https`, with a host, without a name and password.
/// Gives what is wrong, to stand behind the name of the key.
pub fn check_url(text: &str) -> Result<(), String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else {
        return Err("must begin with https:// or http://".to_owned());
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.starts_with(':') {
        return Err("names no host".to_owned());
    }
    if authority.contains('@') {
        return Err("must not hold a name and password: use token_env".to_owned());
    }
    if !text.is_ascii()
        || text.contains(|c: char| c.is_ascii_control() || " \"<>\\^`{|}".contains(c))
    {
        return Err("holds a character that an address cannot have".to_owned());
    }
    if text.contains('#') {
        return Err("must not have a part behind #".to_owned());
    }
    if text.len() > 2000 {
        return Err("is too long".to_owned());
    }
    Ok(())
}

/// Reads the address under which people reach the dashboard: `http` or `https`, no query.
pub fn parse_public_url(text: &str) -> Result<String, String> {
    let text = text.trim();
    check_url(text).map_err(|what| format!("public_url {what}"))?;
    if text.contains('?') {
        return Err(
            "public_url must not have a query: no token either, it would be in every message"
                .to_owned(),
        );
    }
    Ok(format!("{}/", text.trim_end_matches('/')))
}

pub(in crate::config) fn public_url<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<String>, D::Error> {
    parse_public_url(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}
