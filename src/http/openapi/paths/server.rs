//! Settings, health, the documents.

use crate::domain::settings::Settings;
use crate::http::api::shapes::{Health, Projects, SettingSources};
use crate::http::openapi::bodies::{AsyncApiDocument, OpenApiDocument, SettingsChange};
use crate::http::openapi::describe::{Answer, Body, Content, JSON, Operation, Version, of};

pub(super) const TAG: &str = "server";

pub(in crate::http) static SETTINGS: Operation = Operation {
    answers: &[Answer::good(
        "as they hold from now on",
        &[(JSON, Content::Json(of::<Settings>()))],
    )],
    ..Operation::new(TAG, "getSettings", "the nine settings")
};

pub(in crate::http) static CHANGE_SETTINGS: Operation = Operation {
    body: Some(Body {
        about: "`injection_warning_kb` may not exceed `injection_error_kb`",
        schema: of::<SettingsChange>(),
    }),
    answers: &[Answer::good(
        "all of them, as they are now",
        &[(JSON, Content::Json(of::<Settings>()))],
    )],
    ..Operation::new(TAG, "changeSettings", "changes any of them: all or nothing")
};

pub(in crate::http) static SOURCES: Operation = Operation {
    answers: &[Answer::good(
        "for people who wonder",
        &[(JSON, Content::Json(of::<SettingSources<'static>>()))],
    )],
    ..Operation::new(
        TAG,
        "getSettingSources",
        "each setting with its range and where its value comes from; what this server is",
    )
};

pub(in crate::http) static PROJECTS: Operation = Operation {
    about: "The same answer at every project of the server. Made to be asked again and again: while \
            nothing changes it is 304.",
    answers: &[Answer::good(
        "in the order in which they were named; a server of one project has one, without a name",
        &[(JSON, Content::Json(of::<Projects>()))],
    )],
    version: Version::Tagged,
    ..Operation::new(TAG, "getProjects", "all projects of this server, and what each is up to")
};

pub(in crate::http) static HEALTH: Operation = Operation {
    answers: &[Answer::good(
        "also when degraded: a restart would not help",
        &[(JSON, Content::Json(of::<Health<'static>>()))],
    )],
    ..Operation::new(TAG, "getHealth", "alive, and what is degraded")
};

pub(in crate::http) static METRICS: Operation = Operation {
    answers: &[Answer::good(
        "the text format 0.0.4; each figure says what it means",
        &[("text/plain", Content::Text(""))],
    )],
    ..Operation::new(TAG, "getMetrics", "figures for Prometheus")
};

pub(in crate::http) static OPENAPI: Operation = Operation {
    answers: &[Answer::good("OpenAPI 3.1", &[(JSON, Content::Json(of::<OpenApiDocument>()))])],
    version: Version::Tagged,
    ..Operation::new(TAG, "getOpenApi", "this document")
};

pub(in crate::http) static ASYNCAPI: Operation = Operation {
    answers: &[Answer::good("AsyncAPI 3.0", &[(JSON, Content::Json(of::<AsyncApiDocument>()))])],
    version: Version::Tagged,
    ..Operation::new(TAG, "getAsyncApi", "the streams, their messages and what clients may say")
};
