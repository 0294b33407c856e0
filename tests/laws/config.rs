//! `sprint-runner.toml`: read, or refused with a place in the file.

use sprint_runner::config::{Config, ConfigError, Layer, parse_file};

pub(crate) fn law(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match parse_file(&text) {
        Ok(layer) => {
            assert_eq!(layer.clone().over(Layer::default()), layer);
            assert_eq!(Layer::default().over(layer.clone()), layer);
            let config = Config::from(layer);
            assert!(config.observed_idle_ms() >= 0);
            let fits = |token: &String| (8..=256).contains(&token.len()) && token.is_ascii();
            assert!(config.token.as_ref().is_none_or(fits));
        }
        Err(ConfigError::File { line, column, message }) => {
            let count = text.lines().count().max(1);
            assert!((1..=count + 1).contains(&line), "line {line} of {count}");
            let longest = text.split('\n').map(|line| line.chars().count()).max().unwrap_or(0);
            assert!((1..=longest + 1).contains(&column), "column {column} of {longest}");
            super::assert_sentence(&message);
        }
        Err(other) => panic!("a text is refused by its place: {other}"),
    }
}
