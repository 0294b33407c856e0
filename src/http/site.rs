//! All that one server serves: one project at the root, or several under `/p/<name>/`.
//!
//! ```text
//!  /p/<name>/…  the prefix is taken off; all that follows knows the project alone
//!  /projects    the overview of all          /healthz   the health of the whole
//!  /            leads to the first project, or to the overview where that could not be started
//!  /…           the first project, as scripts know it that were written for one
//! ```
//!
//! - A name in an address is compared as it stands: what is escaped or doubled in it is no name.
//! - Nothing is answered before the guard has spoken, not even that there is no such project.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use hyper::body::{Body as _, Incoming};
use tracing::Span;
use warp::reply::{Reply, Response};

use super::api::{health, projects};
use super::assets;
use super::connection::Link;
use super::context::Context;
use super::error::{Code, error_reply};
use super::guard::{Guard, Verdict};
use super::limits::Limits;
use super::projects::Projects;
use super::reply;
use super::service::{Routes, Shared};
use super::stream::{Phase, Streams};

/// Where all projects are shown, and by which page.
// As for the prefix: a server of one has no such route.
const OVERVIEW: &str = concat!("/", "projects");
const OVERVIEW_PAGE: &str = "projects.html";

/// What stands before a project's name.
// No route of its own: each below it is one of a project.
const PREFIX: &str = concat!("/", "p", "/");

/// What a server serves.
pub struct Site {
    /// What all connections share.
    streams: Arc<Streams>,
    limits: Limits,
    at: At,
}

enum At {
    Root(Arc<Shared>),
    Prefixes { members: Vec<(String, Option<Arc<Shared>>)>, lobby: Arc<Lobby> },
}

/// One of several projects.
pub struct Member {
    /// What stands in its addresses.
    pub name: String,
    /// What all that is told of it stands in.
    pub span: Span,
    /// What it serves; none where it could not be started.
    pub serves: Option<(Context, Routes)>,
}

/// What is nobody's and everybody's.
struct Lobby {
    guard: Arc<Guard>,
    projects: Arc<Projects>,
    assets: Arc<assets::Assets>,
    started_at_ms: i64,
}

/// Whose a request is.
pub(super) enum Way {
    /// It stands at the root.
    Root,
    /// The project's, with its path as the project has it.
    Project { shared: Arc<Shared>, inside: Uri },
    /// Answered here.
    Hall(Hall),
}

/// What is answered beside the projects.
pub(super) struct Hall {
    lobby: Arc<Lobby>,
    what: What,
}

enum What {
    Overview,
    /// `/api/projects`, which must not hang on the first.
    Projects,
    Health,
    /// `/p/<name>` without what makes it a folder: where it leads, and the guard of what is there.
    Folder(String, Option<Arc<Guard>>),
    Down(usize),
    Nothing,
}

impl Site {
    /// One project, at the root.
    pub fn one(context: Context, routes: Routes) -> Self {
        let (streams, limits) = (Arc::clone(&context.streams), context.limits);
        Self { streams, limits, at: At::Root(Arc::new(Shared::new(context, routes, Span::none()))) }
    }

    /// Several, each below its name. `guard` speaks where no project is meant.
    pub fn several(
        members: Vec<Member>,
        projects: Arc<Projects>,
        guard: Guard,
        assets: Arc<assets::Assets>,
        limits: Limits,
        started_at_ms: i64,
    ) -> Self {
        let lobby = Lobby { guard: Arc::new(guard), projects, assets, started_at_ms };
        let shared = |Member { name, span, serves }| {
            (name, serves.map(|(context, routes)| Arc::new(Shared::new(context, routes, span))))
        };
        let members: Vec<_> = members.into_iter().map(shared).collect();
        // The figures of the whole are told where the first one's are: at the root.
        let first = members.iter().find_map(|(_, shared)| shared.as_ref());
        let streams = first.map(|first| Arc::clone(&first.context.streams)).unwrap_or_default();
        let at = At::Prefixes { members, lobby: Arc::new(lobby) };
        Self { streams, limits, at }
    }

    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }

    /// What all connections share: their count, their end.
    pub(super) const fn streams(&self) -> &Arc<Streams> {
        &self.streams
    }

    /// Moves everything on; never back.
    pub(super) fn enter(&self, phase: Phase) {
        self.each(|streams| streams.enter(phase));
    }

    /// Whether descriptors are scarce, for all whom it concerns.
    pub(super) fn tell_starved(&self, starved: bool) {
        self.each(|streams| streams.counts.starved.store(starved, Ordering::Relaxed));
    }

    fn each(&self, tell: impl Fn(&Streams)) {
        tell(&self.streams);
        if let At::Prefixes { members, .. } = &self.at {
            members.iter().filter_map(|(_, shared)| shared.as_ref()).for_each(|shared| {
                tell(&shared.context.streams);
            });
        }
    }

    /// Whose a request is, by its address alone.
    pub(super) fn way(&self, uri: &Uri) -> Way {
        let At::Prefixes { members, lobby } = &self.at else { return Way::Root };
        let hall = |what| Way::Hall(Hall { lobby: Arc::clone(lobby), what });
        match uri.path() {
            "/" => return hall(Self::first(members, uri)),
            OVERVIEW => return hall(What::Overview),
            "/healthz" => return hall(What::Health),
            "/api/projects" => return hall(What::Projects),
            _ => {}
        }
        // An absolute target is the guard's to refuse, as it stands.
        let target = uri.path_and_query().filter(|_| uri.authority().is_none());
        let Some(rest) = target.and_then(|target| target.as_str().strip_prefix(PREFIX)) else {
            let is_prefix = [PREFIX, PREFIX.trim_end_matches('/')].contains(&uri.path());
            return if is_prefix { hall(What::Nothing) } else { Way::Root };
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (name, inside) = rest.split_at(end);
        let Some(at) = members.iter().position(|(known, _)| known == name) else {
            return hall(What::Nothing);
        };
        if !inside.starts_with('/') {
            let guard = members[at].1.as_ref().map(|shared| Arc::clone(&shared.context.guard));
            return hall(What::Folder(format!("{name}/{inside}"), guard));
        }
        match (&members[at].1, inside.parse()) {
            (Some(shared), Ok(inside)) => Way::Project { shared: Arc::clone(shared), inside },
            (None, _) => hall(What::Down(at)),
            (_, Err(_)) => hall(What::Nothing),
        }
    }

    /// The root's page: each project has its own address, so that what a browser keeps is kept for it.
    fn first(members: &[(String, Option<Arc<Shared>>)], uri: &Uri) -> What {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        match members.first() {
            Some((name, Some(_))) => What::Folder(format!("p/{name}/{query}"), None),
            _ => What::Folder(format!("projects{query}"), None),
        }
    }

    /// What stands at the root itself: the only project, or the first of several.
    pub(super) fn at_root(&self) -> Result<(Arc<Shared>, Arc<Guard>), Hall> {
        match &self.at {
            At::Root(shared) => Ok((Arc::clone(shared), Arc::clone(&shared.context.guard))),
            At::Prefixes { members, lobby } => match members.first() {
                Some((_, Some(shared))) => Ok((Arc::clone(shared), Arc::clone(&lobby.guard))),
                _ => Err(Hall { lobby: Arc::clone(lobby), what: What::Down(0) }),
            },
        }
    }
}

impl Hall {
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
            What::Down(at) => uri.path() == self.page_of(at),
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
            What::Down(at) if !path.starts_with(PREFIX) => {
                // The overview's own files are nobody's.
                let name = path.trim_start_matches('/').to_owned();
                match assets::one(&self.lobby.assets, name, method, headers).await {
                    Ok(Some(file)) => file,
                    _ => self.down(*at, path),
                }
            }
            What::Down(at) => self.down(*at, path),
            What::Nothing => {
                let rest =
                    path.strip_prefix(PREFIX).and_then(|rest| rest.find('/').map(|at| &rest[at..]));
                assets::not_found(rest.unwrap_or(path))
            }
        }
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
        let names = self.lobby.projects.all().iter().filter_map(|project| project.name());
        // Names are letters, digits and `-_.`: nothing in them is markup.
        let links: String =
            names.map(|name| format!("<li><a href=\"p/{name}/\">{name}</a></li>")).collect();
        page(StatusCode::OK, &format!("<h1>Projects</h1><ul>{links}</ul>"))
    }

    async fn health(&self) -> Response {
        let told = health::of_all(&self.lobby.projects, self.lobby.started_at_ms).await;
        told.unwrap_or_else(|| error_reply(Code::Busy, "no project could be started"))
    }

    fn name_of(&self, at: usize) -> &str {
        self.lobby.projects.all().get(at).and_then(|project| project.name()).unwrap_or_default()
    }

    fn page_of(&self, at: usize) -> String {
        format!("{PREFIX}{}/", self.name_of(at))
    }

    /// A project that could not be started: for a person who opens it, and for programs.
    fn down(&self, at: usize, path: &str) -> Response {
        let name = self.name_of(at);
        if path != self.page_of(at) {
            let sentence =
                format!("the project {name} could not be started; /api/projects says why");
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
