//! `completions`: what a shell needs to complete our commands and flags, from their own definitions.

use std::io::Write as _;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use super::Cli;

/// The flags of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Where it goes:
  bash        sprint-runner completions bash > ~/.local/share/bash-completion/completions/sprint-runner
  zsh         sprint-runner completions zsh > \"${fpath[1]}/_sprint-runner\"
  fish        sprint-runner completions fish > ~/.config/fish/completions/sprint-runner.fish
  elvish      sprint-runner completions elvish >> ~/.config/elvish/rc.elv
  powershell  sprint-runner completions powershell >> $PROFILE")]
pub(crate) struct Args {
    /// For which shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Runs the command: prints the shell's script.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut shown(), "sprint-runner", &mut script);
    if args.shell == Shell::Bash {
        // The generator asks for a name with a hyphen by another than the one it keeps it under, and
        // would complete no flag of a command.
        let text = String::from_utf8_lossy(&script);
        script = text.replace("sprint__subcmd__runner", "sprint__runner").into_bytes();
    }
    // All at once: the generator itself would panic where its reader has gone.
    let mut out = std::io::stdout().lock();
    out.write_all(&script)?;
    out.flush()?;
    Ok(0)
}

/// All commands but those that are for nobody: the generators offer hidden ones too.
fn shown() -> Command {
    let all = Cli::command();
    let commands = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    Command::new("sprint-runner")
        .version(env!("CARGO_PKG_VERSION"))
        .about(all.get_about().cloned().unwrap_or_default())
        .args(all.get_arguments().cloned())
        .subcommands(commands)
}
