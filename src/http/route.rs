//! What the routes are made of: a path, what is asked for, an answer.

use std::convert::Infallible;
use std::future::Future;

use bytes::Bytes;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::context::Context;
use super::error::{Code, error_reply};
use super::query::Query;
use super::{reply, table};
use crate::store::StoreError;

/// What a request asks for, beside its path.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) query: Query,
}

/// A request's method, headers and query.
pub(super) fn asked() -> impl Filter<Extract = (Asked,), Error = Infallible> + Clone {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::header::headers_cloned())
        .and(query)
        .map(|method, headers, query: String| Asked { method, headers, query: Query::read(&query) })
}

/// Just this path.
pub(super) fn exact(path: &'static str) -> impl Filter<Extract = (), Error = Rejection> + Copy {
    debug_assert!(table::allow(path).is_some(), "{path} is not in the table of routes");
    warp::path::full()
        .and_then(move |full: FullPath| async move {
            if full.as_str() == path { Ok(()) } else { Err(warp::reject::not_found()) }
        })
        .untuple_one()
}

/// A path that is only read.
pub(super) fn get<F, Fut>(
    context: &Context,
    path: &'static str,
    answer: F,
) -> BoxedFilter<(Response,)>
where
    F: Fn(Context, Asked) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, Response>> + Send + 'static,
{
    let context = context.clone();
    exact(path)
        .and(asked())
        .then(move |asked: Asked| {
            let allowed = reply::only_get(&asked.method);
            let answer = answer.clone();
            let context = context.clone();
            async move {
                let answered = match allowed {
                    Ok(()) => answer(context, asked).await,
                    Err(refusal) => Err(refusal),
                };
                answered.unwrap_or_else(|response| response)
            }
        })
        .boxed()
}

/// A path that changes something: what it asks for stands in its body.
pub(super) fn post<F, Fut>(
    context: &Context,
    path: &'static str,
    answer: F,
) -> BoxedFilter<(Response,)>
where
    F: Fn(Context, Bytes) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, Response>> + Send + 'static,
{
    let context = context.clone();
    exact(path)
        .and(warp::method())
        .and(warp::body::bytes())
        .then(move |method: Method, body: Bytes| {
            let allowed = reply::only(&method, &[Method::POST]);
            let answer = answer.clone();
            let context = context.clone();
            async move {
                let answered = match allowed {
                    Ok(()) => answer(context, body).await,
                    Err(refusal) => Err(refusal),
                };
                answered.unwrap_or_else(|response| response)
            }
        })
        .boxed()
}

/// Asks the database, or does other things that block, off the runtime's threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Response> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(StoreError::Purged { first })) => Err(error_reply(
            Code::NotFound,
            format!("what happened before event {first} is not kept any more; begin at {first}"),
        )),
        Ok(Err(error)) => Err(reply::internal(&error)),
        Err(error) => Err(reply::internal(&error)),
    }
}
