//! `/api/projects`: all projects of this server, and what each is up to.

use bytes::Bytes;
use warp::filters::BoxedFilter;
use warp::http::HeaderMap;
use warp::reply::Response;

use crate::http::context::Context;
use crate::http::projects::Projects;
use crate::http::reply;
use crate::http::route::{Asked, get};

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    get(context, "/api/projects", projects)
}

/// Asked every other second by whoever looks: as long as nothing changes, the answer is 304.
async fn projects(context: Context, asked: Asked) -> Result<Response, Response> {
    Ok(answer(&context.projects, &asked.headers).await)
}

/// What is said of all of them, or that nothing has changed.
pub(in crate::http) async fn answer(projects: &Projects, headers: &HeaderMap) -> Response {
    let said = projects.told(super::now_ms()).await;
    // Words and numbers: encoding cannot fail.
    let body = Bytes::from(serde_json::to_vec(&said).unwrap_or_default());
    let etag = format!("\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(&body));
    reply::versioned(headers, &etag, &body)
}
