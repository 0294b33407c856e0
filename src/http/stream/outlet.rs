//! The socket under a stream: written whole, or until the server ends; watched for the client's going.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead as _, AsyncWriteExt as _, ReadBuf};

use crate::http::connection::Connection;

use super::shared::{Ending, Phase};

/// Writes `rest` on; false when the server ends before all is written. What is left stays in
/// `rest`: nothing may come between it and its beginning.
pub(super) async fn write_on(
    connection: &mut Connection,
    rest: &mut Bytes,
    ending: &mut Ending,
) -> io::Result<bool> {
    tokio::select! {
        biased;
        written = connection.write_all_buf(rest) => {
            written?;
            // Bytes that are read to their end hold their memory all the same.
            *rest = Bytes::new();
            Ok(true)
        }
        () = ending.reaches(Phase::Ending) => Ok(false),
    }
}

/// Waits until a client that has nothing more to say has gone. What it says all the same is
/// thrown away.
pub(super) async fn hung_up(connection: &mut Connection) {
    poll_fn(|cx| {
        let mut waste = [0; 512];
        loop {
            let mut buffer = ReadBuf::new(&mut waste);
            match ready!(Pin::new(&mut *connection).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    })
    .await;
}
