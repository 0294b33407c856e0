//! Where events come from: rows appended to a log for ours, POSTs to nchan.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::http::address;
use crate::load::{mark, now_ns};
use crate::ours::now_s;

/// So many bytes an event's JSON has with us, and a message with nchan.
pub(crate) const EVENT_BYTES: usize = 230;
/// POSTs that are sent before the first of them is answered: nchan delivers no more a second with
/// 16 or 100, and less with 1.
const WINDOW: usize = 4;

/// Takes events in.
pub(crate) enum Feed {
    Log(File),
    Post { requests: TcpStream, answers: BufReader<TcpStream>, port: u16 },
}

impl Feed {
    /// Rows of a CSV log, appended as agents do.
    pub(crate) fn log(path: &Path) -> Result<Self> {
        Ok(Self::Log(OpenOptions::new().create(true).append(true).open(path)?))
    }

    /// Messages to a publisher.
    pub(crate) fn post(port: u16) -> Result<Self> {
        let requests = TcpStream::connect(address(port))?;
        requests.set_nodelay(true)?;
        requests.set_read_timeout(Some(Duration::from_secs(15)))?;
        let answers = BufReader::new(requests.try_clone()?);
        Ok(Self::Post { requests, answers, port })
    }

    /// So many events at once.
    pub(crate) fn burst(&mut self, count: usize) -> Result<()> {
        match self {
            Self::Log(file) => {
                let (second, mark) = (now_s(), mark(now_ns()));
                // Equal rows are events of their own.
                let row = format!("{second},1,1-2,dev-story,tests,progress,\"{mark}\"\n");
                file.write_all(row.repeat(count).as_bytes())?;
            }
            Self::Post { requests, answers, port } => {
                let mut left = count;
                while left > 0 {
                    let now = left.min(WINDOW);
                    let body = format!("{:-<EVENT_BYTES$}", mark(now_ns()));
                    let request = format!(
                        "POST /publish HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
                         Content-Length: {EVENT_BYTES}\r\n\r\n{body}"
                    );
                    requests.write_all(request.repeat(now).as_bytes())?;
                    for _ in 0..now {
                        answered(answers)?;
                    }
                    left -= now;
                }
            }
        }
        Ok(())
    }

    /// So many events, at this many a second.
    pub(crate) fn paced(&mut self, count: usize, rate: u32) -> Result<()> {
        let start = Instant::now();
        for n in 0..count {
            let due = Duration::from_secs(1) / rate * n as u32;
            std::thread::sleep(due.saturating_sub(start.elapsed()));
            self.burst(1)?;
        }
        Ok(())
    }
}

/// Reads one answer of the publisher.
fn answered(answers: &mut BufReader<TcpStream>) -> Result<()> {
    let (mut length, mut line, mut first) = (0, String::new(), true);
    loop {
        line.clear();
        ensure!(answers.read_line(&mut line)? > 0, "the publisher has hung up");
        if first {
            ensure!(line.starts_with("HTTP/1.1 20"), "the publisher said: {line}");
            first = false;
        }
        if line.trim_end().is_empty() {
            break;
        }
        let value =
            line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        if let Some((_, value)) = value {
            length = value.trim().parse().context("a length")?;
        }
    }
    let mut body = vec![0; length];
    Ok(answers.read_exact(&mut body)?)
}
