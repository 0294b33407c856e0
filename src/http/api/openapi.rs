//! `/api/openapi.json`: the API for programs that read such documents.

use bytes::Bytes;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::http::context::Context;
use crate::http::openapi::{Facts, document};
use crate::http::reply;
use crate::http::route::get;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    let cookie = crate::http::guard::cookie_name(context.about.port);
    let facts = Facts { cookie: &cookie, token: context.about.token };
    let body = Bytes::from(document(facts).to_string());
    let etag = format!("\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(&body));
    get(context, "/api/openapi.json", move |_, asked| {
        let reply = reply::versioned(&asked.headers, &etag, &body);
        std::future::ready(Ok(reply))
    })
}
