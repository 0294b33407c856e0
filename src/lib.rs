//! Sprint Runner: watches the sprint of a BMAD-method project, turns every change of its files
//! into typed events in SQLite, and shows them live.
//!
//! ```text
//!  files ─► watch ─► parse ─┐
//!                           ├─► hub ─► store (log) ─► http (ws, sse, api) ─► browser, scripts
//!  agents ─► parse ─────────┘    │ fold, fan out          │
//!     ▲                          └──────────────────► cli (status, events, check)
//!     └── orchestrator ◄── domain::workflow (step)        │
//!              ▲──────────── start, stop ─────────────────┘
//! ```
//!
//! Rooms and who may import whom (a test reads the `use` lines and holds this):
//!
//! - [`domain`]: words and rules, pure; imports nothing of ours.
//! - [`config`]: settings from file, environment, flags; imports nothing of ours.
//! - [`metrics`]: figures as Prometheus reads them; imports nothing of ours.
//! - [`nats`]: what the two ends of a team's stream share; domain, config.
//! - [`parse`]: bytes to events and issues, pure; imports domain.
//! - [`project`]: where a project's files lie, and what was last read in them; domain, parse.
//! - [`store`]: SQLite, the log and its projections; domain.
//! - [`page`]: the page's files, embedded, and all of them as one; imports nothing of ours.
//! - [`export`]: the log as lines, or as one page that replays it; domain, store, page.
//! - [`hub`]: the one door for events, the fold, the cursors of the readers; domain, metrics, store.
//! - [`watch`]: files to events; domain, parse, project, hub.
//! - [`agents`]: one agent process and its group, what it is told, its log; domain, config, parse,
//!   project.
//! - [`orchestrator`]: carries out what the workflow decides, with a pool of agents; domain, config,
//!   parse, project, hub, watch, agents.
//! - [`outbox`]: the log, sent to a team's stream; domain, config, hub, nats.
//! - [`notifications`]: what happened, told to people elsewhere; domain, config, hub, orchestrator.
//! - [`http`]: guard, API, streams; domain, metrics, parse, project, hub, agents, orchestrator,
//!   notifications, page, export, nats' words, store's answers.
//! - [`team`]: what all servers of a team have sent, as logs; domain, config, nats, store, hub, http.
//! - [`control`]: what a hub asks a server to do, both ends; domain, config, hub, nats, http.
//! - [`cli`]: one file per command; any but http's insides.
//! - [`app`]: the composition root; all.

pub mod agents;
pub mod app;
pub mod cli;
pub mod config;
pub mod control;
pub mod domain;
pub mod export;
pub mod http;
pub mod hub;
pub mod metrics;
pub mod nats;
pub mod notifications;
pub mod orchestrator;
pub mod outbox;
pub mod page;
pub mod parse;
pub mod project;
pub mod store;
pub mod team;
pub mod watch;
