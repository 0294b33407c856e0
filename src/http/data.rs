//! The data files, byte for byte: these five names and no other.

use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, StatusCode, header};
use warp::reply::Response;
use warp::{Filter, Reply};

use super::context::Context;
use super::error::{Code, error_reply};
use super::limits::DOWNLOADS;
use super::reply::{self, Conditions, Range};
use super::route::{Asked, blocking, get};
use crate::project::layout::Layout;

const YAML: &str = "application/yaml; charset=utf-8";
const CSV: &str = "text/csv; charset=utf-8";
const MARKDOWN: &str = "text/markdown; charset=utf-8";
/// A part of a file handed on at once; a log of any length costs no more memory.
const CHUNK: u64 = 64 * 1024;

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
    let downloads = context.downloads;
    let answer = blocking(move || {
        let found = find(&layout, name).and_then(|(file, kind)| Found::of(file, kind));
        let Some(mut found) = found else {
            let message = format!("the project has no {}", name.trim_start_matches('/'));
            return Ok(Err(error_reply(Code::NotFound, message)));
        };
        let metadata = &found.metadata;
        found.etag = format!(
            "\"{:x}-{:x}-{:x}-{:x}\"",
            metadata.ino(),
            metadata.len(),
            metadata.mtime(),
            metadata.mtime_nsec()
        );
        Ok(found.answer(&asked.headers, &downloads))
    });
    answer.await?
}

/// Places for files that are sent in parts: each is a descriptor beside its connection's, and
/// these are counted on one that reads slowly. A file of one part is read and closed at once.
#[derive(Debug, Clone)]
pub struct Downloads(Arc<Semaphore>);

impl Default for Downloads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(DOWNLOADS)))
    }
}

impl Downloads {
    pub(super) fn place(&self) -> Result<OwnedSemaphorePermit, Response> {
        Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            let message = format!(
                "{DOWNLOADS} long files are being sent already; try again in a moment, or ask for \
                 less than {CHUNK} bytes by Range"
            );
            let mut refusal = error_reply(Code::Busy, message);
            reply::set(&mut refusal, header::RETRY_AFTER, "2");
            refusal
        })
    }
}

/// A file to send.
pub(super) struct Found {
    file: File,
    kind: &'static str,
    pub(super) metadata: Metadata,
    pub(super) etag: String,
    /// Where the answer begins when no range is asked for.
    pub(super) begin: u64,
}

impl Found {
    /// Nothing where it is no regular file.
    pub(super) fn of(file: File, kind: &'static str) -> Option<Self> {
        let metadata = file.metadata().ok().filter(Metadata::is_file)?;
        Some(Self { file, kind, metadata, etag: String::new(), begin: 0 })
    }

    /// The file as asked for. Blocks: whoever is refused has closed it when this returns.
    pub(super) fn answer(
        mut self,
        headers: &HeaderMap,
        downloads: &Downloads,
    ) -> Result<Response, Response> {
        let (etag, length) = (&self.etag, self.metadata.len());
        if let Some(response) = reply::conditional_without_body(headers, etag, length) {
            return Ok(response);
        }
        let (from, to, partial) = match Conditions::of(headers).range(etag, length) {
            Some(Range::Part(from, to)) => (from, to + 1, true),
            _ => (self.begin.min(length), length, false),
        };
        let mut response = if to - from > CHUNK {
            let place = downloads.place()?;
            warp::reply::stream(parts(self.file, from, to, place)).into_response()
        } else {
            let part = part(&mut self.file, from, to).map(Bytes::from);
            warp::reply::stream(stream::iter([part])).into_response()
        };
        if partial {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let place = format!("bytes {from}-{}/{length}", to - 1);
            reply::set(&mut response, header::CONTENT_RANGE, &place);
        }
        reply::set(&mut response, header::CONTENT_TYPE, self.kind);
        reply::set(&mut response, header::CONTENT_LENGTH, &(to - from).to_string());
        reply::set(&mut response, header::ETAG, etag);
        reply::set(&mut response, header::ACCEPT_RANGES, "bytes");
        reply::set(&mut response, header::CACHE_CONTROL, "no-cache");
        Ok(response)
    }
}

/// What lies from `from` up to `to`, one part of it at most. A file that was cut meanwhile gives
/// less; the length announced tells the client.
fn part(file: &mut File, from: u64, to: u64) -> std::io::Result<Vec<u8>> {
    let mut part = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take((to - from).min(CHUNK)).read_to_end(&mut part)?;
    Ok(part)
}

/// The bytes from `from` up to `to`, read off the runtime's threads.
fn parts(
    file: File,
    from: u64,
    to: u64,
    place: OwnedSemaphorePermit,
) -> impl stream::Stream<Item = std::io::Result<Bytes>> + Send {
    stream::try_unfold((file, from, place), move |(mut file, at, place)| async move {
        if at >= to {
            return Ok(None);
        }
        let read = tokio::task::spawn_blocking(move || {
            part(&mut file, at, to).map(|part| (file, Bytes::from(part)))
        });
        let (file, part) = read.await.map_err(std::io::Error::other)??;
        let next = at + part.len() as u64;
        Ok((!part.is_empty()).then_some((part, (file, next, place))))
    })
}
