//! The page: embedded in the binary, or served from a folder of the user's own.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::{HeaderMap, Method, StatusCode, header};
use warp::path::FullPath;
use warp::reply::Response;

use super::context::Context;
use super::error::{Code, error_reply};
use super::reply;
use super::route::{Asked, asked, blocking};
use crate::page;

/// Larger files of a user's own page are not served.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// What `/` is.
const INDEX: &str = "index.html";

/// What `/api` is.
const API: &str = "api.html";

const NOT_FOUND: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Not found</title>\
     <h1>Not found</h1><p>There is nothing at this address. <a href=\"/\">To the dashboard</a></p></html>";

/// A file ready to be sent, compressed once.
#[derive(Debug)]
pub(super) struct Asset {
    kind: &'static str,
    mark: u64,
    plain: Form,
    brotli: Option<Form>,
    gzip: Option<Form>,
}

/// A file as it is, or compressed in one way.
#[derive(Debug)]
struct Form {
    bytes: Bytes,
    coding: Option<&'static str>,
    etag: String,
}

/// The page's files, those ready to be sent among them.
#[derive(Debug, Default)]
pub struct Assets {
    /// The folder of a user's own page; its files may change at any time.
    public_dir: Option<PathBuf>,
    ready: RwLock<HashMap<String, Arc<Asset>>>,
}

impl Assets {
    /// Those of the binary, or of this folder.
    pub fn new(public_dir: Option<PathBuf>) -> Self {
        Self { public_dir, ready: RwLock::default() }
    }

    /// The answer where it lies ready: before any route is looked for, and without a thread that
    /// may block. What is in the binary never changes.
    pub(super) fn ready(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Option<Response> {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        if !reads || self.public_dir.is_some() {
            return None;
        }
        let name = named(path).or_else(|| path.strip_prefix('/'))?;
        self.known(name, None).map(|asset| send(headers, &asset))
    }

    /// What was made ready before, if it is of this content.
    fn known(&self, name: &str, mark: Option<u64>) -> Option<Arc<Asset>> {
        let ready = self.ready.read().unwrap_or_else(PoisonError::into_inner);
        ready.get(name).filter(|asset| mark.is_none_or(|mark| asset.mark == mark)).cloned()
    }

    fn find(&self, name: &str) -> Option<Arc<Asset>> {
        let content = match &self.public_dir {
            Some(folder) => Cow::Owned(read_below(folder, name)?),
            None => page::file(name)?,
        };
        let mark = xxhash_rust::xxh3::xxh3_64(&content);
        if let Some(asset) = self.known(name, Some(mark)) {
            return Some(asset);
        }
        let asset = Arc::new(Asset::of(name, mark, content));
        let mut ready = self.ready.write().unwrap_or_else(PoisonError::into_inner);
        ready.insert(name.to_owned(), Arc::clone(&asset));
        Some(asset)
    }
}

impl Asset {
    fn of(name: &str, mark: u64, content: Cow<'static, [u8]>) -> Self {
        let kind = kind_of(name);
        let text = kind.contains("charset") || kind.ends_with("svg+xml");
        Self::packed(kind, text, mark, content)
    }

    fn packed(kind: &'static str, text: bool, mark: u64, content: Cow<'static, [u8]>) -> Self {
        let smaller = |packed: Option<Vec<u8>>, coding| {
            packed.filter(|packed| packed.len() < content.len()).map(|packed| Form {
                bytes: packed.into(),
                coding: Some(coding),
                etag: format!("\"{mark:016x}-{coding}\""),
            })
        };
        Self {
            kind,
            mark,
            brotli: smaller(text.then(|| brotli(&content)).flatten(), "br"),
            gzip: smaller(text.then(|| gzip(&content)).flatten(), "gzip"),
            plain: Form {
                bytes: content.into_owned().into(),
                coding: None,
                etag: format!("\"{mark:016x}\""),
            },
        }
    }
}

/// One of the page's files by its name, whatever the path was.
pub(super) async fn one(
    assets: &Arc<Assets>,
    name: String,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Option<Response>, Response> {
    reply::only_get(method)?;
    let assets = Arc::clone(assets);
    let found = blocking(move || Ok(assets.find(&name))).await?;
    Ok(found.map(|asset| send(headers, &asset)))
}

impl Asset {
    /// JSON that was made for good.
    pub(super) fn json(text: String) -> Self {
        let mark = xxhash_rust::xxh3::xxh3_64(text.as_bytes());
        Self::packed(reply::JSON, true, mark, text.into_bytes().into())
    }

    /// Sent whole, packed where that is taken: 304 or 200.
    pub(super) fn versioned(&self, headers: &HeaderMap) -> Response {
        let form = self.form(headers);
        dressed(reply::versioned(headers, &form.etag, &form.bytes), form)
    }

    /// The form that a client takes.
    fn form(&self, headers: &HeaderMap) -> &Form {
        let accepts = |name: &str| {
            headers
                .get_all(header::ACCEPT_ENCODING)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|coding| {
                    let (coding, weight) = coding.split_once(';').unwrap_or((coding, ""));
                    let refused =
                        weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
                    coding.trim().eq_ignore_ascii_case(name) && !refused
                })
        };
        // A part of a packed body cannot be unpacked: a range is one of the file as it is.
        let whole = !headers.contains_key(header::RANGE);
        let accepts = |name: &str| whole && accepts(name);
        match (&self.brotli, &self.gzip) {
            (Some(form), _) if accepts("br") => form,
            (_, Some(form)) if accepts("gzip") => form,
            _ => &self.plain,
        }
    }
}

/// Every path that no other route took: the page's files, or not found.
pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    let assets = Arc::clone(&context.assets);
    warp::path::full()
        .and(asked())
        .then(move |path: FullPath, asked: Asked| {
            let assets = Arc::clone(&assets);
            async move { answer(assets, path.as_str(), &asked).await.unwrap_or_else(|r| r) }
        })
        .boxed()
}

/// The file behind an address that does not name it.
fn named(path: &str) -> Option<&'static str> {
    match path {
        "/" => Some(INDEX),
        "/api" => Some(API),
        _ => None,
    }
}

async fn answer(assets: Arc<Assets>, path: &str, asked: &Asked) -> Result<Response, Response> {
    let name = named(path).unwrap_or_else(|| path.trim_start_matches('/'));
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned();
    let Some(asset) = blocking(move || Ok(assets.find(&name))).await? else {
        return Err(not_found(path));
    };
    reply::only_get(&asked.method)?;
    Ok(send(&asked.headers, &asset))
}

/// Nothing is there: as JSON for API paths, as a small page elsewhere.
pub(super) fn not_found(path: &str) -> Response {
    if path.starts_with("/api/") || path == "/api" {
        return error_reply(Code::NotFound, "there is nothing at this address");
    }
    let mut response =
        reply::bytes("text/html; charset=utf-8", Bytes::from_static(NOT_FOUND.as_bytes()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// A regular file below `folder`, links resolved. What a dot hides (`.env`, `.git/config`) is no
/// part of a page.
fn read_below(folder: &Path, name: &str) -> Option<Vec<u8>> {
    if name.split('/').any(|part| part.starts_with('.')) {
        return None;
    }
    let folder = folder.canonicalize().ok()?;
    let path = folder.join(name).canonicalize().ok()?;
    let metadata = path.metadata().ok()?;
    let fits = path.starts_with(&folder) && metadata.is_file() && metadata.len() <= MAX_FILE;
    fits.then(|| std::fs::read(path).ok()).flatten()
}

fn send(headers: &HeaderMap, asset: &Asset) -> Response {
    let form = asset.form(headers);
    dressed(reply::conditional(headers, asset.kind, &form.etag, &form.bytes), form)
}

/// Which form it is, and that there are others.
fn dressed(mut response: Response, form: &Form) -> Response {
    if let Some(coding) = form.coding {
        reply::fixed(&mut response, header::CONTENT_ENCODING, coding);
    }
    reply::fixed(&mut response, header::VARY, "Accept-Encoding");
    response
}

fn kind_of(name: &str) -> &'static str {
    match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json" | "webmanifest") => "application/json; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn brotli(content: &[u8]) -> Option<Vec<u8>> {
    let mut packed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 9, ..Default::default() };
    brotli::BrotliCompress(&mut &*content, &mut packed, &parameters).ok()?;
    Some(packed)
}

fn gzip(content: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).ok()?;
    encoder.finish().ok()
}
