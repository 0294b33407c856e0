//! A target with its secrets looked up: where to send, as whom, and what must never be shown.

use std::ffi::OsString;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;

use crate::config::notifications::{Kind, NotificationConfig, Secret, check_url, is_topic};

/// Where ntfy's own server is.
const NTFY: &str = "https://ntfy.sh/";
/// What is shown instead of a secret.
const HIDDEN: &str = "***";

/// A target that can be sent to.
#[derive(Debug, Clone)]
pub struct Target {
    /// What the file says.
    pub config: NotificationConfig,
    /// Where to send; shown nowhere.
    url: Secret,
    /// Sent as `Authorization: Bearer`.
    token: Option<Secret>,
    /// What signs the body.
    key: Option<Vec<u8>>,
    /// ntfy's topic.
    topic: Option<Secret>,
    /// Every piece of text that must not be shown.
    hidden: Vec<Secret>,
}

impl Target {
    /// Looks the secrets up. The error names variables, never values.
    pub fn resolve(
        config: &NotificationConfig,
        lookup: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, String> {
        let table = &config.table;
        let variable = |name: &String| -> Result<String, String> {
            let value = lookup(name).filter(|value| !value.is_empty());
            let value =
                value.ok_or_else(|| format!("the environment variable {name} is not set"))?;
            let value = value.into_string().ok().map(|text| text.trim().to_owned());
            value
                .filter(|text| !text.is_empty() && !text.contains(|c: char| c.is_control()))
                .ok_or_else(|| format!("the environment variable {name} is empty or no plain text"))
        };
        let mut hidden = Vec::new();
        let mut url = match (&table.url, &table.url_env) {
            (Some(url), _) => url.reveal().to_owned(),
            (None, Some(name)) => {
                let url = variable(name)?;
                check_url(&url).map_err(|what| format!("the address in {name} {what}"))?;
                url
            }
            (None, None) => NTFY.to_owned(),
        };
        if url != NTFY {
            hide(&mut hidden, &url);
        }
        let mut topic = match (&table.topic, &table.topic_env) {
            (Some(topic), _) => Some(topic.clone()),
            (None, Some(name)) => {
                let topic = variable(name)?;
                if !is_topic(&topic) {
                    return Err(format!("what {name} holds is no topic: letters, digits, - and _"));
                }
                Some(Secret::new(topic))
            }
            (None, None) => None,
        };
        if config.to == Kind::Ntfy && topic.is_none() {
            // `https://ntfy.sh/topic`, as one subscribes to it.
            let (base, last) = url.rsplit_once('/').unwrap_or_default();
            if base.ends_with('/') || !is_topic(last) {
                return Err("no topic: name a topic, or let the address end in one".to_owned());
            }
            topic = Some(Secret::new(last));
            url = format!("{base}/");
        }
        let token = table.token_env.as_ref().map(&variable).transpose()?;
        let secret = table.secret_env.as_ref().map(&variable).transpose()?;
        for text in
            topic.iter().map(Secret::reveal).chain(token.as_deref()).chain(secret.as_deref())
        {
            hidden.push(Secret::new(text));
        }
        let parsed: Uri = url.parse().map_err(|_| "the address cannot be read".to_owned())?;
        if parsed.host().is_none() {
            return Err("the address names no host".to_owned());
        }
        let key = secret.map(|text| key_of(&text)).transpose()?;
        let (url, token) = (Secret::new(url), token.map(Secret::new));
        Ok(Self { config: config.clone(), url, token, key, topic, hidden })
    }

    /// Where to send.
    pub(super) fn url(&self) -> &str {
        self.url.reveal()
    }

    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_ref().map(Secret::reveal)
    }

    pub(super) fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    pub(super) fn topic(&self) -> Option<&str> {
        self.topic.as_ref().map(Secret::reveal)
    }

    /// Somebody's words, without the secrets that may be in them.
    pub fn without_secrets(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for secret in &self.hidden {
            // A short one would tear every word; it is hardly a secret either.
            if secret.reveal().len() >= 4 {
                out = out.replace(secret.reveal(), HIDDEN);
            }
        }
        out
    }

    /// The secret travels readable over somebody's network.
    pub fn travels_readable(&self) -> bool {
        let Ok(uri) = self.url().parse::<Uri>() else { return false };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let loopback = host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        uri.scheme_str() == Some("http") && !loopback
    }
}

/// The address, and its parts behind the host: any of them may be what lets one in.
fn hide(hidden: &mut Vec<Secret>, url: &str) {
    hidden.push(Secret::new(url));
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    hidden.push(Secret::new(path));
    let parts = path.split(['/', '?', '&', '=']).filter(|part| part.len() >= 8);
    hidden.extend(parts.map(Secret::new));
}

/// The key as it is written in the Standard Webhooks form, else the text's own bytes.
fn key_of(text: &str) -> Result<Vec<u8>, String> {
    let Some(encoded) = text.strip_prefix("whsec_") else { return Ok(text.as_bytes().to_vec()) };
    STANDARD.decode(encoded).map_err(|_| "what stands behind whsec_ is no base64".to_owned())
}
