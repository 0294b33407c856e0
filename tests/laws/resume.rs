//! Cursors of streams: any input has a defined start, and none skips an event.

use sprint_runner::http::doors::{StreamStart, start_of_message, start_of_stream};

const EPOCH: &str = "0a1b2c3d";

/// The logs that a cursor may meet: oldest and last event.
const LOGS: [(u64, u64); 5] =
    [(1, 0), (1, 100), (11, 100), (101, 100), (u64::MAX - 1, u64::MAX - 1)];

/// A zero byte stands between cursors that were sent beside one another.
pub(crate) fn law(data: &[u8]) {
    for (first, head) in LOGS {
        let start = |texts: &[&[u8]]| start_of_stream(texts, EPOCH, first, head);
        let once = start(&[data]);
        check(once, first, head);
        assert_eq!(start(&[data, data]), once, "said twice");
        let texts: Vec<&[u8]> = data.split(|byte| *byte == 0).collect();
        check(start(&texts), first, head);
        if let StreamStart::Resume(id) = once {
            // What is understood is understood in the form that we send, too.
            for form in [format!("{EPOCH}:{id}"), id.to_string()] {
                assert_eq!(start(&[form.as_bytes()]), once);
            }
            assert_eq!(start(&[format!("ffffffff:{id}").as_bytes()]), StreamStart::Reset);
        }
        let text = String::from_utf8_lossy(data);
        let message = |text: &str| start_of_message(text, EPOCH, first, head);
        if let Some(start) = message(&text) {
            check(start, first, head);
        }
        // A text in a message means what it means in the header, where a header can hold it.
        let sent = serde_json::json!({"type": "resume", "last_event_id": text});
        assert_eq!(message(&sent.to_string()), Some(start(&[text.as_bytes()])));
    }
}

fn check(start: StreamStart, first: u64, head: u64) {
    match start {
        StreamStart::Resume(id) => assert!(id + 1 >= first && id <= head, "{id}"),
        StreamStart::Gap(from) => assert_eq!(from, first),
        StreamStart::Init | StreamStart::Reset => {}
    }
}
