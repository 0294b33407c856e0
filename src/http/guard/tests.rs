//! The guard as a table: one row a request, one status an answer.

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Uri};

use super::{Guard, GuardSettings, Pass, Verdict};

fn guard(change: impl FnOnce(&mut GuardSettings)) -> Guard {
    let mut settings = GuardSettings { port: 8080, ..GuardSettings::default() };
    change(&mut settings);
    Guard::new(&settings).expect("settings can be read")
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        let name: HeaderName = name.parse().expect("a header name");
        map.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
    }
    map
}

/// The status of the guard's answer; 200 when it lets the request pass.
fn ask(guard: &Guard, method: &str, target: &str, lines: &[(&str, &str)]) -> u16 {
    let method: Method = method.parse().expect("a method");
    let uri: Uri = target.parse().expect("a target");
    match guard.check(&method, &uri, &headers(lines)) {
        Verdict::Pass(_) => 200,
        Verdict::Answer(reply, _) => reply.status().as_u16(),
    }
}

const OWN: (&str, &str) = ("host", "127.0.0.1:8080");

#[test]
fn only_own_names_are_answered() {
    let guard = guard(|_| {});
    for target in ["/", "/ws", "/sse", "/api/snapshot", "/css/main.css"] {
        for host in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080"] {
            assert_eq!(ask(&guard, "GET", target, &[("host", host)]), 200, "{host} {target}");
        }
        for host in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example:8080",
            "localhost",
            "127.0.0.1",
            "127.0.0.1:80",
            "localhost:8081",
            "localhost:08080:1",
            "localhost:",
            "",
            "[::1]",
            "::1:8080",
            "localhost.:8080",
            "a@localhost:8080",
            "localhost:8080/x",
            "127.1:8080",
            "0.0.0.0:8080",
            "localhost:8080, evil.example",
            " localhost:8080",
            "[::1:8080",
            "localhost:+8080",
            "l\u{f6}calhost:8080",
        ] {
            assert_eq!(ask(&guard, "GET", target, &[("host", host)]), 421, "{host:?} {target}");
        }
        assert_eq!(ask(&guard, "GET", target, &[]), 421);
        assert_eq!(ask(&guard, "GET", target, &[OWN, OWN]), 421);
        assert_eq!(ask(&guard, "GET", target, &[OWN, ("host", "evil.example")]), 421);
    }
    assert_eq!(ask(&guard, "GET", "http://127.0.0.1:8080/", &[OWN]), 421);
    assert_eq!(ask(&guard, "CONNECT", "127.0.0.1:8080", &[OWN]), 421);
}

#[test]
fn the_port_may_miss_only_when_it_is_80() {
    let guard = guard(|settings| settings.port = 80);
    assert_eq!(ask(&guard, "GET", "/", &[("host", "localhost")]), 200);
    assert_eq!(ask(&guard, "GET", "/", &[("host", "localhost:80")]), 200);
    let origin = ("origin", "http://localhost");
    assert_eq!(ask(&guard, "GET", "/", &[("host", "localhost"), origin]), 200);
}

#[test]
fn allowed_hosts_count_as_own() {
    let guard = guard(|settings| {
        settings.allow_hosts = vec!["Sprint.lan".into(), "sprint.example:443".into()];
    });
    let cases = [
        ("sprint.lan:8080", "http://sprint.lan:8080", 200),
        ("sprint.lan", "http://sprint.lan", 421),
        ("sprint.example", "https://sprint.example", 200),
        ("sprint.example:443", "https://sprint.example", 200),
        ("sprint.example", "http://sprint.example", 403),
        ("sprint.example:8080", "https://sprint.example", 421),
    ];
    for (host, origin, status) in cases {
        assert_eq!(
            ask(&guard, "GET", "/ws", &[("host", host), ("origin", origin)]),
            status,
            "{host} {origin}"
        );
    }
    let wrong = GuardSettings { allow_hosts: vec!["http://x".into()], ..GuardSettings::default() };
    assert!(Guard::new(&wrong).is_err());
}

#[test]
fn foreign_pages_are_refused() {
    let guard = guard(|_| {});
    for target in ["/", "/ws", "/sse", "/api/snapshot", "/api/orchestrator/start"] {
        for (origin, status) in [
            ("http://127.0.0.1:8080", 200),
            // Names of ours, but others may listen there.
            ("http://localhost:8080", 403),
            ("http://[::1]:8080", 403),
            ("null", 403),
            ("http://evil.example", 403),
            ("http://127.0.0.1", 403),
            ("", 403),
            ("http://127.0.0.1:8081", 403),
            ("https://127.0.0.1:8080", 403),
            ("http://localhost:8080.evil.example", 403),
            ("http://127.0.0.1:8080/", 403),
            ("file://", 403),
        ] {
            assert_eq!(
                ask(&guard, "GET", target, &[OWN, ("origin", origin)]),
                status,
                "{origin} {target}"
            );
        }
        let own = ("origin", "http://127.0.0.1:8080");
        assert_eq!(ask(&guard, "GET", target, &[OWN, own, own]), 403);
    }
}

#[test]
fn cross_site_fetches_are_refused_and_links_to_the_page_are_not() {
    let guard = guard(|_| {});
    let site = |value| ("sec-fetch-site", value);
    let (navigate, document) = (("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"));
    for (method, target, lines, status) in [
        ("GET", "/api/snapshot", vec![site("same-origin")], 200),
        ("GET", "/", vec![site("none"), navigate, document], 200),
        ("GET", "/api/snapshot", vec![site("cross-site")], 403),
        ("GET", "/api/snapshot", vec![site("same-site")], 403),
        ("GET", "/api/snapshot", vec![site("same-origin"), site("cross-site")], 403),
        ("GET", "/sse", vec![site("cross-site")], 403),
        ("GET", "/ws", vec![site("cross-site")], 403),
        ("GET", "/", vec![site("cross-site"), navigate, document], 200),
        ("HEAD", "/", vec![site("cross-site"), navigate, document], 200),
        ("GET", "/?story=2a-1", vec![site("same-site"), navigate, document], 200),
        ("GET", "/", vec![site("cross-site"), navigate, ("sec-fetch-dest", "iframe")], 403),
        ("GET", "/", vec![site("cross-site"), ("sec-fetch-mode", "no-cors"), document], 403),
        ("GET", "/", vec![site("cross-site")], 403),
        ("POST", "/", vec![site("cross-site"), navigate, document], 403),
        ("GET", "/api/snapshot", vec![site("cross-site"), navigate, document], 403),
        ("GET", "/", vec![site("cross-site"), navigate, document, ("origin", "null")], 403),
    ] {
        let mut all = vec![OWN];
        all.extend(lines.clone());
        assert_eq!(ask(&guard, method, target, &all), status, "{method} {target} {lines:?}");
    }
}

#[test]
fn control_requests_want_json() {
    let guard = guard(|_| {});
    for (kind, status) in [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/jsonx", 415),
        ("text/plain; application/json", 415),
        ("", 415),
    ] {
        for (method, path) in [("POST", "/api/orchestrator/start"), ("PUT", "/api/settings")] {
            let lines = [OWN, ("content-type", kind)];
            assert_eq!(ask(&guard, method, path, &lines), status, "{method} {kind}");
        }
    }
    assert_eq!(ask(&guard, "POST", "/api/orchestrator/start", &[OWN]), 415);
    // A method that the address does not have is told before what it would have to be sent as.
    for (method, path) in [
        ("PUT", "/api/orchestrator/start"),
        ("PATCH", "/api/settings"),
        ("POST", "/api/batches/7"),
        ("DELETE", "/api/agents/7-1/stop"),
        ("PUT", "/ws"),
        ("BREW", "/"),
    ] {
        assert_eq!(ask(&guard, method, path, &[OWN]), 405, "{method} {path}");
    }
    let twice = [OWN, ("content-type", "application/json"), ("content-type", "text/plain")];
    assert_eq!(ask(&guard, "POST", "/api/orchestrator/start", &twice), 415);
    // The guard speaks before the media type.
    let foreign = [OWN, ("content-type", "text/plain"), ("origin", "http://evil.example")];
    assert_eq!(ask(&guard, "POST", "/api/orchestrator/start", &foreign), 403);
}

#[test]
fn read_only_refuses_every_control_request() {
    let guard = guard(|settings| settings.read_only = true);
    let json = ("content-type", "application/json");
    for method in ["POST", "PUT", "PATCH", "DELETE", "BREW"] {
        assert_eq!(ask(&guard, method, "/api/settings", &[OWN, json]), 403, "{method}");
    }
    assert_eq!(ask(&guard, "GET", "/api/settings", &[OWN]), 200);
}

#[test]
fn the_token_is_asked_of_everybody() {
    let guard = guard(|settings| settings.token = Some("s3cret; t\u{f6}ken".into()));
    let cookie = |value| ("cookie", value);
    for target in ["/", "/ws", "/sse", "/api/snapshot", "/healthz"] {
        for (lines, status) in [
            (vec![], 401),
            (vec![("authorization", "Bearer s3cret; t\u{f6}ken")], 200),
            (vec![("authorization", "bearer  s3cret; t\u{f6}ken")], 200),
            (vec![("authorization", "Bearer s3cret")], 401),
            (vec![("authorization", "Bearer ")], 401),
            (vec![("authorization", "Basic s3cret; t\u{f6}ken")], 401),
            (vec![cookie("a=b; sprint_runner_8080=s3cret%3B%20t%C3%B6ken; c=d")], 200),
            (vec![cookie("sprint_runner_8081=s3cret%3B%20t%C3%B6ken")], 401),
            (vec![cookie("sprint_runner_8080=")], 401),
        ] {
            let mut all = vec![OWN];
            all.extend(lines.clone());
            assert_eq!(ask(&guard, "GET", target, &all), status, "{target} {lines:?}");
        }
    }
    assert_eq!(ask(&guard, "GET", "/?token=s3cret%3B+t%C3%B6ken", &[OWN]), 303);
    assert_eq!(ask(&guard, "GET", "/?token=wrong", &[OWN]), 401);
    assert_eq!(ask(&guard, "GET", "/?token=s3cret%3B+t%C3%B6kens3cret%3B+t%C3%B6ken", &[OWN]), 401);
    assert_eq!(ask(&guard, "GET", "/sse?token=s3cret%3B+t%C3%B6ken", &[OWN]), 401);
    assert_eq!(ask(&guard, "POST", "/?token=s3cret%3B+t%C3%B6ken", &[OWN]), 401);
}

#[test]
fn a_sign_in_sets_a_strict_cookie_that_then_is_taken() {
    let guard = guard(|settings| settings.token = Some("a b/c".into()));
    let uri: Uri = "/?token=a%20b%2Fc".parse().expect("a target");
    let Verdict::Answer(reply, _) = guard.check(&Method::GET, &uri, &headers(&[OWN])) else {
        panic!("a sign-in is answered by the guard");
    };
    assert_eq!(reply.headers()[header::LOCATION], "/");
    let cookie = reply.headers()[header::SET_COOKIE].to_str().expect("ASCII").to_owned();
    assert!(cookie.starts_with("sprint_runner_8080="), "{cookie}");
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict"), "{cookie}");
    let pair = cookie.split(';').next().expect("a pair");
    assert_eq!(ask(&guard, "GET", "/ws", &[OWN, ("cookie", pair)]), 200);
}

#[test]
fn a_link_from_elsewhere_takes_one_step_to_fetch_the_cookie() {
    let guard = guard(|settings| settings.token = Some("x".into()));
    let page = |site| {
        let lines = [
            OWN,
            ("sec-fetch-site", site),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        match guard.check(&Method::GET, &Uri::from_static("/"), &headers(&lines)) {
            Verdict::Answer(reply, _) => reply,
            Verdict::Pass(_) => panic!("no token, no pass"),
        }
    };
    let length = |reply: &warp::reply::Response| http_body::Body::size_hint(reply.body()).lower();
    assert_eq!(page("cross-site").status(), 401);
    assert!(
        length(&page("cross-site")) > length(&page("same-origin")),
        "only the first holds the step"
    );
}

#[test]
fn allowed_origins_get_cors_headers_and_nobody_else() {
    let guard = guard(|settings| {
        settings.allow_origins = vec!["https://board.example".into()];
        settings.token = Some("x".into());
    });
    let foreign = [
        OWN,
        ("origin", "https://board.example"),
        ("sec-fetch-site", "cross-site"),
        ("authorization", "Bearer x"),
    ];
    let Verdict::Pass(pass) =
        guard.check(&Method::GET, &Uri::from_static("/sse"), &headers(&foreign))
    else {
        panic!("the origin is allowed");
    };
    let mut dressed = HeaderMap::new();
    guard.dress(&mut dressed, pass);
    assert_eq!(dressed[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://board.example");
    assert_eq!(dressed[header::VARY], "Origin");

    // A preflight has no token.
    assert_eq!(ask(&guard, "OPTIONS", "/api/settings", &foreign[..3]), 204);
    assert_eq!(ask(&guard, "OPTIONS", "/api/settings", &[OWN]), 401);
    assert_eq!(ask(&guard, "GET", "/sse", &foreign[..3]), 401);

    let mut plain = HeaderMap::new();
    guard.dress(&mut plain, Pass::default());
    assert!(plain.keys().all(|name| !name.as_str().starts_with("access-control")));
    let wrong = GuardSettings { allow_origins: vec!["*".into()], ..GuardSettings::default() };
    assert!(Guard::new(&wrong).is_err());
}

#[test]
fn every_answer_is_dressed_and_a_users_page_may_be_inline() {
    for (foreign_page, inline) in [(false, false), (true, true)] {
        let guard = guard(|settings| settings.foreign_page = foreign_page);
        let mut dressed = HeaderMap::new();
        guard.dress(&mut dressed, Pass::default());
        assert_eq!(dressed[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(dressed[header::REFERRER_POLICY], "no-referrer");
        let policy = dressed[header::CONTENT_SECURITY_POLICY].to_str().expect("ASCII");
        assert_eq!(policy.contains("unsafe-inline"), inline);
        assert!(policy.contains("frame-ancestors 'none'"));
    }
}

#[test]
fn options_say_what_may_be_done() {
    let guard = guard(|_| {});
    for (target, allow) in [
        ("/api/orchestrator/start", "POST, OPTIONS"),
        ("/api/agents/a-1/stop", "POST, OPTIONS"),
        ("/api/settings", "GET, HEAD, PUT, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS"),
    ] {
        let uri: Uri = target.parse().expect("a target");
        let Verdict::Answer(reply, _) = guard.check(&Method::OPTIONS, &uri, &headers(&[OWN]))
        else {
            panic!("the guard answers");
        };
        assert_eq!(reply.status(), 204);
        assert_eq!(reply.headers()[header::ALLOW], allow);
    }
}

#[test]
fn a_page_may_ask_the_name_that_it_came_from() {
    let guard = guard(|settings| settings.allow_hosts = vec!["sprint.example:443".into()]);
    for name in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"] {
        for page in ["127.0.0.1:8080", "localhost:8080", "LocalHost:8080", "[::1]:8080"] {
            let origin = format!("http://{page}");
            let status = if page.eq_ignore_ascii_case(name) { 200 } else { 403 };
            let headers = [("host", name), ("origin", origin.as_str())];
            assert_eq!(ask(&guard, "GET", "/ws", &headers), status, "{page} asks {name}");
        }
        // A proxy may send a `Host` of its own.
        let headers = [("host", name), ("origin", "https://sprint.example")];
        assert_eq!(ask(&guard, "GET", "/ws", &headers), 200);
    }
}

#[test]
fn paths_are_checked_after_host_and_origin() {
    let guard = guard(|_| {});
    assert_eq!(ask(&guard, "GET", "/%2e%2e/etc/passwd", &[OWN]), 400);
    assert_eq!(ask(&guard, "GET", "/%2e%2e/etc/passwd", &[("host", "evil.example")]), 421);
    assert_eq!(ask(&guard, "OPTIONS", "*", &[OWN]), 400);
}

#[test]
fn with_a_token_the_address_that_people_see_is_own() {
    let guard = Guard::new(&GuardSettings {
        port: 8080,
        token: Some("secret".repeat(4)),
        ..GuardSettings::default()
    })
    .unwrap();
    let status = |host: &str, origin: Option<&str>| {
        let mut headers = HeaderMap::new();
        headers.insert("host", host.parse().unwrap());
        headers.insert("authorization", format!("Bearer {}", "secret".repeat(4)).parse().unwrap());
        if let Some(origin) = origin {
            headers.insert("origin", origin.parse().unwrap());
        }
        match guard.check(&Method::GET, &"/sse".parse().unwrap(), &headers) {
            Verdict::Pass(_) => 200,
            Verdict::Answer(response, _) => response.status().as_u16(),
        }
    };
    assert_eq!(status("192.168.1.5:8080", None), 200);
    assert_eq!(status("[fe80::1]:8080", Some("http://[fe80::1]:8080")), 200);
    assert_eq!(status("192.168.1.5:8080", Some("http://192.168.1.5:8080")), 200);
    assert_eq!(status("192.168.1.5:8081", None), 421);
    assert_eq!(status("192.168.1.5.evil.example:8080", None), 421);
    assert_eq!(status("192.168.1.5:8080", Some("http://192.168.1.5:3000")), 403);
    // Any other address may be a stranger's.
    assert_eq!(status("192.168.1.5:8080", Some("http://192.168.1.6:8080")), 403);
}
