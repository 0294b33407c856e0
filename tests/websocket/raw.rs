//! Frames as bytes, and a socket that sends and reads nothing else.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};

use crate::support::http;

/// A frame of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// FIN, the reserved bits and the opcode.
    pub(super) first: u8,
    pub(super) payload: Vec<u8>,
}

/// A masked frame of a client.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = match payload.len() {
        length @ 0..=125 => vec![0x80 | length as u8],
        length @ 126..=0xffff => [&[0xfe][..], &(length as u16).to_be_bytes()].concat(),
        length => [&[0xff][..], &(length as u64).to_be_bytes()].concat(),
    };
    with_length(first, &length, payload)
}

/// The same with the length said in these bytes, the mask bit in the first of them.
pub(super) fn with_length(first: u8, length: &[u8], payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let masked = payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    [first].into_iter().chain(length.iter().copied()).chain(MASK).chain(masked).collect()
}

pub(super) fn text(payload: &[u8]) -> Vec<u8> {
    frame(0x81, payload)
}

pub(super) fn ping(payload: &[u8]) -> Vec<u8> {
    frame(0x89, payload)
}

pub(super) fn close(code: u16) -> Vec<u8> {
    frame(0x88, &code.to_be_bytes())
}

/// What the server answers to a ping.
pub(super) fn pong(payload: &[u8]) -> Frame {
    Frame { first: 0x8a, payload: payload.to_vec() }
}

/// What it answers to `{"type":"ping"}`.
pub(super) fn pong_text() -> Frame {
    Frame { first: 0x81, payload: br#"{"type":"pong"}"#.to_vec() }
}

pub(super) struct Raw {
    reader: BufReader<TcpStream>,
}

impl Raw {
    pub(super) fn open(port: u16, query: &str) -> Self {
        let mut stream = http::connect(port);
        write!(
            stream,
            "GET /ws{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .unwrap();
        let mut reader = BufReader::new(stream);
        let (status, _) = http::read_head(&mut reader).expect("a handshake");
        assert_eq!(status, 101);
        Self { reader }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        // The server may have seen enough and closed: what it said then is looked at.
        self.send_if_open(bytes);
    }

    pub(super) fn send_if_open(&mut self, bytes: &[u8]) {
        let _ = self.reader.get_mut().write_all(bytes);
    }

    pub(super) fn finish_writing(&self) {
        self.reader.get_ref().shutdown(Shutdown::Write).unwrap();
    }

    /// The next frame; `None` at the end. Servers do not mask, do not fragment what is short, and
    /// say lengths in as few bytes as they can.
    pub(super) fn frame(&mut self) -> Option<Frame> {
        let mut head = [0; 2];
        self.reader.read_exact(&mut head).ok()?;
        assert_eq!(head[1] & 0x80, 0, "a server's frame is not masked");
        let length = match head[1] {
            126 => {
                let mut length = [0; 2];
                self.reader.read_exact(&mut length).ok()?;
                assert!(u16::from_be_bytes(length) > 125);
                u16::from_be_bytes(length).into()
            }
            127 => {
                let mut length = [0; 8];
                self.reader.read_exact(&mut length).ok()?;
                assert!(u64::from_be_bytes(length) > 0xffff);
                u64::from_be_bytes(length) as usize
            }
            length => length.into(),
        };
        let mut payload = vec![0; length];
        self.reader.read_exact(&mut payload).ok()?;
        Some(Frame { first: head[0], payload })
    }

    /// The code of the close frame, which must be the next; `None` where it holds none, or the
    /// connection ends without.
    pub(super) fn closed(&mut self) -> Option<u16> {
        let frame = self.frame()?;
        assert_eq!(frame.first, 0x88, "a close frame is next, not {frame:?}");
        let code = frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code))?;
        assert!(std::str::from_utf8(&frame.payload[2..]).is_ok(), "a reason is text");
        Some(code)
    }

    /// True when nothing more comes and the connection is ended, not reset.
    pub(super) fn ends_in_order(&mut self) -> bool {
        self.reader.fill_buf().is_ok_and(<[u8]>::is_empty)
    }
}
