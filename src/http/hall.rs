//! What a server of several projects answers itself, beside them: the overview, the health of the
//! whole, the way to each, and what stands in the place of one that could not be started.

use std::sync::Arc;

use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use hyper::body::{Body as _, Incoming};
use warp::reply::{Reply, Response};

use super::api::{health, projects, standing};
use super::assets;
use super::connection::Link;
use super::error::{Code, error_reply};
use super::guard::{Guard, Verdict};
use super::projects::Projects;
use super::reply;
use super::standing::Standing;

/// What stands before a project's name.
// No route of its own: each below it is one of a project.
pub(super) const PREFIX: &str = concat!("/", "p", "/");

/// The page that shows all projects.
const OVERVIEW_PAGE: &str = "projects.html";

/// What is nobody's and everybody's.
pub(super) struct Lobby {
    pub(super) guard: Arc<Guard>,
    pub(super) projects: Arc<Projects>,
    pub(super) assets: Arc<assets::Assets>,
    pub(super) started_at_ms: i64,
    /// Of a hub: how far it has read.
    pub(super) standing: Option<Arc<Standing>>,
}

/// What is answered beside the projects.
pub(super) struct Hall {
    lobby: Arc<Lobby>,
    what: What,
}

/// What is asked there.
pub(super) enum What {
    Overview,
    /// `/api/projects`, which must not hang on the first.
    Projects,
    Health,
    /// `/p/<name>` without what makes it a folder: where it leads, and the guard of what is there.
    Folder(String, Option<Arc<Guard>>),
    Down(String),
    /// Of a hub, which has no first project: its figures, and the overview's own files.
    Root,
    Nothing,
}

impl Hall {
    pub(super) fn new(lobby: &Arc<Lobby>, what: What) -> Self {
        Self { lobby: Arc::clone(lobby), what }
    }

    /// The answer; the guard speaks first.
    pub(super) async fn answer(self, link: &Link, request: Request<Incoming>) -> Response {
        let guard = match &self.what {
            What::Folder(_, Some(own)) => own,
            _ => &self.lobby.guard,
        };
        if !request.body().is_end_stream() {
            link.linger();
        }
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        let page = self.as_page(uri);
        let (mut response, pass) = match guard.check(method, page.as_ref().unwrap_or(uri), headers)
        {
            Verdict::Answer(response, pass) => (response, pass),
            Verdict::Pass(pass) => (self.said(method, uri.path(), headers).await, pass),
        };
        guard.dress(response.headers_mut(), pass);
        response
    }

    /// What leads to a project's page, or stands in its place, as the guard knows a page: a link from
    /// elsewhere may open it, a token signs in there.
    fn as_page(&self, uri: &Uri) -> Option<Uri> {
        let is_page = match self.what {
            What::Folder(..) => true,
            What::Down(ref name) => uri.path() == page_of(name),
            _ => false,
        };
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        // An absolute target is the guard's to refuse, as it stands.
        let is_page = is_page && uri.authority().is_none();
        is_page.then(|| format!("/{query}").parse().ok()).flatten()
    }

    async fn said(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response {
        match &self.what {
            What::Overview => self.overview(method, headers).await,
            What::Health => match reply::only_get(method) {
                Ok(()) => self.health().await,
                Err(refusal) => refusal,
            },
            What::Folder(to, _) => match reply::only_get(method) {
                Ok(()) => folder(to),
                Err(refusal) => refusal,
            },
            What::Projects => match reply::only_get(method) {
                Ok(()) => projects::answer(&self.lobby.projects, headers).await,
                Err(refusal) => refusal,
            },
            What::Down(name) if !path.starts_with(PREFIX) => {
                match self.file(path, method, headers).await {
                    Some(file) => file,
                    None => down(name, path),
                }
            }
            What::Down(name) => down(name, path),
            What::Root => match (path, &self.lobby.standing) {
                ("/metrics", Some(known)) => match reply::only_get(method) {
                    Ok(()) => standing::figures(known, self.lobby.projects.all().len()),
                    Err(refusal) => refusal,
                },
                _ => match self.file(path, method, headers).await {
                    Some(file) => file,
                    None => assets::not_found(path),
                },
            },
            What::Nothing => {
                let rest =
                    path.strip_prefix(PREFIX).and_then(|rest| rest.find('/').map(|at| &rest[at..]));
                assets::not_found(rest.unwrap_or(path))
            }
        }
    }

    /// One of the overview's own files, which are nobody's.
    async fn file(&self, path: &str, method: &Method, headers: &HeaderMap) -> Option<Response> {
        let name = path.trim_start_matches('/').to_owned();
        assets::one(&self.lobby.assets, name, method, headers).await.ok().flatten()
    }

    async fn overview(&self, method: &Method, headers: &HeaderMap) -> Response {
        match assets::one(&self.lobby.assets, OVERVIEW_PAGE.to_owned(), method, headers).await {
            Ok(Some(page)) => page,
            // A user's own page that knows of one project only: the list as it is.
            Ok(None) => self.list(),
            Err(refusal) => refusal,
        }
    }

    /// Links to all projects, without a word of script.
    fn list(&self) -> Response {
        let all = self.lobby.projects.all();
        let names = all.iter().filter_map(|project| project.name());
        // Names are letters, digits and `-_.`: nothing in them is markup.
        let links: String =
            names.map(|name| format!("<li><a href=\"p/{name}/\">{name}</a></li>")).collect();
        page(StatusCode::OK, &format!("<h1>Projects</h1><ul>{links}</ul>"))
    }

    async fn health(&self) -> Response {
        let Lobby { projects, started_at_ms, standing, .. } = &*self.lobby;
        let told = health::of_all(projects, *started_at_ms, standing.as_deref()).await;
        told.unwrap_or_else(|| error_reply(Code::Busy, "no project could be started"))
    }
}

fn page_of(name: &str) -> String {
    format!("{PREFIX}{name}/")
}

/// A project that could not be started: for a person who opens it, and for programs.
fn down(name: &str, path: &str) -> Response {
    if path != page_of(name) {
        let sentence = format!("the project {name} could not be started; /api/projects says why");
        return error_reply(Code::Busy, sentence);
    }
    page(
        StatusCode::SERVICE_UNAVAILABLE,
        &format!(
            "<h1>{name} could not be started</h1><p>The overview says why. \
             <a href=\"../../projects\">All projects</a></p>"
        ),
    )
}

/// Relative, so that it holds behind a proxy that has a prefix of its own.
fn folder(to: &str) -> Response {
    let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
    reply::set(&mut response, header::LOCATION, to);
    response
}

fn page(status: StatusCode, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sprint Runner</title>{body}</html>"
    );
    let mut response = reply::bytes("text/html; charset=utf-8", html.into());
    *response.status_mut() = status;
    response
}
