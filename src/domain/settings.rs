//! The nine settings: their defaults, their ranges, and what a change may say.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::issue::shown;

/// All settings, as `/api/settings` shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = with_ranges)]
pub struct Settings {
    /// The project's context is made anew when it is older, in hours.
    pub project_context_max_age_hours: i64,
    /// A command whose context is larger than this is warned of, in KiB.
    pub injection_warning_kb: i64,
    /// A command whose context is larger than this is not started, in KiB.
    pub injection_error_kb: i64,
    /// Cycles of a batch that is started without a size.
    pub default_max_cycles: i64,
    /// Code reviews of one story before it is left to people.
    pub max_code_review_attempts: i64,
    /// From which code review on the small model does it.
    pub haiku_after_review: i64,
    /// The port to listen on from the next start.
    pub server_port: i64,
    /// The longest silence on a stream; never more than 15 s whatever it says.
    pub websocket_heartbeat_seconds: i64,
    /// Batches in a list for which no limit is asked.
    pub default_batch_list_limit: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            project_context_max_age_hours: 24,
            injection_warning_kb: 100,
            injection_error_kb: 150,
            default_max_cycles: 2,
            max_code_review_attempts: 10,
            haiku_after_review: 2,
            server_port: 8080,
            websocket_heartbeat_seconds: 30,
            default_batch_list_limit: 20,
        }
    }
}

/// Each setting with its least and its greatest value.
pub const RANGES: [(&str, i64, i64); 9] = [
    ("project_context_max_age_hours", 1, 8760),
    ("injection_warning_kb", 1, 100_000),
    ("injection_error_kb", 1, 100_000),
    ("default_max_cycles", 1, 10_000),
    ("max_code_review_attempts", 1, 100),
    ("haiku_after_review", 1, 100),
    ("server_port", 1, 65_535),
    ("websocket_heartbeat_seconds", 1, 3600),
    ("default_batch_list_limit", 1, 100),
];

/// A setting's range and default in the document are those that hold.
fn with_ranges(schema: &mut Schema) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for fact in Settings::default().facts() {
        if let Some(Value::Object(setting)) = properties.get_mut(fact.key) {
            setting.insert("minimum".to_owned(), fact.least.into());
            setting.insert("maximum".to_owned(), fact.greatest.into());
            setting.insert("default".to_owned(), fact.default.into());
        }
    }
}

/// What there is to know of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Fact {
    pub key: &'static str,
    pub value: i64,
    pub default: i64,
    pub least: i64,
    pub greatest: i64,
}

/// Why a change was not taken: one sentence that names the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

impl Settings {
    /// The settings with a change taken over, all of it or nothing.
    pub fn with(&self, change: &Value) -> Result<Self, SettingsError> {
        let Value::Object(change) = change else {
            return Err(SettingsError("settings are a JSON object".to_owned()));
        };
        let mut all = self.as_map();
        for (key, value) in change {
            let Some((_, least, greatest)) = RANGES.iter().find(|(name, _, _)| name == key) else {
                return Err(SettingsError(format!("there is no setting \"{}\"", shown(key, 80))));
            };
            match value.as_i64() {
                Some(number) if (*least..=*greatest).contains(&number) => {
                    all.insert(key.clone(), number.into());
                }
                _ => {
                    return Err(SettingsError(format!(
                        "\"{key}\" must be a whole number from {least} to {greatest}"
                    )));
                }
            }
        }
        let settings: Self = serde_json::from_value(Value::Object(all))
            .map_err(|error| SettingsError(error.to_string()))?;
        if settings.injection_warning_kb > settings.injection_error_kb {
            return Err(SettingsError(
                "\"injection_warning_kb\" may not be greater than \"injection_error_kb\""
                    .to_owned(),
            ));
        }
        Ok(settings)
    }

    /// What differs from `old`, as `{key: [old, new]}`.
    pub fn changes_since(&self, old: &Self) -> Map<String, Value> {
        let old = old.as_map();
        self.as_map()
            .into_iter()
            .filter(|(key, value)| old.get(key) != Some(value))
            .map(|(key, value)| {
                let pair = Value::Array(vec![old[&key].clone(), value]);
                (key, pair)
            })
            .collect()
    }

    /// All nine, in the order of [`RANGES`].
    pub fn facts(&self) -> Vec<Fact> {
        let (held, defaults) = (self.as_map(), Self::default().as_map());
        let number = |map: &Map<String, Value>, key: &str| map.get(key).and_then(Value::as_i64);
        RANGES
            .iter()
            .filter_map(|&(key, least, greatest)| {
                let (value, default) = (number(&held, key)?, number(&defaults, key)?);
                Some(Fact { key, value, default, least, greatest })
            })
            .collect()
    }

    fn as_map(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(map)) => map,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_setting_is_told_with_its_default_within_its_range() {
        let settings = Settings { server_port: 80, ..Settings::default() };
        let facts = settings.facts();
        assert_eq!(facts.len(), settings.as_map().len());
        for fact in facts {
            assert!((fact.least..=fact.greatest).contains(&fact.default), "{fact:?}");
            assert_eq!(fact.value != fact.default, fact.key == "server_port", "{fact:?}");
        }
    }

    #[test]
    fn changes_are_all_or_nothing() {
        let settings = Settings::default();
        let changed = settings.with(&json!({"server_port": 80, "default_max_cycles": 5})).unwrap();
        assert_eq!((changed.server_port, changed.default_max_cycles), (80, 5));
        assert_eq!(
            Value::Object(changed.changes_since(&settings)),
            json!({"default_max_cycles": [2, 5], "server_port": [8080, 80]})
        );
        for (change, key) in [
            (json!({"server_port": 0}), "server_port"),
            (json!({"server_port": 65_536}), "server_port"),
            (json!({"default_max_cycles": true}), "default_max_cycles"),
            (json!({"default_max_cycles": 2.5}), "default_max_cycles"),
            (json!({"default_max_cycles": "2"}), "default_max_cycles"),
            (json!({"injection_warning_kb": 151}), "injection_warning_kb"),
            (json!({"server_port": 81, "colour": 1}), "colour"),
            (json!([1]), "object"),
        ] {
            let error = settings.with(&change).unwrap_err().to_string();
            assert!(error.contains(key), "{change}: {error}");
        }
    }
}
