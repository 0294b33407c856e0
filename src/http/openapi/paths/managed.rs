//! The batch that this server runs, and its agents.

use crate::domain::receipt::Receipt;
use crate::domain::state::OrchestratorView;
use crate::http::api::shapes::{AgentList, StartAnswer};
use crate::http::error::Code;
use crate::http::openapi::bodies::{Anything, StartBody, StopBody};
use crate::http::openapi::describe::{
    Answer, Body, COUNT, Content, JSON, NAME, Operation, Parameter, Version, of,
};
use crate::orchestrator::StopAnswer;

pub(super) const TAG: &str = "managed";

const AGENT: Parameter = Parameter::path("id", "`<batch>-<run>`", NAME);

pub(in crate::http) static STATUS: Operation = Operation {
    answers: &[Answer::good(
        "`idle` also while an observed batch runs",
        &[(JSON, Content::Json(of::<OrchestratorView>()))],
    )],
    ..Operation::new(TAG, "getOrchestratorStatus", "what the managed orchestrator does")
};

pub(in crate::http) static START: Operation = Operation {
    body: Some(Body { about: "`{}` starts one of the usual size", schema: of::<StartBody>() }),
    answers: &[Answer::good(
        "its row exists and its first step is under way",
        &[(JSON, Content::Json(of::<StartAnswer>()))],
    )],
    refusals: &[Code::Conflict, Code::Busy],
    ..Operation::new(TAG, "startBatch", "starts a batch")
};

pub(in crate::http) static STOP: Operation = Operation {
    body: Some(Body { about: "an empty body is taken as `{}`", schema: of::<StopBody>() }),
    answers: &[Answer::good("by its status", &[(JSON, Content::Json(of::<StopAnswer>()))])],
    refusals: &[Code::Conflict, Code::Busy],
    ..Operation::new(TAG, "stopBatch", "stops the running batch")
};

pub(in crate::http) static AGENTS: Operation = Operation {
    answers: &[Answer::good(
        "with the figures of their processes",
        &[(JSON, Content::Json(of::<AgentList>()))],
    )],
    ..Operation::new(TAG, "listAgents", "the agents of the newest batch: running ones first")
};

pub(in crate::http) static AGENT_LOG: Operation = Operation {
    parameters: &[AGENT, Parameter::query("tail", "the last so many bytes; a range wins", COUNT)],
    answers: &[Answer::good("its log; it may grow", &[("text/plain", Content::Bytes)])],
    refusals: &[Code::NotFound, Code::Busy],
    version: Version::Ranges,
    ..Operation::new(TAG, "getAgentLog", "what an agent printed")
};

pub(in crate::http) static STOP_AGENT: Operation = Operation {
    parameters: &[AGENT],
    body: Some(Body { about: "not looked at", schema: of::<Anything>() }),
    answers: &[Answer::good("what was ended", &[(JSON, Content::Json(of::<Receipt>()))])],
    refusals: &[Code::NotFound],
    ..Operation::new(TAG, "stopAgent", "stops one agent; the batch goes on")
};
