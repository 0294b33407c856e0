//! The reference as Markdown.

use crate::config::agents::{AgentConfig, AgentOutput};
use crate::config::{Config, Layer};
use crate::domain::settings::Settings;

use super::keys::{Key, TABLES, Table};

const HEAD: &str = "\
# Configuration

This file is written from the code (`UPDATE_REFERENCE=1 cargo test --lib reference`), and a test holds it
to it: every key that is read stands here, the defaults are those in force.

Values come from four places; the later wins, key by key, and a list replaces a list:

1. the default,
2. `sprint-runner.toml` in the project's folder (relative paths begin there),
3. the environment, `SPRINT_RUNNER_…` (lists separated by commas; relative paths begin at the current folder),
4. the flag.

A key or a value that is not known is an error that names file, line and column; nothing is started.
`sprint-runner check` reads the file as the server would.
";

const SETTINGS: &str = "
## Settings

Nine numbers are kept beside the database and changed while the server runs: on the page's *Settings*
view, or with `PUT /api/settings`. A port that is named by file, variable or flag is stronger.

| setting | default | range | meaning |
| --- | --- | --- | --- |
";

/// What each setting is for.
const MEANINGS: [(&str, &str); 9] = [
    ("project_context_max_age_hours", "an older project context is made anew in the background"),
    ("injection_warning_kb", "a warning where the files given to an agent are larger together"),
    ("injection_error_kb", "no agent is started with more"),
    ("default_max_cycles", "the batch size that the page proposes"),
    ("max_code_review_attempts", "after so many reviews a story is blocked"),
    ("haiku_after_review", "reviews behind this one are done by the small model"),
    ("server_port", "the port, where nothing stronger names one"),
    (
        "websocket_heartbeat_seconds",
        "the longest silence on a stream; never more than 15 whatever it says",
    ),
    ("default_batch_list_limit", "how many batches a list shows"),
];

/// The keys of a notification that are shown as an example.
const TOGETHER: [&str; 7] =
    ["name", "to", "url_env", "on", "batches", "cool_down_minutes", "silent_minutes"];

pub(super) fn written() -> String {
    let mut page = HEAD.to_owned();
    for table in TABLES {
        page.push_str(&section(table));
    }
    page.push_str(&presets());
    page.push_str(SETTINGS);
    for fact in Settings::default().facts() {
        let (_, meaning) = MEANINGS.iter().find(|(key, _)| *key == fact.key).expect(fact.key);
        page.push_str(&format!(
            "| `{}` | {} | {} to {} | {meaning} |\n",
            fact.key, fact.default, fact.least, fact.greatest
        ));
    }
    page
}

fn section(table: &Table) -> String {
    let title = if table.heading.is_empty() {
        "At the top".to_owned()
    } else {
        format!("`{}`", table.heading)
    };
    let mut text = format!("\n## {title}\n\n{}\n\n", table.text);
    text.push_str("| key | value | default | also | meaning |\n| --- | --- | --- | --- | --- |\n");
    for key in table.keys {
        text.push_str(&row(key));
    }
    let example: Vec<String> = table
        .keys
        .iter()
        .filter(|key| !key.within)
        // Not all keys of a notification go together.
        .filter(|key| !table.heading.starts_with("[[") || TOGETHER.contains(&key.name))
        .map(|key| format!("{} = {}\n", key.name, key.example))
        .collect();
    let heading =
        if table.heading.is_empty() { String::new() } else { format!("{}\n", table.heading) };
    text + &format!("\n```toml\n{heading}{}```\n", example.concat())
}

fn row(key: &Key) -> String {
    let default = key.default.map(|value| format!("`{value}`")).unwrap_or_default();
    let variable = key.variable.map(|name| format!("`SPRINT_RUNNER_{name}`"));
    let also: Vec<String> =
        variable.into_iter().chain(key.flag.map(|flag| format!("`{flag}`"))).collect();
    let also = also.join(", ");
    format!("| `{}` | {} | {default} | {also} | {} |\n", key.name, key.kind, key.text)
}

fn presets() -> String {
    let config = Config::from(Layer::default());
    let mut text =
        "\n## The presets\n\nWhat the agents are that nobody has to name; `command` has \
                    none of this, and `text` as output.\n\n"
            .to_owned();
    for agent in config.agents.each() {
        text.push_str(&preset(agent));
    }
    text
}

fn preset(agent: &AgentConfig) -> String {
    let list = |words: &[String]| {
        let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
        format!("[{}]", quoted.join(", "))
    };
    let output = match agent.output {
        AgentOutput::StreamJson => "stream-json",
        AgentOutput::Text => "text",
    };
    let text = |value: &Option<String>| format!("{:?}", value.as_deref().unwrap_or_default());
    format!(
        "```toml\n[agents.{}]\nprogram = {:?}\nargs = {}\nmodel = {}\nsmall_model = {}\nmodel_args = {}\n\
         permission_mode = {}\npermission_args = {}\noutput = {output:?}\n```\n\n",
        agent.name,
        agent.program,
        list(&agent.args),
        text(&agent.model),
        text(&agent.small_model),
        list(&agent.model_args),
        text(&agent.permission_mode),
        list(&agent.permission_args),
    )
}
