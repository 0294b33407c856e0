//! The mark in the environment by which an agent's descendants are known wherever they went.

/// The variable that carries it.
pub const COOKIE_VARIABLE: &str = "SPRINT_RUNNER_COOKIE";

/// `<project>:<batch>:<run>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cookie {
    text: String,
}

impl Cookie {
    /// `project` is the id of a state folder, drawn once: two servers must not share one.
    pub fn new(project: &str, batch_id: i64, run: u32) -> Self {
        Self { text: format!("{}{batch_id}:{run}", prefix(project)) }
    }

    /// What the variable holds.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether an environment (`A=1\0B=2\0`) carries exactly this one.
    pub(super) fn is_in(&self, environment: &[u8]) -> bool {
        value(environment) == Some(self.text.as_bytes())
    }
}

/// The cookie of this project that an environment carries, whatever the batch.
pub(super) fn project_cookie<'a>(environment: &'a [u8], project: &str) -> Option<&'a [u8]> {
    let cookie = value(environment)?;
    let rest = cookie.strip_prefix(prefix(project).as_bytes())?;
    // A project `a` must not take what belongs to a project `a:1`: exactly two numbers follow.
    let mut parts = rest.split(|&byte| byte == b':');
    let number = |part: Option<&[u8]>| {
        let digits = part.map(|part| part.strip_prefix(b"-").unwrap_or(part));
        digits.is_some_and(|it| !it.is_empty() && it.iter().all(u8::is_ascii_digit))
    };
    let whole = number(parts.next()) && number(parts.next()) && parts.next().is_none();
    whole.then_some(cookie)
}

/// Whether an environment carries the cookie that this program was itself started with, by an agent
/// of another server: what carries it is that one's business. Any other value is an agent's doing.
pub(super) fn has_inherited_cookie(environment: &[u8]) -> bool {
    std::env::var_os(COOKIE_VARIABLE)
        .is_some_and(|own| value(environment) == Some(own.as_encoded_bytes()))
}

fn prefix(project: &str) -> String {
    // The environment cannot hold a NUL.
    format!("{}:", project.replace('\0', "_"))
}

/// The first setting counts, as it does for libc.
fn value(environment: &[u8]) -> Option<&[u8]> {
    environment
        .split(|&byte| byte == 0)
        .find_map(|entry| entry.strip_prefix(COOKIE_VARIABLE.as_bytes())?.strip_prefix(b"="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_whole_and_nowhere_else() {
        let cookie = Cookie::new("p1", 7, 2);
        assert_eq!(cookie.as_str(), "p1:7:2");
        assert!(cookie.is_in(b"A=1\0SPRINT_RUNNER_COOKIE=p1:7:2\0B=2\0"));
        for no in [
            &b""[..],
            b"SPRINT_RUNNER_COOKIE=p1:7:21\0",
            b"SPRINT_RUNNER_COOKIE_X=p1:7:2\0",
            b"X=SPRINT_RUNNER_COOKIE=p1:7:2\0",
            b"SPRINT_RUNNER_COOKIE\0",
        ] {
            assert!(!cookie.is_in(no), "{}", String::from_utf8_lossy(no));
        }
    }

    #[test]
    fn a_project_takes_its_own_cookies_only() {
        let carries = |text: &str, project| {
            project_cookie(format!("SPRINT_RUNNER_COOKIE={text}\0").as_bytes(), project).is_some()
        };
        assert!(carries("p1:7:2", "p1"));
        assert!(carries("a:1:7:2", "a:1"));
        assert!(carries(Cookie::new("nul\0", -1, 0).as_str(), "nul\0"));
        for no in ["p12:7:2", "p1", "p1:", "p1:7", "p1:7:2:3", "p1::2", "p1:x:2", "xp1:7:2"] {
            assert!(!carries(no, "p1"), "{no}");
        }
        assert!(!carries("a:1:7:2", "a"));
    }
}
