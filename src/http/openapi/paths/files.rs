//! The pages and the data files, byte for byte.

use crate::http::error::Code;
use crate::http::openapi::describe::{Answer, Content, Operation, Parameter, Shape, Version};

pub(super) const TAG: &str = "files";

pub(in crate::http) static PAGE: Operation = Operation {
    parameters: &[Parameter::query(
        "token",
        "signs in, where the server asks a token",
        Shape::Text,
    )],
    answers: &[
        Answer::good("the dashboard", &[("text/html", Content::Text(""))]),
        Answer {
            status: 303,
            about: "signed in: the cookie is set",
            headers: &[("Location", "`/`"), ("Set-Cookie", "the cookie")],
            contents: &[],
        },
    ],
    version: Version::Ranges,
    ..Operation::new(TAG, "getPage", "the dashboard")
};

pub(in crate::http) static API_PAGE: Operation = Operation {
    about: "Not there where `--public` names a folder that has no such page.",
    answers: &[Answer::good("the page", &[("text/html", Content::Text(""))])],
    refusals: &[Code::NotFound],
    version: Version::Ranges,
    ..Operation::new(TAG, "getApiPage", "this document as a page for people")
};

const fn file(id: &'static str, summary: &'static str, answers: &'static [Answer]) -> Operation {
    Operation {
        answers,
        refusals: &[Code::NotFound, Code::Busy],
        version: Version::Ranges,
        ..Operation::new(TAG, id, summary)
    }
}

const CSV: &[Answer] = &[Answer::good("byte for byte", &[("text/csv", Content::Bytes)])];
const MARKDOWN: &[Answer] = &[Answer::good("byte for byte", &[("text/markdown", Content::Bytes)])];
const YAML: &[Answer] = &[Answer::good("byte for byte", &[("application/yaml", Content::Bytes)])];

pub(in crate::http) static STATUS: Operation = file("getStatusFile", "the status file", YAML);
pub(in crate::http) static CSV_LOG: Operation = file("getCsvLog", "the CSV log", CSV);
pub(in crate::http) static OLDER_CSV_LOG: Operation =
    file("getOlderCsvLog", "the CSV log under its older name", CSV);
pub(in crate::http) static NOTES: Operation =
    file("getOrchestratorFile", "the older log", MARKDOWN);
pub(in crate::http) static SAMPLE: Operation =
    file("getOrchestratorSample", "its sample", MARKDOWN);
