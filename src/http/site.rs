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

use http::{HeaderValue, Uri};
use tracing::Span;

use super::assets;
use super::context::Context;
use super::guard::Guard;
use super::hall::{Hall, Lobby, PREFIX, What};
use super::limits::Limits;
use super::projects::Projects;
use super::service::{Routes, Shared};
use super::stream::{Phase, Streams};

/// Where all projects are shown.
// Not in the table of routes: a server of one has none such.
const OVERVIEW: &str = concat!("/", "projects");

/// What a server serves.
pub struct Site {
    /// What all connections share.
    streams: Arc<Streams>,
    limits: Limits,
    rest: HeaderValue,
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

/// Whose a request is.
pub(super) enum Way {
    /// It stands at the root.
    Root,
    /// The project's, with its path as the project has it.
    Project { shared: Arc<Shared>, inside: Uri },
    /// Answered here.
    Hall(Hall),
}

impl Site {
    /// One project, at the root.
    pub fn one(context: Context, routes: Routes) -> Self {
        let (streams, limits) = (Arc::clone(&context.streams), context.limits);
        let at = At::Root(Arc::new(Shared::new(context, routes, Span::none())));
        Self { streams, limits, rest: rest(limits), at }
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
        Self { streams, limits, rest: rest(limits), at }
    }

    pub(super) const fn limits(&self) -> Limits {
        self.limits
    }

    /// The value of `Keep-Alive`.
    pub(super) const fn rest(&self) -> &HeaderValue {
        &self.rest
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
        let hall = |what| Way::Hall(Hall::new(lobby, what));
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
                _ => Err(Hall::new(lobby, What::Down(0))),
            },
        }
    }
}

/// How long a connection may rest: a client that heeds it does not ask on one that is just ending.
fn rest(limits: Limits) -> HeaderValue {
    HeaderValue::try_from(format!("timeout={}", limits.header.as_secs())).expect("ASCII")
}
