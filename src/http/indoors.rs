//! The routes for who asks from within the process: as the owner would over HTTP, without a
//! connection.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use warp::reply::Response;

use super::context::Context;
use super::guard::Guard;
use super::service::{Callable, Routes, callable};

/// A way in for one who was let in elsewhere.
pub struct Indoors {
    guard: Arc<Guard>,
    routes: Callable,
}

impl Indoors {
    /// To what a server serves.
    pub fn new(context: &Context, routes: Routes) -> Self {
        Self { guard: Arc::clone(&context.guard), routes: callable(routes) }
    }

    /// The answer. What the guard holds against changes (read-only, methods, media types) it holds
    /// against these as well.
    pub async fn answer(&self, request: Request<Bytes>) -> Response {
        let (head, body) = request.into_parts();
        let refusal = self.guard.check_indoors(&head.method, head.uri.path(), &head.headers);
        match refusal {
            Some(refusal) => refusal,
            None => (self.routes)(Request::from_parts(head, Full::new(body))).await,
        }
    }
}

impl std::fmt::Debug for Indoors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Indoors").finish_non_exhaustive()
    }
}
