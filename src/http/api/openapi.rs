//! `/api/openapi.json`, `/api/asyncapi.json`: the API for programs that read such documents.

use std::sync::{Arc, OnceLock};

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::http::assets::Asset;
use crate::http::context::Context;
use crate::http::openapi::{Facts, document, streams};
use crate::http::route::{Asked, blocking, get};

/// Made when it is first asked for, and kept as it is sent: what it tells of does not change.
type Kept = Arc<OnceLock<Asset>>;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    let (requests, messages) = (Kept::default(), Kept::default());
    get(context, "/api/openapi.json", move |context, asked| {
        let make = move || {
            let cookie = crate::http::guard::cookie_name(context.about.port);
            document(Facts { cookie: &cookie, token: context.about.token }).to_string()
        };
        answer(Arc::clone(&requests), asked, make)
    })
    .or(get(context, "/api/asyncapi.json", move |_, asked| {
        answer(Arc::clone(&messages), asked, || streams().to_string())
    }))
    .unify()
    .boxed()
}

async fn answer(
    kept: Kept,
    asked: Asked,
    make: impl FnOnce() -> String + Send + 'static,
) -> Result<Response, Response> {
    blocking(move || Ok(kept.get_or_init(|| Asset::json(make())).versioned(&asked.headers))).await
}
