//! An agent that prints as fast as it can, run by our orchestrator, seen by a thousand clients.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anyhow::Result;

use super::{Bench, Side};
use crate::http::{self, until};
use crate::load::{Kind, now_ns};
use crate::machine::{forget_peak, peak_mib};
use crate::ours::{Ours, Project};
use crate::table::{Aim, Figure, Peer};

/// Rows of begun and of ended tasks, each.
const TASKS: usize = 1000;

pub(super) fn measure(bench: &mut Bench) -> Result<()> {
    let count = bench.sized(1000, 200);
    let (mut seconds, mut peaks, mut share) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..bench.rounds {
        let project = with_agent(bench)?;
        let ours = bench.ours(&project)?;
        let side = Side::ours(&ours, &project)?;
        let mut clients = side.connect(Kind::Sse, count)?;
        forget_peak(ours.pid())?;
        let since_ns = now_ns();
        http::post(ours.port, "/api/orchestrator/start", "{\"batch_size\":1}")?;
        let tally = clients.receive((count * 2 * TASKS) as u64, since_ns)?;
        // Its mark is the moment at which the agent began to print: the last is the whole.
        let longest = tally.latencies_us.iter().max().copied().unwrap_or(0);
        seconds.push(f64::from(longest) / 1e6);
        share = tally.client_share();
        peaks.push(peak_mib(ours.pid())?);
        until_done(&ours)?;
    }
    let what = format!("2 × {TASKS} printed rows to {count} clients");
    let note = format!(
        "from the agent's first row to the last client's last; client {share:.2} of a core"
    );
    let figure = Figure::new("managed", &what, "s", seconds).aim(Aim::AtMost(1.0)).note(note);
    bench.tell(figure.beside(Some(Peer::recorded(36.6))));
    let figure = Figure::new("managed", "peak memory meanwhile", "MiB", peaks);
    bench.tell(figure.aim(Aim::AtMost(60.0)).beside(Some(Peer::recorded(691.0))));
    Ok(())
}

fn until_done(ours: &Ours) -> Result<()> {
    until("the batch's end", Duration::from_secs(30), || {
        let status = http::json(ours.port, "/api/orchestrator/status")?;
        Ok((status["status"] == "idle").then_some(()))
    })
}

/// A story in review, and a program in the agents' place. It reviews by printing rows.
fn with_agent(bench: &Bench) -> Result<Project> {
    let project = bench.project("managed", 0)?;
    let status =
        "project: lantern\ndevelopment_status:\n  epic-1: in-progress\n  1-1-lamp-post: review\n";
    fs::write(project.artifacts().join("sprint-status.yaml"), status)?;
    let context = project.root.join("_bmad-output/planning-artifacts");
    fs::create_dir_all(&context)?;
    fs::write(context.join("project-context.md"), "The project in a few words.\n")?;
    let program = bench.scratch.join("agent.sh");
    fs::write(
        &program,
        format!(
            "#!/bin/sh\n\
             # Reads the name of its command and leaves the rest.\n\
             IFS= read -r command\n\
             case $command in\n\
             sprint-code-review)\n\
             \x20 now=$(date +%s) mark=$(date +%s%N)\n\
             \x20 awk -v now=\"$now\" -v mark=\"$mark\" 'BEGIN {{\n\
             \x20   for (n = 0; n < {TASKS}; n++) for (end = 0; end < 2; end++)\n\
             \x20     printf \"%s,1,1-1,code-review-1,task-%d,%s,\\\"sent:%s; row %d\\\"\\n\", \
             now, n, end ? \"end\" : \"start\", mark, n\n\
             \x20 }}'\n\
             \x20 echo 'ZERO ISSUES' ;;\n\
             *) echo 'Done.' ;;\n\
             esac\n"
        ),
    )?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
    fs::write(
        project.root.join("sprint-runner.toml"),
        format!(
            "[agents.printer]\npreset = \"command\"\nprogram = \"{}\"\n\n\
             [workflow]\ndefault = \"printer\"\n",
            program.display()
        ),
    )?;
    Ok(project)
}
