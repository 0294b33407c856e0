//! Bodies of `PUT /api/settings`: all of it or nothing, never out of range.

use serde_json::Value;
use sprint_runner::domain::settings::{RANGES, Settings};

pub(crate) fn law(data: &[u8]) {
    let Ok(change) = serde_json::from_slice::<Value>(data) else { return };
    let old = Settings::default();
    match old.with(&change) {
        Err(error) => super::assert_sentence(&error.to_string()),
        Ok(new) => {
            let map = |settings: &Settings| serde_json::to_value(settings).expect("JSON");
            let (was, is) = (map(&old), map(&new));
            let change = change.as_object().expect("only an object is taken");
            for (key, least, greatest) in RANGES {
                let value = is[key].as_i64().expect("a whole number");
                assert!((least..=greatest).contains(&value), "{key}: {value}");
                assert_eq!(&is[key], change.get(key).unwrap_or(&was[key]), "{key}");
            }
            assert!(change.keys().all(|key| RANGES.iter().any(|(known, _, _)| known == key)));
            assert!(new.injection_warning_kb <= new.injection_error_kb);
            for (key, pair) in new.changes_since(&old) {
                assert_eq!((&pair[0], &pair[1]), (&was[&key], &is[&key]));
                assert_ne!(pair[0], pair[1]);
            }
            assert_eq!(serde_json::from_value::<Settings>(is).expect("what was shown"), new);
        }
    }
}
