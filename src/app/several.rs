//! Several projects in one process: a whole core for each, one socket, one guard's rules for all.
//!
//! What cannot begin is told and listed as such; the others do. Where and for whom to listen is one
//! answer for all of them: flags and environment count for all, and of the projects' own files the
//! first one's. A token is another matter: where any of them asks for one, all are behind it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{anyhow, bail};
use futures_util::future::join_all;
use tokio::sync::oneshot;
use tracing::{Instrument as _, Span};

use super::core::{Claim, Core};
use super::instance_lock::{self, Holder, behind_links};
use super::state_dir::StateDir;
use super::{App, PortChoice, about, bind, guard, listen, now_ms};
use crate::agents::process::descriptors;
use crate::config::Config;
use crate::http::{self, Member, Project, Projects, Site};

/// A project that is to be served.
#[derive(Debug)]
pub struct Asked {
    /// What stands in its addresses.
    pub name: String,
    /// Its folder.
    pub root: PathBuf,
    /// Its configuration, or why there is none.
    pub config: anyhow::Result<Config>,
}

impl Asked {
    /// With links that lead to this project: what people reach is one address for all.
    fn linked(self) -> Self {
        let Self { name, root, config } = self;
        let config = config.map(|config| {
            let public_url = config.public_url.map(|url| below(url, &name));
            Config { public_url, ..config }
        });
        Self { name, root, config }
    }
}

/// A project's place below an address that ends with a slash; one that names it already is meant so.
fn below(url: String, name: &str) -> String {
    let place = format!("p/{name}/");
    if url.ends_with(&format!("/{place}")) { url } else { url + &place }
}

/// A project that could not begin.
#[derive(Debug)]
pub struct Down {
    /// What stands in its addresses.
    pub name: String,
    /// Why, with all causes: for the one who started the server.
    pub error: anyhow::Error,
}

/// Why it could not begin, in a sentence for whoever sees the page: it names no path.
#[derive(Debug, Clone)]
struct Told(String);

type Begun<T> = Result<T, (anyhow::Error, Told)>;

/// What is served, and what is not.
pub struct Started {
    /// The running server.
    pub app: App,
    /// Where it listens and how.
    pub lead: Config,
    /// Where all of them are shown.
    pub overview: String,
    /// Each that runs, with its address.
    pub running: Vec<(String, String)>,
    /// Each that does not.
    pub down: Vec<Down>,
}

/// One on its way: asked for, claimed, running.
struct One<T> {
    name: String,
    /// What all that is told of it stands in.
    span: Span,
    root: PathBuf,
    state: Begun<(Config, T)>,
}

/// Starts all that can begin; an error when none can. When it returns, the server answers.
pub async fn start(asked: Vec<Asked>) -> anyhow::Result<Started> {
    let claimed = claim(asked.into_iter().map(Asked::linked).collect());
    let Some(lead) = lead(&claimed) else { bail!(none(&downs(claimed).1)) };
    let (token, token_is_new) = listen::token(&lead)?;
    let state = first(&claimed).map(|(_, claim)| claim.state.path.clone()).unwrap_or_default();
    let server = bind(&lead, &state, PortChoice::Exactly)?;
    let address = server.local_addr();
    let url = listen::place(&lead, address);
    let at = |path: &str| match lead.unix {
        // As nginx writes a path on a Unix socket.
        Some(_) => format!("{url}:/{path}"),
        None => format!("{url}{path}"),
    };
    let under = |name: &str| at(&format!("p/{name}/"));
    let begun = join_all(claimed.into_iter().map(|one| begin(one, under))).await;
    if first(&begun).is_none() {
        bail!(none(&downs(begun).1));
    }

    let assets = Arc::new(http::Assets::new(lead.public.clone()));
    let limits = http::Limits::default().beside(descriptors::raise(), begun.len() - 1);
    let downloads = http::Downloads::default();
    let started_at_ms = now_ms();
    let streams: Vec<_> = begun.iter().map(|_| Arc::new(http::Streams::new())).collect();
    let listed = begun.iter().zip(&streams).map(|(one, streams)| project(one, streams)).collect();
    let projects = Arc::new(Projects::new(listed));
    let (mut members, mut control) = (Vec::new(), Vec::new());
    for (one, streams) in begun.iter().zip(&streams) {
        let Ok((config, core)) = &one.state else {
            members.push(Member { name: one.name.clone(), span: one.span.clone(), serves: None });
            continue;
        };
        let config = together(&lead, config);
        let home = format!("/p/{}/", one.name);
        let context = http::Context {
            hub: core.hub.clone(),
            board: Arc::clone(&core.board),
            guard: Arc::new(guard(&config, address, token.clone(), &home)?),
            streams: Arc::clone(streams),
            settings: Arc::clone(&core.settings),
            about: Arc::new(about(&config, &core.state.path, address, token.is_some())),
            read_only: config.read_only,
            assets: Arc::clone(&assets),
            started_at_ms,
            limits,
            downloads: downloads.clone(),
            notified: core.notified(),
            projects: Arc::clone(&projects),
            reach: http::Reach::default(),
            afar: None,
        };
        let routes = http::api::routes(&context, &core.orchestrator);
        control.extend(super::control::start(&config, core, &context, &routes).await);
        let (name, span) = (one.name.clone(), one.span.clone());
        members.push(Member { name, span, serves: Some((context, routes)) });
    }
    // At the root stands the first, under its own rules.
    let at_root = begun.first().and_then(|one| one.state.as_ref().ok());
    let at_root = at_root.map_or_else(|| lead.clone(), |(config, _)| together(&lead, config));
    let hall = guard(&at_root, address, token.clone(), "")?;
    let site = Site::several(members, Arc::clone(&projects), hall, assets, limits, started_at_ms);
    let (end_streams, ended) = oneshot::channel();
    let serving = tokio::spawn(server.run_site(site, async move {
        // A sender that is gone means the same.
        let _ = ended.await;
    }));
    let (mut running, down) = downs(begun);
    for (name, core) in &mut running {
        // A socket is connected to by its path alone.
        let place = if lead.unix.is_some() { url.clone() } else { under(name) };
        if let Err(error) =
            core.lock.announce_under(&place, &format!("/p/{name}"), token.as_deref())
        {
            // The others, and all but the command line in its folder, do without.
            tracing::warn!(project = %name, "the command line will not find this server: {error:#}");
        }
    }
    let addresses = running.iter().map(|(name, _)| (name.clone(), under(name))).collect();
    let overview = at("projects");
    let mut cores = running.into_iter().map(|(_, core)| core);
    let core = cores.next().ok_or_else(|| anyhow!("no project is there"))?;
    let others = cores.collect();
    let app = App { core, others, control, serving, end_streams, url, token, token_is_new };
    Ok(Started { app, lead, overview, running: addresses, down })
}

/// Takes the locks, in order.
fn claim(asked: Vec<Asked>) -> Vec<One<Claim>> {
    let mut places: Vec<(String, PathBuf, PathBuf)> = Vec::new();
    let mut all = Vec::new();
    for Asked { name, root, config } in asked {
        let span = span(&name);
        let told = span.enter();
        let state = config.map_err(|error| told_of_config(&root, error)).and_then(|config| {
            let folder =
                StateDir::candidates(&root, &config).into_iter().next().unwrap_or_default();
            let database = behind_links(&StateDir::database(&folder, &config));
            let folder = behind_links(&folder);
            let shared = places.iter().find(|(_, f, d)| *f == folder || *d == database);
            if let Some((other, ..)) = shared {
                let why = format!(
                    "it is told to keep its database where {other} keeps it: each project needs \
                     its own (see state and db in sprint-runner.toml and the environment)"
                );
                return Err((anyhow!(why.clone()), Told(why)));
            }
            places.push((name.clone(), folder, database));
            let held = || instance_lock::find_holder(&StateDir::candidates(&root, &config));
            Claim::take(&root, &config)
                .map(|claim| (config.clone(), claim))
                .map_err(|error| (error, Told(why_not_taken(held()))))
        });
        drop(told);
        all.push(One { name, span, root, state });
    }
    all
}

/// Every line that is told of a project names it. The span is there on every level, and for every
/// filter: the log knows its target.
fn span(name: &str) -> Span {
    tracing::error_span!(target: "project", "project", project = %name)
}

fn told_of_config(root: &Path, error: anyhow::Error) -> (anyhow::Error, Told) {
    let why = if root.is_dir() {
        "its sprint-runner.toml cannot be used; the server's log says why"
    } else {
        "its folder is not there"
    };
    (error, Told(why.to_owned()))
}

fn why_not_taken(holder: Option<Holder>) -> String {
    match holder {
        Some(Holder { terminal: true, .. }) => {
            "a batch is running on it in a terminal (sprint-runner run)".to_owned()
        }
        Some(Holder { url: Some(url), .. }) if url.starts_with("http") => {
            format!("another server has it, at {url}")
        }
        Some(_) => "another server has it".to_owned(),
        None => "it could not be started; the server's log says why".to_owned(),
    }
}

async fn begin(one: One<Claim>, url: impl Fn(&str) -> String) -> One<Core> {
    let One { name, span, root, state } = one;
    let state = match state {
        Err(down) => Err(down),
        Ok((config, claim)) => {
            let start = Core::start(claim, &config, Some(&name), Some(url(&name)));
            match start.instrument(span.clone()).await {
                Ok(core) => Ok((config, core)),
                Err(error) => Err((error, Told(why_not_taken(None)))),
            }
        }
    };
    One { name, span, root, state }
}

fn first<T>(all: &[One<T>]) -> Option<&(Config, T)> {
    all.iter().find_map(|one| one.state.as_ref().ok())
}

/// Where and for whom to listen: as the first says that can say anything, behind the first token
/// that any of them asks for.
fn lead(all: &[One<Claim>]) -> Option<Config> {
    let (config, _) = first(all)?;
    let mut configs = all.iter().filter_map(|one| one.state.as_ref().ok());
    let token = configs.find_map(|(config, _)| config.token.clone());
    Some(Config { token, ..config.clone() })
}

/// A project's own configuration with what is one for all of them.
fn together(lead: &Config, own: &Config) -> Config {
    Config {
        host: lead.host,
        port: lead.port,
        port_from: lead.port_from,
        unix: lead.unix.clone(),
        public: lead.public.clone(),
        token: lead.token.clone(),
        allow_host: lead.allow_host.clone(),
        allow_origin: lead.allow_origin.clone(),
        ..own.clone()
    }
}

fn project(one: &One<Core>, streams: &Arc<http::Streams>) -> Project {
    match &one.state {
        Ok((_, core)) => {
            let (hub, notified) = (core.hub.clone(), core.notified());
            let inside = (hub, Arc::clone(streams), notified, http::Reach::default());
            Project::running(Some(one.name.clone()), &one.root, &core.database, inside)
        }
        Err((_, Told(why))) => Project::down(one.name.clone(), &one.root, why.clone()),
    }
}

fn downs<T>(all: Vec<One<T>>) -> (Vec<(String, T)>, Vec<Down>) {
    let (mut running, mut down) = (Vec::new(), Vec::new());
    for One { name, state, .. } in all {
        match state {
            Ok((_, thing)) => running.push((name, thing)),
            Err((error, _)) => down.push(Down { name, error }),
        }
    }
    (running, down)
}

fn none(down: &[Down]) -> String {
    let lines = down.iter().map(|Down { name, error }| format!("\n{name}: {error:#}"));
    format!("none of the projects can be served:{}", lines.collect::<String>())
}
