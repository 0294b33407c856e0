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
