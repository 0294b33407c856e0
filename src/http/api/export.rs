//! `/api/export`: the log to take away, as lines, as a table, or as one page that replays it.

use std::io::Write as _;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use warp::Reply;
use warp::filters::BoxedFilter;
use warp::http::{Method, header};
use warp::reply::Response;

use crate::export::{self, ExportError, Replay, Wish};
use crate::http::context::Context;
use crate::http::error::{Code, error_reply};
use crate::http::limits::EXPORTS;
use crate::http::pipe::{Pipe, pipe};
use crate::http::query::bad;
use crate::http::reply;
use crate::http::route::{Asked, get};
use crate::store::Queries;
use crate::store::rows::EventFilter;

const NDJSON: &str = "application/x-ndjson; charset=utf-8";
const CSV: &str = "text/csv; charset=utf-8; header=present";
const HTML: &str = "text/html; charset=utf-8";

/// What is asked for.
enum Format {
    Lines,
    Table,
    Page,
}

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    let places = Arc::new(Semaphore::new(EXPORTS));
    get(context, "/api/export", move |context, asked| export(context, asked, Arc::clone(&places)))
}

async fn export(
    context: Context,
    asked: Asked,
    places: Arc<Semaphore>,
) -> Result<Response, Response> {
    let format = match asked.query.text("format") {
        None | Some("ndjson") => Format::Lines,
        Some("csv") => Format::Table,
        Some("html") => Format::Page,
        Some(_) => return Err(bad("\"format\" must be html, ndjson or csv")),
    };
    let number = |name| asked.query.number(name);
    let wish = Wish {
        batch_id: number("batch_id")?.map(|id| i64::try_from(id).unwrap_or(i64::MAX)),
        after: number("after")?.unwrap_or(0),
    };
    let Ok(place) = places.try_acquire_owned() else {
        let message = "two exports are under way already; try again in a moment";
        let mut refusal = error_reply(Code::Busy, message);
        reply::set(&mut refusal, header::RETRY_AFTER, "5");
        return Err(refusal);
    };
    let project = context.hub.state().sprint.project.clone();
    let stem = export::file_stem(project.as_deref(), wish.batch_id);
    let out = Out {
        queries: context.hub.queries().clone(),
        place,
        wants_body: asked.method != Method::HEAD,
    };
    match format {
        Format::Lines => lines(out, wish, &stem, false).await,
        Format::Table => lines(out, wish, &stem, true).await,
        Format::Page => page(out, &context, wish, &stem).await,
    }
}

/// What every download needs, whatever is in it.
struct Out {
    queries: Queries,
    place: OwnedSemaphorePermit,
    wants_body: bool,
}

async fn lines(out: Out, wish: Wish, stem: &str, as_table: bool) -> Result<Response, Response> {
    if let Some(id) = wish.batch_id {
        let asked = out.queries.clone();
        let known = off_the_runtime(move || Ok(asked.batch(id)?.is_some())).await?;
        if !known {
            return Err(refusal(&ExportError::NoBatch(id)));
        }
    }
    let filter =
        EventFilter { batch_ids: wish.batch_id.into_iter().collect(), ..EventFilter::default() };
    let body = out.body(move |queries, pipe| {
        if as_table {
            return export::table(queries, wish.after, &filter, |row| pipe.write_all(row));
        }
        export::lines(queries, wish.after, &filter, |line| {
            pipe.write_all(line.as_bytes())?;
            pipe.write_all(b"\n")
        })
    });
    let (kind, ending) = if as_table { (CSV, "csv") } else { (NDJSON, "ndjson") };
    Ok(download(body, kind, &format!("{stem}.{ending}")))
}

async fn page(out: Out, context: &Context, wish: Wish, stem: &str) -> Result<Response, Response> {
    let settings = serde_json::to_value(context.settings.get()).unwrap_or_default();
    let asked = out.queries.clone();
    let now_ms = super::now_ms();
    let replay = off_the_runtime(move || Replay::prepare(&asked, wish, &settings, now_ms)).await?;
    // Should a browser show it here after all, it is a page without our origin.
    let policy = format!("{}; frame-ancestors 'none'; sandbox allow-scripts", replay.policy());
    let body = out.body(move |queries, pipe| replay.write(queries, pipe));
    let mut response = download(body, HTML, &format!("{stem}.html"));
    reply::set(&mut response, header::CONTENT_SECURITY_POLICY, &policy);
    Ok(response)
}

impl Out {
    /// A body that is written while it is read, on a thread of its own; none where only the head
    /// is asked for. A failure cuts it, so that the client sees a broken download and not a short
    /// one.
    fn body(
        self,
        write: impl FnOnce(&Queries, &mut Pipe) -> Result<(), ExportError> + Send + 'static,
    ) -> Response {
        if !self.wants_body {
            return Response::default();
        }
        let (mut pipe, parts) = pipe();
        let span = tracing::Span::current();
        tokio::task::spawn_blocking(move || {
            let _in = span.enter();
            let _place = self.place;
            match write(&self.queries, &mut pipe).and_then(|()| Ok(pipe.flush()?)) {
                // Whoever reads has gone.
                Ok(()) | Err(ExportError::Write(_)) => {}
                Err(error) => {
                    tracing::error!(%error, "an export broke off");
                    pipe.fail(std::io::Error::other(error));
                }
            }
        });
        warp::reply::stream(parts).into_response()
    }
}

fn download(mut response: Response, kind: &str, name: &str) -> Response {
    reply::set(&mut response, header::CONTENT_TYPE, kind);
    let disposition = format!("attachment; filename=\"{name}\"");
    reply::set(&mut response, header::CONTENT_DISPOSITION, &disposition);
    reply::set(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ExportError> + Send + 'static,
) -> Result<T, Response> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(refusal(&error)),
        Err(error) => Err(reply::internal(&error)),
    }
}

fn refusal(error: &ExportError) -> Response {
    match error {
        ExportError::NoBatch(_) => error_reply(Code::NotFound, error.to_string()),
        error => reply::internal(error),
    }
}
