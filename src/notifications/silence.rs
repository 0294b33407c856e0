//! Agents that have printed nothing for a while. No event tells it, so it is looked for.

use std::collections::HashMap;

use super::occasion::{Occasion, blank, called};
use super::text::{plain, span};
use crate::config::notifications::{NotificationConfig, Rule};
use crate::domain::state::State;
use crate::orchestrator::Silence;

/// Silences that were told are remembered, so many at most.
const MAX_TOLD: usize = 1000;

/// Which silences were told, so that each is told once.
#[derive(Debug, Default)]
pub(super) struct Silences {
    /// By target and agent: since when it was silent.
    told: HashMap<(String, String), i64>,
}

impl Silences {
    /// What there is to tell a target now.
    pub(super) fn look(
        &self,
        target: &NotificationConfig,
        agents: &[Silence],
        state: &State,
        idle_ms: i64,
        now_ms: i64,
    ) -> Vec<Occasion> {
        let most_ms = i64::try_from(target.silent.as_millis()).unwrap_or(i64::MAX);
        let managed = agents.iter().filter_map(|agent| {
            // An agent that is ended for its silence sooner is told of before that.
            let limit_ms = agent.idle_ms.map_or(most_ms, |idle| most_ms.min(idle / 4 * 3));
            (agent.silent_ms >= limit_ms).then(|| of_agent(agent, state, now_ms))
        });
        let observed = observed(state, most_ms, idle_ms, now_ms);
        let is_new = |occasion: &Occasion| {
            let key = (target.name.clone(), slot(occasion));
            // The two clocks it is made of may differ by a moment.
            self.told.get(&key).is_none_or(|told| (told - occasion.since_ms).abs() > 2000)
        };
        managed.chain(observed).filter(is_new).collect()
    }

    /// It was taken.
    pub(super) fn tell(&mut self, target: &NotificationConfig, occasion: &Occasion) {
        if self.told.len() >= MAX_TOLD {
            self.told.clear();
        }
        self.told.insert((target.name.clone(), slot(occasion)), occasion.since_ms);
    }
}

fn slot(occasion: &Occasion) -> String {
    format!("{}\n{}", occasion.subject, occasion.headline)
}

fn of_agent(agent: &Silence, state: &State, now_ms: i64) -> Occasion {
    let stories: Vec<String> =
        agent.story_keys.iter().take(4).map(|key| called(key, state)).collect();
    let of = if stories.is_empty() { String::new() } else { format!(" of {}", stories.join(", ")) };
    let end =
        agent.idle_ms.map(|idle| format!("; it is ended after {} without a word", span(idle)));
    Occasion {
        subject: if agent.story_keys.is_empty() {
            agent.command.clone()
        } else {
            agent.story_keys.join(",")
        },
        event_id: state.last_event_id,
        since_ms: now_ms - agent.silent_ms,
        known_after_ms: agent.silent_ms,
        story_key: agent.story_keys.first().cloned(),
        batch_id: Some(agent.batch_id),
        detail: Some(format!(
            "nothing printed for {}{}",
            span(agent.silent_ms),
            end.unwrap_or_default()
        )),
        ..blank(
            Rule::AgentSilent,
            format!("{}{of} is silent", plain(&agent.command, 60)),
            "look at its log on the dashboard; stop it there if it hangs",
        )
    }
}

/// A batch that somebody else runs is known by its log only.
fn observed(state: &State, most_ms: i64, idle_ms: i64, now_ms: i64) -> Option<Occasion> {
    let batch = state.batch.as_ref().filter(|batch| batch.origin == "observed")?;
    let open = state.active.values().max_by_key(|active| active.started_at)?;
    let silent_ms = now_ms - batch.last_activity_at;
    // Longer than that, and the batch counts as over.
    if silent_ms < most_ms || silent_ms >= idle_ms {
        return None;
    }
    Some(Occasion {
        subject: open.story_key.clone(),
        event_id: state.last_event_id,
        since_ms: batch.last_activity_at,
        known_after_ms: silent_ms,
        story_key: Some(open.story_key.clone()),
        batch_id: Some(batch.id),
        detail: Some(format!("nothing logged for {}", span(silent_ms))),
        ..blank(
            Rule::AgentSilent,
            format!("{} of {} is silent", plain(&open.command, 60), called(&open.story_key, state)),
            "look after whoever runs the sprint",
        )
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::config::{Config, parse_file};
    use crate::domain::state::{Active, Batch};

    const NOW: i64 = 1_700_000_000_000;
    const MINUTE: i64 = 60_000;

    fn target() -> NotificationConfig {
        let toml = "[[notifications]]\nto = \"ntfy\"\ntopic = \"a\"\n";
        Config::from(parse_file(toml).unwrap()).notifications.remove(0)
    }

    fn agent(silent_ms: i64, idle_ms: i64) -> Silence {
        Silence {
            batch_id: 7,
            command: "dev-story".to_owned(),
            story_keys: vec!["1-1-skeleton".to_owned()],
            silent_ms,
            idle_ms: Some(idle_ms),
        }
    }

    #[test]
    fn an_agent_is_silent_before_it_is_ended_for_it() {
        let silences = Silences::default();
        let told = |silent: i64, idle: i64| {
            let agents = [agent(silent * MINUTE, idle * MINUTE)];
            silences.look(&target(), &agents, &State::default(), 30 * MINUTE, NOW).len()
        };
        assert_eq!((told(9, 20), told(10, 20)), (0, 1), "after ten minutes");
        assert_eq!((told(5, 8), told(6, 8)), (0, 1), "or three quarters of what ends it");
    }

    #[test]
    fn one_silence_is_told_once_and_the_next_one_again() {
        let (target, mut silences) = (target(), Silences::default());
        let state = State::default();
        let look = |silences: &Silences, silent_ms: i64, now_ms: i64| {
            silences.look(&target, &[agent(silent_ms, 20 * MINUTE)], &state, 30 * MINUTE, now_ms)
        };
        let first = look(&silences, 10 * MINUTE, NOW).remove(0);
        assert_eq!(first.since_ms, NOW - 10 * MINUTE);
        assert!(first.detail.as_deref().unwrap().contains("nothing printed for 10 min"));
        assert_eq!(look(&silences, 11 * MINUTE, NOW + MINUTE).len(), 1, "it was not taken");
        silences.tell(&target, &first);
        assert_eq!(look(&silences, 11 * MINUTE + 3, NOW + MINUTE).len(), 0);
        assert_eq!(look(&silences, 10 * MINUTE, NOW + 15 * MINUTE).len(), 1);
    }

    #[test]
    fn a_batch_of_somebody_else_is_silent_when_its_log_is() {
        let silences = Silences::default();
        let told = |origin: &str, silent: i64, open: bool| {
            let batch = Batch {
                id: 3,
                origin: origin.to_owned(),
                last_activity_at: NOW - silent * MINUTE,
                ..Batch::default()
            };
            let mut state = State { batch: Some(batch), ..State::default() };
            if open {
                let active = Active { story_key: "1-2".to_owned(), ..Active::default() };
                Arc::make_mut(&mut state.active).insert("x".to_owned(), active);
            }
            silences.look(&target(), &[], &state, 30 * MINUTE, NOW).len()
        };
        assert_eq!(target().silent, Duration::from_secs(600));
        assert_eq!(told("observed", 9, true), 0);
        assert_eq!(told("observed", 10, true), 1);
        assert_eq!(told("observed", 30, true), 0, "that is its end");
        assert_eq!(told("observed", 10, false), 0, "nothing is open");
        assert_eq!(told("managed", 10, true), 0, "its agents are looked at themselves");
    }
}
