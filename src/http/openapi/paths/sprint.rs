//! The status file, stories, epics.

use crate::http::api::shapes::{Descriptions, OrchestratorLog, SprintStatus, StoryFiles};
use crate::http::error::Code;
use crate::http::openapi::describe::{
    Answer, Content, JSON, NAME, Operation, Parameter, Shape, Version, of,
};

pub(super) const TAG: &str = "sprint";

pub(in crate::http) static STATUS: Operation = Operation {
    answers: &[Answer::good(
        "the last good reading",
        &[(JSON, Content::Json(of::<SprintStatus<'static>>()))],
    )],
    refusals: &[Code::NotFound],
    version: Version::Tagged,
    ..Operation::new(
        TAG,
        "getSprintStatus",
        "the status file's own keys, and what is counted from them",
    )
};

pub(in crate::http) static DESCRIPTIONS: Operation = Operation {
    answers: &[Answer::good(
        "at most 500 characters a story",
        &[(JSON, Content::Json(of::<Descriptions>()))],
    )],
    version: Version::Tagged,
    ..Operation::new(TAG, "getStoryDescriptions", "what each story is about, from its own file")
};

const FILES: &[Answer] =
    &[Answer::good("its files, by name", &[(JSON, Content::Json(of::<StoryFiles>()))])];

pub(in crate::http) static FIND_STORY: Operation = Operation {
    parameters: &[Parameter {
        required: true,
        ..Parameter::query(
            "key",
            "the story's long key; also one that cannot stand in a path",
            Shape::Plain { least: 1, most: None, pattern: None },
        )
    }],
    answers: FILES,
    refusals: &[Code::NotFound],
    ..Operation::new(TAG, "findStory", "the files of a story")
};

pub(in crate::http) static STORY: Operation = Operation {
    parameters: &[Parameter::path(
        "key",
        "the story's long key, at most 255 bytes; any other by `/api/stories?key=`",
        NAME,
    )],
    answers: FILES,
    refusals: &[Code::NotFound],
    ..Operation::new(TAG, "getStory", "the files of a story")
};

pub(in crate::http) static LOG: Operation = Operation {
    answers: &[Answer::good(
        "empty lists without the file",
        &[(JSON, Content::Json(of::<OrchestratorLog<'static>>()))],
    )],
    ..Operation::new(
        TAG,
        "getOrchestratorLog",
        "orchestrator.md and the log's rows: the newest 10,000 commands",
    )
};
