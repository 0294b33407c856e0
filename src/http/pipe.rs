//! A body written by a thread that blocks, read by a connection at its own pace.

use std::io::{self, Write};

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// What is handed on at once.
const PART: usize = 64 * 1024;

/// Parts that wait for the reader; then the writer does.
const WAITING: usize = 2;

/// The end that is written to. What was written is handed on at [`Write::flush`] at the latest.
pub(super) struct Pipe {
    to: Sender<io::Result<Bytes>>,
    part: Vec<u8>,
}

/// Both ends.
pub(super) fn pipe() -> (Pipe, impl Stream<Item = io::Result<Bytes>> + Send) {
    let (to, from) = channel(WAITING);
    let parts = stream::unfold(from, |mut from: Receiver<_>| async move {
        from.recv().await.map(|part| (part, from))
    });
    (Pipe { to, part: Vec::with_capacity(PART) }, parts)
}

impl Pipe {
    /// Cuts the body.
    pub(super) fn fail(self, error: io::Error) {
        // Who has gone needs no telling.
        let _ = self.to.blocking_send(Err(error));
    }

    fn hand_on(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART));
        self.to.blocking_send(Ok(part.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PART - self.part.len());
        self.part.extend_from_slice(&bytes[..taken]);
        if self.part.len() >= PART {
            self.hand_on()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_on()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_and_who_has_gone_is_noticed() {
        let (mut to, parts) = pipe();
        let sent: Vec<u8> = (0..PART * 5 + 7).map(|n| n as u8).collect();
        let expected = sent.clone();
        let writer = tokio::task::spawn_blocking(move || {
            to.write_all(&sent).unwrap();
            to.flush().unwrap();
            to
        });
        let mut parts = Box::pin(parts);
        let mut read = Vec::new();
        while read.len() < expected.len() {
            read.extend(parts.next().await.unwrap().unwrap());
        }
        assert!(read == expected);
        let mut to = writer.await.unwrap();
        drop(parts);
        let gone = tokio::task::spawn_blocking(move || to.write_all(&vec![0; PART]));
        assert_eq!(gone.await.unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
