//! Every address of the server with what may be done there: one list for the routes, the guard and
//! the `OpenAPI` document.

use warp::http::Method;

use super::openapi::describe::Operation;
use super::openapi::paths::{batches, files, live, log, managed, server, sprint};

/// Read only.
pub(super) const READ: &str = "GET, HEAD, OPTIONS";

/// What may be done at an address; each method with what is told of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Methods {
    /// GET and HEAD.
    Read(&'static Operation),
    /// POST.
    Order(&'static Operation),
    /// GET, HEAD and PUT.
    ReadAndPut(&'static Operation, &'static Operation),
    /// A handshake is a GET and nothing else (RFC 6455, 4.1).
    Handshake(&'static Operation),
}

/// An address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    /// `{…}` being one part of any name.
    pub(super) path: &'static str,
    pub(super) methods: Methods,
}

impl Route {
    const fn read(path: &'static str, told: &'static Operation) -> Self {
        Self { path, methods: Methods::Read(told) }
    }

    const fn order(path: &'static str, told: &'static Operation) -> Self {
        Self { path, methods: Methods::Order(told) }
    }

    pub(super) const fn allow(&self) -> &'static str {
        match self.methods {
            Methods::Read(_) => READ,
            Methods::Order(_) => "POST, OPTIONS",
            Methods::ReadAndPut(..) => "GET, HEAD, PUT, OPTIONS",
            Methods::Handshake(_) => "GET, OPTIONS",
        }
    }

    /// What is told of each method; HEAD is as GET.
    pub(super) fn operations(&self) -> Vec<(&'static str, &'static Operation)> {
        match self.methods {
            Methods::Read(told) | Methods::Handshake(told) => vec![("get", told)],
            Methods::Order(told) => vec![("post", told)],
            Methods::ReadAndPut(read, put) => vec![("get", read), ("put", put)],
        }
    }
}

/// All of them.
pub(super) static ROUTES: &[Route] = &[
    Route::read("/", &files::PAGE),
    Route::read("/api", &files::API_PAGE),
    Route::read("/api/agents", &managed::AGENTS),
    Route::read("/api/agents/{id}/log", &managed::AGENT_LOG),
    Route::order("/api/agents/{id}/stop", &managed::STOP_AGENT),
    Route::read("/api/asyncapi.json", &server::ASYNCAPI),
    Route::read("/api/batches", &batches::LIST),
    Route::read("/api/batches/{id}", &batches::ONE),
    Route::read("/api/events", &log::EVENTS),
    Route::read("/api/export", &log::EXPORT),
    Route::read("/api/openapi.json", &server::OPENAPI),
    Route::read("/api/orchestrator-status", &sprint::LOG),
    Route::order("/api/orchestrator/start", &managed::START),
    Route::read("/api/orchestrator/status", &managed::STATUS),
    Route::order("/api/orchestrator/stop", &managed::STOP),
    Route {
        path: "/api/settings",
        methods: Methods::ReadAndPut(&server::SETTINGS, &server::CHANGE_SETTINGS),
    },
    Route::read("/api/projects", &server::PROJECTS),
    Route::read("/api/settings/sources", &server::SOURCES),
    Route::read("/api/snapshot", &log::SNAPSHOT),
    Route::read("/api/sprint-status", &sprint::STATUS),
    Route::read("/api/stories", &sprint::FIND_STORY),
    Route::read("/api/stories/{key}", &sprint::STORY),
    Route::read("/api/timeline", &batches::TIMELINE),
    Route::read("/healthz", &server::HEALTH),
    Route::read("/metrics", &server::METRICS),
    Route::read("/orchestrator-sample.md", &files::SAMPLE),
    Route::read("/orchestrator.csv", &files::OLDER_CSV_LOG),
    Route::read("/orchestrator.md", &files::NOTES),
    Route::read("/sprint-runner.csv", &files::CSV_LOG),
    Route::read("/sprint-status.yaml", &files::STATUS),
    Route::read("/sse", &live::SSE),
    Route::read("/story-descriptions.json", &sprint::DESCRIPTIONS),
    Route { path: "/ws", methods: Methods::Handshake(&live::WS) },
];

/// What may be done at a path; `None` where only a file of the page may lie.
pub(super) fn allow(path: &str) -> Option<&'static str> {
    ROUTES.iter().find(|route| fits(route.path, path)).map(Route::allow)
}

/// The row that a path belongs to; `/*` for the files of the page and all that there is not.
pub(super) fn route(path: &str) -> &'static str {
    ROUTES.iter().find(|route| fits(route.path, path)).map_or("/*", |route| route.path)
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
            ("/api/agents/7-1/stop", Some("POST, OPTIONS")),
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
            let known = ROUTES.iter().any(|route| {
                route.path == path || (path.ends_with('/') && route.path.starts_with(&path))
            });
            assert!(known, "{path} is not in the table");
        }
    }
}
