//! Starting an agent: its own process group, its pipes, its environment.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use super::leader::Leader;
use super::program::{explain, find_program};
use super::reader::Process;
use super::{COOKIE_VARIABLE, Identity, Launch, SpawnError, reaper, table};

/// Starts an agent. To be called within a tokio runtime.
pub fn spawn(launch: Launch) -> Result<Process, SpawnError> {
    let runtime = Handle::try_current().map_err(io::Error::other)?;
    let program = find_program(&launch.program, &launch.folder)?;
    reaper::listen()?;
    // Listens before there is anything to hear.
    let deaths = signal(SignalKind::child())?;
    let mut command = Command::new(&program);
    command.args(&launch.args).current_dir(&launch.folder).process_group(0);
    for name in &launch.unset {
        command.env_remove(name);
    }
    command.envs(launch.env).env(COOKIE_VARIABLE, launch.cookie.as_str());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = reaper::start_leader(&mut command)
        .map_err(|error| explain(&error, &program, &launch.folder))?;

    let pid = child.id();
    let identity = table::row(pid).map_or(Identity { pid, start: 0 }, |row| row.identity);
    let leader = Leader::new(identity, launch.cookie);
    runtime.spawn(Arc::clone(&leader).attend(deaths));
    let stdin = child.stdin.take().map(OwnedFd::from);
    let stdout = child.stdout.take().map(OwnedFd::from);
    let stderr = child.stderr.take().map(OwnedFd::from);
    // From here on the agent is ended when `process` is let go.
    let mut process = Process::new(leader);
    process.read(receiver(stdout)?, receiver(stderr)?);
    if let Some(stdin) = stdin {
        let pipe = pipe::Sender::from_owned_fd(stdin)?;
        process.write(runtime.spawn(feed(pipe, launch.stdin)));
    }
    Ok(process)
}

fn receiver(pipe: Option<OwnedFd>) -> io::Result<Option<pipe::Receiver>> {
    pipe.map(pipe::Receiver::from_owned_fd).transpose()
}

/// Writes what the agent reads, and closes.
async fn feed(mut pipe: pipe::Sender, bytes: Vec<u8>) {
    // An agent that does not read all of it has its reasons.
    if let Err(error) = pipe.write_all(&bytes).await {
        tracing::debug!(%error, "an agent did not read all of its standard input");
    }
}
