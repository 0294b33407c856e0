//! Single values of a target as the file says them; no message repeats one.

use serde::{Deserialize, Deserializer, de::Error};

use super::address::check_url;
use super::secret::Secret;
use super::words::{BATCH_ENDS, Kind, Rule, kinds};

pub(super) fn name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if (1..=40).contains(&text.len()) && text.chars().all(fits) {
        return Ok(Some(text));
    }
    Err(D::Error::custom("name must be 1 to 40 letters, digits and -_."))
}

pub(super) fn kind<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Kind>, D::Error> {
    let text = String::deserialize(from)?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == text);
    kind.map(Some).ok_or_else(|| D::Error::custom(format!("to must be one of {}", kinds())))
}

pub(super) fn url<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    let text = String::deserialize(from)?;
    check_url(&text).map_err(|what| D::Error::custom(format!("url {what}")))?;
    Ok(Some(Secret::new(text)))
}

pub(super) fn variable<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
    if text.len() <= 200 && text.starts_with(begins) && text.chars().all(fits) {
        return Ok(Some(text));
    }
    Err(D::Error::custom(
        "must be the name of a variable of the environment (letters, digits and _), not the secret itself",
    ))
}

/// Whether ntfy takes it as a topic.
pub fn is_topic(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(fits)
}

pub(super) fn topic<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    let text = String::deserialize(from)?;
    if is_topic(&text) {
        return Ok(Some(Secret::new(text)));
    }
    Err(D::Error::custom("topic must be 1 to 64 letters, digits, - and _"))
}

pub(super) fn priority<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u8>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Number(i64),
        Word(String),
    }
    let wrong = || {
        D::Error::custom(
            "priority must be 1 to 5, or \"min\", \"low\", \"default\", \"high\", \"urgent\"",
        )
    };
    let number = match Said::deserialize(from).map_err(|_| wrong())? {
        Said::Number(number) => number,
        Said::Word(word) => match word.as_str() {
            "min" => 1,
            "low" => 2,
            "default" => 3,
            "high" => 4,
            "urgent" | "max" => 5,
            _ => return Err(wrong()),
        },
    };
    match u8::try_from(number) {
        Ok(number @ 1..=5) => Ok(Some(number)),
        _ => Err(wrong()),
    }
}

pub(super) fn tags<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let tags: Vec<String> = Vec::deserialize(from)?;
    let fits = |tag: &String| {
        (1..=40).contains(&tag.chars().count())
            && !tag.contains(|c: char| c.is_control() || c == ',')
    };
    if tags.len() <= 10 && tags.iter().all(fits) {
        return Ok(Some(tags));
    }
    Err(D::Error::custom("tags must be at most 10 words of at most 40 characters, without commas"))
}

pub(super) fn rules<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Rule>>, D::Error> {
    let words: Vec<String> = Vec::deserialize(from)?;
    let known = || Rule::ALL.map(Rule::word).join(", ");
    let mut rules = Vec::with_capacity(words.len());
    for word in &words {
        let Some(rule) = Rule::ALL.into_iter().find(|rule| rule.word() == word) else {
            return Err(D::Error::custom(format!(
                "on names an unknown rule; there are {}",
                known()
            )));
        };
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    if rules.is_empty() {
        return Err(D::Error::custom(format!(
            "on is empty: nothing would ever be told; leave it out for all of {}",
            known()
        )));
    }
    Ok(Some(rules))
}

pub(super) fn batch_ends<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Vec<String>>, D::Error> {
    let words: Vec<String> = Vec::deserialize(from)?;
    if !words.is_empty() && words.iter().all(|word| BATCH_ENDS.contains(&word.as_str())) {
        return Ok(Some(words));
    }
    Err(D::Error::custom(format!("batches must be some of {}", BATCH_ENDS.join(", "))))
}
