//! A team's sprints over NATS: real servers, and the real `nats-server`.

mod control;
mod stage;
