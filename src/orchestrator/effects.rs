//! Effects that take a while, each as a future of its own that may answer.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use crate::agents::process::{Receipt, end_batch_leftovers};
use crate::agents::story_files::has_tech_spec;
use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::Payload;
use crate::domain::workflow::{ContextAge, Effect, Input, MoveReport, WriteFailure};
use crate::hub::Publication;

use super::files;
use super::parts::{Parts, now_ms};
use super::preflight;
use super::publish::{event, publish};
use super::telling::known_stories;

/// How long the files' last rows may take before a batch ends.
const LAST_LOOK: Duration = Duration::from_secs(2);
/// Stories decided not to need a tech spec are kept under this and their key.
const NO_TECH_SPEC: &str = "workflow/no-tech-spec/";

/// What came of an effect.
#[derive(Debug)]
pub(super) enum Done {
    Nothing,
    Answer(Input),
    /// The batch's processes were looked for before its end was told.
    Swept(Receipt),
}

/// Tells the log, in order.
pub(super) fn tell(
    parts: Parts,
    batch_id: i64,
    payloads: Vec<Payload>,
) -> BoxFuture<'static, Done> {
    async move {
        let told = |payload| event(batch_id, Source::Orchestrator, payload);
        let events: Vec<NewEvent> = payloads.into_iter().map(told).collect();
        publish(&parts.hub, events).await;
        Done::Nothing
    }
    .boxed()
}

/// The end of a batch: nothing of it may be alive, and what its agents wrote last is read first.
pub(super) fn tell_end(parts: Parts, batch_id: i64, end: Payload) -> BoxFuture<'static, Done> {
    async move {
        let grace = parts.agents.workflow().stop_grace;
        let receipt = end_batch_leftovers(&parts.project_mark(), grace).await;
        let looker = parts.looker.clone();
        // When it takes longer, late rows still find their batch.
        let _ = tokio::task::spawn_blocking(move || looker.look(LAST_LOOK)).await;
        publish(&parts.hub, vec![event(batch_id, Source::Orchestrator, end)]).await;
        Done::Swept(receipt)
    }
    .boxed()
}

/// Everything that is asked of the files.
pub(super) fn ask(parts: Parts, batch_id: i64, effect: Effect) -> BoxFuture<'static, Done> {
    async move {
        let lost = lost_answer(&effect);
        let span = tracing::Span::current();
        let work = move || span.in_scope(|| answer(&parts, batch_id, effect));
        let asked = tokio::task::spawn_blocking(work).await;
        match asked {
            Ok(Some(input)) => Done::Answer(input),
            Ok(None) => Done::Nothing,
            Err(error) => {
                tracing::error!(%error, "an effect of the workflow had failed");
                lost.map_or(Done::Nothing, Done::Answer)
            }
        }
    }
    .boxed()
}

fn answer(parts: &Parts, batch_id: i64, effect: Effect) -> Option<Input> {
    let layout = parts.board.layout();
    Some(match effect {
        Effect::LookAtContext => {
            let hours = parts.settings.get().project_context_max_age_hours.unsigned_abs();
            let max_age = Duration::from_secs(hours.saturating_mul(3600));
            Input::ContextAge(files::context::age(&layout, max_age))
        }
        Effect::CopyContext => Input::ContextCopied(files::context::copy(&layout)),
        Effect::ReadSprint => Input::Sprint(preflight::candidates(&layout)),
        Effect::LookForTechSpecs(keys) => {
            let all = known_stories(parts);
            let epic = |key: &String| {
                all.iter().find(|(known, _)| known == key).and_then(|(_, epic)| epic.clone())
            };
            let settled = |key: &String| {
                has_tech_spec(&layout, key, epic(key).as_deref(), &all) || is_noted(parts, key)
            };
            Input::TechSpecs(keys.into_iter().filter(settled).collect())
        }
        Effect::NoteNoTechSpec(keys) => {
            let keep = keys.into_iter().map(|key| (format!("{NO_TECH_SPEC}{key}"), Some(vec![1])));
            let noted = Publication::events(Vec::new()).keeping(keep.collect());
            if let Err(error) = parts.hub.publish_blocking(noted) {
                tracing::warn!(%error, "that no tech spec is needed will be asked again");
            }
            return None;
        }
        Effect::WriteStatus { story_key, status } => {
            let (hub, board) = (&parts.hub, &parts.board);
            let result = files::status::write(hub, board, batch_id, &story_key, status, now_ms);
            Input::StatusWritten(story_key, result)
        }
        Effect::MoveFiles(keys) => {
            Input::Moved(files::archive::move_files(&layout, &keys, &known_stories(parts)))
        }
        // The actor sees to these itself.
        Effect::Publish(_)
        | Effect::Run { .. }
        | Effect::RunWhole(_)
        | Effect::Wait { .. }
        | Effect::EndChildren
        | Effect::Finish => return None,
    })
}

fn is_noted(parts: &Parts, key: &str) -> bool {
    let kept = parts.hub.queries().kept(&format!("{NO_TECH_SPEC}{key}")).unwrap_or_default();
    kept.iter().any(|(name, _)| name.strip_prefix(NO_TECH_SPEC) == Some(key))
}

/// The answer when nobody is left to give one: a bug, but the batch must end all the same.
fn lost_answer(effect: &Effect) -> Option<Input> {
    let why = || "an internal error, see the server's log".to_owned();
    match effect {
        Effect::LookAtContext => Some(Input::ContextAge(ContextAge::Missing)),
        Effect::CopyContext => Some(Input::ContextCopied(Err(why()))),
        Effect::ReadSprint => Some(Input::Sprint(Err(why()))),
        Effect::LookForTechSpecs(_) => Some(Input::TechSpecs(Vec::new())),
        Effect::WriteStatus { story_key, .. } => {
            Some(Input::StatusWritten(story_key.clone(), Err(WriteFailure::Failed(why()))))
        }
        Effect::MoveFiles(_) => Some(Input::Moved(MoveReport::default())),
        _ => None,
    }
}
