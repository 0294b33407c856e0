//! Every address of the server with what may be done there: one list for the routes, the guard and
//! the `OpenAPI` document.

use warp::http::Method;

/// Read only.
pub(super) const READ: &str = "GET, HEAD, OPTIONS";

const ORDER: &str = "POST, OPTIONS";

/// Paths, `{…}` being one part of any name, each with its `Allow`.
pub(super) const ROUTES: &[(&str, &str)] = &[
    ("/", READ),
    ("/api/agents", READ),
    ("/api/agents/{id}/log", READ),
    ("/api/agents/{id}/stop", ORDER),
    ("/api/batches", READ),
    ("/api/batches/{id}", READ),
    ("/api/events", READ),
    ("/api/export", READ),
    ("/api/openapi.json", READ),
    ("/api/orchestrator-status", READ),
    ("/api/orchestrator/start", ORDER),
    ("/api/orchestrator/status", READ),
    ("/api/orchestrator/stop", ORDER),
    ("/api/settings", "GET, HEAD, PUT, OPTIONS"),
    ("/api/settings/sources", READ),
    ("/api/snapshot", READ),
    ("/api/sprint-status", READ),
    ("/api/stories", READ),
    ("/api/stories/{key}", READ),
    ("/api/timeline", READ),
    ("/healthz", READ),
    ("/metrics", READ),
    ("/orchestrator-sample.md", READ),
    ("/orchestrator.csv", READ),
    ("/orchestrator.md", READ),
    ("/sprint-runner.csv", READ),
    ("/sprint-status.yaml", READ),
    ("/sse", READ),
    ("/story-descriptions.json", READ),
    // A handshake is a GET and nothing else (RFC 6455, 4.1).
    ("/ws", "GET, OPTIONS"),
];

/// What may be done at a path; `None` where only a file of the page may lie.
pub(super) fn allow(path: &str) -> Option<&'static str> {
    let row = ROUTES.iter().find(|(known, _)| fits(known, path));
    row.map(|(_, allow)| *allow)
}

/// The row that a path belongs to; `/*` for the files of the page and all that there is not.
pub(super) fn route(path: &str) -> &'static str {
    ROUTES.iter().find(|(known, _)| fits(known, path)).map_or("/*", |(known, _)| known)
}

/// The `Allow` of a path that does not have this method.
pub(super) fn refuses(path: &str, method: &Method) -> Option<&'static str> {
    allow(path).filter(|allow| !allow.split(", ").any(|known| known == method.as_str()))
}

fn fits(known: &str, path: &str) -> bool {
    let (mut known, mut path) = (known.split('/'), path.split('/'));
    loop {
        match (known.next(), path.next()) {
            (None, None) => return true,
            (Some(known), Some(part)) if known == part => {}
            (Some(known), Some(part)) if known.starts_with('{') && !part.is_empty() => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn paths_find_their_row() {
        for (path, expected) in [
            ("/", Some(READ)),
            ("/ws", Some("GET, OPTIONS")),
            ("/api/settings", Some("GET, HEAD, PUT, OPTIONS")),
            ("/api/agents/7-1/stop", Some(ORDER)),
            ("/api/agents//stop", None),
            ("/api/agents/7/1/stop", None),
            ("/api/batches/7", Some(READ)),
            ("/api/batches/", None),
            ("/api/nothing", None),
            ("/js/app.js", None),
        ] {
            assert_eq!(allow(path), expected, "{path}");
        }
        assert_eq!(route("/api/agents/7-1/stop"), "/api/agents/{id}/stop");
        assert_eq!(route("/js/app.js"), "/*");
        assert_eq!(refuses("/healthz", &Method::GET), None);
        assert_eq!(refuses("/healthz", &Method::POST), Some(READ));
        assert_eq!(refuses("/nothing", &Method::POST), None);
    }

    /// A route that is not in the table would have no document, and a wrong `Allow`.
    #[test]
    fn every_path_that_the_code_names_has_its_row() {
        let http = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
        let mut named = Vec::new();
        for file in ["api", "stream"].map(|folder| http.join(folder)).iter().chain([&http]) {
            for entry in fs::read_dir(file).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_none_or(|kind| kind != "rs") || path.ends_with("table.rs") {
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap();
                let code: Vec<&str> = text
                    .split("#[cfg(test)]\nmod tests {")
                    .take(1)
                    .flat_map(str::lines)
                    .filter(|line| !line.trim_start().starts_with("//"))
                    .collect();
                let literals = code.iter().flat_map(|line| line.split('"').skip(1).step_by(2));
                let plain =
                    |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
                let paths =
                    literals.filter(|text| text.starts_with('/') && text.chars().all(plain));
                named.extend(paths.map(str::to_owned));
            }
        }
        assert!(named.len() > 20, "{named:?}");
        for path in named {
            // What ends in a slash is what stands before a name, or decides what a 404 looks like.
            let known = ROUTES.iter().any(|(known, _)| {
                *known == path || (path.ends_with('/') && known.starts_with(&path))
            });
            assert!(known || path == "/api", "{path} is not in the table");
        }
    }
}
