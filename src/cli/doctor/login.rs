//! Whether an agent's program has a login and leave to work, as far as that can be told without
//! starting it: by the presence of files and variables, whose values are not looked at.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::agents::AgentConfig;

use super::Here;
use super::check::Check;

/// Settings larger than this are not read.
const LARGEST: u64 = 1 << 20;

/// Where a program keeps its login.
struct Known {
    program: &'static str,
    variables: &'static [&'static str],
    /// The variable that names its folder, and the folder below the home without it.
    folder: (&'static str, &'static str),
    file: &'static str,
    advice: &'static str,
}

const KNOWN: [Known; 3] = [
    Known {
        program: "claude",
        variables: &[
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CODE_USE_VERTEX",
        ],
        folder: ("CLAUDE_CONFIG_DIR", ".claude"),
        file: ".credentials.json",
        advice: "start `claude` once and log in with /login, or set ANTHROPIC_API_KEY",
    },
    Known {
        program: "codex",
        variables: &["CODEX_API_KEY", "OPENAI_API_KEY"],
        folder: ("CODEX_HOME", ".codex"),
        file: "auth.json",
        advice: "log in with `codex login`, or set CODEX_API_KEY",
    },
    Known {
        program: "gemini",
        variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"],
        folder: ("", ".gemini"),
        file: "oauth_creds.json",
        advice: "start `gemini` once and log in, or set GEMINI_API_KEY",
    },
];

/// Whether there is a login.
pub(super) fn check(id: &str, agent: &AgentConfig) -> Check {
    let Some(known) = KNOWN.iter().find(|known| known.program == agent.program) else {
        return Check::not_checked(id, "how this program logs in is not known here");
    };
    let is_set = |name: &str| {
        let own = agent.env.get(name).map(|value| !value.is_empty());
        own.unwrap_or_else(|| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
    };
    if let Some(name) = known.variables.iter().find(|name| is_set(name)) {
        return Check::ok(id, &format!("{name} is set; whether it is accepted is not checked"));
    }
    let file = folder(known.folder, agent).map(|folder| folder.join(known.file));
    if let Some(file) = file.as_deref().filter(|file| file.is_file()) {
        let text =
            format!("{} is there; whether it is still accepted is not checked", file.display());
        return Check::ok(id, &text);
    }
    if cfg!(target_os = "macos") {
        return Check::not_checked(id, "the login may lie in the keychain, which is not asked");
    }
    let place = file.map_or(String::new(), |file| format!(", and there is no {}", file.display()));
    let found = format!("none of {} is set{place}", known.variables.join(", "));
    Check::warn(id, &found, known.advice)
}

/// A program's own folder.
fn folder((variable, below_home): (&str, &str), agent: &AgentConfig) -> Option<PathBuf> {
    let named = agent.env.get(variable).map(PathBuf::from);
    let named = named.or_else(|| std::env::var_os(variable).map(PathBuf::from));
    named
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(below_home)))
}

/// Whether an unattended agent is allowed anything. Only Claude Code asks for each tool.
pub(super) fn permissions(id: &str, agent: &AgentConfig, here: &Here) -> Option<Check> {
    if agent.program != "claude" {
        return None;
    }
    let claude = &KNOWN[0];
    let own = folder(claude.folder, agent).map(|folder| folder.join("settings.json"));
    let in_project = here.root.as_deref().map(|root| {
        ["settings.json", "settings.local.json"].map(|name| root.join(".claude").join(name))
    });
    let files = in_project.into_iter().flatten().chain(own);
    let mut rules = 0;
    let mut broken = Vec::new();
    for file in files {
        match allowed(&file) {
            Ok(count) => rules += count,
            Err(fault) => broken.push(format!("{} {fault}", file.display())),
        }
    }
    if let Some(fault) = broken.first() {
        return Some(Check::warn(id, fault, "mend it: agents read it too"));
    }
    let advice = "nobody answers its questions at night: allow your build, your tests, `git commit` and \
                  `sprint-runner log` in .claude/settings.json, under permissions.allow";
    let mode = agent.permission_mode.as_deref();
    Some(match (rules, mode) {
        (0, Some("acceptEdits")) => Check::warn(
            id,
            "permission_mode is acceptEdits and no allow rule was found: it may edit files and run \
             next to nothing",
            advice,
        ),
        (0, None) => Check::warn(id, "no allow rule was found in its settings", advice),
        (0, Some(mode)) => {
            Check::ok(id, &format!("permission_mode is {mode}, without allow rules"))
        }
        (rules, _) => Check::ok(id, &format!("{rules} allow rules in its settings")),
    })
}

/// How many allow rules a settings file has; none where there is no file.
fn allowed(path: &Path) -> Result<usize, String> {
    let bytes = match super::project::read_bounded(path, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    let settings: Value =
        serde_json::from_slice(&bytes).map_err(|error| format!("is no valid JSON: {error}"))?;
    let allow = settings.pointer("/permissions/allow").and_then(Value::as_array);
    Ok(allow.map_or(0, Vec::len))
}
