//! What may be asked from afar: a few addresses with their methods, and nothing else.

/// An agent's id is no longer.
const LONGEST_ID: usize = 40;

/// What is asked for; the last token of the subject, so that credentials can tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A batch is to begin.
    Start,
    /// A batch is to end.
    Stop,
    /// The settings are read or set.
    Settings,
    /// The agents: their list, a log, the stop of one.
    Agents,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Start, Self::Stop, Self::Settings, Self::Agents];

    /// The word in the subject.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Settings => "settings",
            Self::Agents => "agents",
        }
    }

    /// What this method at this address is; none where it is nothing that may be asked. The address is
    /// compared as it stands: nothing is decoded, nothing is tidied up.
    pub fn of(method: &str, path: &str) -> Option<Self> {
        match (method, path) {
            ("POST", "/api/orchestrator/start") => Some(Self::Start),
            ("POST", "/api/orchestrator/stop") => Some(Self::Stop),
            ("GET", "/api/settings" | "/api/settings/sources") | ("PUT", "/api/settings") => {
                Some(Self::Settings)
            }
            ("GET", "/api/agents") => Some(Self::Agents),
            ("GET", path) if is_agent_log(path) => Some(Self::Agents),
            ("POST", path) if agent(path, "stop") => Some(Self::Agents),
            _ => None,
        }
    }
}

/// Whether this is the address of an agent's log.
pub fn is_agent_log(path: &str) -> bool {
    agent(path, "log")
}

/// Whether this is the address of something of one agent.
fn agent(path: &str, what: &str) -> bool {
    let parts = path.strip_prefix("/api/agents/").and_then(|rest| rest.split_once('/'));
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    parts.is_some_and(|(id, rest)| {
        rest == what && !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(fits)
    })
}
