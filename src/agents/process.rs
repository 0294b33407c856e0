//! stub
#![allow(missing_docs, clippy::all, clippy::pedantic)]
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;
#[derive(Debug, Clone)]
pub struct Cookie(String);
impl Cookie {
    pub fn new(_p: &str, _b: i64, _r: u32) -> Self {
        todo!()
    }
}
#[derive(Debug)]
pub struct Launch {
    pub program: OsString,
    pub args: Vec<OsString>,
    pub folder: PathBuf,
    pub env: Vec<(OsString, OsString)>,
    pub unset: Vec<OsString>,
    pub stdin: Vec<u8>,
    pub cookie: Cookie,
}
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    #[error("m")]
    Missing(String),
    #[error("n")]
    NotExecutable(String),
    #[error("o")]
    Other(#[from] std::io::Error),
}
pub fn find_program(_p: &OsStr, _f: &Path) -> Result<PathBuf, SpawnError> {
    todo!()
}
pub fn spawn(_l: Launch) -> Result<Process, SpawnError> {
    todo!()
}
pub struct Process;
impl Process {
    pub fn pid(&self) -> u32 {
        todo!()
    }
    pub async fn next(&mut self) -> Output {
        todo!()
    }
    pub fn group(&self) -> Group {
        todo!()
    }
}
pub enum Output {
    Line(Line),
    Exited(Exit),
    Closed,
}
#[derive(PartialEq, Eq, Clone, Copy)]
pub enum Stream {
    Stdout,
    Stderr,
}
pub struct Line {
    pub stream: Stream,
    pub bytes: Vec<u8>,
    pub full_len: u64,
}
#[derive(Clone, Copy, Debug)]
pub struct Exit {
    pub code: Option<i32>,
    pub signal: Option<i32>,
}
#[derive(Clone, Debug)]
pub struct Group;
pub struct Usage {
    pub cpu_ms: u64,
    pub rss_bytes: u64,
    pub processes: u32,
}
impl Group {
    pub async fn stop(&self, _g: Duration) -> Receipt {
        todo!()
    }
    pub fn usage(&self) -> Usage {
        todo!()
    }
}
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Receipt {
    pub processes: u32,
    pub killed: u32,
    pub left: u32,
    pub escaped: u32,
}
impl Receipt {
    pub fn merge(&mut self, _o: &Receipt) {
        todo!()
    }
}
pub async fn end_leftovers(_p: &str, _g: Duration) -> Receipt {
    todo!()
}
