//! Who may come in: no foreign `Host`, no foreign `Origin`, no path that leads out, no control
//! route without JSON or, where one is asked for, without the token.

use std::path::{Component, Path};
use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use sprint_runner::http::guard::Verdict;
use sprint_runner::http::{Guard, GuardSettings};

const TOKEN: &str = "correct-horse";
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::OPTIONS,
    Method::PATCH,
];

fn guard(token: Option<&str>, read_only: bool) -> Guard {
    let settings = GuardSettings {
        port: 8080,
        allow_hosts: vec!["sprint.example:443".to_owned()],
        allow_origins: vec!["https://friend.example".to_owned()],
        token: token.map(str::to_owned),
        read_only,
        home: String::new(),
        foreign_page: false,
    };
    Guard::new(&settings).expect("lists that can be read")
}

static GUARDS: LazyLock<[(Guard, bool, bool); 3]> = LazyLock::new(|| {
    [
        (guard(None, false), false, false),
        (guard(Some(TOKEN), false), true, false),
        (guard(None, true), false, true),
    ]
});

/// The first byte chooses a method. The first line is the target, each of the others a header:
/// `name: value`, or by its first letter, as in `h127.0.0.1:8080`.
pub(crate) fn law(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let method = &METHODS[usize::from(*choice) % METHODS.len()];
    let mut lines = rest.split(|byte| *byte == b'\n');
    let target = lines.next().unwrap_or_default();
    let Ok(uri) = Uri::try_from(target) else { return };
    let mut headers = HeaderMap::new();
    for line in lines.take(20) {
        if let Some((name, value)) = header(line) {
            headers.append(name, value);
        }
    }
    for (guard, with_token, read_only) in GUARDS.iter() {
        match guard.check(method, &uri, &headers) {
            Verdict::Pass(_) => {
                assert!(host_is_own(&uri, &headers, *with_token), "{headers:?}");
                assert!(origin_is_known(&headers, *with_token), "{headers:?}");
                assert!(stays_inside(uri.path()), "{uri}");
                let reads = matches!(*method, Method::GET | Method::HEAD);
                assert!(reads || !read_only);
                assert!(reads || sent_fetch_is_own(&headers), "{headers:?}");
                let sends = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
                assert!(!sends || is_json(&headers), "{headers:?}");
                assert!(!with_token || knows_the_token(&headers), "{headers:?}");
            }
            Verdict::Answer(answer, _) => {
                let status = answer.status().as_u16();
                assert!(
                    matches!(status, 204 | 303 | 400 | 401 | 403 | 405 | 415 | 421),
                    "{status}"
                );
                // Nobody foreign learns more than that there is a server.
                let own = host_is_own(&uri, &headers, *with_token);
                assert!(own || status == 421, "{status} {headers:?}");
                let cookie = answer.headers().get("set-cookie");
                assert!(cookie.is_none() || uri.query().is_some_and(|query| query.contains('t')));
            }
        }
    }
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let short = match line.first()? {
        b'h' => Some("host"),
        b'o' => Some("origin"),
        b's' => Some("sec-fetch-site"),
        b'm' => Some("sec-fetch-mode"),
        b'd' => Some("sec-fetch-dest"),
        b'c' => Some("content-type"),
        b'a' => Some("authorization"),
        b'k' => Some("cookie"),
        _ => None,
    };
    let (name, value) = match (short, line.iter().position(|byte| *byte == b':')) {
        (_, Some(colon)) if line.get(colon + 1) == Some(&b' ') => {
            (HeaderName::from_bytes(&line[..colon]).ok()?, &line[colon + 2..])
        }
        (Some(name), _) => (HeaderName::from_static(name), &line[1..]),
        _ => return None,
    };
    Some((name, HeaderValue::from_bytes(value).ok()?))
}

fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then(|| first.to_str().ok()).flatten()
}

fn parts(authority: &str) -> (String, Option<u32>) {
    let lower = authority.to_ascii_lowercase();
    match lower.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host.to_owned(), port.parse().ok()),
        _ => (lower, None),
    }
}

/// Own by its letters: said here a second time, in another way than the guard does.
fn is_own(authority: &str, with_token: bool) -> bool {
    let (host, port) = parts(authority);
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    match (host.as_str(), port) {
        ("127.0.0.1" | "localhost" | "[::1]", Some(8080))
        | ("sprint.example", Some(443) | None) => true,
        (_, Some(8080)) => with_token && literal.parse::<std::net::IpAddr>().is_ok(),
        _ => false,
    }
}

fn host_is_own(uri: &Uri, headers: &HeaderMap, with_token: bool) -> bool {
    uri.authority().is_none() && only(headers, "host").is_some_and(|host| is_own(host, with_token))
}

fn origin_is_known(headers: &HeaderMap, with_token: bool) -> bool {
    if !headers.contains_key("origin") {
        return true;
    }
    let Some(origin) = only(headers, "origin") else { return false };
    let lower = origin.to_ascii_lowercase();
    let page = lower.strip_prefix("http://").or_else(|| lower.strip_prefix("https://"));
    let is_asked = |page: &str| only(headers, "host").map(parts) == Some(parts(page));
    lower == "https://friend.example"
        || page.is_some_and(|page| {
            is_own(page, with_token) && (parts(page).0 == "sprint.example" || is_asked(page))
        })
}

/// For what changes anything; a link to the page itself may come from anywhere.
fn sent_fetch_is_own(headers: &HeaderMap) -> bool {
    let allowed = only(headers, "origin")
        .is_some_and(|origin| origin.eq_ignore_ascii_case("https://friend.example"));
    let own = |site: &HeaderValue| site == "same-origin" || site == "none";
    allowed || headers.get_all("sec-fetch-site").iter().all(own)
}

fn stays_inside(path: &str) -> bool {
    // Decoded as often as anybody behind us might.
    let mut bytes = path.as_bytes().to_vec();
    for _ in 0..3 {
        bytes = percent_encoding::percent_decode(&bytes).collect();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let normal = |part: Component| matches!(part, Component::Normal(_) | Component::RootDir);
        if !text.starts_with('/')
            || text.contains(['\0', '\\', '\u{fffd}'])
            || text.split('/').any(|part| part == ".." || part == "." || part.len() > 255)
            || text.starts_with("//")
            || !Path::new(&text).components().all(normal)
        {
            return false;
        }
    }
    true
}

fn is_json(headers: &HeaderMap) -> bool {
    only(headers, "content-type").is_some_and(|kind| {
        kind.trim_start()
            .get(..16)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
    })
}

/// In whichever header, and perhaps escaped.
fn knows_the_token(headers: &HeaderMap) -> bool {
    headers.get_all("authorization").iter().chain(headers.get_all("cookie")).any(|value| {
        let plain: Vec<u8> = percent_encoding::percent_decode(value.as_bytes()).collect();
        plain.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes())
    })
}
