//! The cases, in the order of RFC 6455, section 5 to 7.

use super::raw::{Frame, close, frame, ping, pong, pong_text, text, with_length};

/// How a case ends.
#[derive(Clone, Copy)]
pub(super) enum End {
    /// Not at all: the socket goes on.
    Open,
    /// With one of these codes; `None` is a close frame without one.
    Closed(&'static [Option<u16>]),
}

pub(super) struct Case {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    /// What the server says before the end.
    pub(super) answers: Vec<Frame>,
    pub(super) end: End,
}

const PING: &[u8] = br#"{"type":"ping"}"#;
const PROTOCOL: End = End::Closed(&[Some(1002)]);
const NOT_TEXT: End = End::Closed(&[Some(1007)]);
const TOO_LARGE: End = End::Closed(&[Some(1009)]);

fn case(name: impl Into<String>, parts: &[Vec<u8>], answers: Vec<Frame>, end: End) -> Case {
    Case { name: name.into(), bytes: parts.concat(), answers, end }
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = fragments();
    all.extend(control_frames());
    all.extend(encoding());
    all.extend(reserved());
    all.extend(lengths());
    all.extend(closes());
    all
}

fn fragments() -> Vec<Case> {
    let pong_alone = || vec![pong_text()];
    let mut all: Vec<Case> = (1..=PING.len())
        .map(|size| {
            // The first says what it is, the last that it is the last, those between neither.
            let parts: Vec<&[u8]> = PING.chunks(size).collect();
            let frames: Vec<Vec<u8>> = parts
                .iter()
                .enumerate()
                .map(|(n, part)| {
                    let last = if n + 1 == parts.len() { 0x80 } else { 0 };
                    frame(last | u8::from(n == 0), part)
                })
                .collect();
            case(format!("text in {} fragments", parts.len()), &frames, pong_alone(), End::Open)
        })
        .collect();
    let (one, two) = PING.split_at(6);
    all.extend([
        case(
            "a ping between fragments is answered first",
            &[frame(0x01, one), ping(b"now"), frame(0x80, two)],
            vec![pong(b"now"), pong_text()],
            End::Open,
        ),
        case(
            "pings between many fragments",
            &[
                frame(0x01, b""),
                ping(b"1"),
                frame(0x00, one),
                ping(b"2"),
                frame(0x00, b""),
                ping(b"3"),
                frame(0x80, two),
                ping(b"4"),
            ],
            vec![pong(b"1"), pong(b"2"), pong(b"3"), pong_text(), pong(b"4")],
            End::Open,
        ),
        case(
            "an unsolicited pong between fragments",
            &[frame(0x01, one), frame(0x8a, b"x"), frame(0x80, two)],
            pong_alone(),
            End::Open,
        ),
        case(
            "empty fragments",
            &[frame(0x01, b""), frame(0x00, b""), frame(0x80, b"")],
            vec![],
            End::Open,
        ),
        case(
            "a binary message in fragments",
            &[frame(0x02, b"\xff"), frame(0x80, b"\xfe")],
            vec![],
            End::Open,
        ),
        case("a continuation of nothing", &[frame(0x80, PING)], vec![], PROTOCOL),
        case("an unfinished continuation of nothing", &[frame(0x00, PING)], vec![], PROTOCOL),
        case(
            "a continuation after a whole message",
            &[text(PING), frame(0x80, b"x")],
            pong_alone(),
            PROTOCOL,
        ),
        case(
            "a new text within a fragmented one",
            &[frame(0x01, one), text(PING)],
            vec![],
            PROTOCOL,
        ),
        case(
            "a new binary within a text",
            &[frame(0x01, one), frame(0x82, b"x")],
            vec![],
            PROTOCOL,
        ),
        case(
            "a fragment begun within a fragmented one",
            &[frame(0x01, one), frame(0x01, two)],
            vec![],
            PROTOCOL,
        ),
        case(
            "a close within a fragmented message",
            &[frame(0x01, one), close(1000)],
            vec![],
            End::Closed(&[Some(1000)]),
        ),
    ]);
    all
}

fn control_frames() -> Vec<Case> {
    let mut all: Vec<Case> = [0, 1, 2, 124, 125]
        .into_iter()
        .map(|length| {
            let payload: Vec<u8> = (0..length).map(|n| 0xff - n as u8).collect();
            let name = format!("a ping of {length} bytes");
            case(name, &[ping(&payload)], vec![pong(&payload)], End::Open)
        })
        .collect();
    let many: Vec<Vec<u8>> = (0..10u8).map(|n| ping(&[n])).collect();
    all.extend([
        case("ten pings at once", &many, (0..10u8).map(|n| pong(&[n])).collect(), End::Open),
        case("a ping of 126 bytes", &[ping(&[0x78; 126])], vec![], PROTOCOL),
        case("a pong of 126 bytes", &[frame(0x8a, &[0x78; 126])], vec![], PROTOCOL),
        case("a close of 126 bytes", &[frame(0x88, &[0x03; 126])], vec![], PROTOCOL),
        case("a fragmented ping", &[frame(0x09, b"x"), frame(0x80, b"y")], vec![], PROTOCOL),
        case("a fragmented pong", &[frame(0x0a, b"x")], vec![], PROTOCOL),
        case("a fragmented close", &[frame(0x08, &1000u16.to_be_bytes())], vec![], PROTOCOL),
        case("an unsolicited pong", &[frame(0x8a, b"nobody asked")], vec![], End::Open),
        case("an empty pong", &[frame(0x8a, b"")], vec![], End::Open),
        case("a pong, then a ping", &[frame(0x8a, b"a"), ping(b"b")], vec![pong(b"b")], End::Open),
    ]);
    all
}

fn encoding() -> Vec<Case> {
    let good = "κόσμε \u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}\u{0}";
    let mut all = vec![
        case("text of every width", &[text(good.as_bytes())], vec![], End::Open),
        case(
            "text cut within a character",
            &[frame(0x01, b"\xe2\x82"), frame(0x80, b"\xac")],
            vec![],
            End::Open,
        ),
        case(
            "text cut within a character, a ping between",
            &[frame(0x01, b"\xf0\x9f"), ping(b"x"), frame(0x80, b"\x9a\x80")],
            vec![pong(b"x")],
            End::Open,
        ),
        case("empty text", &[text(b"")], vec![], End::Open),
        case("text that is no JSON", &[text(b"]{")], vec![], End::Open),
        case("deeply nested JSON", &[text(&b"[".repeat(60_000))], vec![], End::Open),
        case("binary that is no text", &[frame(0x82, b"\xff\xfe\xc3")], vec![], End::Open),
        case(
            "text that becomes bad in its second fragment",
            &[frame(0x01, b"good"), frame(0x80, b"\xce\xba\xed\xa0\x80")],
            vec![],
            NOT_TEXT,
        ),
        case(
            "text that ends within a character",
            &[frame(0x01, b"x\xe2\x82"), frame(0x80, b"")],
            vec![],
            NOT_TEXT,
        ),
        case("a close with a bad reason", &[frame(0x88, b"\x03\xe8\xc3\x28")], vec![], NOT_TEXT),
        case(
            "a close whose reason ends early",
            &[frame(0x88, b"\x03\xe8\xe2\x82")],
            vec![],
            NOT_TEXT,
        ),
    ];
    let bad: [(&str, &[u8]); 10] = [
        ("a lone continuation byte", b"\x80"),
        ("two bytes, the second none", b"\xc3\x28"),
        ("an overlong slash", b"\xc0\xaf"),
        ("an overlong NUL", b"\xc0\x80"),
        ("an overlong in three bytes", b"\xe0\x80\xaf"),
        ("a surrogate", b"\xed\xa0\x80"),
        ("beyond the last character", b"\xf4\x90\x80\x80"),
        ("five bytes", b"\xf8\x88\x80\x80\x80"),
        ("0xff", b"text\xfftext"),
        ("an unfinished character", b"text\xf0\x9f\x9a"),
    ];
    all.extend(
        bad.map(|(name, bytes)| {
            case(format!("bad text: {name}"), &[text(bytes)], vec![], NOT_TEXT)
        }),
    );
    all
}

fn reserved() -> Vec<Case> {
    let mut all: Vec<Case> = [0xc1, 0xa1, 0x91, 0xf1, 0xc9, 0xa8, 0x9a, 0xc2]
        .into_iter()
        .map(|first| {
            case(format!("reserved bits {first:#x}"), &[frame(first, b"x")], vec![], PROTOCOL)
        })
        .collect();
    all.extend((3..=7).chain(11..=15).flat_map(|opcode: u8| {
        [0x80, 0].map(|last| {
            let name = format!("reserved opcode {opcode}, first byte {:#x}", last | opcode);
            case(name, &[frame(last | opcode, b"")], vec![], PROTOCOL)
        })
    }));
    all.extend([
        case(
            "reserved bit after a good message",
            &[text(PING), frame(0xc1, b"x")],
            vec![pong_text()],
            PROTOCOL,
        ),
        case(
            "reserved opcode within a fragmented message",
            &[frame(0x01, b"x"), frame(0x83, b"")],
            vec![],
            PROTOCOL,
        ),
        case("text without a mask", &[b"\x81\x01x".to_vec()], vec![], PROTOCOL),
        case("a ping without a mask", &[b"\x89\x00".to_vec()], vec![], PROTOCOL),
        case("a close without a mask", &[b"\x88\x02\x03\xe8".to_vec()], vec![], PROTOCOL),
        case("HTTP instead of a frame", &[b"GET / HTTP/1.1\r\n\r\n".to_vec()], vec![], PROTOCOL),
    ]);
    all
}

fn lengths() -> Vec<Case> {
    let in_two = |length: u16| [&[0xfe][..], &length.to_be_bytes()].concat();
    let in_eight = |length: u64| [&[0xff][..], &length.to_be_bytes()].concat();
    let mut all: Vec<Case> = [126, 127, 128, 65_535, 65_536]
        .into_iter()
        .map(|length| {
            case(format!("{length} bytes"), &[text(&vec![b'x'; length])], vec![], End::Open)
        })
        .collect();
    let half = vec![b'x'; 40_000];
    all.extend([
        case("one byte over the cap", &[text(&vec![b'x'; 65_537])], vec![], TOO_LARGE),
        case(
            "over the cap in fragments",
            &[frame(0x01, &half), frame(0x80, &half)],
            vec![],
            TOO_LARGE,
        ),
        case(
            "a gigabyte announced",
            &[with_length(0x81, &in_eight(1 << 30), b"x")],
            vec![],
            TOO_LARGE,
        ),
        case(
            "2^63 bytes announced",
            &[with_length(0x81, &in_eight(1 << 63), b"x")],
            vec![],
            End::Closed(&[Some(1002), Some(1009)]),
        ),
        case(
            "2^64-1 bytes announced",
            &[with_length(0x82, &in_eight(u64::MAX), b"x")],
            vec![],
            End::Closed(&[Some(1002), Some(1009)]),
        ),
        // Against the letter of the standard, but without harm: read as what they say.
        case(
            "a short length in two bytes",
            &[with_length(0x81, &in_two(15), PING)],
            vec![pong_text()],
            End::Open,
        ),
        case(
            "a short length in eight bytes",
            &[with_length(0x81, &in_eight(15), PING)],
            vec![pong_text()],
            End::Open,
        ),
        case(
            "a short ping's length in two bytes",
            &[with_length(0x89, &in_two(1), b"x")],
            vec![pong(b"x")],
            End::Open,
        ),
    ]);
    all
}

fn closes() -> Vec<Case> {
    let mut all: Vec<Case> =
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
            .into_iter()
            .map(|code| Case {
                name: format!("close {code}"),
                bytes: close(code),
                answers: vec![Frame { first: 0x88, payload: code.to_be_bytes().to_vec() }],
                end: End::Closed(&[None]),
            })
            .collect();
    all.extend([0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map(
        |code| {
            case(format!("close {code}, which nobody may say"), &[close(code)], vec![], PROTOCOL)
        },
    ));
    let long_reason = [&1000u16.to_be_bytes()[..], &[b'x'; 123]].concat();
    all.extend([
        case("an empty close", &[frame(0x88, b"")], vec![], End::Closed(&[None])),
        case("a close of one byte", &[frame(0x88, b"\x03")], vec![], PROTOCOL),
        case(
            "the longest reason",
            &[frame(0x88, &long_reason)],
            vec![],
            End::Closed(&[Some(1000)]),
        ),
        case("text behind a close", &[close(1000), text(PING)], vec![], End::Closed(&[Some(1000)])),
        case(
            "a ping behind a close",
            &[close(1000), ping(b"x")],
            vec![],
            End::Closed(&[Some(1000)]),
        ),
        case("two closes", &[close(1000), close(1001)], vec![], End::Closed(&[Some(1000)])),
        case(
            "nonsense behind a close",
            &[close(1000), vec![0xff; 20]],
            vec![],
            End::Closed(&[Some(1000)]),
        ),
        case(
            "a large message behind a close",
            &[close(1000), text(&vec![b'x'; 65_000])],
            vec![],
            End::Closed(&[Some(1000)]),
        ),
    ]);
    all
}
