//! All that one server serves: one project at the root, or several under `/p/<name>/`.
//!
//! ```text
//!  /p/<name>/…  the prefix is taken off; all that follows knows the project alone
//!  /projects    the overview of all          /healthz   the health of the whole
//!  /            leads to the first project, or to the overview where that could not be started
//!  /…           the first project, as scripts know it that were written for one
//! ```
//!
//! A hub has no first one: at its root stand the overview, its health and its figures. Its projects
//! come, go and are replaced while it runs ([`Members`]).
//!
//! - A name in an address is compared as it stands: what is escaped or doubled in it is no name.
//! - Nothing is answered before the guard has spoken, not even that there is no such project.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};

use http::{HeaderValue, Uri};
use tracing::Span;

use super::assets;
use super::context::Context;
use super::guard::Guard;
use super::hall::{Hall, Lobby, PREFIX, What};
use super::limits::Limits;
use super::projects::Projects;
use super::service::{Routes, Shared};
use super::standing::Standing;
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
    Prefixes { members: Arc<Members>, first: Option<String>, lobby: Arc<Lobby> },
}

/// What has an address of its own, by its name. Looked up with each request: its lock is held for
/// that alone, and never while anything is waited for.
#[derive(Default)]
pub struct Members(RwLock<HashMap<String, Place>>);

/// What stands at a project's address.
#[derive(Clone)]
enum Place {
    Served(Arc<Shared>),
    /// It could not be started.
    Down,
}

impl Place {
    fn served(self) -> Option<Arc<Shared>> {
        match self {
            Self::Served(shared) => Some(shared),
            Self::Down => None,
        }
    }
}

impl Members {
    /// Takes one in. What stood in its place ends: its streams say goodbye, and their clients come
    /// back to this one.
    pub fn put(&self, member: Member) {
        let Member { name, span, serves } = member;
        let place = serves.map_or(Place::Down, |(context, routes)| {
            Place::Served(Arc::new(Shared::new(context, routes, span)))
        });
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let former = all.insert(name, place);
        drop(all);
        end(former);
    }

    /// It has no address any more, and its streams end.
    pub fn remove(&self, name: &str) {
        let former = self.0.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        end(former);
    }

    fn find(&self, name: &str) -> Option<Place> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn each(&self, tell: impl Fn(&Streams)) {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for shared in all.values().cloned().filter_map(Place::served) {
            tell(&shared.context.streams);
        }
    }
}

fn end(former: Option<Place>) {
    if let Some(shared) = former.and_then(Place::served) {
        shared.context.streams.enter(Phase::Ending);
    }
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
        let lobby =
            Lobby { guard: Arc::new(guard), projects, assets, started_at_ms, standing: None };
        let first = members.first().map(|member| member.name.clone());
        // The figures of the whole are told where the first one's are: at the root.
        let serves = members.iter().find_map(|member| member.serves.as_ref());
        let streams = serves.map(|(context, _)| Arc::clone(&context.streams)).unwrap_or_default();
        let all = Members::default();
        for member in members {
            all.put(member);
        }
        let at = At::Prefixes { members: Arc::new(all), first, lobby: Arc::new(lobby) };
        Self { streams, limits, rest: rest(limits), at }
    }

    /// The projects of a team, which come and go; `standing` tells how far they were read.
    pub fn team(
        members: Arc<Members>,
        projects: Arc<Projects>,
        standing: Arc<Standing>,
        guard: Guard,
        assets: Arc<assets::Assets>,
        limits: Limits,
        started_at_ms: i64,
    ) -> Self {
        let guard = Arc::new(guard);
        let lobby = Lobby { guard, projects, assets, started_at_ms, standing: Some(standing) };
        let at = At::Prefixes { members, first: None, lobby: Arc::new(lobby) };
        Self { streams: Arc::default(), limits, rest: rest(limits), at }
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
            members.each(tell);
        }
    }

    /// Whose a request is, by its address alone.
    pub(super) fn way(&self, uri: &Uri) -> Way {
        let At::Prefixes { members, first, lobby } = &self.at else { return Way::Root };
        let hall = |what| Way::Hall(Hall::new(lobby, what));
        match uri.path() {
            "/" => return hall(Self::first(members, first.as_deref(), uri)),
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
        let Some(place) = members.find(name) else { return hall(lobby.unknown()) };
        let shared = place.served();
        if !inside.starts_with('/') {
            let guard = shared.map(|shared| Arc::clone(&shared.context.guard));
            return hall(What::Folder(format!("{name}/{inside}"), guard));
        }
        match (shared, inside.parse()) {
            (Some(shared), Ok(inside)) => Way::Project { shared, inside },
            (None, _) => hall(What::Down(name.to_owned())),
            (_, Err(_)) => hall(What::Nothing),
        }
    }

    /// The root's page: each project has its own address, so that what a browser keeps is kept for it.
    fn first(members: &Members, first: Option<&str>, uri: &Uri) -> What {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        match first.and_then(|name| Some((name, members.find(name)?.served()?))) {
            Some((name, _)) => What::Folder(format!("p/{name}/{query}"), None),
            None => What::Folder(format!("projects{query}"), None),
        }
    }

    /// What stands at the root itself: the only project, or the first of several.
    pub(super) fn at_root(&self) -> Result<(Arc<Shared>, Arc<Guard>), Hall> {
        match &self.at {
            At::Root(shared) => Ok((Arc::clone(shared), Arc::clone(&shared.context.guard))),
            At::Prefixes { members, first, lobby } => {
                let Some(first) = first else { return Err(Hall::new(lobby, What::Root)) };
                match members.find(first).and_then(Place::served) {
                    Some(shared) => Ok((shared, Arc::clone(&lobby.guard))),
                    None => Err(Hall::new(lobby, What::Down(first.clone()))),
                }
            }
        }
    }
}

/// How long a connection may rest: a client that heeds it does not ask on one that is just ending.
fn rest(limits: Limits) -> HeaderValue {
    // A word and digits: it cannot fail.
    HeaderValue::try_from(format!("timeout={}", limits.header.as_secs()))
        .unwrap_or(HeaderValue::from_static("timeout=0"))
}
