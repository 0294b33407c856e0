//! `/api/projects`: all projects of this server, and what each is up to.

use bytes::Bytes;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::http::context::Context;
use crate::http::reply;
use crate::http::route::{Asked, get};

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    get(context, "/api/projects", projects)
}

/// Asked every other second by whoever looks: as long as nothing changes, the answer is 304.
async fn projects(context: Context, asked: Asked) -> Result<Response, Response> {
    let said = context.projects.told(super::now_ms()).await;
    // Words and numbers: encoding cannot fail.
    let body = Bytes::from(serde_json::to_vec(&said).unwrap_or_default());
    let etag = format!("\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(&body));
    Ok(reply::versioned(&asked.headers, &etag, &body))
}
