//! How many requests were answered, by what they asked for and how it ended.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{Method, StatusCode};

use crate::metrics::PerThread;

/// What requests ask for: few words, whatever paths there are.
const CLASSES: [&str; 6] = ["page", "file", "api", "control", "stream", "monitor"];

/// The first digit of a status.
const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Requests(PerThread<[[AtomicU64; STATUSES.len()]; CLASSES.len()]>);

impl Requests {
    /// One was answered.
    pub(super) fn answered(&self, class: usize, status: StatusCode) {
        let digit = usize::from(status.as_u16() / 100).clamp(1, STATUSES.len());
        self.0.mine()[class][digit - 1].fetch_add(1, Ordering::Relaxed);
    }

    /// All of them: class, status, count.
    pub(super) fn all(&self) -> Vec<([&'static str; 2], u64)> {
        let mut all = Vec::new();
        for (class, word) in CLASSES.iter().enumerate() {
            for (digit, status) in STATUSES.iter().enumerate() {
                let parts = self.0.all().map(|part| part[class][digit].load(Ordering::Relaxed));
                all.push(([*word, *status], parts.sum()));
            }
        }
        all
    }
}

/// The place of what a request asks for in [`CLASSES`].
pub(super) fn class(method: &Method, path: &str) -> usize {
    match path {
        "/sse" | "/ws" => 4,
        "/healthz" | "/metrics" | "/api/openapi.json" | "/api/asyncapi.json" => 5,
        "/story-descriptions.json" => 2,
        "/sprint-status.yaml"
        | "/sprint-runner.csv"
        | "/orchestrator.csv"
        | "/orchestrator.md"
        | "/orchestrator-sample.md" => 1,
        _ if path.starts_with("/api/") => {
            if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) { 2 } else { 3 }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::table;

    #[test]
    fn every_address_has_its_class() {
        for (path, expected) in [
            ("/", "page"),
            ("/js/app.js", "page"),
            ("/../etc/passwd", "page"),
            ("/api/batches/7", "api"),
            ("/api/nothing", "api"),
            ("/sprint-status.yaml", "file"),
            ("/sse", "stream"),
            ("/metrics", "monitor"),
        ] {
            assert_eq!(CLASSES[class(&Method::GET, path)], expected, "{path}");
        }
        assert_eq!(CLASSES[class(&Method::PUT, "/api/settings")], "control");
        // What is added to the table is no file of the page.
        let pages = ["/", "/api"];
        for route in table::ROUTES.iter().filter(|route| !pages.contains(&route.path)) {
            assert_ne!(class(&Method::GET, route.path), 0, "{}", route.path);
        }
    }

    #[test]
    fn no_status_is_left_out() {
        let requests = Requests::default();
        for status in [100, 101, 200, 304, 404, 503, 599, 999] {
            requests.answered(2, StatusCode::from_u16(status).unwrap());
        }
        let seen: Vec<_> = requests.all().into_iter().filter(|(_, count)| *count > 0).collect();
        let expected = [("1xx", 2), ("2xx", 1), ("3xx", 1), ("4xx", 1), ("5xx", 3)];
        assert_eq!(seen, expected.map(|(status, count)| (["api", status], count)));
        assert_eq!(requests.all().len(), 30);
    }
}
