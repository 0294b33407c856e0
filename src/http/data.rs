//! The data files, byte for byte: these five names and no other.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use bytes::Bytes;
use futures_util::stream;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode, header};
use warp::reply::Response;
use warp::{Filter, Reply};

use super::context::Context;
use super::error::{Code, error_reply};
use super::reply::{self, Conditions, Range};
use super::route::{Asked, blocking, get};
use crate::project::layout::Layout;

const YAML: &str = "application/yaml; charset=utf-8";
const CSV: &str = "text/csv; charset=utf-8";
const MARKDOWN: &str = "text/markdown; charset=utf-8";
/// A part of a file handed on at once; a log of any length costs no more memory.
const CHUNK: usize = 64 * 1024;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    let file =
        |path: &'static str| get(context, path, move |context, asked| serve(context, asked, path));
    file("/sprint-status.yaml")
        .or(file("/sprint-runner.csv"))
        .unify()
        .or(file("/orchestrator.csv"))
        .unify()
        .or(file("/orchestrator.md"))
        .unify()
        .or(file("/orchestrator-sample.md"))
        .unify()
        .boxed()
}

/// The file behind a name, and its type.
fn find(layout: &Layout, name: &str) -> Option<(File, &'static str)> {
    let bare = name.trim_start_matches('/');
    let called = |path: &&std::path::PathBuf| path.file_name().is_some_and(|known| known == bare);
    let first = |paths: &[std::path::PathBuf], any: bool| {
        paths.iter().filter(|path| any || called(path)).find_map(|path| open(layout, path))
    };
    match name {
        "/sprint-status.yaml" => Some((open(layout, &layout.status_file)?, YAML)),
        // A log named by flag may be called anything: it is the log.
        "/sprint-runner.csv" => {
            Some((first(&layout.csv_logs, layout.named.csv_log.is_some())?, CSV))
        }
        "/orchestrator.csv" => Some((first(&layout.csv_logs, false)?, CSV)),
        "/orchestrator.md" => {
            let any = layout.named.orchestrator_log.is_some();
            Some((first(&layout.orchestrator_logs, any)?, MARKDOWN))
        }
        "/orchestrator-sample.md" => Some((open(layout, &layout.orchestrator_sample)?, MARKDOWN)),
        _ => None,
    }
}

/// Opens a file of the project: a regular one, that does not lead outside. Never blocks.
pub(super) fn open(layout: &Layout, path: &Path) -> Option<File> {
    if !layout.allows(path) || !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let file = open_plain(path).ok()?;
    file.metadata().ok()?.is_file().then_some(file)
}

/// Opens a file; a FIFO put in its place just now does not hold the thread.
pub(super) fn open_plain(path: &Path) -> std::io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}

async fn serve(context: Context, asked: Asked, name: &'static str) -> Result<Response, Response> {
    let layout = context.board.layout();
    let found = blocking(move || {
        Ok(find(&layout, name).and_then(|(file, kind)| {
            let metadata = file.metadata().ok()?;
            Some((file, kind, metadata))
        }))
    });
    let Some((file, kind, metadata)) = found.await? else {
        let message = format!("the project has no {}", name.trim_start_matches('/'));
        return Err(error_reply(Code::NotFound, message));
    };
    let length = metadata.len();
    let etag = format!(
        "\"{:x}-{:x}-{:x}-{:x}\"",
        metadata.ino(),
        length,
        metadata.mtime(),
        metadata.mtime_nsec()
    );
    Ok(answer(&asked.headers, file, kind, &etag, length))
}

fn answer(headers: &HeaderMap, file: File, kind: &str, etag: &str, length: u64) -> Response {
    answer_from(headers, file, kind, etag, 0, length)
}

/// The file as asked for, from byte `begin` on where no range is named.
pub(super) fn answer_from(
    headers: &HeaderMap,
    file: File,
    kind: &str,
    etag: &str,
    begin: u64,
    length: u64,
) -> Response {
    if let Some(response) = reply::conditional_without_body(headers, etag, length) {
        return response;
    }
    let (from, to, partial) = match Conditions::of(headers).range(etag, length) {
        Some(Range::Part(from, to)) => (from, to + 1, true),
        _ => (begin, length, false),
    };
    let mut response = warp::reply::stream(parts(file, from, to)).into_response();
    if partial {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let place = format!("bytes {from}-{}/{length}", to - 1);
        reply::set(&mut response, header::CONTENT_RANGE, &place);
    }
    reply::set(&mut response, header::CONTENT_TYPE, kind);
    reply::set(&mut response, header::CONTENT_LENGTH, &(to - from).to_string());
    reply::set(&mut response, header::ETAG, etag);
    reply::set(&mut response, header::ACCEPT_RANGES, "bytes");
    reply::set(&mut response, header::CACHE_CONTROL, "no-cache");
    response
}

/// The bytes from `from` up to `to`, read off the runtime's threads.
fn parts(
    file: File,
    from: u64,
    to: u64,
) -> impl stream::Stream<Item = std::io::Result<Bytes>> + Send {
    stream::try_unfold((file, from), move |(mut file, at)| async move {
        if at >= to {
            return Ok(None);
        }
        let read = tokio::task::spawn_blocking(move || {
            let mut part = vec![0; CHUNK.min((to - at) as usize)];
            file.seek(SeekFrom::Start(at))?;
            let length = file.read(&mut part)?;
            part.truncate(length);
            Ok::<_, std::io::Error>((file, part))
        });
        let (file, part) = read.await.map_err(std::io::Error::other)??;
        let next = at + part.len() as u64;
        // A file that was cut meanwhile ends here; the length announced tells the client.
        Ok((!part.is_empty()).then(|| (Bytes::from(part), (file, next))))
    })
}
