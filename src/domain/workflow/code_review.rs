//! Step 8: review, mend, review again, until the story is done or blocked.

use super::batch::{Batch, Fate, Phase};
use super::command::Command;
use super::job::{Job, Severity, Verdict};

/// From this review on, a story passes with findings that are not critical.
const LENIENT_FROM: u32 = 3;
/// So many reviews in a row with the same critical findings, and nobody is getting anywhere.
const SAME_FINDINGS: u32 = 3;

impl Batch {
    /// Story by story.
    pub(super) fn review_code(&mut self) {
        self.phase = Phase::ReviewingCode;
        match self.cycle.open(|_| true).into_iter().next() {
            Some(key) => {
                let attempt = self.cycle.story(&key).map_or(1, |work| work.reviews + 1);
                self.run(Command::CodeReview, vec![key], Some(attempt));
            }
            None => self.move_files(),
        }
    }

    pub(super) fn reviewed(&mut self, job: &Job, verdict: Option<Verdict>) {
        let (Some(key), Some(verdict)) = (job.story_keys.first(), verdict) else { return };
        let most = self.rules.max_code_reviews;
        let Some(work) = self.cycle.story(key) else { return };
        work.reviews += 1;
        let attempt = work.reviews;
        let Verdict::Issues { severity, findings } = verdict else { return self.done(key) };
        let (last, count) = &mut work.same_findings;
        if *last == findings {
            *count += 1;
        } else {
            (*last, *count) = (findings, 1);
        }
        let stuck = *count >= SAME_FINDINGS;
        let critical = severity == Severity::Critical;
        if attempt >= LENIENT_FROM && !critical {
            self.done(key);
        } else if attempt >= LENIENT_FROM && stuck {
            let message =
                format!("{SAME_FINDINGS} code reviews in a row found the same critical issues");
            self.block(&job.story_keys, &message);
        } else if attempt >= most {
            self.block(&job.story_keys, &format!("{attempt} code reviews did not settle it"));
        }
    }

    fn done(&mut self, key: &str) {
        if let Some(work) = self.cycle.story(key) {
            work.fate = Fate::Done;
        }
        self.write(key, "done");
    }
}
