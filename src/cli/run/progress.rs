//! What is known of the batch from its events: pure, so that any output can be made of it.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

/// The task that stands for a whole command, as long as its agent runs.
const WHOLE_COMMAND: &str = "agent";

/// An event as it comes over the wire.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "type")]
    kind: String,
    timestamp: i64,
    batch_id: Option<i64>,
    #[serde(default)]
    payload: Value,
}

/// The batch so far.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) batch_id: i64,
    pub(super) started_at: i64,
    /// `None` = until nothing is left.
    pub(super) max_cycles: Option<i64>,
    /// The cycle under way, or the last one.
    pub(super) cycle: i64,
    pub(super) cycles_completed: i64,
    pub(super) stories: Vec<String>,
    /// `running`, `waiting` or `stopping`.
    pub(super) state: String,
    pub(super) parked_until: Option<i64>,
    /// Those at work, by id.
    pub(super) agents: IndexMap<String, Agent>,
    pub(super) totals: Totals,
    pub(super) end: Option<End>,
}

/// An agent at work.
#[derive(Debug, Default)]
pub(super) struct Agent {
    pub(super) command: String,
    pub(super) story_keys: Vec<String>,
    pub(super) background: bool,
    pub(super) started_at: i64,
    /// Its newest row of the log.
    pub(super) said: Option<String>,
}

/// What has been done.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) agents: u64,
    pub(super) done: BTreeSet<String>,
    pub(super) blocked: BTreeSet<String>,
    pub(super) input_tokens: Option<i64>,
    pub(super) output_tokens: Option<i64>,
    pub(super) cost_usd: Option<f64>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) duration_ms: i64,
}

/// Something worth a line of its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    Cycle { number: i64, stories: String },
    Finished { well: bool, command: String, subject: String, took_ms: Option<i64>, why: String },
    Story { key: String, from: String, to: String, class: String },
    Warning(String),
    Parked { until: i64, message: String },
    Error(String),
}

impl Progress {
    pub(super) fn new(batch_id: i64, now_ms: i64) -> Self {
        Self { batch_id, started_at: now_ms, state: "running".to_owned(), ..Self::default() }
    }

    /// Takes an event; says what of it is worth telling.
    pub(super) fn take(&mut self, json: &str) -> Option<Told> {
        let event: Event = serde_json::from_str(json).ok()?;
        if event.batch_id.is_some_and(|batch_id| batch_id != self.batch_id) {
            return None;
        }
        let body = Body(&event.payload);
        match event.kind.as_str() {
            "batch:start" => {
                self.started_at = event.timestamp;
                self.max_cycles = body.number("max_cycles");
            }
            "batch:end" => {
                self.end = Some(End {
                    status: body.text("status"),
                    reason: body.text("reason"),
                    duration_ms: body.number("duration_ms").unwrap_or_default(),
                });
                self.cycles_completed = body.number("cycles_completed").unwrap_or_default();
            }
            "cycle:start" => {
                self.cycle = body.number("cycle_number").unwrap_or_default();
                self.stories = body.list("story_keys");
                return Some(Told::Cycle { number: self.cycle, stories: self.stories.join(", ") });
            }
            "cycle:end" => self.cycles_completed += 1,
            "batch:warning" => return Some(self.warning(&body)),
            "agent:start" => self.agent_started(&event, &body),
            "agent:end" => return self.agent_ended(&body),
            "command:end" if body.text("task_id") == WHOLE_COMMAND => {
                return Some(finished(&body));
            }
            "command:start" | "command:progress" | "command:end" => self.said(&body),
            "story:status" => return self.story(&body),
            "error" => return Some(Told::Error(body.text("message"))),
            "context:error" | "background:error" => {
                let what = [body.text("message"), body.text("error")].concat();
                return Some(Told::Warning(what));
            }
            _ => {}
        }
        None
    }

    fn warning(&mut self, body: &Body) -> Told {
        let message = body.text("message");
        let state = body.text("state");
        if !state.is_empty() {
            self.state = state;
            self.parked_until = body.number("parked_until");
        }
        match self.parked_until {
            Some(until) if self.state == "waiting" => Told::Parked { until, message },
            _ => Told::Warning(message),
        }
    }

    fn agent_started(&mut self, event: &Event, body: &Body) {
        self.totals.agents += 1;
        let agent = Agent {
            command: body.text("command"),
            story_keys: body.list("story_keys"),
            background: !body.text("background_task").is_empty(),
            started_at: event.timestamp,
            said: None,
        };
        self.agents.insert(body.text("agent_id"), agent);
    }

    fn agent_ended(&mut self, body: &Body) -> Option<Told> {
        let totals = &mut self.totals;
        for (total, key) in [
            (&mut totals.input_tokens, "input_tokens"),
            (&mut totals.output_tokens, "output_tokens"),
        ] {
            if let Some(tokens) = body.number(key) {
                *total = Some(total.unwrap_or_default().saturating_add(tokens));
            }
        }
        if let Some(cost) = body.0.get("cost_usd").and_then(Value::as_f64) {
            totals.cost_usd = Some(totals.cost_usd.unwrap_or_default() + cost);
        }
        let agent = self.agents.shift_remove(&body.text("agent_id"))?;
        // Those with stories are told by the end of their command, which knows more.
        let code = body.number("exit_code");
        agent.story_keys.is_empty().then(|| Told::Finished {
            well: code == Some(0),
            command: agent.command,
            subject: String::new(),
            took_ms: body.number("duration_ms"),
            why: match (code, body.number("signal")) {
                (Some(0), _) | (None, None) => String::new(),
                (Some(code), _) => format!("exit code {code}"),
                (None, Some(signal)) => format!("signal {signal}"),
            },
        })
    }

    /// A row of the log: the newest of the agent that it comes from.
    fn said(&mut self, body: &Body) {
        let (story, command) = (body.text("story_key"), body.text("command"));
        let is_it = |agent: &&mut Agent| {
            agent.command == command
                && (agent.story_keys.is_empty() || agent.story_keys.contains(&story))
        };
        if body.text("task_id") == WHOLE_COMMAND {
            return;
        }
        if let Some(agent) = self.agents.values_mut().find(is_it) {
            let message = body.text("message");
            let task = body.text("task_id");
            agent.said = Some(if message.is_empty() { task } else { format!("{task}: {message}") });
        }
    }

    fn story(&mut self, body: &Body) -> Option<Told> {
        let (key, class) = (body.text("story_key"), body.text("status_class"));
        let (from, to) = (body.text("old_status"), body.text("new_status"));
        if from.is_empty() || to.is_empty() {
            return None;
        }
        self.totals.done.remove(&key);
        self.totals.blocked.remove(&key);
        match (class.as_str(), to.as_str()) {
            ("done", _) => drop(self.totals.done.insert(key.clone())),
            (_, "blocked") => drop(self.totals.blocked.insert(key.clone())),
            _ => {}
        }
        Some(Told::Story { key, from, to, class })
    }
}

fn finished(body: &Body) -> Told {
    let well = !matches!(body.text("status").as_str(), "failed" | "error" | "left-open");
    Told::Finished {
        well,
        command: body.text("command"),
        subject: body.text("story_key"),
        took_ms: body.number("duration_ms"),
        why: if well { String::new() } else { body.text("message") },
    }
}

impl Totals {
    /// In a few words, such as `2 stories done, 1 blocked, 14 agents, 31200 tokens in, …`.
    pub(super) fn words(&self) -> String {
        let many = |count: usize, word: &str| match count {
            1 => format!("1 {word}"),
            _ => format!("{count} {}", word.replace("story", "stories").replace("agent", "agents")),
        };
        let mut parts = vec![many(self.done.len(), "story done")];
        if !self.blocked.is_empty() {
            let keys: Vec<&str> = self.blocked.iter().map(String::as_str).collect();
            parts.push(format!("{} blocked ({})", keys.len(), keys.join(", ")));
        }
        parts.push(many(usize::try_from(self.agents).unwrap_or(usize::MAX), "agent"));
        parts.extend(self.input_tokens.map(|tokens| format!("{tokens} tokens in")));
        parts.extend(self.output_tokens.map(|tokens| format!("{tokens} tokens out")));
        parts.extend(self.cost_usd.map(|cost| format!("${cost:.2}")));
        parts.join(", ")
    }
}

struct Body<'a>(&'a Value);

impl Body<'_> {
    fn text(&self, key: &str) -> String {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.0.get(key).and_then(Value::as_i64)
    }

    fn list(&self, key: &str) -> Vec<String> {
        let items = self.0.get(key).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

/// When each agent last printed something, as `/api/agents` says it: milliseconds since the epoch.
pub(super) type LastOutput = BTreeMap<String, i64>;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(progress: &mut Progress, kind: &str, payload: &Value) -> Option<Told> {
        let event = json!({ "id": 1, "type": kind, "timestamp": 5000, "batch_id": 7,
                            "source": "orchestrator", "payload": payload });
        progress.take(&event.to_string())
    }

    #[test]
    fn a_batch_from_its_events() {
        let mut progress = Progress::new(7, 0);
        let one = &mut progress;
        told(one, "batch:start", &json!({ "max_cycles": 2 }));
        assert_eq!((one.max_cycles, one.started_at), (Some(2), 5000));
        let cycle =
            told(one, "cycle:start", &json!({ "cycle_number": 1, "story_keys": ["a", "b"] }));
        assert_eq!(cycle, Some(Told::Cycle { number: 1, stories: "a, b".to_owned() }));
        let agent = json!({ "agent_id": "7-1", "command": "dev-story", "story_keys": ["a"] });
        told(one, "agent:start", &agent);
        let row = json!({ "story_key": "a", "command": "dev-story", "task_id": "tests", "message": "12" });
        told(one, "command:progress", &row);
        assert_eq!(one.agents["7-1"].said.as_deref(), Some("tests: 12"));
        let end = json!({ "agent_id": "7-1", "exit_code": 0, "input_tokens": 5, "cost_usd": 0.5 });
        assert_eq!(told(one, "agent:end", &end), None);
        assert!(one.agents.is_empty());
        let end = json!({ "story_key": "a", "command": "dev-story", "task_id": "agent",
                          "status": "failed", "message": "exit code 1", "duration_ms": 9 });
        let Some(Told::Finished { well, why, took_ms, .. }) = told(one, "command:end", &end) else {
            panic!("not told")
        };
        assert_eq!((well, why.as_str(), took_ms), (false, "exit code 1", Some(9)));
        let status = json!({ "story_key": "a", "old_status": "review", "new_status": "done",
                             "status_class": "done" });
        told(one, "story:status", &status);
        let words = one.totals.words();
        assert_eq!(words, "1 story done, 1 agent, 5 tokens in, $0.50");
        told(one, "batch:end", &json!({ "status": "completed", "reason": "all_done" }));
        assert_eq!(one.end.as_ref().unwrap().status, "completed");
    }

    #[test]
    fn a_parked_batch_says_until_when() {
        let mut progress = Progress::new(7, 0);
        let parked = json!({ "message": "limit", "state": "waiting", "parked_until": 9000 });
        let until = Some(Told::Parked { until: 9000, message: "limit".to_owned() });
        assert_eq!(told(&mut progress, "batch:warning", &parked), until);
        let over = json!({ "message": "over", "state": "running" });
        told(&mut progress, "batch:warning", &over);
        assert_eq!((progress.state.as_str(), progress.parked_until), ("running", None));
    }

    #[test]
    fn other_batches_and_nonsense_change_nothing() {
        let mut progress = Progress::new(8, 0);
        told(&mut progress, "batch:end", &json!({ "status": "completed" }));
        assert!(progress.take("{").is_none() && progress.take("[]").is_none());
        assert_eq!(progress.end, None);
    }
}
