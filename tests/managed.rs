//! Batches run by the real binary, with make-believe agents as real children: what a story
//! goes through, what becomes of every kind of bad agent, what a stop leaves.

mod bad_agents;
mod context;
mod crashes;
mod fault_table;
mod floods;
mod hostile;
mod noisy;
mod outliving;
mod own_orchestrator;
mod start_bodies;
mod stopping;
mod storm;
mod strangers;
mod unwritten;
mod whole_sprint;
