//! What is told of projects on other machines.

use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Project, Projects};
use crate::domain::attribution::Rules;
use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::{AgentEnd, AgentStart, CommandStart, Payload, StoryStatus};
use crate::http::{Reach, Reached, Streams};
use crate::hub::{Hub, Publication};
use crate::notifications::Outcomes;
use crate::store::Log;

const DAY: i64 = 86_400_000;
const NOW: i64 = 1_706_112_000_000;

struct Afar {
    hub: Hub,
    reach: Reach,
    _dir: TempDir,
}

impl Afar {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (log, queries) = Log::open(&dir.path().join("test.db")).unwrap();
        let hub = Hub::start(log, queries, Rules::default()).unwrap();
        let reach = Reach::afar(Reached { host: Some("ada".into()), ..Reached::default() });
        Self { hub, reach, _dir: dir }
    }

    async fn publish(&self, at: i64, source: Source, payload: Payload) {
        let event = NewEvent::new(at, source, payload);
        self.hub.publish(Publication::events(vec![event])).await.unwrap();
    }

    async fn works(&self) {
        let payload = CommandStart {
            story_key: "1-1-a".into(),
            story_id: "1-1".into(),
            epic_id: "1".into(),
            command: "dev-story".into(),
            task_id: "setup".into(),
            ..CommandStart::default()
        };
        self.publish(NOW, Source::Csv, Payload::CommandStart(payload)).await;
    }

    async fn status(&self, key: &str, word: &str, class: &str, at: i64) {
        let payload = StoryStatus {
            story_key: key.into(),
            new_status: Some(word.into()),
            status_class: Some(class.into()),
            ..StoryStatus::default()
        };
        self.publish(at, Source::Yaml, Payload::StoryStatus(payload)).await;
    }

    fn project(&self, name: &str) -> Project {
        let inside =
            (self.hub.clone(), Arc::new(Streams::new()), Outcomes::default(), self.reach.clone());
        Project::afar(name.to_owned(), inside)
    }

    fn away(&self, since: Option<i64>) {
        let host = Some("ada".into());
        self.reach.set(Reached { host, unreachable_since: since, control: false });
    }
}

impl Drop for Afar {
    fn drop(&mut self) {
        self.hub.shutdown();
    }
}

async fn told(projects: &Projects, now_ms: i64) -> Value {
    serde_json::to_value(projects.told(now_ms).await).unwrap()
}

#[tokio::test]
async fn one_that_is_unreachable_is_never_told_to_run() {
    let afar = Afar::new();
    afar.works().await;
    let projects = Projects::new(vec![afar.project("lantern")]);
    let one = &told(&projects, NOW + 1000).await["projects"][0];
    assert_eq!((&one["state"], &one["since"]), (&json!("running"), &json!(NOW)));
    assert_eq!(one["server"], json!({"host": "ada", "unreachable_since": null, "control": false}));
    assert_eq!((&one["active_count"], &one["last_known"]), (&json!(1), &Value::Null));
    assert_eq!((&one["folder"], &one["branch"]), (&json!(""), &Value::Null));

    afar.away(Some(NOW + 20_000));
    let all = told(&projects, NOW + 30_000).await;
    let one = &all["projects"][0];
    assert_eq!((&one["state"], &one["since"]), (&json!("unreachable"), &json!(NOW + 20_000)));
    assert_eq!(one["batch"], Value::Null);
    assert_eq!((&one["agents"], &one["active_count"]), (&json!(0), &json!(0)));
    assert_eq!(one["active"], json!([]));
    let last = &one["last_known"];
    assert_eq!((&last["state"], &last["active_count"]), (&json!("running"), &json!(1)));
    assert_eq!(last["active"][0]["story_key"], "1-1-a");
    assert_eq!(last["batch"]["origin"], "observed");
    let sums = &all["sums"];
    assert_eq!((&sums["running"], &sums["unreachable"]), (&json!(0), &json!(1)));
    assert_eq!((&sums["commands"], &sums["needs_somebody"]), (&json!(0), &json!(0)));
    let reasons = projects.all()[0].reasons().await;
    assert!(reasons[0].contains("on ada has not been heard"), "{reasons:?}");

    afar.away(None);
    let one = &told(&projects, NOW + 31_000).await["projects"][0];
    assert_eq!((&one["state"], &one["last_known"]), (&json!("running"), &Value::Null));
    assert_eq!(projects.all()[0].reasons().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_waits_for_somebody_is_counted_by_the_clock() {
    let afar = Afar::new();
    afar.status("1-1-a", "review", "review", NOW - DAY).await;
    afar.status("1-2-b", "review", "review", NOW).await;
    afar.status("1-3-c", "in-progress", "in-progress", NOW).await;
    afar.works().await;
    let projects = Projects::new(vec![afar.project("lantern")]);
    for (now, silent, waiting) in [
        (NOW, 0, 0),
        (NOW + 600_000, 0, 0),
        (NOW + 600_001, 1, 0),
        // The story that somebody works on waits for nobody; the other does.
        (NOW + DAY + 1, 1, 1),
    ] {
        let all = told(&projects, now).await;
        let one = &all["projects"][0];
        assert_eq!((&one["silent"], &one["reviews_waiting"]), (&json!(silent), &json!(waiting)));
        let needs = i32::from(silent + waiting > 0);
        assert_eq!(all["sums"]["needs_somebody"], needs, "{now}");
        let stories = &one["stories"];
        assert_eq!((&stories["review"], &stories["in_progress"]), (&json!(2), &json!(1)));
    }
}

#[tokio::test]
async fn a_team_is_summed_up() {
    let [one, two] = [Afar::new(), Afar::new()];
    for (afar, cost) in [(&one, Some(1.5)), (&two, None)] {
        afar.status("1-1-a", "done", "done", NOW).await;
        afar.status("1-2-b", "backlog", "backlog", NOW).await;
        let start = AgentStart {
            agent_id: "1".into(),
            command: "dev-story".into(),
            story_keys: vec!["1-2-b".into()],
            ..AgentStart::default()
        };
        afar.publish(NOW, Source::Orchestrator, Payload::AgentStart(start)).await;
        let end = AgentEnd { agent_id: "1".into(), cost_usd: cost, ..AgentEnd::default() };
        afar.publish(NOW, Source::Orchestrator, Payload::AgentEnd(end)).await;
    }
    let projects = Projects::new(vec![one.project("one"), two.project("two")]);
    let sums = &told(&projects, NOW).await["sums"];
    assert_eq!((&sums["projects"], &sums["stories"]), (&json!(2), &json!(4)));
    assert_eq!((&sums["stories_done"], &sums["input_tokens"]), (&json!(2), &Value::Null));
    assert_eq!(sums["cost_usd"], 1.5);
}
