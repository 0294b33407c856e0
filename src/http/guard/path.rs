//! Paths that no honest client sends are refused before any route sees them.

use percent_encoding::percent_decode_str;

use crate::http::limits::PATH_PART_BYTES;

/// True for a path that may be looked up: absolute, its parts plain names once decoded, nothing
/// decoded twice, nothing that a file system could take for a way up or out.
pub(super) fn is_plain(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let mut parts = rest.split('/').peekable();
    while let Some(part) = parts.next() {
        // A part may be empty only at the end (`/`, `/css/`): `//` is how UNC paths begin.
        if part.is_empty() && parts.peek().is_some() {
            return false;
        }
        if !part_is_plain(part) {
            return false;
        }
    }
    true
}

fn part_is_plain(part: &str) -> bool {
    if !escapes_are_whole(part) {
        return false;
    }
    let Ok(name) = percent_decode_str(part).decode_utf8() else { return false };
    name.len() <= PATH_PART_BYTES
        && name != "."
        && name != ".."
        && !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | '\u{fffd}'))
        && !holds_an_escape(&name)
}

/// Every `%` begins two hex digits.
fn escapes_are_whole(part: &str) -> bool {
    let bytes = part.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| *byte != b'%' || is_escape(&bytes[at..]))
}

/// A decoded name that could be decoded once more (`%252e`).
fn holds_an_escape(name: &str) -> bool {
    let bytes = name.as_bytes();
    (0..bytes.len()).any(|at| is_escape(&bytes[at..]))
}

fn is_escape(bytes: &[u8]) -> bool {
    matches!(bytes, [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn honest_paths_pass() {
        for path in [
            "/",
            "/index.html",
            "/css/main.css",
            "/css/",
            "/api/batches/12",
            "/api/agents/a-1/log",
            "/api/story/%C3%BCber",
            "/100%25",
            "/a..b",
            "/...",
            "/.well-known/x",
            "/a%20b",
        ] {
            assert!(is_plain(path), "{path}");
        }
        assert!(is_plain(&format!("/{}", "a".repeat(255))));
    }

    #[test]
    fn ways_out_are_refused() {
        for path in [
            "",
            "*",
            "x",
            "/..",
            "/../etc/passwd",
            "/css/../../x",
            "/.",
            "/./x",
            "/%2e%2e/x",
            "/%2E%2e/",
            "/.%2e/x",
            "/%2e./x",
            "/..%2fx",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%5Cb",
            "/a\\b",
            "/..\\x",
            "//server/share",
            "/a//b",
            "/%252e%252e/x",
            "/%252fx",
            "/%255cx",
            "/%25252e",
            "/%c0%ae%c0%ae/x",
            "/%e0%80%ae/x",
            "/%ff",
            "/a%00",
            "/%00",
            "/a%0ab",
            "/a%7f",
            "/%",
            "/%2",
            "/%zz",
            "/a%u002e",
        ] {
            assert!(!is_plain(path), "{path}");
        }
        assert!(!is_plain(&format!("/{}", "a".repeat(300))));
        assert!(!is_plain(&format!("/{}", "%61".repeat(256))));
    }
}
