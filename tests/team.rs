//! A team's sprints over NATS: what servers send, and what a hub makes of it.

mod away;
mod chaos;
mod field;
mod hopper;
mod hub;
mod hub_clients;
mod hub_figures;
mod hub_hostile;
mod hub_lost;
mod publisher;
mod stage;
