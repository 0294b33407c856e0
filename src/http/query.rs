//! Query strings: what is there, and what it must look like.

use warp::reply::Response;

use super::error::{Code, error_reply};

/// The pairs of a query string, decoded.
#[derive(Debug, Default)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(super) fn read(query: &str) -> Self {
        Self { pairs: form_urlencoded::parse(query.as_bytes()).into_owned().collect() }
    }

    /// A value; empty counts as absent.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// All values of these names, their commas meaning *or*.
    pub(super) fn list(&self, names: &[&str]) -> Vec<&str> {
        self.pairs
            .iter()
            .filter(|(known, _)| names.contains(&known.as_str()))
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// A whole number, from 0.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Response> {
        let Some(text) = self.text(name) else { return Ok(None) };
        whole(name, text).map(Some)
    }

    /// All whole numbers of a list.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<u64>, Response> {
        self.list(&[name]).into_iter().map(|text| whole(name, text)).collect()
    }
}

/// Digits and nothing else: Rust would also read `+5`.
fn whole(name: &str, text: &str) -> Result<u64, Response> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits => Ok(number),
        _ => Err(bad(format!("\"{name}\" must be a whole number"))),
    }
}

/// 400 with its reason.
pub(super) fn bad(reason: impl Into<String>) -> Response {
    error_reply(Code::BadRequest, reason)
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn numbers_are_strict() {
        let query = Query::read("a=12&b=-1&c=1.5&d=&e=99999999999999999999&f=%31&g=+1&a=13");
        assert_eq!(query.number("a").unwrap(), Some(12));
        assert_eq!(query.number("d").unwrap(), None);
        assert_eq!(query.number("x").unwrap(), None);
        assert_eq!(query.number("f").unwrap(), Some(1));
        for name in ["b", "c", "e", "g"] {
            assert_eq!(query.number(name).unwrap_err().status(), 400, "{name}");
        }
        assert_eq!(Query::read("a=1,2&a=3").numbers("a").unwrap(), [1, 2, 3]);
        for wrong in ["a=1,-2", "a=%2B1", "a=1.5", "a=x"] {
            assert!(Query::read(wrong).numbers("a").is_err(), "{wrong}");
        }
        let list = Query::read("type=a,b&types=c&type=,d");
        assert_eq!(list.list(&["type", "types"]), ["a", "b", "c", "d"]);
    }
}
