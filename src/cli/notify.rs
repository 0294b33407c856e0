//! `notify`: who is told what; with `--test` a sample of every message to every target.

use std::io::Write as _;

use anyhow::bail;
use serde::Serialize;

use crate::config::Layer;
use crate::config::notifications::NotificationConfig;
use crate::notifications::{Post, Sample, Target, samples, send_sample};
use crate::watch::once;

use super::clock::now_ms;
use super::place::{Found, Place};
use super::terminal::{Terminal, Tone};

/// The flags of `notify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Send a sample of each rule's message, to the target of this name or to all, and say what
    /// came back; exit code 1 where one did not arrive
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    test: Option<String>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// One target, without secrets.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    to: &'static str,
    on: Vec<&'static str>,
    cool_down_minutes: f64,
    /// Why nothing can be sent there.
    error: Option<String>,
    /// What everybody should know about it.
    warning: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tests: Vec<Tested>,
}

/// What came back for one sample.
#[derive(Serialize)]
struct Tested {
    rule: &'static str,
    arrived: bool,
    answer: String,
}

/// Runs the command. Exit code 1 when something was to be sent and did not arrive.
pub(crate) async fn run(place: &Place, args: &Args) -> anyhow::Result<u8> {
    let found = place.find(Layer::default())?;
    let all = &found.config.notifications;
    if all.is_empty() {
        bail!(
            "no notification is configured: add [[notifications]] with to and url_env to \
             sprint-runner.toml in {}",
            found.root.display()
        );
    }
    let wanted = args.test.as_deref().filter(|name| !name.is_empty());
    let chosen: Vec<&NotificationConfig> =
        all.iter().filter(|target| wanted.is_none_or(|name| target.name == name)).collect();
    if let (true, Some(name)) = (chosen.is_empty(), wanted) {
        let names: Vec<&str> = all.iter().map(|target| target.name.as_str()).collect();
        bail!("no notification is called {name:?}; there are {}", names.join(", "));
    }
    let project = project(&found);
    let post = Post::default();
    let mut listed = Vec::with_capacity(chosen.len());
    for config in chosen {
        listed.push(look(config, args.test.is_some(), &project, &post, &found).await);
    }
    show(&listed, args.json)?;
    let failed =
        listed.iter().any(|it| it.error.is_some() || it.tests.iter().any(|it| !it.arrived));
    Ok(u8::from(failed))
}

async fn look<'a>(
    config: &'a NotificationConfig,
    test: bool,
    project: &str,
    post: &Post,
    found: &Found,
) -> Listed<'a> {
    let mut listed = Listed {
        name: &config.name,
        to: config.to.word(),
        on: config.on.iter().map(|rule| rule.word()).collect(),
        cool_down_minutes: config.cool_down.as_secs_f64() / 60.0,
        error: None,
        warning: None,
        tests: Vec::new(),
    };
    let target = match Target::resolve(config, &|name| std::env::var_os(name)) {
        Ok(target) => target,
        Err(error) => {
            listed.error = Some(error);
            return listed;
        }
    };
    if target.travels_readable() {
        listed.warning = Some("plain http: everybody on the way can read it");
    }
    if test {
        let public_url = found.config.public_url.as_deref();
        for sample in samples(config, project, now_ms()) {
            listed.tests.push(tested(post, &target, &sample, public_url).await);
        }
    }
    listed
}

async fn tested(post: &Post, target: &Target, sample: &Sample, public_url: Option<&str>) -> Tested {
    let answer = send_sample(post, target, sample, public_url).await;
    let arrived = answer.has_arrived();
    Tested { rule: sample.rule.word(), arrived, answer: answer.words }
}

/// What the project is called in messages.
fn project(found: &Found) -> String {
    let sprint = once::status(&found.layout()).ok();
    let named = sprint.and_then(|reading| {
        reading.document.get("project").and_then(|name| name.as_str()).map(str::to_owned)
    });
    let folder = || found.root.file_name().map(|name| name.to_string_lossy().into_owned());
    named.or_else(folder).unwrap_or_else(|| "sprint".to_owned())
}

fn show(listed: &[Listed<'_>], json: bool) -> anyhow::Result<()> {
    let terminal = Terminal::stdout();
    let mut out = std::io::BufWriter::new(std::io::stdout());
    if json {
        let text = serde_json::to_string_pretty(&serde_json::json!({ "notifications": listed }))?;
        writeln!(out, "{}", terminal.json_line(&text))?;
        out.flush()?;
        return Ok(());
    }
    for target in listed {
        writeln!(
            out,
            "{} ({}): {}; the same again after {} min at the earliest",
            terminal.paint(Tone::Strong, target.name),
            target.to,
            target.on.join(", "),
            target.cool_down_minutes
        )?;
        if let Some(warning) = target.warning {
            writeln!(out, "    {}", terminal.paint(Tone::Warn, warning))?;
        }
        if let Some(error) = &target.error {
            writeln!(out, "    {}", terminal.paint(Tone::Bad, error))?;
        }
        for test in &target.tests {
            let (tone, word) =
                if test.arrived { (Tone::Good, "arrived") } else { (Tone::Bad, "failed") };
            let answer = terminal.paint(Tone::Plain, &test.answer);
            writeln!(out, "    {}: {}, {answer}", test.rule, terminal.paint(tone, word))?;
        }
    }
    out.flush()?;
    Ok(())
}
