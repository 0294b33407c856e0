//! A team's sprints over NATS: real servers, and the real `nats-server`.

mod away;
mod chaos;
mod field;
mod hopper;
mod stage;
