//! Agents: the programs that do the work, by preset and by `[agents.NAME]` of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::durations;
use super::values;
use super::workflow::{WorkflowConfig, WorkflowTable};

/// What an agent prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentOutput {
    /// One JSON object a line: the shapes of `claude`, `codex` and `gemini`.
    StreamJson,
    /// Plain text, verdicts in it.
    Text,
}

/// Where an agent's keys come from as long as the file does not say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Claude Code in print mode.
    Claude,
    /// Codex, non-interactive.
    Codex,
    /// Gemini CLI, headless.
    Gemini,
    /// Any program: a script, a loop around another agent.
    Command,
}

impl Preset {
    /// Those that name a program themselves, so that an agent of their name always exists.
    const COMPLETE: [(&str, Self); 3] =
        [("claude", Self::Claude), ("codex", Self::Codex), ("gemini", Self::Gemini)];

    /// The preset that an agent's own name stands for.
    fn of(name: &str) -> Self {
        let complete = Self::COMPLETE.into_iter().find(|(known, _)| *known == name);
        complete.map_or(Self::Command, |(_, preset)| preset)
    }

    /// Its keys. No preset widens what its program may do beyond its own settings, with one
    /// exception: Codex may read only unless told, and could do none of the commands.
    fn table(self) -> AgentTable {
        let words = |text: &str| Some(text.split(' ').map(String::from).collect());
        let common = AgentTable {
            model_args: words("--model {model}"),
            output: Some(AgentOutput::StreamJson),
            ..AgentTable::default()
        };
        match self {
            Self::Claude => AgentTable {
                program: Some("claude".to_owned()),
                args: words(
                    "-p --output-format stream-json --verbose \
                     --append-system-prompt-file {context_file}",
                ),
                small_model: Some("haiku".to_owned()),
                permission_args: words("--permission-mode {permission_mode}"),
                ..common
            },
            // Without a prompt argument it reads the prompt from standard input.
            Self::Codex => AgentTable {
                program: Some("codex".to_owned()),
                args: words("exec --json"),
                permission_mode: Some("workspace-write".to_owned()),
                permission_args: words("--sandbox {permission_mode}"),
                ..common
            },
            // Headless as soon as standard input is no terminal.
            Self::Gemini => AgentTable {
                program: Some("gemini".to_owned()),
                args: words("--output-format stream-json"),
                small_model: Some("flash".to_owned()),
                permission_args: words("--approval-mode {permission_mode}"),
                ..common
            },
            Self::Command => {
                AgentTable { output: Some(AgentOutput::Text), ..AgentTable::default() }
            }
        }
    }
}

/// `[agents.NAME]` as the file says it; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AgentTable {
    /// Whose keys it begins with; its own name's, when that is a preset.
    pub preset: Option<Preset>,
    /// The program, by name or path.
    #[serde(deserialize_with = "values::word")]
    pub program: Option<String>,
    /// Its arguments.
    #[serde(deserialize_with = "values::words")]
    pub args: Option<Vec<String>>,
    /// Arguments that are added when a model is asked for.
    #[serde(deserialize_with = "values::words")]
    pub model_args: Option<Vec<String>>,
    /// The model for everything; empty = the program's own choice.
    #[serde(deserialize_with = "values::plain")]
    pub model: Option<String>,
    /// The model for what a small one can do; empty = the same as for everything.
    #[serde(deserialize_with = "values::plain")]
    pub small_model: Option<String>,
    /// What the program may do without asking, in its own words; empty = its own settings.
    #[serde(deserialize_with = "values::plain")]
    pub permission_mode: Option<String>,
    /// Arguments that are added when there is a permission mode.
    #[serde(deserialize_with = "values::words")]
    pub permission_args: Option<Vec<String>>,
    /// What it prints.
    pub output: Option<AgentOutput>,
    /// How long a run may take.
    #[serde(rename = "timeout_minutes", deserialize_with = "durations::timeout_minutes")]
    pub timeout: Option<Duration>,
    /// How long it may be silent.
    #[serde(rename = "idle_minutes", deserialize_with = "durations::idle_minutes")]
    pub idle: Option<Duration>,
    /// Variables to set in its environment.
    #[serde(deserialize_with = "values::environment")]
    pub env: Option<BTreeMap<String, String>>,
}

impl AgentTable {
    /// This table, and where it says nothing, the `lower` one.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        Self {
            preset: self.preset.or(lower.preset),
            program: self.program.or(lower.program),
            args: self.args.or(lower.args),
            model_args: self.model_args.or(lower.model_args),
            model: self.model.or(lower.model),
            small_model: self.small_model.or(lower.small_model),
            permission_mode: self.permission_mode.or(lower.permission_mode),
            permission_args: self.permission_args.or(lower.permission_args),
            output: self.output.or(lower.output),
            timeout: self.timeout.or(lower.timeout),
            idle: self.idle.or(lower.idle),
            env: self.env.or(lower.env),
        }
    }

    /// A program named by a relative path begins at the source, as all paths do.
    pub(super) fn based_on(&mut self, base: &Path) {
        if let Some(program) = &mut self.program
            && program.contains('/')
            && let Some(absolute) = base.join(&*program).to_str()
        {
            absolute.clone_into(program);
        }
    }

    /// Whether it says what to start, by itself or through its preset.
    pub(super) fn has_program(&self, name: &str) -> bool {
        self.program.is_some() || self.preset.unwrap_or(Preset::of(name)) != Preset::Command
    }
}

/// One agent as it is to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentConfig {
    /// Its name in the file.
    pub name: String,
    /// The program: a bare name is looked for in `PATH`, any other is absolute.
    pub program: String,
    /// Its arguments, with placeholders.
    pub args: Vec<String>,
    /// Added when a model is asked for.
    pub model_args: Vec<String>,
    /// The model for everything.
    pub model: Option<String>,
    /// The model for what a small one can do.
    pub small_model: Option<String>,
    /// What it may do without asking, in its own words.
    pub permission_mode: Option<String>,
    /// Added when there is a permission mode.
    pub permission_args: Vec<String>,
    /// What it prints.
    pub output: AgentOutput,
    /// How long a run may take.
    pub timeout: Duration,
    /// How long it may be silent.
    pub idle: Duration,
    /// Variables to set in its environment.
    pub env: BTreeMap<String, String>,
}

impl AgentConfig {
    /// Of the file's table and its preset. A table without program is refused where it is read.
    fn new(name: &str, table: AgentTable) -> Self {
        let preset = table.preset.unwrap_or(Preset::of(name));
        let table = table.over(preset.table());
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            name: name.to_owned(),
            program: table.program.unwrap_or_else(|| name.to_owned()),
            args: table.args.unwrap_or_default(),
            model_args: table.model_args.unwrap_or_default(),
            model: said(table.model),
            small_model: said(table.small_model),
            permission_mode: said(table.permission_mode),
            permission_args: table.permission_args.unwrap_or_default(),
            output: table.output.unwrap_or(AgentOutput::Text),
            timeout: table.timeout.unwrap_or(Duration::from_secs(120 * 60)),
            idle: table.idle.unwrap_or(Duration::from_secs(20 * 60)),
            env: table.env.unwrap_or_default(),
        }
    }

    /// Whether its arguments hand the context file over; else the prompt has to name it.
    pub fn takes_context_file(&self) -> bool {
        self.args.iter().any(|arg| arg.contains("{context_file}"))
    }
}

/// All agents, and which of them does what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agents {
    by_name: BTreeMap<String, AgentConfig>,
    standard: AgentConfig,
    workflow: WorkflowConfig,
    named: BTreeSet<String>,
    secrets: Vec<String>,
}

impl Agents {
    pub(super) fn new(tables: BTreeMap<String, AgentTable>, workflow: WorkflowTable) -> Self {
        let chosen = workflow.default.as_ref().map(|name| name.get_ref().clone());
        let workflow = WorkflowConfig::from(workflow);
        let by_command = workflow.commands.values().cloned();
        let named = tables.keys().cloned().chain(chosen).chain(by_command).collect();
        let mut by_name: BTreeMap<String, AgentConfig> = Preset::COMPLETE
            .into_iter()
            .map(|(name, _)| (name.to_owned(), AgentConfig::new(name, AgentTable::default())))
            .collect();
        for (name, table) in tables {
            by_name.insert(name.clone(), AgentConfig::new(&name, table));
        }
        let standard = by_name
            .get(&workflow.default)
            .cloned()
            .unwrap_or_else(|| AgentConfig::new(&workflow.default, AgentTable::default()));
        Self { by_name, standard, workflow, named, secrets: Vec::new() }
    }

    /// These variables of the environment are none of theirs.
    pub(super) fn without(self, secrets: Vec<String>) -> Self {
        Self { secrets, ..self }
    }

    /// Variables that no agent inherits: they hold somebody else's secrets.
    pub fn secret_variables(&self) -> &[String] {
        &self.secrets
    }

    /// Who does the command of this name (`sprint-dev-story`); the default agent for any other.
    pub fn for_command(&self, command_name: &str) -> &AgentConfig {
        let named = self.workflow.commands.get(command_name);
        named.and_then(|name| self.by_name.get(name)).unwrap_or(&self.standard)
    }

    /// Everything about the workflow that is no agent.
    pub fn workflow(&self) -> &WorkflowConfig {
        &self.workflow
    }

    /// Whether the user has named it, be it by a table of its own or as who does something; else it
    /// is there by itself.
    pub fn is_named(&self, name: &str) -> bool {
        self.named.contains(name)
    }

    /// All of them, by name.
    pub fn each(&self) -> impl Iterator<Item = &AgentConfig> {
        self.by_name.values()
    }
}

/// What is wrong with naming an agent so, given the file's own tables; none = nothing.
pub(super) fn unknown(name: &str, tables: &BTreeMap<String, AgentTable>) -> Option<String> {
    let presets = Preset::COMPLETE.iter().map(|(name, _)| *name);
    let mut known: Vec<&str> = presets.chain(tables.keys().map(String::as_str)).collect();
    if known.contains(&name) {
        return None;
    }
    known.sort_unstable();
    known.dedup();
    Some(format!("no agent is called {name:?}; there are {}", known.join(", ")))
}
