//! What all projects come to together.

use schemars::JsonSchema;
use serde::Serialize;

use super::summary::Summary;

/// All projects together.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "ProjectSums")]
pub(super) struct Sums {
    /// How many there are.
    projects: usize,
    /// In which something goes on.
    running: usize,
    /// Whose server is not heard.
    unreachable: usize,
    /// That wait for a person: a story blocked or stuck or long without review, a silent command, a
    /// file that cannot be read, one that is not served.
    needs_somebody: usize,
    /// Agents at work.
    agents: usize,
    /// Commands under way.
    commands: usize,
    /// Stories.
    stories: usize,
    /// Those that are done.
    stories_done: usize,
    /// Dollars; null where nobody told.
    cost_usd: Option<f64>,
    /// Tokens; null where nobody told.
    input_tokens: Option<f64>,
    /// Tokens; null where nobody told.
    output_tokens: Option<f64>,
}

impl Sums {
    pub(super) fn of(all: &[Summary]) -> Self {
        let mut sums = Self { projects: all.len(), ..Self::default() };
        for one in all {
            sums.running += usize::from(matches!(one.state, "running" | "stopping"));
            sums.unreachable += usize::from(one.state == "unreachable");
            sums.needs_somebody += usize::from(one.needs_somebody());
            sums.agents += one.agents;
            sums.commands += one.work.active_count;
            sums.stories += one.counted.stories.total;
            sums.stories_done += one.counted.stories.done;
            add(&mut sums.cost_usd, one.counted.cost_usd);
            add(&mut sums.input_tokens, one.counted.input_tokens);
            add(&mut sums.output_tokens, one.counted.output_tokens);
        }
        sums
    }
}

fn add(sum: &mut Option<f64>, more: Option<f64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0.0) + more);
    }
}
