//! An agent as its reader sees it: lines of both streams, the exit, the end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::task::coop::consume_budget;

use super::leader::Leader;
use super::lines::{Line, MAX_LINE, Splitter, Stream};
use super::{Exit, Group, Identity, Output};

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// A running agent. Letting go of it before its exit kills all of it.
#[derive(Debug)]
pub struct Process {
    leader: Arc<Leader>,
    ended: watch::Receiver<Option<Exit>>,
    stdout: Source,
    stderr: Source,
    /// Whose turn it is.
    stderr_first: bool,
    chunk: Box<[u8]>,
    stdin: Option<JoinHandle<()>>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Running,
    /// The leader has ended; what lay in the pipes at that moment is still given out.
    Draining(Exit),
    Closed,
}

impl Process {
    pub(super) fn new(leader: Arc<Leader>) -> Self {
        Self {
            ended: leader.ended.subscribe(),
            leader,
            stdout: Source::new(),
            stderr: Source::new(),
            stderr_first: false,
            chunk: vec![0; CHUNK].into_boxed_slice(),
            stdin: None,
            phase: Phase::Running,
        }
    }

    pub(super) fn read(&mut self, out: Option<pipe::Receiver>, err: Option<pipe::Receiver>) {
        self.stdout.pipe = out;
        self.stderr.pipe = err;
    }

    pub(super) fn write(&mut self, task: JoinHandle<()>) {
        self.stdin = Some(task);
    }

    /// The leader's number.
    pub fn pid(&self) -> u32 {
        self.leader.identity.pid
    }

    /// The leader, for certain.
    pub fn identity(&self) -> Identity {
        self.leader.identity
    }

    /// A handle to stop and to measure with.
    pub fn group(&self) -> Group {
        Group { leader: Arc::clone(&self.leader) }
    }

    /// What comes next. Cancel-safe. While nobody asks nothing is read, and the agent is held up
    /// as soon as its pipes are full.
    pub async fn next(&mut self) -> Output {
        loop {
            // A flood must not keep the thread from its other tasks.
            consume_budget().await;
            if let Phase::Running = self.phase
                && let Some(exit) = *self.ended.borrow()
            {
                // A grandchild may hold the pipes and write for ever.
                self.stdout.last_orders();
                self.stderr.last_orders();
                self.phase = Phase::Draining(exit);
            }
            let mut read = false;
            let sources = if self.stderr_first {
                [(&mut self.stderr, Stream::Stderr), (&mut self.stdout, Stream::Stdout)]
            } else {
                [(&mut self.stdout, Stream::Stdout), (&mut self.stderr, Stream::Stderr)]
            };
            for (source, stream) in sources {
                let mut line = source.splitter.take();
                if line.is_none() && source.fill(&mut self.chunk) {
                    read = true;
                    line = source.splitter.take();
                }
                if let Some((bytes, full_len)) = line {
                    self.stderr_first = stream == Stream::Stdout;
                    return Output::Line(Line { stream, bytes, full_len });
                }
            }
            if read {
                continue;
            }
            match self.phase {
                Phase::Running => self.wait().await,
                Phase::Draining(exit) => {
                    self.close();
                    return Output::Exited(exit);
                }
                Phase::Closed => return Output::Closed,
            }
        }
    }

    /// Until there is something to read, or the leader ends.
    async fn wait(&mut self) {
        tokio::select! {
            () = self.stdout.readable() => {}
            () = self.stderr.readable() => {}
            // The sender lives in the leader, which we hold.
            _ = self.ended.changed() => {}
        }
    }

    /// What the buffers take, and how much waits in the pipe of standard output.
    #[cfg(test)]
    pub(super) fn load(&self) -> (usize, u64) {
        let waiting =
            self.stdout.pipe.as_ref().map_or(0, |pipe| rustix::io::ioctl_fionread(pipe).unwrap());
        (
            self.stdout.splitter.capacity() + self.stderr.splitter.capacity() + self.chunk.len(),
            waiting,
        )
    }

    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.stdout.pipe = None;
        self.stderr.pipe = None;
        self.chunk = Box::default();
        if let Some(stdin) = self.stdin.take() {
            stdin.abort();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(stdin) = &self.stdin {
            stdin.abort();
        }
        if self.leader.peek().is_none() {
            self.leader.signal_group(rustix::process::Signal::KILL, false);
            // Those that left the group are looked for, where there is still a runtime for it.
            if let Ok(runtime) = Handle::try_current() {
                let group = self.group();
                runtime.spawn(async move { group.stop(Duration::ZERO).await });
            }
        }
    }
}

/// One of the two pipes.
#[derive(Debug)]
struct Source {
    pipe: Option<pipe::Receiver>,
    splitter: Splitter,
    /// How much is still read, once the leader has ended.
    rest: Option<usize>,
}

impl Source {
    fn new() -> Self {
        Self { pipe: None, splitter: Splitter::new(MAX_LINE), rest: None }
    }

    /// Reads what is there, without waiting. Whether anything changed.
    fn fill(&mut self, chunk: &mut [u8]) -> bool {
        let Some(pipe) = &self.pipe else { return false };
        let read = match self.rest {
            None => pipe.try_read(chunk),
            Some(0) => Ok(0),
            // Asked of the system itself: the runtime may not know yet that there is something.
            Some(rest) => {
                let most = rest.min(chunk.len());
                rustix::io::read(pipe, &mut chunk[..most]).map_err(io::Error::from)
            }
        };
        match read {
            Ok(0) => self.end(),
            Ok(n) => {
                self.rest = self.rest.map(|rest| rest - n);
                self.splitter.feed(&chunk[..n]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.rest.is_none() => {
                return false;
            }
            Err(_) => self.end(),
        }
        true
    }

    fn end(&mut self) {
        self.pipe = None;
        self.splitter.end();
    }

    /// Only what lies in the pipe just now is still read.
    fn last_orders(&mut self) {
        if let Some(pipe) = &self.pipe {
            let there = rustix::io::ioctl_fionread(pipe).unwrap_or(0);
            self.rest = Some(usize::try_from(there).unwrap_or(usize::MAX));
        }
    }

    /// Until there may be something to read; for ever, once closed.
    async fn readable(&self) {
        match &self.pipe {
            // A failing pipe is found out by reading it.
            Some(pipe) => drop(pipe.readable().await),
            None => std::future::pending().await,
        }
    }
}
