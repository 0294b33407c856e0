//! Every key of `sprint-runner.toml`, in the order in which the reference tells them.

/// One table of the file.
pub(super) struct Table {
    /// As it stands in the file.
    pub(super) heading: &'static str,
    /// What it is about.
    pub(super) text: &'static str,
    /// Whether the user chooses the names of its keys.
    pub(super) free: bool,
    pub(super) keys: &'static [Key],
}

/// One key. Values are as they stand in the file.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    /// `None`: nothing, or what cannot be written as a value; the text tells it.
    pub(super) default: Option<&'static str>,
    pub(super) example: &'static str,
    /// The rest of the variable's name behind `SPRINT_RUNNER_`.
    pub(super) variable: Option<&'static str>,
    pub(super) flag: Option<&'static str>,
    /// A table of its own, told apart.
    pub(super) within: bool,
    pub(super) text: &'static str,
}

/// A key of the file alone.
const fn key(
    name: &'static str,
    kind: &'static str,
    default: Option<&'static str>,
    example: &'static str,
    text: &'static str,
) -> Key {
    Key { name, kind, default, example, variable: None, flag: None, within: false, text }
}

/// The key of a table that is told apart.
const fn within(name: &'static str) -> Key {
    let text = "a table of its own, see below";
    Key {
        name,
        kind: "table",
        default: None,
        example: "",
        variable: None,
        flag: None,
        within: true,
        text,
    }
}

impl Key {
    /// Also a variable and a flag.
    const fn also(self, variable: &'static str, flag: Option<&'static str>) -> Self {
        Self { variable: Some(variable), flag, ..self }
    }
}

pub(super) const TABLES: &[Table] = &[
    Table {
        heading: "",
        text: "Where it listens, what it reads, what it keeps.",
        free: false,
        keys: TOP,
    },
    Table {
        heading: "[agents.NAME]",
        text: "A program that does the work. `claude`, `codex` and `gemini` are there without being \
               named; of a preset only what differs has to be said.",
        free: false,
        keys: AGENT,
    },
    Table {
        heading: "[workflow]",
        text: "Who does what in a managed batch, how many at once, how long is waited.",
        free: false,
        keys: WORKFLOW,
    },
    Table {
        heading: "[workflow.commands]",
        text: "The agent for one command, where it is not the default one.",
        free: true,
        keys: COMMANDS,
    },
    Table {
        heading: "[[notifications]]",
        text: "Whom to tell what; as often as there are targets. `sprint-runner notify --test` sends each \
               of them a sample. No agent inherits the variables that are named here.",
        free: false,
        keys: NOTIFICATION,
    },
    Table {
        heading: "[nats]",
        text: "One dashboard for many machines: where the events of a team's sprints go. See OPERATIONS.md.",
        free: false,
        keys: NATS,
    },
];

const TOP: &[Key] = &[
    key("host", "address", Some("\"127.0.0.1\""), "\"0.0.0.0\"",
        "The IP address to listen on, or `localhost`. Any other than loopback needs a token; one is made where none is given.")
        .also("HOST", Some("--host")),
    key("port", "0 to 65535", None, "8090",
        "The port to listen on; 0 takes any free one. Without it the setting `server_port` decides (8080 at first).")
        .also("PORT", Some("--port")),
    key("unix", "path", None, "\"/run/user/1000/sprint.sock\"",
        "A Unix socket to listen on instead, which only you can connect to. A source that names a host or port outdoes a socket named by a weaker one.")
        .also("UNIX", Some("--unix")),
    key("token", "text", None, "\"a-long-enough-token\"",
        "What clients have to know: 8 to 256 letters, digits and `-._~`. The variable is better than the flag, which other users of the machine can see.")
        .also("TOKEN", Some("--token")),
    key("read_only", "true or false", Some("false"), "true",
        "Refuse everything that changes something: start, stop, settings.")
        .also("READ_ONLY", Some("--read-only")),
    key("allow_host", "list", Some("[]"), "[\"sprint.example.org:443\"]",
        "Further names by which browsers may call this server, such as that of a proxy in front.")
        .also("ALLOW_HOST", Some("--allow-host")),
    key("allow_origin", "list", Some("[]"), "[\"http://localhost:3000\"]",
        "Other pages that may speak to this server.")
        .also("ALLOW_ORIGIN", Some("--allow-origin")),
    key("public", "path", None, "\"public\"",
        "A folder to serve the page from, instead of the one that is built in.")
        .also("PUBLIC", Some("--public")),
    key("state", "path", None, "\".sprint-runner\"",
        "Where database, settings and lock are kept; `.sprint-runner` in the project without it.")
        .also("STATE", Some("--state")),
    key("db", "path", None, "\"sprint-runner.db\"",
        "The database; `sprint-runner.db` in the state folder without it.")
        .also("DB", Some("--db")),
    key("status_file", "path", None, "\"sprint-status.yaml\"",
        "The status file, where it is not found by itself.")
        .also("STATUS_FILE", Some("--status-file")),
    key("csv_log", "path", None, "\"sprint-runner.csv\"",
        "The CSV log, where it is not found by itself.")
        .also("CSV_LOG", Some("--csv-log")),
    key("orchestrator_log", "path", None, "\"orchestrator.md\"",
        "The older log, where it is not found by itself.")
        .also("ORCHESTRATOR_LOG", Some("--orchestrator-log")),
    key("observed_idle_minutes", "minutes", Some("30"), "45",
        "A silence longer than this ends a batch that somebody else runs. More than 0, at most a year; fractions are fine.")
        .also("OBSERVED_IDLE_MINUTES", Some("--observed-idle-minutes")),
    key("retention_days", "days", None, "90",
        "Events that happened longer ago are purged; without it all are kept. At most 36500; fractions are fine.")
        .also("RETENTION_DAYS", Some("--retention-days")),
    key("public_url", "address", None, "\"https://sprint.example.org/\"",
        "The address under which people reach the dashboard, for links in notifications; without it there are none.")
        .also("PUBLIC_URL", Some("--public-url")),
    within("agents"),
    within("workflow"),
    within("notifications"),
    within("nats"),
];

const NATS: &[Key] = &[
    key("url", "address", None, "\"nats://127.0.0.1:4222\"",
        "Where NATS is, several addresses parted by commas; without it nothing is sent anywhere. `tls://` asks for TLS. What stands before an `@` is user and password, or a token: better in the variable than in a file that is shared.")
        .also("NATS", Some("--nats")),
    key("team", "name", Some("\"default\""), "\"red\"",
        "Whose sprints these are. Names here are at most 64 of a-z, 0-9, - and _.")
        .also("NATS_TEAM", Some("--team")),
    key("project", "name", None, "\"lantern\"",
        "What this project is called in its team: no two servers may use the same. Its folder's name without it.")
        .also("NATS_PROJECT", None),
    key("stream", "name", None, "\"sprint-red\"",
        "The JetStream stream that holds the team's events; `sprint-` and the team without it. One that is there already is taken as it is.")
        .also("NATS_STREAM", None),
    key("replicas", "1 to 5", Some("1"), "3",
        "How many servers of a cluster keep each event, where the stream is to be made.")
        .also("NATS_REPLICAS", None),
    key("keep_days", "days", None, "90",
        "How long the stream keeps events, where it is to be made; without it all are kept.")
        .also("NATS_KEEP_DAYS", None),
    key("credentials", "path", None, "\"team.creds\"",
        "A file of credentials, as `nsc` writes it.")
        .also("NATS_CREDENTIALS", None),
    key("ca", "path", None, "\"ca.pem\"",
        "Certificates to trust beside the system's; asks for TLS.")
        .also("NATS_CA", None),
    key("certificate", "path", None, "\"me.pem\"",
        "This side's own certificate, where the server asks for one; with `key`.")
        .also("NATS_CERTIFICATE", None),
    key("key", "path", None, "\"me.key\"",
        "Its private key.")
        .also("NATS_KEY", None),
    key("control", "true or false", Some("false"), "true",
        "Let a hub of the team start and stop batches here, read and change the settings and read agents' logs.")
        .also("NATS_CONTROL", None),
];

const AGENT: &[Key] = &[
    key(
        "preset",
        "`claude`, `codex`, `gemini` or `command`",
        None,
        "\"command\"",
        "Whose keys it begins with; the agent's own name, where that is a preset, else `command`.",
    ),
    key(
        "program",
        "name or path",
        None,
        "\"tools/agent.sh\"",
        "The program. A bare name is looked for in `PATH`; a relative path begins at the project. Needed with `command`.",
    ),
    key(
        "args",
        "list",
        None,
        "[\"{context_file}\"]",
        "Its arguments, never read by a shell. `{context_file}` stands for the file with what the agent is to know; the prompt comes on standard input and names that file where no argument does.",
    ),
    key(
        "model",
        "text",
        Some("\"\""),
        "\"opus\"",
        "The model for everything; empty: the program's own choice.",
    ),
    key(
        "small_model",
        "text",
        None,
        "\"haiku\"",
        "The model for what a small one can do: code reviews from the second on, reviews in the background. Empty: the same as for everything.",
    ),
    key(
        "model_args",
        "list",
        None,
        "[\"--model\", \"{model}\"]",
        "Added when there is a model; `{model}` stands for it.",
    ),
    key(
        "permission_mode",
        "text",
        None,
        "\"acceptEdits\"",
        "What the program may do without asking, in its own words. Empty: what its own settings say.",
    ),
    key(
        "permission_args",
        "list",
        None,
        "[\"--permission-mode\", \"{permission_mode}\"]",
        "Added when there is a permission mode; `{permission_mode}` stands for it.",
    ),
    key(
        "output",
        "`stream-json` or `text`",
        None,
        "\"text\"",
        "What it prints: one JSON object a line, or plain text with the verdicts in it.",
    ),
    key(
        "timeout_minutes",
        "minutes",
        Some("120"),
        "60",
        "A run that takes longer is ended, and tried again.",
    ),
    key("idle_minutes", "minutes", Some("20"), "10", "So is one that prints nothing for so long."),
    key(
        "env",
        "table",
        Some("{}"),
        "{ CI = \"1\" }",
        "Variables to set in its environment. They are told nowhere.",
    ),
];

const WORKFLOW: &[Key] = &[
    key(
        "runner",
        "`agents` or `command`",
        Some("\"agents\""),
        "\"command\"",
        "Who decides what is done next: we do, or your own orchestrator, which is then the default agent's one process for the whole batch.",
    ),
    key(
        "default",
        "agent",
        Some("\"claude\""),
        "\"codex\"",
        "The agent for every command that names none.",
    )
    .also("AGENT", None),
    within("commands"),
    key("max_processes", "1 to 64", Some("4"), "2", "How many agents may run at once."),
    key(
        "commands_dir",
        "path",
        None,
        "\"tools/commands\"",
        "Where the project keeps its own `<command>/instructions.xml`; `_bmad/bmm/workflows/4-implementation/sprint-runner/commands` without it.",
    ),
    key(
        "extra_files",
        "list",
        Some("[]"),
        "[\"CODING.md\"]",
        "Files of the project that every agent is given.",
    ),
    key(
        "stop_grace_seconds",
        "seconds",
        Some("3"),
        "1",
        "Between asking a process to stop and killing it.",
    ),
    key("timeout_grace_seconds", "seconds", Some("10"), "5", "The same after a time-out."),
    key(
        "result_grace_seconds",
        "seconds",
        Some("10"),
        "5",
        "How long an agent may live on after its result.",
    ),
    key(
        "retry_seconds",
        "seconds",
        Some("5"),
        "30",
        "Before the first new try; doubled for each further one.",
    ),
    key(
        "usage_limit_wait_minutes",
        "minutes",
        Some("30"),
        "60",
        "How long to wait at a usage limit whose provider names no time.",
    ),
];

const COMMANDS: &[Key] = &[
    key(
        "generate-project-context",
        "agent",
        None,
        "\"gemini\"",
        "Describes the project for all others.",
    ),
    key("sprint-create-story", "agent", None, "\"claude\"", "Writes the story's file."),
    key(
        "sprint-create-story-discovery",
        "agent",
        None,
        "\"claude\"",
        "Looks beside it for what the story touches.",
    ),
    key("sprint-story-review", "agent", None, "\"claude\"", "Reviews the story's file."),
    key(
        "sprint-create-tech-spec",
        "agent",
        None,
        "\"claude\"",
        "Decides whether a technical specification is needed, and writes it.",
    ),
    key("sprint-tech-spec-review", "agent", None, "\"claude\"", "Reviews it."),
    key("sprint-dev-story", "agent", None, "\"claude\"", "Implements the story."),
    key("sprint-code-review", "agent", None, "\"codex\"", "Reviews what was implemented."),
    key("sprint-commit", "agent", None, "\"claude\"", "Commits what is done."),
];

const NOTIFICATION: &[Key] = &[
    key("name", "text", None, "\"team\"", "What it is called here; the word of `to` without it."),
    key(
        "to",
        "`webhook`, `slack`, `discord` or `ntfy`",
        None,
        "\"slack\"",
        "Whose language it speaks. Has to be said.",
    ),
    key(
        "url",
        "address",
        None,
        "\"https://ntfy.example.org/\"",
        "Where to send. An address that is a secret is better named by `url_env`; for ntfy it is `https://ntfy.sh/` without either.",
    ),
    key(
        "url_env",
        "variable",
        None,
        "\"SLACK_URL\"",
        "The variable of the environment that says where.",
    ),
    key(
        "token_env",
        "variable",
        None,
        "\"NTFY_TOKEN\"",
        "For ntfy and webhook: the variable with what is sent as `Authorization: Bearer`.",
    ),
    key(
        "secret_env",
        "variable",
        None,
        "\"HOOK_SECRET\"",
        "For webhook: the variable with what signs the body, as Standard Webhooks says.",
    ),
    key(
        "topic",
        "text",
        None,
        "\"lantern\"",
        "For ntfy: the topic; it may also be the end of the address.",
    ),
    key("topic_env", "variable", None, "\"NTFY_TOPIC\"", "For ntfy: the variable that names it."),
    key(
        "priority",
        "1 to 5, or ntfy's word",
        None,
        "\"high\"",
        "For ntfy; 4 without it, 3 where nobody is needed.",
    ),
    key("tags", "list", None, "[\"robot\"]", "For ntfy; at most 10."),
    key(
        "on",
        "list",
        Some(
            "[\"story_blocked\", \"batch_ended\", \"agent_silent\", \"usage_limit\", \"status_file_broken\"]",
        ),
        "[\"story_blocked\"]",
        "What to tell.",
    ),
    key(
        "batches",
        "list",
        Some("[\"completed\", \"stopped\", \"error\", \"lost\"]"),
        "[\"error\", \"lost\"]",
        "Which ends of batches to tell.",
    ),
    key(
        "cool_down_minutes",
        "minutes",
        Some("30"),
        "60",
        "The same of the same story waits that long, and is told then if it still is so.",
    ),
    key(
        "settle_seconds",
        "seconds",
        Some("5"),
        "30",
        "Gathers what comes together; a story or file that is well again by then is not told.",
    ),
    key(
        "max_age_hours",
        "hours",
        Some("12"),
        "1",
        "What happened while no server ran is told at the next start, unless it is older.",
    ),
    key("give_up_hours", "hours", Some("24"), "4", "How long a message is tried."),
    key(
        "silent_minutes",
        "minutes",
        Some("10"),
        "5",
        "An agent that has printed nothing for so long is told; or for three quarters of its `idle_minutes`, if that is sooner.",
    ),
];
